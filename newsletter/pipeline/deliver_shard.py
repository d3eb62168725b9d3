"""Deliver one shard of an issue, a range of its recipients, as one of several workers.

A shard may be delivered twice, or by two workers at once: a recipient belongs to the run that claimed it, and the
ledger moves nobody for a run that lost them.
"""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from newsletter.config.config import Config, RelaySettings
from newsletter.delivery.deliver import Ends, Stopped, deliver
from newsletter.delivery.routes import Route
from newsletter.delivery.run_control import INTERRUPTED, Watcher
from newsletter.errors import ConfigError, DeliveryError, LedgerError
from newsletter.frozen import frozen
from newsletter.ledger import shipments
from newsletter.ledger.ledger import Claim, IllegalMoveError, Ledger, Move
from newsletter.ledger.plan import KnownIssue, known_issue
from newsletter.ledger.records import Turn
from newsletter.ledger.shipments import Shipment
from newsletter.message.compose import Composer
from newsletter.message.packed_issue import unpack
from newsletter.model.schedule import QuietHours, parse_quiet_hours
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.lease_rates import RateLeases, share_pause
from newsletter.pipeline.plan_send import signer_of
from newsletter.pipeline.start_delivery import route_of
from newsletter.pipeline.worker_secrets import secrets_mark

BEAT_S = 2.0
"""How often a shard under way looks whether it is to stop; the server ends its connection after `IDLE_S` of silence."""

IN_OTHER_HANDS_S = 5.0
"""When a shard is tried again whose last recipients are another run's, which may be dead."""


@frozen
class Shard:
    """The recipients of a shipment beyond row `after`, up to row `last`."""

    shipment: int
    after: int
    last: int


@frozen
class ShardResult:
    """How a shard ended. `again_in_s` is when somebody is left to be tried, None when nobody is; `failed`: the relays
    here could not be used.
    """

    issue: str
    why: str = ""
    again_in_s: float | None = None
    failed: bool = False


class ShardDelivery:
    """Delivers shards from one machine: its relays, its secrets, its configuration. Safe in several threads.

    Use it as a block, during which turns of the relays' rates are leased.
    """

    def __init__(
        self, place: Path | str, config: Config, relays: Sequence[RelaySettings], *, connections: int = 0
    ) -> None:
        self._place = place
        self._config = config
        self._relays = relays
        self._connections = connections
        self._mark = secrets_mark(config)
        self._signer = signer_of(config)
        self._last: tuple[int, Composer] | None = None
        self._leases = RateLeases(place, relays)
        self._idle: list[Ledger] = []
        """Open ledgers between two shards: opening one takes as long as fifty messages."""

    def __enter__(self) -> Self:
        self._leases.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._leases.__exit__()
        while self._idle:
            self._idle.pop().storage.close()

    @contextmanager
    def _ledger(self) -> Iterator[Ledger]:
        """One of an earlier shard whose connections are alive, else a new one. It is kept where the block goes well."""
        ledger = self._idle.pop() if self._idle else None
        if ledger is not None and not _is_alive(ledger):
            ledger.storage.close()
            ledger = None
        if ledger is None:
            ledger = Ledger.open(self._place, _utc_now)
        try:
            yield ledger
        except BaseException:
            ledger.storage.close()
            raise
        self._idle.append(ledger)

    def deliver(self, shard: Shard, watcher: Watcher, ends: Ends) -> ShardResult:
        """Mail those of the shard who are due.

        Raises BusyError while a run holds the issue alone, ConfigError where this machine's secrets are not those that
        the issue was made with, DeliveryError if no relay can be reached, LedgerError if the database was lost.
        """
        with self._ledger() as ledger:
            with ledger.storage.read() as db:
                shipment = shipments.shipment(db, shard.shipment)
            if shipment is None:
                return ShardResult("", "it is over")
            if shipment.stopped:
                return ShardResult(shipment.issue, shipment.stopped)
            if "max_attempts" not in shipment.settings:
                raise _damaged(shipment)
            stopped = self._run(ledger, shipment, shard, watcher, ends)
            return _result(ledger, shipment.issue, shard, stopped)

    def _run(self, ledger: Ledger, shipment: Shipment, shard: Shard, watcher: Watcher, ends: Ends) -> Stopped:
        composer = self._composer(shipment)
        run = ledger.begin_run(shipment.issue, f"{os.getpid()} {socket.gethostname()}, worker")
        reason = "error"
        try:
            with ledger.join(shipment.issue, run, under=str(shipment.settings.get("held", ""))):
                stopped = self._deliver(_ShardLedger(ledger, shipment, shard, run), composer, watcher, ends)
            reason = stopped.reason
        except IllegalMoveError:
            stopped = Stopped()
            reason = "another run has taken its recipients over"
        except DeliveryError as error:
            reason = str(error)
            raise
        finally:
            with suppress(LedgerError):
                ledger.end_run(run, reason)
        return stopped

    def _deliver(self, ledger: _ShardLedger, composer: Composer, watcher: Watcher, ends: Ends) -> Stopped:
        routes = [
            route_of(each, limiter, self._connections, held=not each.catches)
            for each, limiter in zip(self._relays, self._leases.limiters, strict=True)
        ]
        with _Beats(ledger, routes) as beats:
            return asyncio.run(
                deliver(
                    ledger,
                    composer,
                    routes,
                    due=ledger.shard.last - ledger.shard.after,
                    watcher=watcher,
                    clock=time.time,
                    jitter=random.random,
                    quiet=ledger.quiet or self._config.quiet_hours,
                    max_attempts=ledger.max_attempts,
                    longest_wait_s=self._config.settings.delivery.max_wait_s,
                    ends=lambda stop: beats.or_by(ends, stop),
                )
            )

    def _composer(self, shipment: Shipment) -> Composer:
        """That of the shipment; the last one is kept, since its other shards follow."""
        last = self._last
        if last is not None and last[0] == shipment.id:
            return last[1]
        if shipment.secrets != self._mark:
            what = f"{shipment.issue}: NEWSLETTER_SECRET or a DKIM key here is not the one that it was made with"
            raise ConfigError(
                what, "give every machine the same; with another one the links of its mail would not work"
            )
        try:
            composer = unpack(shipment.content, secret=self._config.secret, signer=self._signer, when=_utc_now)
        except (zlib.error, ValueError, LookupError, TypeError) as error:
            raise _damaged(shipment) from error
        self._last = shipment.id, composer
        return composer


def _is_alive(ledger: Ledger) -> bool:
    """Whether the database still knows the connections; one that it does not know takes the others along."""
    try:
        with ledger.storage.write() as db:
            db.execute(sa.text("SELECT 1"))
        with ledger.storage.read() as db:
            db.execute(sa.text("SELECT 1"))
    except LedgerError:
        return False
    return True


def _damaged(shipment: Shipment) -> LedgerError:
    return LedgerError(f"{shipment.issue}: what is stored of it for workers is damaged", "send it with --workers again")


class _ShardLedger:
    """The ledger of one shard, with the columns of its recipients."""

    is_far = True

    def __init__(self, ledger: Ledger, shipment: Shipment, shard: Shard, run: int) -> None:
        self.ledger = ledger
        self.issue = shipment.issue
        self.shard = shard
        self.max_attempts = int(shipment.settings["max_attempts"])
        self.quiet = _quiet_hours(shipment)
        self._turn = Turn(run, shard.last)

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        claims = self.ledger.claim(
            self.issue,
            limit,
            after=max(after, self.shard.after),
            max_attempts=self.max_attempts,
            turn=self._turn,
        )
        with self.ledger.storage.read() as db:
            fields = shipments.fields_of(db, self.shard.shipment, [claim.row for claim in claims])
        return [
            (claim, Subscriber(claim.address, {**fields.get(claim.row, {}), "email": claim.address}))
            for claim in claims
        ]

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        return self.ledger.write(self.issue, moves, self._turn.run)

    def save_rate_limits(self, state: Mapping[str, str]) -> None:
        """Nothing: leased turns are saved already."""


def _quiet_hours(shipment: Shipment) -> QuietHours | None:
    """Those of the desk; a worker needs to know none."""
    words = shipment.settings.get("quiet")
    if not words:
        return None
    hours, zone = words
    return parse_quiet_hours(hours, ZoneInfo(zone) if zone else None)


class _Beats:
    """Keeps the run's connection alive from a thread, shares the relays' pauses with the other workers, and asks the
    run to end once the shipment was stopped or replaced, or the connection lost.
    """

    def __init__(self, ledger: _ShardLedger, routes: Sequence[Route]) -> None:
        self._ledger = ledger
        self._routes = routes
        self._over = threading.Event()
        self._stop: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._beat, name="beats", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @contextmanager
    def or_by(self, ends: Ends, stop: Callable[[], None]) -> Iterator[None]:
        """A block in which `stop` is called by these beats, or as `ends` says."""
        loop = asyncio.get_running_loop()

        def ask() -> None:
            with suppress(RuntimeError):  # the run has just ended
                loop.call_soon_threadsafe(stop)

        self._stop = ask
        try:
            with ends(stop):
                yield
        finally:
            self._stop = None

    def _beat(self) -> None:
        mine = self._ledger
        while not self._over.wait(BEAT_S):
            try:
                mine.ledger.beat(mine.issue)
                with mine.ledger.storage.read() as db:
                    now = shipments.standing(db, mine.shard.shipment)
                self._share_pauses()
            except LedgerError:
                now = shipments.Standing(False, "")
            if (not now.is_current or now.stopped) and (stop := self._stop) is not None:
                stop()
                return

    def _share_pauses(self) -> None:
        for route in self._routes:
            if route.held:
                now = time.time()
                mine = route.throttle.paused_s(now)
                if (others := share_pause(self._ledger.ledger, route.relay.name, mine)) > mine:
                    route.throttle.hold(now, others)


def _result(ledger: Ledger, issue: str, shard: Shard, stopped: Stopped) -> ShardResult:
    """How the shard ended. Deletes the shipment once nobody is left in the whole of it."""
    with ledger.storage.write() as db:
        known = known_issue(db, issue) or KnownIssue(0, 0, 0)
        now = shipments.standing(db, shard.shipment)
        left = shipments.untried(db, known, shard.after, shard.last)
        if now.is_current and not left and not shipments.is_anyone_untried(db, known):
            shipments.drop_shipment(db, known.id)
    if not left or not now.is_current or now.stopped:
        return ShardResult(issue, now.stopped or stopped.reason)
    if stopped.reason == INTERRUPTED:
        return ShardResult(issue, stopped.reason, 0.0)
    if stopped.until is not None:
        return ShardResult(issue, stopped.reason, max(stopped.until - time.time(), 0.0))
    return ShardResult(issue, stopped.reason, IN_OTHER_HANDS_S, failed=bool(stopped.reason))


def _utc_now() -> datetime:
    return datetime.now(UTC)
