"""Rate limits that several workers share: together they get no more turns than the limits allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.config.config import RelaySettings
from newsletter.delivery.leased_rate_limits import LEASE_S, USED_WITHIN_S, Lease, LeasedRateLimiter
from newsletter.delivery.rate_limits import RateLimiter
from newsletter.delivery.throttle import RelayThrottle
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import Relay
from newsletter.model.schedule import DAY_S, HOUR_S, Rate
from newsletter.pipeline.lease_rates import give_back, limiter_of, share_pause, take_lease

RELAY = RelaySettings(
    Relay("127.0.0.1", 25, "none", name="ours"),
    rates=(),
    domains={},
    warm_up=(),
    connections=1,
    messages_per_connection=0,
    timeout_s=30,
    dot_timeout_s=60,
)


def opened(place: Path | str) -> Ledger:
    return Ledger.open(place, lambda: datetime.now(UTC))


def test_turns_of_two_workers_are_one_row(postgres_url: str) -> None:
    relay = replace(RELAY, rates=(Rate(10, 1),))
    with opened(postgres_url) as one, opened(postgres_url) as two:
        first, second = take_lease(one, relay, "", 4), take_lease(two, relay, "", 4)
        assert [round(turn, 6) for turn in first.turns] == [0, 0.1, 0.2, 0.3]
        steps = [later - earlier for earlier, later in zip(second.turns, second.turns[1:], strict=False)]
        assert steps == pytest.approx([0.1] * 3)
        # The second's turns begin where the first's ended, however long it took to ask for them.
        assert second.turns[0] <= 0.4
        taken = len(first.turns) + len(second.turns)
        while turns := take_lease(one, relay, "", 100).turns:
            taken += len(turns)
            if taken > 1_000:
                raise AssertionError("no end of turns")
            if turns[-1] > LEASE_S - 0.2:
                break
        assert take_lease(two, relay, "", 100).turns == () or turns[-1] <= LEASE_S


@pytest.mark.parametrize("per_s", [HOUR_S, DAY_S])
def test_a_quota_is_one_for_all_and_for_a_run_alone(postgres_url: str, per_s: int) -> None:
    relay = replace(RELAY, rates=(Rate(5, per_s),))
    with opened(postgres_url) as one, opened(postgres_url) as two:
        assert len(take_lease(one, relay, "", 3).turns) == 3
        assert len(take_lease(two, relay, "", 3).turns) == 2
        used_up = take_lease(one, relay, "", 3)
        assert used_up.turns == ()
        assert 0.9 * per_s < used_up.blocked_s <= 1.1 * per_s
        give_back(two, relay, "", 1)
        assert len(take_lease(one, relay, "", 3).turns) == 1
        saved = {name.removeprefix("ours/"): mark for name, mark in one.rate_limit_state().items()}
    now = datetime.now(UTC).timestamp()
    assert RateLimiter(relay.rates, {}, (), saved, now).wait_s("example.com", now) > 0.5 * per_s


def test_a_warm_up_and_a_domain_have_turns_of_their_own(postgres_url: str) -> None:
    relay = replace(RELAY, warm_up=(3,), domains={"example.com": (Rate(2, DAY_S),)})
    with opened(postgres_url) as ledger:
        assert len(take_lease(ledger, relay, "", 9).turns) == 3
        assert len(take_lease(ledger, relay, "example.com", 9).turns) == 2
        assert take_lease(ledger, relay, "", 9).blocked_s > 0


def test_turns_are_used_in_time_or_lost() -> None:
    limiter = LeasedRateLimiter(relay=True, domains=["example.com"])
    assert limiter.wait_s("example.org", 100.0) > 0
    assert limiter.asked.is_set()
    (wanted,) = limiter.wanted().items()
    assert wanted[0] == ""
    limiter.take_in("", Lease((0.0, 0.5)), 100.0)
    assert limiter.wait_s("example.org", 100.0) == 0
    assert limiter.wait_s("example.com", 100.0) > 0  # the domain's own are not there yet
    limiter.spend("example.org", 100.0)
    assert limiter.wait_s("example.org", 100.0) == pytest.approx(0.5)
    assert limiter.wait_s("example.org", 100.5 + USED_WITHIN_S + 0.1) > 0
    limiter.take_in("", Lease((), 60.0), 200.0)
    assert limiter.wait_s("example.org", 200.0) == pytest.approx(60.0)
    limiter.refund("example.org", 200.0)
    assert limiter.wait_s("example.org", 200.0) == 0
    assert limiter.unused() == {"": 1}


def test_without_limits_nothing_is_asked_for() -> None:
    limiter = limiter_of(RELAY)
    assert not limiter.limited
    assert limiter.wait_s("example.com", 0.0) == 0
    limiter.spend("example.com", 0.0)
    limiter.refund("example.com", 0.0)
    assert not limiter.asked.is_set()


def test_a_pause_is_one_for_all(postgres_url: str) -> None:
    with opened(postgres_url) as one, opened(postgres_url) as two:
        assert share_pause(one, "ours", 0.0) == 0
        assert share_pause(one, "ours", 60.0) == 60
        heard = share_pause(two, "ours", 0.0)
        assert 30 < heard <= 60
        assert share_pause(two, "theirs", 0.0) == 0
        assert share_pause(two, "ours", 120.0) == 120
    throttle = RelayThrottle()
    assert throttle.wait_s(100.0) == 0
    throttle.hold(100.0, heard)
    assert throttle.wait_s(100.0) == throttle.paused_s(100.0) == heard
    throttle.hold(100.0, 1.0)  # a shorter one ends nothing
    assert throttle.wait_s(100.0) == heard
