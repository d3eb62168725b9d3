"""The relays of a run: their settings, their state, and whose turn it is (weighted fair sharing)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from newsletter.delivery.rate_limits import RelayLimits
from newsletter.delivery.run_control import RECHECK_S, RunControl
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.delivery.throttle import RelayThrottle
from newsletter.delivery.window import RelayWindow
from newsletter.errors import DeliveryError
from newsletter.frozen import frozen
from newsletter.model.delivery import Relay


@frozen
class Route:
    """A relay and its settings. Among several, each gets a share of the mail in proportion to `relay.weight`."""

    relay: Relay
    rate_limiter: RelayLimits
    throttle: RelayThrottle
    timeouts: Timeouts
    connections: int = 1
    messages_per_connection: int = 0
    window: int | None = None
    """How many messages may be under way over one connection; None decides by the round trip."""

    tls_context: ssl.SSLContext | None = None
    limits: str = ""
    """What `rate_limiter` allows, in words."""

    held: bool = True
    """Whether quiet hours and rates delay its mail. Mail to a catcher and tests are counted but not delayed."""


@dataclass(slots=True)
class RouteState:
    """The state of a route during a run."""

    settings: Route
    connections: int = field(init=False)
    """How many connections the relay allows, as far as is known."""

    messages_per_connection: int = field(init=False)
    """How many messages it takes over one connection, as configured or learnt; 0 for any number."""

    closed: str = field(default="", init=False)
    """Why no more mail goes through this relay in this run; empty while it is usable."""

    used_up: str = field(default="", init=False)
    """Why this run begins no further message through it; messages under way end as usual."""

    window: RelayWindow = field(init=False)
    overlaps: bool | None = field(default=None, init=False)
    """Whether an envelope may go out with the previous message's dot; None until one connection has probed it."""

    probing_overlap: bool = field(default=False, init=False)
    reported_wait: bool = field(default=False, init=False)
    reported_silence: bool = field(default=False, init=False)
    share: float = field(default=0.0, init=False)
    """Messages taken, divided by the relay's weight."""

    moved_at: float = field(default=0.0, init=False)
    """When a message was last taken or settled, in the event loop's time."""

    answered: int = field(default=0, init=False)
    """Messages whose outcome is known."""

    workers: list[int] = field(default_factory=list, init=False)
    """The numbers of its workers, those with an open connection first."""

    open: int = field(default=0, init=False)
    opening: int = field(default=0, init=False)
    proven: bool = field(default=False, init=False)
    """Whether any connection to it was ever open."""

    def __post_init__(self) -> None:
        self.connections = self.settings.connections
        self.messages_per_connection = self.settings.messages_per_connection
        self.window = RelayWindow(self.settings.window)

    @property
    def relay(self) -> Relay:
        return self.settings.relay

    @property
    def rate_limiter(self) -> RelayLimits:
        return self.settings.rate_limiter

    @property
    def throttle(self) -> RelayThrottle:
        return self.settings.throttle

    @property
    def why_closed(self) -> str:
        return self.closed or self.throttle.stopped

    @property
    def why_idle(self) -> str:
        return self.why_closed or self.used_up

    def connection_opened(self, worker: int) -> None:
        """Move the worker to the front, so that surplus workers are those without a connection."""
        self.workers.remove(worker)
        self.workers.insert(self.open, worker)
        self.open += 1
        self.proven = True

    def connection_closed(self, worker: int) -> None:
        self.open -= 1
        self.workers.remove(worker)
        self.workers.insert(self.open, worker)

    def is_surplus(self, worker: int) -> bool:
        """Whether the throttle currently allows fewer connections."""
        return self.workers.index(worker) >= self.throttle.parallel(self.connections)

    def count_taken(self) -> None:
        self.share += 1 / max(self.relay.weight, 1)
        self.moved_at = asyncio.get_running_loop().time()

    def count_put_back(self) -> None:
        self.share -= 1 / max(self.relay.weight, 1)


class Routes:
    """All routes of a run: which are usable, which were closed, whose turn it is."""

    def __init__(self, routes: Sequence[Route], control: RunControl) -> None:
        self._states = tuple(RouteState(route) for route in routes)
        self._control = control
        self.first_error: DeliveryError | None = None
        """The error of the first connection that could not be opened."""

    def __iter__(self) -> Iterator[RouteState]:
        return iter(self._states)

    @property
    def are_limited(self) -> bool:
        """Whether any relay has a rate limit, whose state must be saved for the next run."""
        return any(route.rate_limiter.limited for route in self._states)

    @property
    def usable(self) -> list[RouteState]:
        return [route for route in self._states if not route.why_idle]

    @property
    def were_never_reached(self) -> bool:
        return all(route.why_closed and not route.answered for route in self._states)

    @property
    def why_idle(self) -> list[str]:
        """Why each relay is idle, when all of them are."""
        return [] if self.usable else [route.why_idle for route in self._states]

    def saved_state(self) -> dict[str, str]:
        """The state of the rate limits, by relay and limit."""
        return {
            f"{route.relay.name}/{name}": state
            for route in self._states
            for name, state in route.rate_limiter.saved_state().items()
        }

    def close(self, route: RouteState, reason: str) -> None:
        """Send no more mail through this relay in this run."""
        if not route.closed:
            route.closed = reason
            self._report_rest(reason)
        self._control.wake()

    def retire(self, route: RouteState, reason: str) -> None:
        """Begin no further message through this relay in this run: the wait would exceed the run's limit."""
        route.used_up = reason
        self._report_rest(reason)
        self._control.wake()

    def _report_rest(self, reason: str) -> None:
        if len(self._states) > 1:
            self._control.watcher.news(f"{reason}; the rest goes through the other relays")

    def is_ahead(self, route: RouteState, now: float) -> bool:
        """Whether this relay has had its share while another one that could send now has not."""
        ahead = False
        for other in self._states:
            if other is route or other.why_idle:
                continue
            if _could_send(other, now):
                ahead = ahead or route.share > other.share + 1
            else:
                other.share = max(other.share, route.share)  # it does not catch up for the share it misses meanwhile
        return ahead


def _could_send(route: RouteState, now: float) -> bool:
    """Whether this relay could send now: its limit is not used up, and it is not silent."""
    quick = asyncio.get_running_loop().time() - route.moved_at < RECHECK_S
    return bool(route.open) and quick and route.throttle.wait_s(now) <= 0 and route.rate_limiter.wait_s("", now) <= 0
