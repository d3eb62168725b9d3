"""Lease turns of the relays' rate limits from the ledger, for one of several workers.

The database's clock counts, so that a machine whose clock is wrong gets no more than the others. Limits per second and
minute are kept as the time of the next free turn (GCRA, the generic cell rate algorithm); those per hour and day, and
the warm-up, as a run alone keeps them, so that the day's quota is one whoever sends.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from newsletter.config.config import RelaySettings
from newsletter.delivery.leased_rate_limits import LEASE_S, RELAY, Lease, LeasedRateLimiter
from newsletter.delivery.rate_limits import SlidingWindow, WarmUpLimit
from newsletter.errors import LedgerError
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.rate_limit_state import rate_limit_state, save_rate_limits
from newsletter.model.schedule import MINUTE_S, UNITS

_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('newsletter rates'), hashtext(:relay))")
_NOW = sa.text("SELECT CAST(extract(epoch FROM clock_timestamp()) AS double precision)")


def limiter_of(settings: RelaySettings) -> LeasedRateLimiter:
    """A limiter without turns yet."""
    domains = [domain for domain, rates in settings.domains.items() if rates]
    return LeasedRateLimiter(relay=bool(settings.rates or settings.warm_up), domains=domains)


class RateLeases:
    """The limiters of a machine's relays, and a thread for each that has limits, which leases their turns.

    They are kept from shard to shard: turns that one leaves are used by the next.
    """

    def __init__(self, place: Path | str, relays: Sequence[RelaySettings]) -> None:
        self._place = place
        self._held = [(settings, limiter_of(settings)) for settings in relays]
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._lease, args=held, name="rate leases", daemon=True)
            for held in self._held
            if held[1].limited
        ]

    @property
    def limiters(self) -> Sequence[LeasedRateLimiter]:
        """One for each relay, in their order."""
        return [limiter for _, limiter in self._held]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for limiter in self.limiters:
            limiter.asked.set()
        for thread in self._threads:
            thread.join()

    def _lease(self, settings: RelaySettings, limiter: LeasedRateLimiter) -> None:
        while not self._over.is_set():
            with suppress(LedgerError), Ledger.open(self._place, _utc_now) as ledger:
                self._lease_by(ledger, settings, limiter)
            self._over.wait(LEASE_S)  # the database is away: shards hear of it by their own writes

    def _lease_by(self, ledger: Ledger, settings: RelaySettings, limiter: LeasedRateLimiter) -> None:
        while True:
            limiter.asked.wait()
            if self._over.is_set():
                for scope, count in limiter.unused().items():
                    give_back(ledger, settings, scope, count)
                return
            for scope, count in limiter.wanted().items():
                limiter.take_in(scope, take_lease(ledger, settings, scope, count), time.time())


def _utc_now() -> datetime:
    return datetime.now(UTC)


def take_lease(ledger: Ledger, settings: RelaySettings, scope: str, count: int) -> Lease:
    """Up to `count` turns of the next second, at least one unless a limit is used up."""
    with ledger.storage.write() as db:
        limits = _Limits(db, settings, scope)
        lease = limits.lease(count)
        limits.save(db)
    return lease


def give_back(ledger: Ledger, settings: RelaySettings, scope: str, count: int) -> None:
    """Return turns that were not used to the limits per hour and day."""
    with ledger.storage.write() as db:
        limits = _Limits(db, settings, scope)
        limits.refund(count)
        limits.save(db)


def share_pause(ledger: Ledger, relay: str, mine_s: float) -> float:
    """Tell the other workers how long a relay is left alone here, in seconds; returns how long it is to be by any of
    them.
    """
    name = f"{relay}/paused"
    with ledger.storage.read() as db:
        now = float(db.execute(_NOW).scalar_one())
        until = float(rate_limit_state(db).get(name, "0"))
    if mine_s > until - now:
        with ledger.storage.write() as db:
            save_rate_limits(db, {name: json.dumps(now + mine_s)})
    return max(until - now, mine_s)


class _Limits:
    """The limits of one scope as they are in the database, locked until the end of the transaction."""

    def __init__(self, db: sa.Connection, settings: RelaySettings, scope: str) -> None:
        db.execute(_ONE_AT_A_TIME, {"relay": settings.relay.name})
        self._now = float(db.execute(_NOW).scalar_one())
        prefix = f"{settings.relay.name}/" + (f"{scope}/" if scope != RELAY else "")
        saved = rate_limit_state(db)
        rates = settings.rates if scope == RELAY else settings.domains[scope]
        self._steps: dict[str, tuple[float, float]] = {}
        self._windows: dict[str, SlidingWindow | WarmUpLimit] = {}
        for rate in rates:
            name = prefix + UNITS[rate.per_s]
            if rate.per_s <= MINUTE_S:
                due = float(json.loads(saved.get(f"{name}, shared", "0")))
                self._steps[f"{name}, shared"] = rate.per_s / rate.count, max(due, self._now)
            else:
                self._windows[name] = SlidingWindow(rate, saved.get(name, ""))
        if scope == RELAY and settings.warm_up:
            name = f"{prefix}warm-up"
            self._windows[name] = WarmUpLimit(settings.warm_up, saved.get(name, ""))

    def lease(self, count: int) -> Lease:
        blocked = max((limit.wait_s(self._now) for limit in self._windows.values()), default=0.0)
        if blocked:
            return Lease((), blocked)
        turns: list[float] = []
        while len(turns) < count:
            turn = max((due for _, due in self._steps.values()), default=self._now)
            if turn > self._now + LEASE_S or any(limit.wait_s(self._now) for limit in self._windows.values()):
                break
            turns.append(turn - self._now)
            self._steps = {name: (step, turn + step) for name, (step, _) in self._steps.items()}
            for limit in self._windows.values():
                limit.spend(self._now)
        if turns:
            return Lease(turns)
        first = max((due for _, due in self._steps.values()), default=self._now)
        return Lease((), max(first - LEASE_S - self._now, 0.0))

    def refund(self, count: int) -> None:
        for limit in self._windows.values():
            for _ in range(count):
                limit.refund(self._now)

    def save(self, db: sa.Connection) -> None:
        kept = {name: json.dumps(due) for name, (_, due) in self._steps.items()}
        kept |= {name: limit.state() for name, limit in self._windows.items()}
        save_rate_limits(db, kept)
