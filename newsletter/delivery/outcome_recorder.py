"""Record each outcome: throttle, ledger row, canary, watcher."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime

from newsletter.delivery.canary import CanaryGate
from newsletter.delivery.recipient_queue import Assignment, RecipientQueue
from newsletter.delivery.routes import Routes, RouteState
from newsletter.delivery.run_control import RunControl
from newsletter.group_commit import GroupCommit
from newsletter.ledger.ledger import Move
from newsletter.model.delivery import Outcome, State


class OutcomeRecorder:
    """Passes each outcome on to the throttle, the ledger, the canary and the watcher."""

    def __init__(
        self,
        sender_address: str,
        queue: RecipientQueue,
        routes: Routes,
        gate: CanaryGate,
        commits: GroupCommit[Move, Collection[int]],
        control: RunControl,
    ) -> None:
        self._sender_address = sender_address
        self._queue = queue
        self._routes = routes
        self._gate = gate
        self._commits = commits
        self._control = control

    def check(self) -> None:
        """Raise the error that ended another part of the run, such as the ledger's. Every worker calls this."""
        self._commits.check()
        self._queue.check()
        self._gate.check()

    async def commit(self, assignment: Assignment, route: RouteState) -> bool:
        """Record that the final dot is about to be sent. False if it must not be sent: the recipient is suppressed."""
        row = assignment.claim.row
        move = Move(row, State.COMMITTING, message_id=assignment.message.message_id)
        if row not in await self._commits.commit(move):
            return True
        self._record_late_suppression(assignment, route)
        return False

    def _record_late_suppression(self, assignment: Assignment, route: RouteState) -> None:
        """The recipient was suppressed after the body was sent, before the dot; the ledger has them as suppressed."""
        self._queue.finish(assignment.claim, None, 0.0)
        self._gate.skip()
        outcome = Outcome(State.SUPPRESSED, "list", 0, "left, or bounced, since the send began; not mailed")
        self._control.watcher.outcome(assignment.recipient, outcome, route.relay)
        self._control.wake()

    def settle(
        self, assignment: Assignment, outcome: Outcome, route: RouteState, *, lost: bool, used_up: bool = False
    ) -> None:
        """Record the outcome. `lost`: the connection broke during this message. `used_up`: it had carried its share
        before.
        """
        now = self._control.clock()
        self._adjust(route, outcome, now, lost=lost, used_up=used_up)
        due_at = None
        if outcome.state is State.DEFERRED:
            due_at = self._queue.due_at(assignment.claim, outcome, route, now, used_up=used_up)
        again = self._queue.finish(assignment.claim, due_at, now)
        self._commits.note(
            Move(
                assignment.claim.row,
                outcome.state,
                message_id=assignment.message.message_id,
                stage=outcome.stage,
                code=outcome.code,
                reply=outcome.text,
                due_at=datetime.fromtimestamp(due_at, UTC) if due_at is not None else None,
                relay=route.relay.name,
            )
        )
        if not again:
            self._control.watcher.outcome(assignment.recipient, outcome, route.relay)
        self._gate.note(outcome)
        self._control.wake()

    def _adjust(self, route: RouteState, outcome: Outcome, now: float, *, lost: bool, used_up: bool) -> None:
        """Update the throttle by the outcome, and close the route if the relay refuses the sender."""
        route.answered += 1
        route.reported_silence = route.reported_silence and outcome.code == 0
        route.moved_at = asyncio.get_running_loop().time()
        news = "" if used_up else route.throttle.record_outcome(outcome, now)
        if lost and outcome.code == 0:
            news = route.throttle.record_loss(now, outcome.text) or news
        if route.throttle.stopped:
            self._routes.close(route, route.throttle.stopped)
        if outcome.stage == "MAIL" and outcome.code >= 500:
            reply = f"{outcome.code} {outcome.text}"
            self._routes.close(route, f"{route.relay} takes no mail from {self._sender_address} ({reply})")
        if news:
            self._control.watcher.news(news)
