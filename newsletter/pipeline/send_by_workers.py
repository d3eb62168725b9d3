"""Send an issue by workers on other machines: store it, queue its shards, follow them in the ledger.

The ledger stays the truth: a lost or repeated job loses and repeats nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from newsletter.delivery.canary import Canary
from newsletter.delivery.deliver import Stopped
from newsletter.delivery.run_control import INTERRUPTED, Wait
from newsletter.errors import LedgerError, LostLedgerError
from newsletter.frozen import frozen
from newsletter.ledger import shipments
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.plan import KnownIssue, known_issue
from newsletter.message.packed_issue import pack, used_columns
from newsletter.model.delivery import State
from newsletter.model.schedule import quiet_words
from newsletter.pipeline.deliver_shard import Shard
from newsletter.pipeline.deliver_to_list import account
from newsletter.pipeline.prepare_send import PreparedSend
from newsletter.pipeline.send_result import SendResult
from newsletter.pipeline.send_to_list import SendPlan, SendWatcher, prepared_send
from newsletter.pipeline.worker_secrets import secrets_mark
from newsletter.signals import Ending, requested

SMALLEST, LARGEST, SHARDS = 50, 2_000, 32
"""Recipients of a shard, at least and at most; and how many shards a list is divided into between the two. A shard is
what a worker's death leaves to another one.
"""

LOOK_S = 0.5
"""Seconds between two looks at the ledger while workers send."""

ALONE_FROM_S = 5.0
"""After this long without any worker the operator is told."""


LEFT = "left to the workers"
"""The stop reason of a send that goes on without the process that watched it."""

_UNTRIED = (State.PENDING, State.CLAIMED, State.COMMITTING)


class ShardQueue(Protocol):
    """The queue from which workers take shards. It may lose a job, or hand it out twice."""

    def put(self, shards: Sequence[Shard]) -> None: ...

    def open_jobs(self, shipment: int, *, begun: bool = False) -> int:
        """How many shards of a shipment wait or are under way; `begun`: are under way."""

    def workers(self) -> int:
        """How many workers have shown signs of life lately."""


class WorkersWatcher(SendWatcher, Protocol):
    """Reports the progress of a send whose outcomes are counted and not seen one by one."""

    def counted(self, sent: int, deferred: int, refused: int, /) -> None: ...


@frozen
class _Shipped:
    prepared: PreparedSend
    number: int
    shards: Sequence[Shard]
    since: datetime


def send_by_workers(
    plan: SendPlan,
    ledger: Ledger,
    queue: ShardQueue,
    *,
    confirm: Callable[[PreparedSend], None],
    watcher: WorkersWatcher,
    detach: bool = False,
) -> SendResult | None:
    """Have workers mail every due recipient once `confirm` returns; None once they are queued, with `detach`.

    The ledger is in PostgreSQL. An interrupt asks the workers to stop after the messages under way. Raises what
    `send_to_list` does.
    """
    with prepared_send(plan, ledger, confirm) as prepared:
        shipped = _ship(prepared, ledger)
    # Only now: a worker cannot join while this run holds the issue.
    canary = _canary_of(shipped)
    queue.put(shipped.shards[:1] if canary else shipped.shards)
    if detach:
        return None
    watcher.start(prepared.plan.due)
    started = time.monotonic()
    stopped = _Follower(shipped, ledger, queue, watcher).follow(canary) if shipped.shards else Stopped()
    return account(prepared, ledger, stopped, time.monotonic() - started)


def _ship(prepared: PreparedSend, ledger: Ledger) -> _Shipped:
    """Store the issue and the columns that it uses, and divide those who are due into shards."""
    since = datetime.now(UTC).replace(microsecond=0)
    sending = prepared.sending
    max_attempts = sending.config.settings.delivery.max_attempts
    with ledger.storage.write() as db:
        known = known_issue(db, prepared.issue) or KnownIssue(0, 0, 0)
        number = shipments.put_shipment(
            db,
            known.id,
            pack(sending.composer),
            secrets_mark(sending.config),
            {
                "max_attempts": max_attempts,
                "quiet": quiet_words(sending.config.quiet_hours),
                # What excludes a send of the issue itself, of which this may be a correction.
                "held": sending.rendering.issue.slug,
            },
            int(time.time() * 1000),
        )
    columns = used_columns(sending.composer)
    shards = []
    size = min(max(prepared.plan.due // SHARDS, SMALLEST), LARGEST)
    for batch in _due(ledger, known, size, max_attempts, first=prepared.options.canary):
        people = sending.recipients.find([key for _, key in batch])
        fields = {
            row: own
            for row, key in batch
            if (own := {name: value for name, value in people[key].fields.items() if value and name in columns})
        }
        with ledger.storage.write() as db:
            shipments.put_fields(db, number, fields)
        shards.append(Shard(number, batch[0][0] - 1, batch[-1][0]))
    return _Shipped(prepared, number, shards, since)


def _canary_of(shipped: _Shipped) -> Canary | None:
    """The canary, whose recipients are the first shard; None where that is everyone."""
    options, delivery = shipped.prepared.options, shipped.prepared.sending.config.settings.delivery
    if not options.canary or len(shipped.shards) < 2:
        return None
    return Canary(options.canary, delivery.canary_wait_s, delivery.canary_refusals)


def _due(
    ledger: Ledger, known: KnownIssue, size: int, max_attempts: int, *, first: int
) -> Iterator[Sequence[tuple[int, str]]]:
    """Those who are due, by shards of `size`; the first has `first`, if that is any."""
    last, limit = 0, first or size
    while True:
        with ledger.storage.read() as db:
            now = int(time.time() * 1000)
            batch = shipments.due_rows(db, known, last, limit, max_attempts=max_attempts, now=now)
        if not batch:
            return
        yield batch
        last, limit = batch[-1][0], size


class _Follower:
    """Shows the progress until nothing of the shipment is queued or under way; passes an interrupt on."""

    def __init__(self, shipped: _Shipped, ledger: Ledger, queue: ShardQueue, watcher: WorkersWatcher) -> None:
        self._shipped = shipped
        self._ledger = ledger
        self._queue = queue
        self._watcher = watcher
        self._began = time.monotonic()
        self._is_alone_told = False
        self._is_asked = False
        self._lost = ""
        self._told = {"", INTERRUPTED}

    def follow(self, canary: Canary | None) -> Stopped:
        """With a canary, its shard is queued, and the others are once it went well.

        Raises LostLedgerError if it is to end while the database is away; the workers go on then.
        """
        with requested(self._shipped.prepared.options.stop) as ending:
            stopped = self._until_over(ending)
            if canary is None or stopped.reason:
                return stopped
            if why := self._why_refused(canary):
                self._stop_shipment(why)
                return Stopped(why)
            self._watcher.waiting(Wait("the canary: refusals are waited for", time.time() + canary.wait_s))
            ending.wait(canary.wait_s)
            self._watcher.waiting(None)
            if not ending.signal:
                self._queue.put(self._shipped.shards[1:])
            return self._until_over(ending)

    def _until_over(self, ending: Ending) -> Stopped:
        """Until nothing is queued or under way."""
        stop = self._shipped.prepared.options.stop
        while True:
            try:
                if ending.signal and stop is not None and stop.leaves:
                    return Stopped(LEFT)
                if ending.signal and not self._is_asked:
                    self._ask_to_stop()
                if not self._look():
                    return Stopped(INTERRUPTED if self._is_asked else "")
                self._lost = ""
            except LedgerError as error:
                if ending.signal:
                    raise LostLedgerError(*error.args) from error
                self._tell_lost(f"{error}; trying again")
            if ending.wait(LOOK_S) and self._is_asked:
                time.sleep(LOOK_S)  # it is asked for already, and no wait any more

    def _why_refused(self, canary: Canary) -> str:
        """Why the others are not sent to; empty where the first ones went well."""
        first = self._shipped.shards[0]
        with self._ledger.storage.read() as db:
            known = known_issue(db, self._shipped.prepared.issue) or KnownIssue(0, 0, 0)
            tried, refused = shipments.tried_and_refused(db, known, first.after, first.last)
        if not tried:
            return "the canary: nobody of the first could be mailed"
        if refused / tried > canary.refusals:
            return f"the canary: {refused} of the first {tried} were refused"
        self._watcher.news(f"the first {tried} are out, {refused} refused; waiting {canary.wait_s:g} s")
        return ""

    def _look(self) -> bool:
        """Tell what changed; returns whether anything is queued or under way."""
        plan, issue = self._shipped.prepared.plan, self._shipped.prepared.issue
        counts = self._ledger.counts(issue, planned=True)
        self._watcher.counted(
            counts[State.SENT] - plan.sent,
            max(counts[State.DEFERRED] - plan.waiting - plan.exhausted, 0),
            counts[State.REJECTED] - plan.rejected,
        )
        for run in self._ledger.runs(issue):
            if run.ended is not None and run.started >= self._shipped.since and run.reason not in self._told:
                self._told.add(run.reason)
                self._watcher.news(f"worker {run.owner.removesuffix(', worker')}: {run.reason}")
        # One that waits for the end of quiet hours or of a rate finds then that it was stopped.
        if not self._queue.open_jobs(self._shipped.number, begun=self._is_asked):
            return False
        if not self._is_alone_told and time.monotonic() - self._began > ALONE_FROM_S and not self._queue.workers():
            self._is_alone_told = True
            self._watcher.news("no worker is running: start `newsletter worker` on a machine that reaches the ledger")
        return True

    def _ask_to_stop(self) -> None:
        self._stop_shipment(INTERRUPTED)
        self._is_asked = True
        self._watcher.news("the workers are asked to stop after the messages under way")

    def _stop_shipment(self, why: str) -> None:
        with self._ledger.storage.write() as db:
            shipments.stop_shipment(db, self._shipped.number, why)

    def _tell_lost(self, text: str) -> None:
        if text != self._lost:
            self._watcher.news(text)
        self._lost = text


def follow_workers(ledger: Ledger, issue: str, watcher: WorkersWatcher, ending: Ending) -> None:
    """Show the progress of an issue until its shipment is over, or `ending` is asked for."""
    first = ledger.counts(issue, planned=True)
    watcher.start(sum(first[state] for state in _UNTRIED))
    while True:
        counts = ledger.counts(issue, planned=True)
        done = [max(counts[state] - first[state], 0) for state in (State.SENT, State.DEFERRED, State.REJECTED)]
        watcher.counted(*done)
        with ledger.storage.read() as db:
            known = known_issue(db, issue)
            waits = known is not None and shipments.is_shipped(db, known.id)
        if not waits or not any(counts[state] for state in _UNTRIED) or ending.wait(LOOK_S):
            return
