"""Messages under way: several at a time over one connection, each recorded as committing before it is written."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from newsletter.delivery.outcome_recorder import OutcomeRecorder
from newsletter.delivery.recipient_queue import Assignment, RecipientQueue
from newsletter.delivery.routes import RouteState
from newsletter.delivery.run_control import RunControl
from newsletter.delivery.smtp.chunking import ChunkingSession
from newsletter.model.delivery import Outcome, State

SYNTAX_CODES = range(500, 505)
"""RFC 5321, 4.2.2: the server does not know the command, or not now."""


class MessagesUnderWay:
    """Sends over a session that is in step. The number of messages under way grows by one with each that is accepted,
    as far as the relay's window, and is 1 after each that is refused because of the sender.

    `may_begin` tells, by the number that is taken already, whether this connection may carry another one; `on_used_up`
    is called with the answer that says that it has carried enough.
    """

    def __init__(
        self,
        session: ChunkingSession,
        route: RouteState,
        queue: RecipientQueue,
        recorder: OutcomeRecorder,
        control: RunControl,
        *,
        may_begin: Callable[[int], bool],
        on_used_up: Callable[[Outcome], bool],
    ) -> None:
        self._session = session
        self._route = route
        self._queue = queue
        self._recorder = recorder
        self._control = control
        self._may_begin = may_begin
        self._on_used_up = on_used_up
        # With an outcome: what could not be written in full.
        self._under_way: deque[tuple[Assignment, Outcome | None]] = deque()
        self._size = 2  # one was accepted before the session was in step
        self._has_lost = self._has_ended = False

    async def send(self, first: Assignment) -> bool:
        """Send it, and others as long as there are any. Returns, once none is under way, whether this connection may
        carry another one.

        A crash, or a second Ctrl-C, leaves those under way `committing`: at most as many as the window has.
        """
        taken: Sequence[Assignment] = (first,)
        while taken or self._under_way:
            await self._begin(taken)
            if self._under_way:
                await self._settle_oldest()
            while self._under_way and (self._session.has_outcome or self._under_way[0][1] is not None):
                await self._settle_oldest()
            taken = self._take()
        return self._goes_on(0)

    def _take(self) -> Sequence[Assignment]:
        taken: list[Assignment] = []
        window = self._route.window.size
        most = min(self._size, window) if window > 1 else 0
        while len(self._under_way) + len(taken) < most and self._goes_on(len(taken)):
            found = self._queue.take(self._route)
            if not isinstance(found, Assignment):
                break
            taken.append(found)
        return taken

    def _goes_on(self, taken: int) -> bool:
        return self._session.usable and not self._has_ended and self._may_begin(taken)

    async def _begin(self, taken: Sequence[Assignment]) -> None:
        """Write these messages, once the ledger has each of them as committing."""
        if not taken:
            return
        if not self._session.usable:
            for assignment in reversed(taken):
                self._queue.put_back(assignment, self._route)
            return
        ready = []
        for assignment in taken:
            refusal = self._session.refuses(assignment.message)
            if refusal is None:
                ready.append(assignment)
            else:
                self._settle(assignment, refusal)
        committed = await asyncio.gather(*[self._recorder.commit(each, self._route) for each in ready])
        for assignment, is_committed in zip(ready, committed, strict=True):
            if not is_committed:
                continue  # suppressed meanwhile; nothing of the message was written
            unwritten = await self._session.send_ahead(assignment.message)
            self._under_way.append((assignment, unwritten))

    async def _settle_oldest(self) -> None:
        """In order, for an answer to those before may say why nothing could be written."""
        assignment, unwritten = self._under_way.popleft()
        self._settle(assignment, unwritten or await self._session.oldest_outcome())

    def _settle(self, assignment: Assignment, outcome: Outcome) -> None:
        session = self._session
        # Behind a 421 nothing was read: these tries do not count.
        used_up = self._on_used_up(outcome) or (session.left and outcome.code == 0)
        self._has_ended = self._has_ended or used_up
        # One lost connection, however many messages were under way.
        lost = not session.usable and not session.left and outcome.code == 0 and not self._has_lost
        self._has_lost = self._has_lost or lost
        self._adapt(outcome, lost=lost, used_up=used_up)
        self._recorder.settle(assignment, outcome, self._route, lost=lost, used_up=used_up)
        session.carried += 1

    def _adapt(self, outcome: Outcome, *, lost: bool, used_up: bool) -> None:
        if self._session.out_of_step or lost or (outcome.stage == "dot" and outcome.code in SYNTAX_CODES):
            words = f"{outcome.code} {outcome.text}" if outcome.code else outcome.text
            close_window(self._route, words, self._control)
        elif outcome.state is State.SENT:
            self._size += 1
        elif outcome.sender_fault and not used_up:
            self._size = 1


def close_window(route: RouteState, why: str, control: RunControl) -> None:
    """Send one message after the other to this relay from now on, in this run."""
    if not route.window.closed:
        route.window.closed = why
        control.watcher.news(f"{route.relay}: {why}; going on with one message at a time over each connection")
