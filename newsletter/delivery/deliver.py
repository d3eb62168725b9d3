"""The send loop: several connections take recipients from one queue, at the pace that each relay allows.

The ledger is asked before each recipient and told after each; a crash at any point leaves rows from which the next
run goes on. Nothing here counts for itself: the report reads the ledger.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from newsletter.delivery.canary import Canary
from newsletter.delivery.connection import IDLE_S
from newsletter.delivery.group_commit import GroupCommit
from newsletter.delivery.interrupts import interrupts, wait_for_all
from newsletter.delivery.recipient_queue import CLAIMED_AT_ONCE, LOOK_AHEAD, TOLD_FROM_S, DeliveryLedger, limit_used_up
from newsletter.delivery.routes import Route
from newsletter.delivery.smtp.connect import UnreachableError
from newsletter.delivery.smtp.session import Session
from newsletter.errors import DeliveryError
from newsletter.ledger.ledger import Claim, Move
from newsletter.message.compose import Composer
from newsletter.model.delivery import Message, Outcome, Relay, State
from newsletter.model.moments import shown_local, shown_moment
from newsletter.model.retry_delay import retry_delay_s
from newsletter.model.schedule import QuietHours
from newsletter.model.subscriber import Subscriber

TRIES_A_RUN = 3
"""How often one run tries somebody whose connection broke, or whom the relay told to come back more slowly."""


RECIPIENTS_A_CONNECTION = 10
"""A further connection pays once there is more than this for each; below it, the logins would take longer."""

RECHECK_S = 5.0
"""Whoever waits for a change looks again after this, so that a clock that is set forward is noticed."""


NOTICED_FROM_S = 3.0
"""A shorter wait is over before a line about it could be read."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why the loop ended before its list did; empty where it did not. `until` is when it may go on, epoch seconds;
    None for at once."""

    reason: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """What nothing goes out for just now, and until when, in epoch seconds."""

    reason: str
    until: float


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told of what happens, as it happens."""

    outcome: Callable[[Subscriber, Outcome, Relay], None] = lambda person, outcome, relay: None
    news: Callable[[str], None] = lambda text: None
    waiting: Callable[[Wait | None], None] = lambda wait: None
    """Called when a wait begins that a person would notice, and with None when it is over."""


@dataclass(slots=True)
class _Assignment:
    claim: Claim
    person: Subscriber
    message: Message


async def deliver(
    book: DeliveryLedger,
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
) -> Stopped:
    """Mail everyone who is due. Returns when all were tried, no relay is left, or the person pressed Ctrl-C.

    Where quiet hours, a rate or a relay's pause would have to be waited for longer than `longest_wait_s`, whoever it
    keeps from being mailed is left, and `Stopped` says until when.

    `clock` is epoch seconds, `jitter` a random number from 0 to 1. Raises DeliveryError when no relay can be had at
    all: then nobody was mailed.
    """
    run = _Run(book, composer, routes, watcher, clock, jitter, canary, quiet, max_attempts, longest_wait_s)
    with interrupts(run.interrupt):
        return await run.go(due)


class _Run:
    def __init__(
        self,
        book: DeliveryLedger,
        composer: Composer,
        routes: Sequence[Route],
        watcher: Watcher,
        clock: Callable[[], float],
        jitter: Callable[[], float],
        canary: Canary | None,
        quiet: QuietHours | None,
        max_attempts: int,
        longest_wait_s: float,
    ) -> None:
        self.book = book
        self.composer = composer
        self.routes = routes
        self.watcher = watcher
        self.clock = clock
        self.jitter = jitter
        self.quiet = quiet
        self.max_attempts = max_attempts
        self.longest_wait_s = longest_wait_s
        self.journal = GroupCommit(self._write, far=book.is_far)
        self.reason = ""
        self._paced = any(route.pace.limited for route in routes)
        # The queue: what is claimed and not yet taken, and where in the list to claim on.
        self._ready: deque[tuple[Claim, Subscriber]] = deque()
        self._after = 0
        self._refilling: asyncio.Task[None] | None = None
        self._outstanding = 0
        self._again_at = math.inf
        self._tries: dict[int, int] = {}
        self._exhausted = False
        # The canary: how many may still be taken before the gate, and what became of those that were.
        self._canary = canary
        self._before_gate = canary.count if canary else -1
        self._seen = self._refused = 0
        self._watching: asyncio.Task[None] | None = None
        self._told_quiet = False
        self._wait: Wait | None = None
        self._go_on_at = math.inf
        # Domains that no relay may be given more for, and when that ends.
        self._full: dict[str, float] = {}
        # Whoever waits is woken by any change.
        self._stopping = asyncio.Event()
        self._bell = asyncio.Event()
        self._first_error: DeliveryError | None = None

    async def go(self, due: int) -> Stopped:
        workers = [
            asyncio.create_task(self._connection(route, number))
            for route in self.routes
            for number in range(min(route.connections, 1 + due // RECIPIENTS_A_CONNECTION))
        ]
        try:
            # A worker ends by itself only when there is nothing more for it to do, or by an error that ends all.
            await wait_for_all(workers)
            if self._refilling is not None:
                await self._refilling
            self._give_back()
            await self.journal.flush()
            if self._paced:
                await self.journal.call(self._keep_pace)
        finally:
            if self._watching is not None:
                self._watching.cancel()
            self.journal.close()
        if self._first_error is not None and all(route.why_closed and not route.answered for route in self.routes):
            raise self._first_error
        reason = self.reason or self._why_left()
        self._show_wait(None)
        return Stopped(reason, self._go_on_at if reason and self._go_on_at < math.inf else None)

    def interrupt(self) -> None:
        self.stop("interrupted")

    def stop(self, reason: str) -> None:
        """Begin no further message; those under way end."""
        self.reason = self.reason or reason
        self._stopping.set()
        self._ring()

    def _why_left(self) -> str:
        reasons = [f"mail for {domain}: {limit_used_up(until)}" for domain, until in self._full.items()]
        if all(route.why_idle for route in self.routes):
            reasons += [route.why_idle for route in self.routes]
        return "; ".join(dict.fromkeys(reasons))

    # --- one connection after the other -----------------------------------------------------------------------------

    async def _connection(self, route: Route, number: int) -> None:
        route.crew.append(number)
        try:
            await self._work(route, number)
        finally:
            route.crew.remove(number)
            self._ring()

    async def _work(self, route: Route, number: int) -> None:
        while True:
            letter = await self._next(route, number)
            if letter is None:
                return
            route.opening += 1
            try:
                session = await self._opened(route)
            except DeliveryError as error:
                route.opening -= 1
                self._put_back(letter, route)
                if not self._goes_on_without(error, route):
                    return
                continue
            route.opening -= 1
            if session is None:
                self._put_back(letter, route)
                return
            route.opened(number)
            self._ring()
            try:
                await self._converse(session, route, number, letter)
                if session.carried and (farewell := session.farewell_for_count):
                    self._note_limit(session, route, farewell)
                await session.quit()
            finally:
                session.abort()  # where an error or a second Ctrl-C came first; after `quit` it does nothing
                route.lost(number)
                self._ring()

    def _goes_on_without(self, error: DeliveryError, route: Route) -> bool:
        """What a connection that could not be had means. True when this worker is to try another."""
        if route.open and isinstance(error, UnreachableError):
            route.connections = route.open + route.opening
            self.watcher.news(f"{error}; going on with {route.connections} connections")
            return False
        self._first_error = self._first_error or error
        if not isinstance(error, UnreachableError) or not route.answered:
            self._close(route, str(error))
            return False
        news = route.lane.lost(self.clock(), str(error))
        if route.lane.stopped:
            self._close(route, str(error))
            return False
        if news:
            self.watcher.news(news)
        return True

    def _close(self, route: Route, reason: str) -> None:
        """No more mail through this relay in this run."""
        if not route.closed:
            route.closed = reason
            if len(self.routes) > 1:
                self.watcher.news(f"{reason}; the rest goes through the other relays")
        self._ring()

    async def _converse(self, session: Session, route: Route, number: int, first: _Assignment) -> None:
        """Send one message after the other until the connection, the relay's patience or the queue is used up.

        A second Ctrl-C may end this anywhere: a row then still `committing` is called uncertain by the next run.
        """
        letter: _Assignment | None = first
        trying = False
        session.begin(first.message)
        while letter is not None:
            following: _Assignment | None = None
            outcome = await session.accepted()
            if trying:
                route.trying = False
                # Code 0: no answer, or none of the server's, since it was never asked.
                heard = session.usable and (outcome is None or outcome.code > 0)
                route.overlaps = False if session.swallowed else True if heard else None
            if session.swallowed:
                self._put_back(letter, route)
                return
            if outcome is not None and _is_used_up(session, outcome):
                self._note_limit(session, route, f"{outcome.code} {outcome.text}")
                self._put_back(letter, route)
                return
            trying = False
            if outcome is None:
                outcome = await session.body(letter.message)
            if outcome is None:
                committing = Move(letter.claim.row, State.COMMITTING, message_id=letter.message.message_id)
                if not await self.journal.committed(committing):
                    self._spare(letter, route)
                    session.abort()  # the text is out, and only without its dot is the message none
                    return
                if self._may_go_on(session, route, number) and self._may_overlap(session, route):
                    taken = self._take(route)
                    following = taken if isinstance(taken, _Assignment) else None
                    trying = route.trying = route.overlaps is None and following is not None
                outcome = session.dot(following.message if following else None, trying=trying)
                if outcome is None:
                    outcome = await session.verdict()
            used_up = _is_used_up(session, outcome)
            if used_up:
                self._note_limit(session, route, f"{outcome.code} {outcome.text}")
            self._settle(letter, outcome, route, lost=not session.usable, used_up=used_up)
            session.carried += 1
            if used_up and following is None:
                return
            if following is not None and (not session.usable or self._stopping.is_set() or route.why_closed):
                route.trying = route.trying and not trying
                # Its envelope may be out, but none of its text: the connection is dropped, and it is as if untried.
                self._put_back(following, route)
                if session.pipelining:
                    session.abort()
                return
            if not session.usable:
                return
            if following is None and self._may_go_on(session, route, number):
                following = await self._next(route, number, IDLE_S)
                if following is not None and session.usable:
                    session.begin(following.message)
                elif following is not None:
                    self._put_back(following, route)
                    return
            letter = following

    def _may_overlap(self, session: Session, route: Route) -> bool:
        """Whether the next envelope may go out with the dot of this message; one connection finds out for all."""
        return session.pipelining and (bool(route.overlaps) or (route.overlaps is None and not route.trying))

    def _may_go_on(self, session: Session, route: Route, number: int) -> bool:
        limits = [most for most in (route.messages_per_connection, session.most_messages) if most]
        enough = limits and session.begun >= min(limits)
        return not enough and not route.why_closed and route.crew.index(number) < route.lane.parallel(route.connections)

    # --- what became of one -----------------------------------------------------------------------------------------

    def _note_limit(self, session: Session, route: Route, words: str) -> None:
        """Learn how many messages this relay takes over one connection: the next ones end before it says so."""
        carried = session.carried
        if 0 < route.messages_per_connection <= carried:
            return
        route.messages_per_connection = carried
        self.watcher.news(
            f"{route.relay} takes {carried} message{'' if carried == 1 else 's'} over one connection "
            f"({words}); going on over new ones; messages_per_connection = {carried} in newsletter.toml says so before"
        )

    def _settle(
        self, letter: _Assignment, outcome: Outcome, route: Route, *, lost: bool, used_up: bool = False
    ) -> None:
        now = self.clock()
        self._outstanding -= 1
        route.answered += 1
        route.told_silence = route.told_silence and outcome.code == 0
        route.moved_at = asyncio.get_running_loop().time()
        news = "" if used_up else route.lane.saw(outcome, now)
        if lost and outcome.code == 0:
            news = route.lane.lost(now, outcome.text) or news
        if route.lane.stopped:
            self._close(route, route.lane.stopped)
        if outcome.stage == "MAIL" and outcome.code >= 500:
            sender = self.composer.sender.address
            self._close(route, f"{route.relay} takes no mail from {sender} ({outcome.code} {outcome.text})")
        if news:
            self.watcher.news(news)
        due_at = None
        if outcome.state is State.DEFERRED:
            worn = 0 < self.max_attempts <= letter.claim.attempts
            due_at = now if used_up and not worn else self._due_at(letter.claim, outcome, route, now)
        again = due_at is not None and due_at <= now
        self.journal.note(
            Move(
                letter.claim.row,
                outcome.state,
                message_id=letter.message.message_id,
                stage=outcome.stage,
                code=outcome.code,
                reply=outcome.text,
                due_at=datetime.fromtimestamp(due_at, UTC) if due_at is not None else None,
                lane=route.relay.name,
            )
        )
        if again:
            self._again_at = now
            self._exhausted = False
        else:
            self._tries.pop(letter.claim.row, None)
            self.watcher.outcome(letter.person, outcome, route.relay)
        self._note_canary(outcome)
        self._ring()

    def _spare(self, letter: _Assignment, route: Route) -> None:
        """They left while their message was on its way to the relay: the ledger has them as suppressed."""
        self._outstanding -= 1
        self._tries.pop(letter.claim.row, None)
        if self._before_gate >= 0 and self._watching is None:
            self._before_gate += 1  # the canary counts those who were mailed
        outcome = Outcome(State.SUPPRESSED, "list", 0, "left, or bounced, since the send began; not mailed")
        self.watcher.outcome(letter.person, outcome, route.relay)
        self._ring()

    def _due_at(self, claim: Claim, outcome: Outcome, route: Route, now: float) -> float:
        """When to try a deferred recipient again: in this run where the trouble was the connection's or ours.

        What a relay said that takes no more mail from us is no reason to wait where there is another one.
        """
        tries = self._tries[claim.row] = self._tries.get(claim.row, 0) + 1
        elsewhere = outcome.lane and bool(route.why_closed) and any(not other.why_idle for other in self.routes)
        ours = outcome.code in (0, 421) or (outcome.lane and outcome.code < 500) or elsewhere
        worn = 0 < self.max_attempts <= claim.attempts
        if ours and tries < TRIES_A_RUN and not worn:
            return now
        return now + retry_delay_s(claim.attempts, self.jitter()).total_seconds()

    def _note_canary(self, outcome: Outcome) -> None:
        canary = self._canary
        if canary is None or self._watching is not None:
            return
        self._seen += 1
        self._refused += outcome.state is State.REJECTED or outcome.lane
        if self._seen >= canary.count:
            self._watching = asyncio.create_task(self._watch_canary(canary))

    async def _watch_canary(self, canary: Canary) -> None:
        share = self._refused / self._seen
        if share > canary.refusals:
            self.stop(f"the canary: {self._refused} of the first {self._seen} were refused")
            return
        self.watcher.news(f"the first {self._seen} are out, {self._refused} refused; waiting {canary.wait_s:g} s")
        self._show_wait(_noticed("the canary: refusals are waited for", self.clock(), canary.wait_s))
        await self._pause(canary.wait_s, until_stopped=True)
        self._before_gate = -1
        self._ring()

    # --- the queue --------------------------------------------------------------------------------------------------

    async def _next(self, route: Route, number: int, patience_s: float = math.inf) -> _Assignment | None:
        """The next message for this relay, once its pace allows it; None when there is none, or not soon enough."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_s
        while True:
            self._check()
            if self._stopping.is_set() or route.why_idle or self._done:
                return None
            left = deadline - loop.time()
            place = route.crew.index(number)
            if left <= 0 or place >= route.connections:
                return None
            # The first connection shows that the relay is there, before others knock as well.
            may_try = (place == 0 or route.proven) and place < route.lane.parallel(route.connections)
            taken = self._take(route) if may_try else math.inf
            if isinstance(taken, _Assignment) or taken is None:
                return taken
            if left < taken < math.inf:
                return None
            await self._pause(min(taken, left, RECHECK_S))

    @property
    def _done(self) -> bool:
        return self._exhausted and not self._ready and not self._outstanding

    def _take(self, route: Route) -> _Assignment | float | None:
        """A message; or how long to wait for one, in seconds; None when there will be none."""
        if self._stopping.is_set() or route.used_up:
            return None
        if len(self._ready) < CLAIMED_AT_ONCE // 2 and not self._exhausted and self._refilling is None:
            self._refilling = asyncio.create_task(self._refill())
            self._refilling.add_done_callback(self._refilled)
        if not self._ready:
            return None if self._done else math.inf
        now = self.clock()
        held = self._held(route, now)
        if held:
            return None if route.used_up else held
        shortest = math.inf
        for index, (claim, person) in enumerate(self._ready):
            if index >= LOOK_AHEAD:
                break
            domain = claim.key.rpartition("@")[2]
            wait = route.pace.wait_s(domain, now) if route.held else 0.0
            if wait <= 0:
                del self._ready[index]
                route.pace.spend(domain, now)
                route.lane.took(now)
                route.told_wait = False
                return self._letter(route, claim, person)
            shortest = min(shortest, wait)
            if not route.pace.by_domain:
                break
        if shortest > self.longest_wait_s:
            return self._leave(route, shortest, now)
        if not self._outstanding:
            if shortest > TOLD_FROM_S and not route.told_wait:
                route.told_wait = True
                self.watcher.news(f"{route.relay}: {limit_used_up(now + shortest, route.limits, 'going on')}")
            self._show_wait(_noticed(f"{route.relay}: its limit is used up", now, shortest))
        return shortest

    def _leave(self, route: Route, wait_s: float, now: float) -> float | None:
        """Give up, for this run, whoever's turn would come too late: everybody, or those of a domain."""
        whole = route.pace.wait_s("", now)
        if whole > self.longest_wait_s:
            self._rest(route, f"{route.relay}: {limit_used_up(now + whole, route.limits)}", now + whole)
            return None
        others = [other for other in self.routes if not other.why_idle]
        left = 0
        for claim, person in [self._ready.popleft() for _ in range(min(LOOK_AHEAD, len(self._ready)))]:
            domain = claim.key.rpartition("@")[2]
            soonest = min(other.pace.wait_s(domain, now) for other in others)
            if soonest <= self.longest_wait_s:
                self._ready.append((claim, person))
                continue
            self._full[domain] = now + soonest
            self._go_on_at = min(self._go_on_at, now + soonest)
            self.journal.note(Move(claim.row, State.PENDING))
            left += 1
        return 0.0 if left else wait_s

    def _rest(self, route: Route, why: str, until: float) -> None:
        """Begin nothing more through this relay in this run: nobody watches, and the wait would be too long."""
        route.used_up = why
        self._go_on_at = min(self._go_on_at, until)
        if len(self.routes) > 1:
            self.watcher.news(f"{why}; the rest goes through the other relays")
        self._ring()

    def _show_wait(self, wait: Wait | None) -> None:
        if (wait and wait.reason) != (self._wait and self._wait.reason):
            self.watcher.waiting(wait)
            self._wait = wait

    def _letter(self, route: Route, claim: Claim, person: Subscriber) -> _Assignment:
        self._show_wait(None)
        route.share += 1 / max(route.relay.weight, 1)
        route.moved_at = asyncio.get_running_loop().time()
        self._outstanding += 1
        if self._before_gate > 0:
            self._before_gate -= 1
        return _Assignment(claim, person, self.composer.compose(person))

    def _held(self, route: Route, now: float) -> float:
        """How long nothing may be taken, whoever is next; 0.0 when something may."""
        if self._before_gate == 0:
            return math.inf
        if self.quiet is not None and route.held:
            moment = datetime.fromtimestamp(now, UTC)
            until = self.quiet.until(moment)
            if until is not None:
                wait = max((until - moment) / timedelta(seconds=1), 0.001)
                if wait > self.longest_wait_s:
                    self._rest(route, f"quiet hours until {shown_moment(until)}", until.timestamp())
                    return wait
                if not self._told_quiet:
                    self.watcher.news(f"quiet hours; going on at {shown_moment(until)}")
                self._told_quiet = True
                self._show_wait(Wait("quiet hours", until.timestamp()))
                return wait
            self._told_quiet = False
        wait = route.lane.wait_s(now)
        if wait > 0 and not self._outstanding:
            if wait > self.longest_wait_s:
                self._rest(route, f"{route.relay} pauses until {shown_local(now + wait)}", now + wait)
                return wait
            self._show_wait(_noticed(f"{route.relay} pauses", now, wait))
        if wait <= 0 and len(self.routes) > 1 and self._is_ahead(route, now):
            return math.inf
        return wait

    def _is_ahead(self, route: Route, now: float) -> bool:
        """Whether this relay has had its share, and another one that could send now has not."""
        ahead = False
        for other in self.routes:
            if other is route or other.why_idle:
                continue
            if self._could_send(other, now):
                ahead = ahead or route.share > other.share + 1
            else:
                other.share = max(other.share, route.share)  # what it misses meanwhile is not kept for it
        return ahead

    def _could_send(self, route: Route, now: float) -> bool:
        """Whether another relay should wait for this one: not for a used-up quota, nor one that has fallen silent."""
        quick = asyncio.get_running_loop().time() - route.moved_at < RECHECK_S
        return bool(route.open) and quick and route.lane.wait_s(now) <= 0 and route.pace.wait_s("", now) <= 0

    def _put_back(self, letter: _Assignment, route: Route) -> None:
        """As if it had never been taken."""
        self._outstanding -= 1
        route.share -= 1 / max(route.relay.weight, 1)
        if self._before_gate >= 0:
            self._before_gate += 1
        route.pace.refund(letter.claim.key.rpartition("@")[2], self.clock())
        self._ready.appendleft((letter.claim, letter.person))
        self._ring()

    async def _refill(self) -> None:
        found = await self.journal.call(lambda: self.book.claim(CLAIMED_AT_ONCE, self._after))
        if not found and self._again_at < math.inf:
            # The list is through; those who may be tried again stand somewhere before its end.
            self._again_at = math.inf
            await self.journal.flush()
            found = await self.journal.call(lambda: self.book.claim(CLAIMED_AT_ONCE, 0))
        if found:
            self._after = found[-1][0].row
            self._ready.extend(found)
        elif self._again_at == math.inf:
            self._exhausted = True

    def _refilled(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._refilling = None
        self._ring()

    def _check(self) -> None:
        """Raise what ended the ledger's work, or the canary's watch, in every worker."""
        self.journal.check()
        for task in (self._refilling, self._watching):
            if task is not None and task.done():
                task.result()

    def _give_back(self) -> None:
        """Let those who were claimed and not tried go, so that a report reads them as pending."""
        for claim, _ in self._ready:
            self.journal.note(Move(claim.row, State.PENDING))
        self._ready.clear()

    def _write(self, moves: Sequence[Move]) -> Collection[int]:
        off = self.book.write(moves)
        if self._paced:
            self._keep_pace()
        return off

    def _keep_pace(self) -> None:
        marks = {
            f"{route.relay.name}/{name}": mark for route in self.routes for name, mark in route.pace.marks().items()
        }
        self.book.keep_pace(marks)

    # --- waiting ----------------------------------------------------------------------------------------------------

    def _ring(self) -> None:
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()

    async def _pause(self, seconds: float, *, until_stopped: bool = False) -> None:
        """Until something changed, or so many seconds."""
        bell = self._stopping if until_stopped else self._bell
        if seconds == math.inf:
            await bell.wait()
            return
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            pass

    def _tell_silence(self, route: Route, what: str) -> None:
        """News, once until the relay answers again: with several connections, one line says it for all."""
        if route.told_silence:
            return
        route.told_silence = True
        longest = max(route.timeouts.connect, route.timeouts.dot)
        self.watcher.news(f"{route.relay} {what}; still waiting, for {longest / 60:g} min at most; Ctrl-C is safe")

    async def _opened(self, route: Route) -> Session | None:
        """A session with this relay; None when Ctrl-C came first. Raises DeliveryError."""
        opening = asyncio.ensure_future(
            Session.open(
                route.relay,
                timeouts=route.timeouts,
                tls_context=route.tls_context,
                on_silence=partial(self._tell_silence, route),
            )
        )
        stopped = asyncio.create_task(self._stopping.wait())
        given = False
        try:
            await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
            given = opening.done()
            return opening.result() if given else None
        finally:
            stopped.cancel()
            if not given:  # stopped, or ended with all the others
                # More than once where need be: `wait_for` loses a cancel that comes together with its result
                # (CPython issue 86296, mended in 3.12), and the greeting would be waited for to its end.
                while not opening.done():
                    opening.cancel()
                    await asyncio.wait({opening}, timeout=0.1)
                (left,) = await asyncio.gather(opening, return_exceptions=True)
                if isinstance(left, Session):  # it came in that very moment
                    left.abort()


def _is_used_up(session: Session, outcome: Outcome) -> bool:
    """Whether the connection has carried its share. What its very first message hears is of the pace, whatever the
    words: else a relay that says so each time would be asked without end."""
    return outcome.connection and session.carried > 0


def _noticed(reason: str, now: float, wait_s: float) -> Wait | None:
    return Wait(reason, now + wait_s) if NOTICED_FROM_S < wait_s < math.inf else None
