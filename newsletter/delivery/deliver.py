"""The send loop: several connections take recipients from one queue, as fast as each relay allows.

Each step of a recipient is written to the ledger before it happens, so that the next run can resume after a crash at
any point. Nothing is counted here: the report reads the ledger.

    deliver -> connection -> outcome_recorder -> recipient_queue -> routes, canary -> run_control
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import TypeAlias

from newsletter.delivery.canary import Canary, CanaryGate
from newsletter.delivery.connection import ConnectionWorker
from newsletter.delivery.interrupts import interrupts, wait_for_all
from newsletter.delivery.outcome_recorder import OutcomeRecorder
from newsletter.delivery.recipient_queue import DeliveryLedger, QueueLimits, RecipientQueue
from newsletter.delivery.routes import Route, Routes
from newsletter.delivery.run_control import INTERRUPTED, RunControl, Watcher
from newsletter.frozen import frozen
from newsletter.group_commit import GroupCommit
from newsletter.ledger.ledger import Move
from newsletter.message.compose import Composer
from newsletter.model.schedule import QuietHours

Ends: TypeAlias = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""A block that calls what it is given when the run is to end; see `interrupts`."""

RECIPIENTS_A_CONNECTION = 10
"""Open a further connection only when each has more recipients than this; below it the logins would cost more time."""


@frozen
class Stopped:
    """Why the run ended before its list did; empty if it did not. `until` is when another run may continue, epoch
    seconds; None for at once.
    """

    reason: str = ""
    until: float | None = None


async def deliver(
    ledger: DeliveryLedger,
    composer: Composer,
    routes: Sequence[Route],
    *,
    due: int,
    watcher: Watcher,
    clock: Callable[[], float],
    jitter: Callable[[], float],
    canary: Canary | None = None,
    quiet: QuietHours | None = None,
    max_attempts: int = 0,
    longest_wait_s: float = math.inf,
    ends: Ends = interrupts,
) -> Stopped:
    """Mail every recipient who is due. Returns when all were tried, no relay is usable, or the user pressed Ctrl-C.

    Recipients who would have to wait for longer than `longest_wait_s` (for the end of quiet hours, a rate limit or a
    relay's pause) are left to another run; `Stopped` says until when.

    `ends` is a block in which the run may be asked to end: by signals, if nothing else is given. `clock` returns epoch
    seconds, `jitter` a random number from 0 to 1. Raises DeliveryError when no relay can be reached at all; then no
    recipient was mailed.
    """
    control = RunControl(watcher, clock)
    run = SendRun(ledger, composer, routes, control, canary, QueueLimits(quiet, max_attempts, longest_wait_s), jitter)
    with ends(run.interrupt):
        return await run.go(due)


class SendRun:
    """Builds the parts of a run, starts its workers, and waits for them."""

    def __init__(
        self,
        ledger: DeliveryLedger,
        composer: Composer,
        routes: Sequence[Route],
        control: RunControl,
        canary: Canary | None,
        limits: QueueLimits,
        jitter: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._control = control
        # Calls of a ledger across a network run in a thread, so that sending goes on meanwhile. A failed write ends the
        # run: nothing may be recorded after it. A crash loses outcomes that were noted and not yet written, and leaves
        # their rows `committing`: at most as many per connection as its window, since a connection's next commit takes
        # its last outcomes along.
        self._commits = GroupCommit(self._write, in_thread=ledger.is_far, ends_with_error=True)
        self._routes = Routes(routes, control)
        self._gate = CanaryGate(canary, control)
        self._queue = RecipientQueue(ledger, self._commits, composer, self._routes, self._gate, control, limits, jitter)
        self._recorder = OutcomeRecorder(
            composer.sender.address, self._queue, self._routes, self._gate, self._commits, control
        )

    async def go(self, due: int) -> Stopped:
        workers = [
            ConnectionWorker(number, route, self._routes, self._queue, self._recorder, self._control)
            for route in self._routes
            for number in range(min(route.connections, 1 + due // RECIPIENTS_A_CONNECTION))
        ]
        try:
            # A worker ends by itself only when nothing is left for it to do, or by an error that ends all workers.
            await wait_for_all([asyncio.create_task(worker.run()) for worker in workers])
            await self._queue.give_back()
            await self._commits.flush()
            if self._routes.are_limited:
                await self._commits.call(self._save_rates)
        finally:
            self._gate.cancel()
            self._commits.close()
        if self._routes.first_error is not None and self._routes.were_never_reached:
            raise self._routes.first_error
        self._control.show(None)
        reason = self._control.stop_reason or "; ".join(
            dict.fromkeys([*self._queue.why_given_up, *self._routes.why_idle])
        )
        resumes_at = self._queue.resumes_at
        return Stopped(reason, resumes_at if reason and resumes_at < math.inf else None)

    def interrupt(self) -> None:
        self._control.stop(INTERRUPTED)

    def _write(self, moves: Sequence[Move]) -> Collection[int]:
        suppressed = self._ledger.write(moves)
        if self._routes.are_limited:
            self._save_rates()
        return suppressed

    def _save_rates(self) -> None:
        self._ledger.save_rate_limits(self._routes.saved_state())
