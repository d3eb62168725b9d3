"""A route: one relay with its limits, connections and state in a run."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from newsletter.delivery.rate_limits import RateLimiter
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.delivery.throttle import RelayThrottle
from newsletter.model.delivery import Relay


@dataclass(slots=True)
class Route:
    """A relay, and how it is to be used in this run. Of several, each gets its `relay.weight` of the mail."""

    relay: Relay
    pace: RateLimiter
    lane: RelayThrottle
    timeouts: Timeouts
    connections: int = 1
    messages_per_connection: int = 0
    tls_context: ssl.SSLContext | None = None
    limits: str = ""
    """What `pace` allows, in words."""

    held: bool = True
    """Whether quiet hours and rates hold its mail back: not what a catcher swallows, nor a test. It counts all the
    same."""

    closed: str = ""
    used_up: str = field(default="", init=False)
    """Why nothing more is begun through it in this run, though what is under way ends as usual."""

    overlaps: bool | None = field(default=None, init=False)
    """Whether an envelope may go out with the dot before it; None until one connection has tried."""

    trying: bool = field(default=False, init=False)
    told_wait: bool = field(default=False, init=False)
    told_silence: bool = field(default=False, init=False)
    share: float = field(default=0.0, init=False)
    moved_at: float = field(default=0.0, init=False)
    answered: int = field(default=0, init=False)
    crew: list[int] = field(default_factory=list, init=False)
    open: int = field(default=0, init=False)
    opening: int = field(default=0, init=False)
    proven: bool = field(default=False, init=False)

    def opened(self, number: int) -> None:
        """A connection is there, and those that are come first: where fewer are allowed, the others are too many."""
        self.crew.remove(number)
        self.crew.insert(self.open, number)
        self.open += 1
        self.proven = True

    def lost(self, number: int) -> None:
        """It is there no more."""
        self.open -= 1
        self.crew.remove(number)
        self.crew.insert(self.open, number)

    @property
    def why_closed(self) -> str:
        return self.closed or self.lane.stopped

    @property
    def why_idle(self) -> str:
        return self.why_closed or self.used_up
