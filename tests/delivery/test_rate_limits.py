"""When mail may go out: rates, warm-up, quiet hours, a time to begin at. Clocks are arguments: nothing waits here."""

from __future__ import annotations

import os
import time as clocks
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.rate_limits import RateLimiter
from newsletter.errors import InvalidValueError
from newsletter.model.schedule import QuietHours, Rate, parse_at, parse_quiet_hours, parse_rate

NOON = 1_700_000_000.0
HOUR, DAY = 3600, 86_400


def limiter_of(rates: str = "", saved: dict[str, str] | None = None, now: float = NOON, **domains: str) -> RateLimiter:
    """A relay's limits; a domain's as `example="5/s"` for example.org."""
    by_name = {f"{name}.org": parse_rate(own) for name, own in domains.items()}
    return RateLimiter(parse_rate(rates) if rates else (), by_name, (), saved or {}, now)


def send_all(limiter: RateLimiter, count: int, now: float, domain: str = "a.org") -> list[float]:
    """When `count` messages go out, each as soon as it may."""
    times = []
    for _ in range(count):
        for _ in range(1000):
            wait = limiter.wait_s(domain, now)
            if not wait:
                break
            now += wait
        else:
            pytest.fail("nobody's turn ever comes")
        limiter.spend(domain, now)
        times.append(now)
    return times


def most_in(times: list[float], width_s: float) -> int:
    """The most of these times that lie in any stretch of this width, its end left out."""
    most = start = 0
    for end, moment in enumerate(times):
        while moment - times[start] >= width_s:
            start += 1
        most = max(most, end - start + 1)
    return most


# --- reading a rate -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("14/s", (Rate(14, 1),)),
        ("30/min", (Rate(30, 60),)),
        ("500/h", (Rate(500, HOUR),)),
        ("2000/day", (Rate(2000, DAY),)),
        ("1/d", (Rate(1, DAY),)),
        (" 14 / S ", (Rate(14, 1),)),
        ("14 per second", (Rate(14, 1),)),
        ("2000/day,14/s , 500/hour", (Rate(14, 1), Rate(500, HOUR), Rate(2000, DAY))),
        ("10000/s", (Rate(10_000, 1),)),
        ("007/s", (Rate(7, 1),)),
    ],
)
def test_a_rate(text: str, rates: tuple[Rate, ...]) -> None:
    assert parse_rate(text) == rates


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("0/s", 'is "0/s": nobody would ever be mailed', "from 1"),
        ("14/s, 0/day", "nobody would ever be mailed", "from 1"),
        ("-5/s", "not a whole number of messages", "longer unit"),
        ("+5/s", "not a whole number of messages", "longer unit"),
        ("0.5/s", "not a whole number of messages", "30/min"),
        ("14", 'is "14", not a rate', "14/s"),
        ("fast", "not a rate", "14/s"),
        ("", "not a rate", "14/s"),
        ("14/s,", "not a rate", "14/s"),
        ("14/week", "not a rate", "14/s"),
        ("14/ms", "not a rate", "14/s"),
        ("14//s", "not a rate", "14/s"),
        ("١٤/s", "not a rate", "14/s"),
        ("14/s 2000/day", "not a rate", "commas"),
        ("1e3/s", "not a rate", "14/s"),
        ("9" * 19 + "/day", "not a rate", "14/s"),
        ("10001/s", "more than 10,000 a second", "no rate at all"),
        ("864000001/day", "more than 10,000 a second", "no rate at all"),
        ("14/s, 20/s", "two limits for one unit", "write 14/s or 20/s"),
        ("14/s\x1b[2J", r"\x1b", "14/s"),
    ],
)
def test_what_is_no_rate(text: str, what: str, remedy: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_rate(text)
    assert what in caught.value.what
    assert remedy in caught.value.remedy


@given(st.sampled_from([1, 60, HOUR, DAY]), st.integers(1, 10_000))
def test_a_rate_reads_as_it_is_written(per_s: int, count: int) -> None:
    assert parse_rate(str(Rate(count, per_s))) == (Rate(count, per_s),)


# --- no limit -------------------------------------------------------------------------------------------------------


def test_without_limits_nobody_waits_and_nothing_is_kept() -> None:
    limiter = limiter_of()
    assert send_all(limiter, 1000, NOON) == [NOON] * 1000
    assert not limiter.limited
    assert not limiter.by_domain
    assert limiter.saved_state() == {}


def test_it_says_what_it_has() -> None:
    assert (limiter_of("14/s").limited, limiter_of("14/s").by_domain) == (True, False)
    assert (limiter_of(qq="5/s").limited, limiter_of(qq="5/s").by_domain) == (True, True)
    assert RateLimiter((), {"qq.com": ()}, (), {}, NOON).limited is False
    assert RateLimiter((), {}, (10,), {}, NOON).limited


# --- a second's and a minute's rate ---------------------------------------------------------------------------------


def test_a_seconds_rate_is_spread_evenly() -> None:
    times = send_all(limiter_of("14/s"), 14 * 60, NOON)
    assert times[-1] - times[0] == pytest.approx(59.9, abs=0.1)
    assert most_in(times, 1.0) == 14
    assert most_in(times, 0.1) <= 1 + 2 * 1.4


def test_one_who_comes_late_now_and_then_loses_no_turn() -> None:
    limiter, now, sent = limiter_of("50/s"), NOON, 0
    while now < NOON + 60:  # a loop that looks every 15 ms
        while not limiter.wait_s("a.org", now):
            limiter.spend("a.org", now)
            sent += 1
        now += 0.015
    assert sent == pytest.approx(3000, abs=10)


def test_a_pause_earns_no_more_than_a_tenth_of_a_second() -> None:
    limiter = limiter_of("100/s")
    send_all(limiter, 100, NOON)
    later = NOON + 1000
    assert sum(moment == later for moment in send_all(limiter, 100, later)) == 11


def test_one_a_second() -> None:
    assert send_all(limiter_of("1/s"), 4, NOON) == pytest.approx([NOON, NOON + 1, NOON + 2, NOON + 3], abs=0.01)


def test_a_minutes_rate() -> None:
    times = send_all(limiter_of("30/min"), 90, NOON)
    assert most_in(times, 60) == 30
    assert times[1] - times[0] == pytest.approx(2, abs=0.2)
    assert times[-1] - times[0] == pytest.approx(178, abs=2)


# --- an hour's and a day's rate -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "width_s"), [("500/h", HOUR), ("2000/day", DAY)])
def test_all_of_an_hours_or_days_rate_may_go_at_once(text: str, width_s: int) -> None:
    count = parse_rate(text)[0].count
    times = send_all(limiter_of(text), count + 1, NOON)
    assert times[:count] == [NOON] * count
    assert width_s <= times[count] - NOON <= width_s * (1 + 1 / 288)


def test_yesterdays_issue_delays_todays_by_five_minutes_at_most() -> None:
    limiter = limiter_of("1000/day")
    send_all(limiter, 1000, NOON)
    assert send_all(limiter, 1000, NOON + DAY)[-1] <= NOON + DAY + 300


def test_a_limit_lowered_between_runs_counts_what_was_sent() -> None:
    limiter = limiter_of("1000/day")
    for minute in range(100):
        send_all(limiter, 10, NOON + 60 * minute)
    now = NOON + 100 * 60
    lower = limiter_of("50/day", dict(limiter.saved_state()), now)
    assert lower.wait_s("a.org", now) > DAY - 100 * 60
    assert most_in(send_all(lower, 60, now), DAY) == 50


def test_saved_states_are_small() -> None:
    limiter, now = limiter_of("14/s, 500/h, 2000/day", qq="200/h"), NOON
    for _ in range(5000):
        now += limiter.wait_s("qq.org", now) + 20
        limiter.spend("qq.org", now)
    saved = limiter.saved_state()
    assert set(saved) == {"s", "h", "day", "qq.org/h", "clock"}
    assert max(map(len, saved.values())) < 5000


# --- several limits -------------------------------------------------------------------------------------------------


def test_the_strictest_limit_counts() -> None:
    times = send_all(limiter_of("10/s, 20/min, 25/h"), 30, NOON)
    assert (most_in(times, 1), most_in(times, 60), most_in(times, HOUR)) <= (10, 20, 25)
    assert most_in(times, HOUR) == 25
    assert times[24] - NOON < 80
    assert times[25] - NOON >= HOUR


def test_a_domains_limit_holds_nobody_else_up() -> None:
    limiter = limiter_of(qq="2/h")
    send_all(limiter, 2, NOON, "qq.org")
    assert limiter.wait_s("qq.org", NOON) >= HOUR
    assert limiter.wait_s("a.org", NOON) == 0.0
    assert limiter.wait_s("mail.qq.org", NOON) == 0.0


def test_mail_to_a_limited_domain_counts_for_the_relay_too() -> None:
    limiter = limiter_of("3/h", qq="2/h")
    send_all(limiter, 2, NOON, "qq.org")
    send_all(limiter, 1, NOON, "a.org")
    assert limiter.wait_s("a.org", NOON) >= HOUR


# --- not sent after all ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", ["1/h", "1/day"])
def test_what_was_not_sent_does_not_count(rate: str) -> None:
    limiter = limiter_of(rate, qq=rate)
    limiter.spend("qq.org", NOON)
    assert limiter.wait_s("qq.org", NOON) > 0
    limiter.refund("qq.org", NOON)
    assert limiter.wait_s("qq.org", NOON) == 0.0


def test_a_refund_takes_the_oldest_for_not_sent() -> None:
    """It may have been the newest that was: then what is left is what was really sent, or later than that."""
    limiter = limiter_of("2/h")
    limiter.spend("a.org", NOON)
    limiter.spend("a.org", NOON + 600)
    limiter.refund("a.org", NOON + 600)
    assert send_all(limiter, 2, NOON + 600) == pytest.approx([NOON + 600, NOON + 600 + HOUR], abs=13)


@pytest.mark.parametrize("rate", ["1/s", "1/min"])
def test_a_turn_that_was_not_used_is_lost(rate: str) -> None:
    limiter = limiter_of(rate)
    limiter.spend("a.org", NOON)
    limiter.refund("a.org", NOON)
    assert 0 < limiter.wait_s("a.org", NOON) <= 60


@pytest.mark.parametrize("rate", ["10/s", "10/min", "10/h", "10/day"])
def test_a_refund_of_nothing_gives_nothing(rate: str) -> None:
    limiter = limiter_of(rate)
    for _ in range(5):
        limiter.refund("a.org", NOON)
    times = send_all(limiter, 40, NOON)
    assert most_in(times, parse_rate(rate)[0].per_s) == 10


# --- warm-up --------------------------------------------------------------------------------------------------------


def warming(*allowed: int, saved: dict[str, str] | None = None, now: float = NOON) -> RateLimiter:
    return RateLimiter((), {}, allowed, saved or {}, now)


def test_each_of_the_first_days_has_its_number_and_then_there_is_none() -> None:
    times = send_all(warming(2, 4, 8), 1000, NOON)
    days = [sum(NOON + DAY * day <= moment < NOON + DAY * (day + 1) for moment in times) for day in range(4)]
    assert days == [2, 4, 8, 986]


def test_days_count_from_the_first_mail_not_from_the_configuration() -> None:
    limiter = warming(2, 4)
    assert limiter.wait_s("a.org", NOON + 10 * DAY) == 0.0
    times = send_all(limiter, 3, NOON + 10 * DAY)
    assert times[2] == pytest.approx(NOON + 11 * DAY)


def test_a_warm_up_goes_on_after_a_restart() -> None:
    limiter = warming(3, 4)
    send_all(limiter, 2, NOON)
    again = warming(3, 4, saved=dict(limiter.saved_state()), now=NOON + 60)
    times = send_all(again, 6, NOON + 60)
    assert times[0] == NOON + 60
    assert times[1] == pytest.approx(NOON + DAY)
    assert times[5] == pytest.approx(NOON + 2 * DAY)


def test_a_first_mail_that_was_not_sent_begins_no_warm_up() -> None:
    limiter = warming(1, 2)
    limiter.spend("a.org", NOON)
    limiter.refund("a.org", NOON)
    assert send_all(limiter, 2, NOON + 5 * DAY)[1] == pytest.approx(NOON + 6 * DAY)


def test_a_refund_counts_for_the_day_it_is_made_on() -> None:
    limiter = warming(2, 1)
    send_all(limiter, 2, NOON)
    limiter.refund("a.org", NOON + DAY)
    assert send_all(limiter, 2, NOON + DAY)[1] == pytest.approx(NOON + 2 * DAY)


# --- restarts and clocks --------------------------------------------------------------------------------------------


def test_a_restart_begins_no_new_day() -> None:
    limiter = limiter_of("100/day")
    send_all(limiter, 100, NOON)
    again = limiter_of("100/day", dict(limiter.saved_state()), NOON + 60)
    assert again.wait_s("a.org", NOON + 60) > DAY - 60


def test_runs_of_one_message_are_no_faster_than_one_long_run() -> None:
    saved: dict[str, str] = {}
    times, now = [], NOON
    for _ in range(60):
        limiter = limiter_of("14/s", saved, now)
        now = send_all(limiter, 1, now)[0]
        times.append(now)
        saved = dict(limiter.saved_state())
    assert most_in(times, 1.0) <= 14


def test_a_new_run_waits_for_no_more_than_was_sent_of_late() -> None:
    limiter = limiter_of("30/min")
    send_all(limiter, 30, NOON)
    limiter.spend("a.org", NOON + 1000)
    again = limiter_of("30/min", dict(limiter.saved_state()), NOON + 1000)
    assert again.wait_s("a.org", NOON + 1000) < 2.1


def test_marks_hold_all_that_was_sent_however_often_they_are_taken() -> None:
    limiter = limiter_of("6/h, 6/day")
    for n in range(6):
        now = NOON + 400 * n
        assert limiter_of("6/h, 6/day", dict(limiter.saved_state()), now).wait_s("a.org", now) == 0.0
        limiter.spend("a.org", now)
    now = NOON + 2000
    for rates in ("6/h", "6/day"):
        assert limiter_of(rates, dict(limiter.saved_state()), now).wait_s("a.org", now) > 0
        assert limiter_of(rates.replace("6", "7"), dict(limiter.saved_state()), now).wait_s("a.org", now) == 0.0


def test_marks_of_limits_that_are_gone_are_left_aside() -> None:
    limiter = limiter_of("100/day", qq="5/h")
    send_all(limiter, 5, NOON, "qq.org")
    again = limiter_of("100/h", dict(limiter.saved_state()), NOON)
    assert send_all(again, 100, NOON)[-1] == NOON


def test_a_clock_set_back_blocks_nobody_for_longer_and_gives_nothing() -> None:
    limiter = limiter_of("10/h")
    send_all(limiter, 10, NOON)
    back = NOON - 365 * DAY
    assert HOUR <= limiter.wait_s("a.org", back) <= HOUR + 13
    assert limiter.wait_s("a.org", back + HOUR + 13) == 0.0


def test_a_clock_set_back_between_runs() -> None:
    limiter = limiter_of("10/h")
    send_all(limiter, 10, NOON)
    back = NOON - 365 * DAY
    again = limiter_of("10/h", dict(limiter.saved_state()), back)
    assert HOUR <= again.wait_s("a.org", back) <= HOUR + 13
    assert len(send_all(again, 10, back + HOUR + 13)) == 10
    third = limiter_of("10/h", dict(again.saved_state()), back + HOUR + 14)
    assert third.wait_s("a.org", back + HOUR + 14) > HOUR - 20


def test_a_clock_set_forward_gives_one_full_limit_and_no_more() -> None:
    limiter = limiter_of("10/h, 20/day")
    send_all(limiter, 10, NOON)
    forward = NOON + 365 * DAY
    assert send_all(limiter, 10, forward)[-1] == forward
    assert limiter.wait_s("a.org", forward) >= HOUR
    # And when it is set right again, it is as it was.
    assert HOUR <= limiter.wait_s("a.org", NOON) <= HOUR + 13


LIMITS = st.sampled_from(
    ["1/s", "3/s", "14/s", "2/min", "30/min", "1/h", "7/h", "5/day", "40/day", "5/s, 20/min, 50/h"]
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["go", "go", "go", "go", "refund", "restart", "wait", "jump"]),
        st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.0, 7.0, 59.0, 61.0, 700.0, 3599.0, 3601.0, 40_000.0, 90_000.0]),
    ),
    min_size=20,
    max_size=120,
)


@given(LIMITS, STEPS, st.floats(0, 1e6))
def test_never_more_than_the_limit_in_any_window(limits: str, steps: list[tuple[str, float]], start: float) -> None:
    """Whatever the arrivals, restarts, refunds and jumps. Time is what went by: a clock set back stands still."""
    now = NOON + start
    limiter = limiter_of(limits, now=now)
    gone_by = 0.0
    sent: list[float] = []
    for what, seconds in steps:
        if what == "wait":
            now, gone_by = now + seconds, gone_by + seconds
        elif what == "jump":
            now -= seconds
        elif what == "restart":
            limiter = limiter_of(limits, dict(limiter.saved_state()), now)
        elif what == "refund" and sent and gone_by - sent[-1] < HOUR:
            limiter.refund("a.org", now)
            # Any of those of the last hour.
            sent.pop(next(n for n, moment in enumerate(sent) if moment > gone_by - HOUR or moment == sent[-1]))
        elif what == "go":
            # A clock that was set back is seen by whoever looks; what went by unseen before that is not counted.
            if not limiter.wait_s("a.org", now):
                limiter.spend("a.org", now)
                sent.append(gone_by)
            else:
                now, gone_by = now + seconds, gone_by + seconds
    for rate in parse_rate(limits):
        # Clocks near 1.7e9 are good to 2e-7 s.
        assert most_in(sent, rate.per_s - 1e-5) <= rate.count


@given(LIMITS, st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.booleans())
def test_nobody_starves(limits: str, jumps: list[float], restarts: bool) -> None:
    """After any jumps, the next message goes out within the longest of the windows and one slot."""
    now = NOON
    limiter = limiter_of(limits, now=now)
    longest = max(rate.per_s for rate in parse_rate(limits))
    for jump in jumps:
        send_all(limiter, 3, now)
        now += jump
        if restarts:
            limiter = limiter_of(limits, dict(limiter.saved_state()), now)
    waited = send_all(limiter, 1, now)[0] - now
    assert waited <= longest * (1 + 2 / 288) + 0.01


@given(LIMITS, st.lists(st.floats(0, 2000), min_size=1, max_size=60))
def test_what_it_promises_it_keeps(limits: str, pauses: list[float]) -> None:
    """Whoever waits as long as told may go then, or is told at most a few times more."""
    limiter, now = limiter_of(limits), NOON
    for pause in pauses:
        now += pause
        for _ in range(5):
            wait = limiter.wait_s("a.org", now)
            if not wait:
                break
            now += wait
        assert limiter.wait_s("a.org", now) == 0.0
        limiter.spend("a.org", now)


def test_marks_that_are_none_are_not_taken_for_a_new_day() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        limiter_of("5/day", {"day": "gone"})


@pytest.mark.parametrize("limits", ["5/min", "5/h", "5/day", "3/s, 5/day"])
def test_a_clock_that_once_stood_in_2036_puts_off_nothing_until_then(limits: str) -> None:
    """A battery ran out, a run was made; the clock is right again."""
    future, now = datetime(2036, 1, 1, tzinfo=UTC).timestamp(), datetime(2026, 3, 2, tzinfo=UTC).timestamp()
    there = RateLimiter(parse_rate(limits), {"a.example": parse_rate("2/h")}, (5, 5), {}, future)
    for _ in range(5):
        there.spend("a.example", future)
    here = RateLimiter(parse_rate(limits), {"a.example": parse_rate("2/h")}, (5, 5), there.saved_state(), now)
    assert here.wait_s("", now) <= 86_400 * (1 + 2 / 288)
    assert here.wait_s("", now + 86_400 + 600) == 0.0


# --- quiet hours ----------------------------------------------------------------------------------------------------

BERLIN, SHANGHAI, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


@pytest.fixture
def machine_in_berlin() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    clocks.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    clocks.tzset()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("22:00-07:00", time(22), time(7)),
        ("9:30 - 17:05", time(9, 30), time(17, 5)),
        ("22:00–07:00", time(22), time(7)),
        ("22:00 to 07:00", time(22), time(7)),
        ("20:00-24:00", time(20), time(0)),
    ],
)
def test_quiet_hours_read(text: str, start: time, end: time) -> None:
    assert parse_quiet_hours(text, BERLIN) == QuietHours(start, end, BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "22:00",
        "22-7",
        "22:00-07:60",
        "25:00-07:00",
        "24:00-07:00",
        "at night",
        "22:00-07:00-08:00",
        "２２:00-07:00",
    ],
)
def test_what_are_no_quiet_hours(text: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_quiet_hours(text)
    assert caught.value.what.endswith("not two times of day")
    assert caught.value.remedy == 'write "22:00-07:00"'


@pytest.mark.parametrize("text", ["08:00-08:00", "00:00-24:00"])
def test_a_whole_day_of_quiet_is_a_slip(text: str) -> None:
    with pytest.raises(InvalidValueError, match="a whole day"):
        parse_quiet_hours(text)


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        ("22:00-07:00", "2026-01-10T21:59:59", None),
        ("22:00-07:00", "2026-01-10T22:00:00", "2026-01-11T07:00:00"),
        ("22:00-07:00", "2026-01-10T23:59:59", "2026-01-11T07:00:00"),
        ("22:00-07:00", "2026-01-11T00:00:00", "2026-01-11T07:00:00"),
        ("22:00-07:00", "2026-01-11T06:59:59", "2026-01-11T07:00:00"),
        ("22:00-07:00", "2026-01-11T07:00:00", None),
        ("12:00-14:00", "2026-01-10T11:59:00", None),
        ("12:00-14:00", "2026-01-10T13:00:00", "2026-01-10T14:00:00"),
        ("12:00-14:00", "2026-01-10T14:00:00", None),
        ("20:00-24:00", "2026-01-10T23:00:00", "2026-01-11T00:00:00"),
        ("00:00-06:00", "2026-01-10T00:00:00", "2026-01-10T06:00:00"),
        ("07:01-07:00", "2026-01-10T07:00:30", None),
        ("07:01-07:00", "2026-01-10T07:01:00", "2026-01-11T07:00:00"),
    ],
)
def test_quiet_until(text: str, now: str, until: str | None) -> None:
    found = parse_quiet_hours(text, SHANGHAI).until(datetime.fromisoformat(now).replace(tzinfo=SHANGHAI))
    assert found == (datetime.fromisoformat(until).replace(tzinfo=SHANGHAI) if until else None)


def test_quiet_is_where_the_zone_is_not_where_now_is_told() -> None:
    hours = parse_quiet_hours("22:00-07:00", SHANGHAI)
    until = hours.until(datetime(2026, 1, 10, 15, 0, tzinfo=UTC))
    assert until is not None
    assert f"{until:%Y-%m-%d %H:%M %z}" == "2026-01-11 07:00 +0800"
    assert hours.until(datetime(2026, 1, 10, 23, 0, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("text", "now", "until"),
    [
        # 29 March 2026: 02:00 becomes 03:00 in Berlin; the night has an hour less.
        ("22:00-07:00", "2026-03-28T21:00+00:00", "2026-03-29T05:00+00:00"),
        ("22:00-02:30", "2026-03-29T00:59+00:00", "2026-03-29T01:30+00:00"),
        ("22:00-02:30", "2026-03-29T01:29+00:00", "2026-03-29T01:30+00:00"),
        ("22:00-02:30", "2026-03-29T01:30+00:00", None),
        ("02:30-05:00", "2026-03-29T01:15+00:00", None),
        ("02:30-05:00", "2026-03-29T01:30+00:00", "2026-03-29T03:00+00:00"),
        # 25 October 2026: 03:00 becomes 02:00; 02:30 comes twice.
        ("22:00-07:00", "2026-10-24T20:00+00:00", "2026-10-25T06:00+00:00"),
        ("22:00-02:30", "2026-10-25T00:45+00:00", "2026-10-25T01:30+00:00"),
        ("22:00-02:30", "2026-10-25T01:30+00:00", None),
        ("02:30-05:00", "2026-10-25T00:30+00:00", "2026-10-25T04:00+00:00"),
        ("02:30-05:00", "2026-10-25T00:29+00:00", None),
    ],
)
@pytest.mark.usefixtures("machine_in_berlin")
def test_quiet_where_clocks_change(text: str, now: str, until: str | None) -> None:
    expected = datetime.fromisoformat(until) if until else None
    for zone in (BERLIN, None):
        found = parse_quiet_hours(text, zone).until(datetime.fromisoformat(now))
        assert (found and found.astimezone(UTC)) == expected, zone


@given(
    st.times(),
    st.times(),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from([BERLIN, NEW_YORK]),
)
def test_quiet_ends_within_a_day_and_is_over_then(start: time, end: time, now: datetime, zone: ZoneInfo) -> None:
    if start.replace(second=0, microsecond=0) == end.replace(second=0, microsecond=0):
        return
    hours = QuietHours(start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0), zone)
    moment = now.replace(tzinfo=UTC)
    until = hours.until(moment)
    if until is None:
        return
    assert timedelta(0) < until - moment <= timedelta(hours=25)
    # It may be quiet again at once, where the next night begins in an hour that comes twice.
    again = hours.until(until)
    assert again is None or again > until


# --- a time to begin at ---------------------------------------------------------------------------------------------

MONDAY = datetime(2026, 3, 2, 9, 30, 20, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("10:00", "2026-03-02T10:00+08:00"),
        ("8:00", "2026-03-03T08:00+08:00"),
        ("08:00", "2026-03-03T08:00+08:00"),
        ("09:30", "2026-03-02T09:30+08:00"),  # the minute that has begun
        ("09:29", "2026-03-03T09:29+08:00"),
        (" 00:00 ", "2026-03-03T00:00+08:00"),
        ("2026-03-02T10:00", "2026-03-02T10:00+08:00"),
        ("2026-03-02 10:00", "2026-03-02T10:00+08:00"),
        ("2026-03-02T10:00:30", "2026-03-02T10:00:30+08:00"),
        ("2026-03-02T09:30", "2026-03-02T09:30+08:00"),
        ("2026-03-02T02:00Z", "2026-03-02T10:00+08:00"),
        ("2026-03-02T08:00+01:00", "2026-03-02T15:00+08:00"),
        ("2027-03-02T08:00", "2027-03-02T08:00+08:00"),
    ],
)
def test_a_time_to_begin_at(text: str, when: str) -> None:
    found = parse_at(text, MONDAY, SHANGHAI)
    assert found == datetime.fromisoformat(when)
    assert found.utcoffset() is not None
    assert parse_at(text, MONDAY.astimezone(UTC), SHANGHAI) == found


@pytest.mark.parametrize(
    ("text", "now", "when"),
    [
        ("08:00", "2026-03-02T08:01+08:00", "2026-03-02T08:00+08:00"),
        ("08:00", "2026-03-02T08:14:59+08:00", "2026-03-02T08:00+08:00"),
        ("08:00", "2026-03-02T08:15+08:00", "2026-03-03T08:00+08:00"),
        ("08:00", "2026-03-02T07:59+08:00", "2026-03-02T08:00+08:00"),
        ("23:55", "2026-03-03T00:05+08:00", "2026-03-02T23:55+08:00"),  # over midnight
        ("2026-03-02T08:00", "2026-03-02T08:10+08:00", "2026-03-02T08:00+08:00"),
    ],
)
def test_a_time_that_has_just_passed_is_meant(text: str, now: str, when: str) -> None:
    """A machine that wakes late, a post that took a minute to read: not a day's wait."""
    found = parse_at(text, datetime.fromisoformat(now), SHANGHAI, window=timedelta(minutes=15))
    assert found == datetime.fromisoformat(when)


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        ("2026-03-02T08:00", 'is "2026-03-02T08:00", which has passed', "a time to come"),
        ("2026-03-02T09:29", "which has passed", "a time to come"),
        ("1999-01-01T00:00", "which has passed", "a time to come"),
        ("2027-03-04T08:00", "over a year from now", "twelve months"),
        ("9999-12-31T23:59", "over a year from now", "twelve months"),
        ("0001-01-01T00:00", "too far away", "twelve months"),
        ("2026-02-30T08:00", "not a time", "08:00"),
        ("2026-03-02", "not a time", "08:00"),
        ("tomorrow", "not a time", "08:00"),
        ("8", "not a time", "08:00"),
        ("08:60", "not a time", "08:00"),
        ("24:00", "not a time", "08:00"),
        ("2026-W10-1T08:00", "not a time", "08:00"),
        ("2026-03-02T08:00+99:00", "not a time", "08:00"),
        ("", "not a time", "08:00"),
        ("08:00\x00", "not a time", "08:00"),
    ],
)
def test_what_is_no_time_to_begin_at(text: str, what: str, remedy: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_at(text, MONDAY, SHANGHAI)
    assert what in caught.value.what
    assert remedy in caught.value.remedy


@pytest.mark.usefixtures("machine_in_berlin")
def test_the_next_eight_oclock_is_one_after_the_clocks_have_changed() -> None:
    """`datetime.now().astimezone()` has today's offset, which is not that of tomorrow's 08:00."""
    evening = datetime(2026, 3, 28, 20, 0, tzinfo=timezone(timedelta(hours=1)))
    assert parse_at("08:00", evening) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)
    assert f"{parse_at('08:00', evening):%H:%M %Z}" == "08:00 CEST"
    assert parse_at("2026-03-29T08:00", evening) == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


def test_a_time_that_a_change_of_clocks_leaves_out() -> None:
    night = datetime(2026, 3, 29, 0, 0, tzinfo=BERLIN)
    assert parse_at("02:30", night, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@given(
    st.times(), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from([BERLIN, NEW_YORK, SHANGHAI])
)
def test_the_next_time_of_day_is_at_most_a_day_away(clock: time, now: datetime, zone: ZoneInfo) -> None:
    moment = now.replace(tzinfo=UTC)
    found = parse_at(f"{clock:%H:%M}", moment, zone)
    assert timedelta(minutes=-1) < found - moment <= timedelta(hours=25)
