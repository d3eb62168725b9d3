"""Recipient queue: claims recipients ahead from the ledger, hands them out as rates, quiet hours and the
canary allow.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from newsletter.delivery.canary import CanaryGate
from newsletter.delivery.routes import Routes, RouteState
from newsletter.delivery.run_control import RunControl, Wait
from newsletter.frozen import frozen
from newsletter.group_commit import GroupCommit
from newsletter.ledger.ledger import Claim, Move
from newsletter.message.compose import Composer
from newsletter.model.delivery import Message, Outcome, State
from newsletter.model.moments import shown_local, shown_moment
from newsletter.model.retry_delay import retry_delay_s
from newsletter.model.schedule import QuietHours
from newsletter.model.subscriber import Subscriber

CLAIMED_AT_ONCE = 500
"""Recipients claimed in one transaction. After a kill they are pending again, without a counted attempt."""

LOOK_AHEAD = 200
"""How far to look past recipients whose domain has to wait."""

REPORTED_FROM_S = 60.0
"""Report rate-limit waits longer than this to the user."""

TRIES_A_RUN = 3
"""How often one run tries a recipient whose connection broke, or who was deferred by a rate limit."""


class DeliveryLedger(Protocol):
    """What a run needs of a ledger; calls are never concurrent. `is_far`: across a network, to be called in a
    thread.
    """

    is_far: bool

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        """Claim the next recipients who are due, beyond row `after`; empty when there are none."""

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        """Write the moves durably. Returns the rows whose recipients were suppressed meanwhile; these were
        not moved.
        """

    def save_rate_limits(self, state: Mapping[str, str]) -> None: ...


@dataclass(slots=True)
class Assignment:
    """A recipient given to a connection, and the message composed for them."""

    claim: Claim
    recipient: Subscriber
    message: Message


@frozen
class Later:
    """No recipient may be mailed now. Ask again after so many seconds, or when woken; `math.inf` means only
    when woken.
    """

    in_s: float


@frozen
class NoMoreRecipients:
    """This relay gets no further recipient in this run."""


Taken: TypeAlias = Assignment | Later | NoMoreRecipients


@frozen
class QueueLimits:
    """What keeps recipients waiting, and for how long a run waits for it."""

    quiet: QuietHours | None = None
    max_attempts: int = 0
    longest_wait_s: float = math.inf


class RecipientQueue:
    """The queue claims ahead, in list order. A recipient is `outstanding` from `take` until the outcome is known."""

    def __init__(
        self,
        ledger: DeliveryLedger,
        commits: GroupCommit[Move, Collection[int]],
        composer: Composer,
        routes: Routes,
        gate: CanaryGate,
        control: RunControl,
        limits: QueueLimits,
        jitter: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._commits = commits
        self._composer = composer
        self._routes = routes
        self._gate = gate
        self._control = control
        self._limits = limits
        self._jitter = jitter
        # Claimed and not yet taken, and the row of the list to claim on from.
        self._ready: deque[tuple[Claim, Subscriber]] = deque()
        self._after = 0
        self._refilling: asyncio.Task[None] | None = None
        self._list_is_through = False
        self._outstanding = 0
        self._tries: dict[int, int] = {}
        self._retries_wait = False
        self._reported_quiet = False
        # Domains whose rate limit is used up on every relay -> when it resets.
        self._used_up_domains: dict[str, float] = {}
        self.resumes_at = math.inf
        """The earliest time at which a recipient left to a later run could be mailed."""

    @property
    def is_done(self) -> bool:
        return self._list_is_through and not self._ready and not self._outstanding

    @property
    def why_given_up(self) -> list[str]:
        """Which domains were left to a later run, and why."""
        return [f"mail for {domain}: {limit_used_up(until)}" for domain, until in self._used_up_domains.items()]

    def check(self) -> None:
        """Raise the error that ended the claiming, if any."""
        if self._refilling is not None and self._refilling.done():
            self._refilling.result()

    # --- taking -----------------------------------------------------------------------------------------------------

    def take(self, route: RouteState) -> Taken:
        """Take the next recipient for this relay."""
        if self._control.stopping.is_set() or route.used_up:
            return NoMoreRecipients()
        self._claim_ahead()
        if not self._ready:
            return NoMoreRecipients() if self.is_done else Later(math.inf)
        now = self._control.clock()
        if blocked := self._blocked_for(route, now):
            return NoMoreRecipients() if route.used_up else Later(blocked)
        shortest = math.inf
        for index, (claim, recipient) in enumerate(self._ready):
            if index >= LOOK_AHEAD:
                break
            domain = _domain_of(claim)
            wait = route.rate_limiter.wait_s(domain, now) if route.settings.held else 0.0
            if wait <= 0:
                del self._ready[index]
                return self._assign(route, claim, recipient, domain, now)
            shortest = min(shortest, wait)
            if not route.rate_limiter.by_domain:
                break
        if shortest > self._limits.longest_wait_s:
            return self._give_up(route, shortest, now)
        if not self._outstanding:
            self._report_wait(route, shortest, now)
        return Later(shortest)

    def _assign(self, route: RouteState, claim: Claim, recipient: Subscriber, domain: str, now: float) -> Assignment:
        route.rate_limiter.spend(domain, now)
        route.throttle.record_start(now)
        route.reported_wait = False
        self._control.show(None)
        route.count_taken()
        self._outstanding += 1
        self._gate.take()
        return Assignment(claim, recipient, self._composer.compose(recipient))

    def put_back(self, assignment: Assignment, route: RouteState) -> None:
        """Return a recipient to the ledger as never taken."""
        self._outstanding -= 1
        route.count_put_back()
        self._gate.put_back()
        route.rate_limiter.refund(_domain_of(assignment.claim), self._control.clock())
        self._ready.appendleft((assignment.claim, assignment.recipient))
        self._control.wake()

    # --- waits ------------------------------------------------------------------------------------------------------

    def _blocked_for(self, route: RouteState, now: float) -> float:
        """How long this relay gets no recipient at all, in seconds; 0.0 when it may have one."""
        if self._gate.is_closed:
            return math.inf
        if quiet_s := self._quiet_for(route, now):
            return quiet_s
        wait = route.throttle.wait_s(now)
        if wait > 0 and not self._outstanding:
            if wait > self._limits.longest_wait_s:
                self._retire(route, f"{route.relay} pauses until {shown_local(now + wait)}", now + wait)
                return wait
            self._control.show_if_noticed(f"{route.relay} pauses", now, wait)
        if wait <= 0 and self._routes.is_ahead(route, now):
            return math.inf
        return wait

    def _quiet_for(self, route: RouteState, now: float) -> float:
        """How long quiet hours last, in seconds; 0.0 outside of them."""
        if self._limits.quiet is None or not route.settings.held:
            return 0.0
        moment = datetime.fromtimestamp(now, UTC)
        until = self._limits.quiet.until(moment)
        if until is None:
            self._reported_quiet = False
            return 0.0
        wait = max((until - moment) / timedelta(seconds=1), 0.001)
        if wait > self._limits.longest_wait_s:
            self._retire(route, f"quiet hours until {shown_moment(until)}", until.timestamp())
            return wait
        if not self._reported_quiet:
            self._control.watcher.news(f"quiet hours; going on at {shown_moment(until)}")
        self._reported_quiet = True
        self._control.show(Wait("quiet hours", until.timestamp()))
        return wait

    def _report_wait(self, route: RouteState, wait_s: float, now: float) -> None:
        if wait_s > REPORTED_FROM_S and not route.reported_wait:
            route.reported_wait = True
            words = limit_used_up(now + wait_s, route.settings.limits, "going on")
            self._control.watcher.news(f"{route.relay}: {words}")
        self._control.show_if_noticed(f"{route.relay}: its limit is used up", now, wait_s)

    def _give_up(self, route: RouteState, wait_s: float, now: float) -> Taken:
        """Leave recipients who would wait too long to a later run: all of them, or those of a domain."""
        whole = route.rate_limiter.wait_s("", now)
        if whole > self._limits.longest_wait_s:
            words = limit_used_up(now + whole, route.settings.limits)
            self._retire(route, f"{route.relay}: {words}", now + whole)
            return NoMoreRecipients()
        left = 0
        for claim, recipient in [self._ready.popleft() for _ in range(min(LOOK_AHEAD, len(self._ready)))]:
            domain = _domain_of(claim)
            soonest = min(other.rate_limiter.wait_s(domain, now) for other in self._routes.usable)
            if soonest <= self._limits.longest_wait_s:
                self._ready.append((claim, recipient))
                continue
            self._used_up_domains[domain] = now + soonest
            self.resumes_at = min(self.resumes_at, now + soonest)
            self._commits.note(Move(claim.row, State.PENDING))
            left += 1
        return Later(0.0 if left else wait_s)

    def _retire(self, route: RouteState, why: str, until: float) -> None:
        self.resumes_at = min(self.resumes_at, until)
        self._routes.retire(route, why)

    # --- outcomes ---------------------------------------------------------------------------------------------------

    def finish(self, claim: Claim, due_at: float | None, now: float) -> bool:
        """Note that the outcome of a recipient is known. True when this run tries them again, since they are due by
        `now`.
        """
        self._outstanding -= 1
        again = due_at is not None and due_at <= now
        if again:
            self._retries_wait = True
            self._list_is_through = False
        else:
            self._tries.pop(claim.row, None)
        return again

    def due_at(self, claim: Claim, outcome: Outcome, route: RouteState, now: float, *, used_up: bool) -> float:
        """When to retry a deferred recipient: within this run if the fault was the connection's or the sender's.

        `used_up`: the connection had carried its share, so the try does not count. There is no wait either if the relay
        takes no more mail from this sender and another one is usable.
        """
        exhausted = 0 < self._limits.max_attempts <= claim.attempts
        if used_up and not exhausted:
            return now
        tries = self._tries[claim.row] = self._tries.get(claim.row, 0) + 1
        elsewhere = outcome.sender_fault and bool(route.why_closed) and bool(self._routes.usable)
        ours = outcome.code in (0, 421) or (outcome.sender_fault and outcome.code < 500) or elsewhere
        if ours and tries < TRIES_A_RUN and not exhausted:
            return now
        return now + retry_delay_s(claim.attempts, self._jitter()).total_seconds()

    # --- claiming ---------------------------------------------------------------------------------------------------

    def _claim_ahead(self) -> None:
        if len(self._ready) < CLAIMED_AT_ONCE // 2 and not self._list_is_through and self._refilling is None:
            self._refilling = asyncio.create_task(self._refill())
            self._refilling.add_done_callback(self._refilled)

    async def _refill(self) -> None:
        found = await self._commits.call(lambda: self._ledger.claim(CLAIMED_AT_ONCE, self._after))
        if not found and self._retries_wait:
            # The end of the list is reached; recipients to be retried have smaller row numbers.
            self._retries_wait = False
            await self._commits.flush()
            found = await self._commits.call(lambda: self._ledger.claim(CLAIMED_AT_ONCE, 0))
        if found:
            self._after = found[-1][0].row
            self._ready.extend(found)
        elif not self._retries_wait:
            self._list_is_through = True

    def _refilled(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._refilling = None
        self._control.wake()

    async def give_back(self) -> None:
        """Release recipients who were claimed and not tried, so that a report counts them as pending."""
        if self._refilling is not None:
            await self._refilling
        for claim, _ in self._ready:
            self._commits.note(Move(claim.row, State.PENDING))
        self._ready.clear()


def _domain_of(claim: Claim) -> str:
    return claim.key.rpartition("@")[2]


def limit_used_up(until: float, limits: str = "", then: str = "the next may go") -> str:
    return f"its limit is used up{f' ({limits})' if limits else ''}; {then} at {shown_local(until)}"
