"""A real ledger, a real composer and the send loop, for tests of delivery.

Everything is as in a real send, except for the clock, which a test may set, and a relay without pauses.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from smtp_server import SmtpServer

from newsletter.delivery.deliver import Stopped, deliver
from newsletter.delivery.rate_limits import RateLimiter
from newsletter.delivery.routes import Route
from newsletter.delivery.run_control import Watcher
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.delivery.throttle import RelayThrottle, ThrottleRules
from newsletter.ledger.ledger import Claim, Delivery, Ledger, Move, Plan
from newsletter.message.compose import Composer
from newsletter.model.delivery import Outcome, Relay, Sender, State
from newsletter.model.rendered_email import Email, Slot, Template
from newsletter.model.schedule import Rate
from newsletter.model.subscriber import Subscriber

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ISSUE = "2026-03-02-ai-daily"
DEADLINE_S = 600.0
"""A run that takes longer hangs."""

PATIENT = Timeouts.capped(120.0, 120.0)
_INSTANT = 1e-6
NO_PAUSE = ThrottleRules(
    slow_s=_INSTANT,
    fastest_s=_INSTANT,
    slowest_s=_INSTANT,
    pause_s=_INSTANT,
    reconnect_s=_INSTANT,
    longest_pause_s=_INSTANT,
    open_s=_INSTANT,
)
ENDED = frozenset({State.SENT, State.REJECTED, State.DEFERRED, State.UNCERTAIN})


def composer(body: str = "") -> Composer:
    email = Email(
        subject=Template(("News",)),
        preheader="",
        html=Template(("<p>Dear ", Slot("name", "html"), f"</p>{body}")),
        text=Template(("Dear ", Slot("name", "text"), "\n")),
        mjml="",
        lang="en",
    )
    return Composer(email, Sender("News", "news@example.com"), issue=ISSUE, when=NOON)


COMPOSER = composer()


def person(address: str) -> Subscriber:
    return Subscriber(address, {"email": address})


class Clock:
    """Epoch seconds from noon on, running by itself; `jump` sets it forward or back."""

    def __init__(self) -> None:
        self._ahead = NOON.timestamp() - time.monotonic()

    def __call__(self) -> float:
        return time.monotonic() + self._ahead

    def jump(self, **by: float) -> None:
        self._ahead += timedelta(**by).total_seconds()

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self(), UTC)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be set forward, so that waits end at once."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self._ahead_s

    def skip(self, seconds: float) -> None:
        """Callable from any thread."""

        def move() -> None:
            self._ahead_s += seconds

        self.call_soon_threadsafe(move)


def route(
    relay: Relay,
    connections: int = 1,
    *,
    rates: Sequence[Rate] = (),
    domains: Mapping[str, tuple[Rate, ...]] | None = None,
    saved: Mapping[str, str] | None = None,
    rules: ThrottleRules = NO_PAUSE,
    timeouts: Timeouts = PATIENT,
    now: float = NOON.timestamp(),
    **options: Any,
) -> Route:
    limiter = RateLimiter(rates, domains or {}, (), saved or {}, now)
    return Route(relay, limiter, RelayThrottle(rules), timeouts, connections=connections, **options)


class IssueLedger:
    """The ledger of one issue, and everything that `deliver` reported."""

    def __init__(
        self, place: Path | str | None, addresses: Iterable[str], clock: Clock | None = None, max_attempts: int = 0
    ) -> None:
        self.addresses = tuple(addresses)
        self.place = place
        self.clock = clock or Clock()
        self.max_attempts = max_attempts
        self.store = Ledger.open(place, self.clock.moment)
        self.reported: list[tuple[str, Outcome, str]] = []
        self.news: list[str] = []
        self.before_write: Callable[[Sequence[Move]], object] = lambda moves: None
        self.on_news: Callable[[str], object] = lambda text: None
        self.on_outcome: Callable[[], object] = lambda: None

    @property
    def is_far(self) -> bool:
        return self.store.is_far

    def close(self) -> None:
        self.store.close()

    # --- the DeliveryLedger protocol --------------------------------------------------------------------------------

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        claims = self.store.claim(ISSUE, limit, after=after, max_attempts=self.max_attempts)
        return [(claim, person(claim.address)) for claim in claims]

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        self.before_write(moves)
        return self.store.write(ISSUE, moves)

    def save_rate_limits(self, state: Mapping[str, str]) -> None:
        self.store.save_rate_limits(state)

    # --- a run ------------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        self.store.recover(ISSUE)
        return self.store.plan(ISSUE, self.addresses, content_hash="1", subject="News", max_attempts=self.max_attempts)

    def run(
        self, *routes: Route, compose: Composer = COMPOSER, loop: SkippingLoop | None = None, **options: Any
    ) -> Stopped:
        """One send, from the plan to the end; in `loop`, if given, which is closed with it."""
        plan = self.plan()

        def tell(text: str) -> None:
            self.news.append(text)
            self.on_news(text)

        def note(who: Subscriber, outcome: Outcome, relay: Relay) -> None:
            self.reported.append((who.email, outcome, relay.name))
            self.on_outcome()

        async def go() -> Stopped:
            async with asyncio.timeout(DEADLINE_S):
                return await deliver(
                    self,
                    compose,
                    routes,
                    due=plan.due,
                    watcher=Watcher(note, tell),
                    clock=self.clock,
                    jitter=lambda: 0.0,
                    max_attempts=self.max_attempts,
                    **options,
                )

        with asyncio.Runner(loop_factory=(lambda: loop) if loop else None) as runner:
            return runner.run(go())

    # --- results ----------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> Mapping[str, Delivery]:
        return {row.address: row for row in self.store.rows(ISSUE)}

    @property
    def states(self) -> Mapping[str, str]:
        return {address: row.state.value for address, row in self.rows.items()}

    @property
    def counts(self) -> Mapping[str, int]:
        return Counter(self.states.values())

    def those(self, *wanted: State) -> set[str]:
        return {address for address, row in self.rows.items() if row.state in wanted}


def assert_accounted(ledger: IssueLedger, *servers: SmtpServer, ended: bool = True) -> None:
    """Assert that no recipient was lost, mailed twice, `sent` without a message, or may be mailed again despite having
    it.

    After a run that has `ended` no recipient is claimed or committing.
    """
    states = {address: row.state for address, row in ledger.rows.items()}
    assert states.keys() == set(ledger.addresses)
    if ended:
        assert set(states.values()) <= {*ENDED, State.PENDING}
    copies = sum((server.copies for server in servers), Counter())
    arrived = Counter(recipient for server in servers for recipient in server.recipients)
    assert set(copies.values()) <= {1}
    assert set(arrived.values()) <= {1}
    sent = {address for address, state in states.items() if state is State.SENT}
    assert sent <= arrived.keys(), sent - arrived.keys()
    may_have = {
        address for address, state in states.items() if state in (State.SENT, State.UNCERTAIN, State.COMMITTING)
    }
    assert arrived.keys() <= may_have, arrived.keys() - may_have
    violations = [violation for server in servers for violation in server.violations]
    assert not violations, violations
