"""Connection worker: opens a connection to its relay and sends one message after the other over it."""

from __future__ import annotations

import asyncio
import math
from functools import partial

from newsletter.delivery.outcome_recorder import OutcomeRecorder
from newsletter.delivery.recipient_queue import Assignment, NoMoreRecipients, RecipientQueue
from newsletter.delivery.routes import Routes, RouteState
from newsletter.delivery.run_control import RECHECK_S, RunControl
from newsletter.delivery.smtp.chunking import ChunkingSession
from newsletter.delivery.smtp.connect import UnreachableError
from newsletter.delivery.under_way import SYNTAX_CODES, MessagesUnderWay, close_window
from newsletter.errors import DeliveryError
from newsletter.model.delivery import Outcome, State
from newsletter.text import counted

IDLE_S = 20.0
"""Idle connections are closed after this time; RFC 5321, 4.5.3.2.7 allows servers to do so after 5 minutes."""


class ConnectionWorker:
    """A worker of one route; `number` identifies it among the others."""

    def __init__(
        self,
        number: int,
        route: RouteState,
        routes: Routes,
        queue: RecipientQueue,
        recorder: OutcomeRecorder,
        control: RunControl,
    ) -> None:
        self._number = number
        self._route = route
        self._routes = routes
        self._queue = queue
        self._recorder = recorder
        self._control = control
        self._probes_overlap = False
        """Whether the envelope under way is the first one sent along with a dot."""

    async def run(self) -> None:
        """Send until the queue has no recipient for this relay, or the relay takes no more."""
        self._route.workers.append(self._number)
        try:
            while await self._use_connection():
                pass
        finally:
            self._route.workers.remove(self._number)
            self._control.wake()

    # --- a connection -----------------------------------------------------------------------------------------------

    async def _use_connection(self) -> bool:
        """Open a connection for the next recipient, and send over it as long as it lasts. False when no other one is
        needed.
        """
        route = self._route
        assignment = await self._next_assignment()
        if assignment is None:
            return False
        route.opening += 1
        try:
            session = await self._open_session()
        except DeliveryError as error:
            route.opening -= 1
            self._queue.put_back(assignment, route)
            return self._goes_on_without(error)
        route.opening -= 1
        if session is None:
            self._queue.put_back(assignment, route)
            return False
        route.connection_opened(self._number)
        self._control.wake()
        try:
            await self._converse(session, assignment)
            if session.carried and (farewell := session.farewell_for_count):
                self._learn_limit(session, farewell)
            await session.quit()
        finally:
            session.abort()  # for an error or a second Ctrl-C before that; does nothing after `quit`
            route.connection_closed(self._number)
            self._control.wake()
        return True

    async def _open_session(self) -> ChunkingSession | None:
        """Open a session with this relay; None when Ctrl-C came first. Raises DeliveryError."""
        settings = self._route.settings
        opening = asyncio.ensure_future(
            ChunkingSession.open(
                settings.relay,
                timeouts=settings.timeouts,
                tls_context=settings.tls_context,
                on_silence=partial(_report_silence, self._route, self._control),
            )
        )
        stopped = asyncio.create_task(self._control.stopping.wait())
        given = False
        try:
            await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
            given = opening.done()
            return opening.result() if given else None
        finally:
            stopped.cancel()
            if not given:  # this worker was stopped, or cancelled with all the others
                # Cancel repeatedly: `wait_for` loses a cancellation that arrives together with its result (CPython
                # issue 86296, fixed in 3.12), and would then wait for the whole greeting.
                while not opening.done():
                    opening.cancel()
                    await asyncio.wait({opening}, timeout=0.1)
                (left,) = await asyncio.gather(opening, return_exceptions=True)
                if isinstance(left, ChunkingSession):  # the session was opened at that very moment
                    left.abort()

    def _goes_on_without(self, error: DeliveryError) -> bool:
        """Whether this worker tries another connection after one failed to open."""
        route, routes = self._route, self._routes
        if route.open and isinstance(error, UnreachableError):
            route.connections = route.open + route.opening
            self._control.watcher.news(f"{error}; going on with {route.connections} connections")
            return False
        routes.first_error = routes.first_error or error
        if not isinstance(error, UnreachableError) or not route.answered:
            routes.close(route, str(error))
            return False
        news = route.throttle.record_loss(self._control.clock(), str(error))
        if route.throttle.stopped:
            routes.close(route, str(error))
            return False
        if news:
            self._control.watcher.news(news)
        return True

    async def _next_assignment(self, patience_s: float = math.inf) -> Assignment | None:
        """Wait until the limits allow the next recipient; None when there is none, or not within this time."""
        route = self._route
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        while True:
            self._recorder.check()
            if self._control.stopping.is_set() or route.why_idle or self._queue.is_done:
                return None
            left = deadline - loop.time()
            place = route.workers.index(self._number)
            if left <= 0 or place >= route.connections:
                return None
            wait = math.inf
            # The first connection shows that the relay answers, before the other workers open theirs.
            if (place == 0 or route.proven) and not route.is_surplus(self._number):
                taken = self._queue.take(route)
                if isinstance(taken, Assignment):
                    return taken
                if isinstance(taken, NoMoreRecipients) or left < taken.in_s < math.inf:
                    return None
                wait = taken.in_s
            await self._control.pause(min(wait, left, RECHECK_S))

    # --- its messages -----------------------------------------------------------------------------------------------

    async def _converse(self, session: ChunkingSession, first: Assignment) -> None:
        """Send messages until the connection closes, the relay's limit is reached, or the queue is empty.

        A second Ctrl-C may end this anywhere: the next run calls a row that is still `committing` uncertain.
        """
        self._probes_overlap = False
        under_way = MessagesUnderWay(
            session,
            self._route,
            self._queue,
            self._recorder,
            self._control,
            may_begin=partial(self._may_go_on, session),
            on_used_up=partial(self._note_used_up, session),
        )
        following: Assignment | None = first
        self._begin(session, first)
        while following is not None:
            if self._sends_ahead(session):
                may_begin = await under_way.send(following)
                following = await self._begin_next(session) if may_begin else None
            else:
                following = await self._send(session, following)

    async def _send(self, session: ChunkingSession, assignment: Assignment) -> Assignment | None:
        """Send the message whose envelope has begun. Returns the next one, begun as well; None ends the
        conversation.
        """
        route, queue = self._route, self._queue
        following: Assignment | None = None
        outcome = await session.accepted()
        route.window.note_round_trip(session.round_trip_s)
        self._learn_overlap(session, outcome)
        if session.envelope_lost:
            queue.put_back(assignment, route)
            return None
        if session.chunk_refused:
            close_window(route, session.chunk_refused, self._control)
            session.abort()  # a relay that does not know BDAT reads what follows it as commands
            queue.put_back(assignment, route)
            return None
        if outcome is not None and self._note_used_up(session, outcome):
            queue.put_back(assignment, route)
            return None
        if outcome is None and not session.chunked:
            outcome = await session.body(assignment.message)
        if outcome is None:
            if not await self._recorder.commit(assignment, route):
                session.abort()  # the body is out; only closing before the dot keeps the message undelivered
                return None
            if session.chunked:
                outcome = await session.last_chunk(assignment.message)
            else:
                following = self._take_to_overlap(session)
                outcome = session.dot(following.message if following else None, trying=self._probes_overlap)
            if outcome is None:
                outcome = await session.verdict()
        if session.chunked:
            self._learn_chunking(session, outcome)
        used_up = self._note_used_up(session, outcome)
        self._recorder.settle(assignment, outcome, route, lost=not session.usable, used_up=used_up)
        session.carried += 1
        if following is not None:
            return following if self._keeps(session, following) else None
        if used_up or not session.usable or not self._may_go_on(session):
            return None
        return await self._begin_next(session)

    def _keeps(self, session: ChunkingSession, following: Assignment) -> bool:
        """Whether the message whose envelope went out with the dot is to be sent."""
        route = self._route
        if session.usable and not self._control.stopping.is_set() and not route.why_closed:
            return True
        if self._probes_overlap:
            self._probes_overlap = route.probing_overlap = False
        # Its envelope may be out, but no part of its body: drop the connection, and the recipient counts as untried.
        self._queue.put_back(following, route)
        if session.pipelining:
            session.abort()
        return False

    async def _begin_next(self, session: ChunkingSession) -> Assignment | None:
        following = await self._next_assignment(IDLE_S)
        if following is None:
            return None
        if not session.usable:
            self._queue.put_back(following, self._route)
            return None
        self._begin(session, following)
        return following

    def _begin(self, session: ChunkingSession, assignment: Assignment) -> None:
        """Begin the next message, unless it is to be sent ahead of the answers as a whole."""
        if self._sends_ahead(session):
            return
        if self._may_chunk(session):
            session.begin_in_chunks(assignment.message)
        else:
            session.begin(assignment.message)

    def _may_chunk(self, session: ChunkingSession) -> bool:
        return session.may_chunk and self._route.window.size > 1

    def _sends_ahead(self, session: ChunkingSession) -> bool:
        return session.in_step and self._may_chunk(session)

    def _learn_chunking(self, session: ChunkingSession, outcome: Outcome) -> None:
        """Close the relay's window if a message in chunks went wrong, or its answers do not allow to send ahead."""
        if outcome.stage in ("BDAT", "dot") and (not session.usable or outcome.code in SYNTAX_CODES):
            close_window(self._route, f"{outcome.code or ''} {outcome.text}".strip(), self._control)
        elif outcome.state is State.SENT and not session.in_step:
            close_window(self._route, "its answers to RCPT and to messages look alike", self._control)

    def _take_to_overlap(self, session: ChunkingSession) -> Assignment | None:
        """The recipient whose envelope goes out with the dot of this message, if the relay supports that.

        One connection probes the support for all others.
        """
        route = self._route
        if self._may_chunk(session):
            return None
        known = bool(route.overlaps) or (route.overlaps is None and not route.probing_overlap)
        if not (session.pipelining and known and self._may_go_on(session)):
            return None
        taken = self._queue.take(route)
        if not isinstance(taken, Assignment):
            return None
        if route.overlaps is None:
            self._probes_overlap = route.probing_overlap = True
        return taken

    def _learn_overlap(self, session: ChunkingSession, outcome: Outcome | None) -> None:
        if not self._probes_overlap:
            return
        self._probes_overlap = self._route.probing_overlap = False
        # Code 0: no answer, or none from the server, which was never asked.
        heard = session.usable and (outcome is None or outcome.code > 0)
        self._route.overlaps = False if session.envelope_lost else True if heard else None

    def _may_go_on(self, session: ChunkingSession, taken: int = 0) -> bool:
        """Whether this connection may carry another message, beside those begun and so many taken."""
        route = self._route
        limits = [most for most in (route.messages_per_connection, session.most_messages) if most]
        enough = limits and session.begun + taken >= min(limits)
        return not enough and not route.why_closed and not route.is_surplus(self._number)

    def _note_used_up(self, session: ChunkingSession, outcome: Outcome) -> bool:
        """Whether the connection has carried its share of messages; learns how many that is.

        A refusal of the very first message is taken as a rate limit whatever its words: a relay that gives this answer
        every time would otherwise be asked endlessly.
        """
        used_up = outcome.connection and session.carried > 0
        if used_up:
            self._learn_limit(session, f"{outcome.code} {outcome.text}")
        return used_up

    def _learn_limit(self, session: ChunkingSession, words: str) -> None:
        """Remember how many messages this relay takes over one connection: the next connections end before it
        refuses.
        """
        route, carried = self._route, session.carried
        if 0 < route.messages_per_connection <= carried:
            return
        route.messages_per_connection = carried
        self._control.watcher.news(
            f"{route.relay} takes {counted(carried, 'message')} over one connection "
            f"({words}); going on over new ones; messages_per_connection = {carried} in newsletter.toml says so before"
        )


def _report_silence(route: RouteState, control: RunControl, what: str) -> None:
    """Report silence once until the relay answers again: one line for all connections."""
    if route.reported_silence:
        return
    route.reported_silence = True
    timeouts = route.settings.timeouts
    longest = max(timeouts.connect, timeouts.dot)
    control.watcher.news(f"{route.relay} {what}; still waiting, for {longest / 60:g} min at most; Ctrl-C is safe")
