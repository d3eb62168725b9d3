"""Rate limits of a relay that several machines share: turns are leased ahead, for about a second, and used here.

`wait_s` and `spend` are as in `rate_limits`; another thread leases what `wanted` says. A turn that was not used in time
is lost: the machines together never send more than the limits allow.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence

from newsletter.frozen import frozen

LEASE_S = 1.0
"""Turns are leased for this long ahead, at most."""

USED_WITHIN_S = 2.0
"""A turn that is older than this is given up: with others it would make a burst."""

ASK_AGAIN_S = 0.05
"""How soon to look again while turns are being leased."""

RELAY = ""
"""The scope of the relay's own limits; others are domains."""


@frozen
class Lease:
    """Turns in seconds from now, in order; without any, `blocked_s` is when to ask again."""

    turns: Sequence[float] = ()
    blocked_s: float = 0.0


class LeasedRateLimiter:
    """The turns of one relay that this run holds. Safe in two threads."""

    def __init__(self, *, relay: bool, domains: Collection[str]) -> None:
        """`relay`: it has limits of its own; `domains` are those that have."""
        self._scopes = frozenset({RELAY} if relay else ()) | frozenset(domains)
        self._turns: dict[str, deque[float]] = {scope: deque() for scope in self._scopes}
        self._blocked: dict[str, float] = {}
        self._wanted: dict[str, int] = {}
        self._used: dict[str, int] = dict.fromkeys(self._scopes, 1)
        self._lock = threading.Lock()
        self.asked = threading.Event()
        self.by_domain = bool(domains)
        self.limited = bool(self._scopes)

    def wait_s(self, domain: str, now: float) -> float:
        """How long a message to this domain has to wait, in seconds; 0.0 when it may go now."""
        if not self.limited:
            return 0.0
        with self._lock:
            return max((self._wait_s(scope, now) for scope in self._of(domain)), default=0.0)

    def spend(self, domain: str, now: float) -> None:
        """Use a turn for a message to this domain that goes out now."""
        if not self.limited:
            return
        with self._lock:
            for scope in self._of(domain):
                if self._turns[scope]:
                    self._turns[scope].popleft()
                self._used[scope] += 1

    def refund(self, domain: str, now: float) -> None:
        """Give a turn back, to be used within the next moments."""
        if not self.limited:
            return
        with self._lock:
            for scope in self._of(domain):
                self._turns[scope].appendleft(now)

    def saved_state(self) -> Mapping[str, str]:
        """Nothing: what was leased is saved already."""
        return {}

    # --- for the thread that leases ----------------------------------------------------------------------------------

    def wanted(self) -> Mapping[str, int]:
        """How many turns are wanted by scope: some more than were used since the last lease."""
        with self._lock:
            self.asked.clear()
            wanted, self._wanted = self._wanted, {}
            return wanted

    def take_in(self, scope: str, lease: Lease, now: float) -> None:
        """Add leased turns."""
        with self._lock:
            self._turns[scope].extend(now + turn for turn in lease.turns)
            self._used[scope] = 1
            if lease.turns:
                self._blocked.pop(scope, None)
            else:
                self._blocked[scope] = now + lease.blocked_s

    def unused(self) -> Mapping[str, int]:
        """The turns that are left at the end of the run, by scope."""
        with self._lock:
            left = {scope: len(turns) for scope, turns in self._turns.items() if turns}
            for turns in self._turns.values():
                turns.clear()
            return left

    # --- inside -----------------------------------------------------------------------------------------------------

    def _of(self, domain: str) -> list[str]:
        return [scope for scope in dict.fromkeys((RELAY, domain)) if scope in self._scopes]

    def _wait_s(self, scope: str, now: float) -> float:
        turns = self._turns[scope]
        while turns and turns[0] + USED_WITHIN_S < now:
            turns.popleft()
        if len(turns) < self._used[scope]:
            self._ask(scope, now)
        if turns:
            return max(turns[0] - now, 0.0)
        return max(self._blocked.get(scope, now) - now, ASK_AGAIN_S)

    def _ask(self, scope: str, now: float) -> None:
        if scope not in self._wanted and self._blocked.get(scope, now) <= now:
            self._wanted[scope] = 2 * self._used[scope] + 8
            self.asked.set()
