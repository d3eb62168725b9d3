"""Rate limiter: token buckets and sliding windows per second, minute, hour and day; warm-up.

Time is an argument everywhere: epoch seconds. The used part of each limit is saved as a JSON text, so that a new run
does not start a new hour or day.

    limiter.wait_s(domain, now) -> 0.0: limiter.spend(domain, now); if the message was not sent after all,
    limiter.refund(...)

Only the wall clock survives a restart, and it may be set. Inside the limiter time never runs backwards: a clock set
back counts as stopped, and continues from there; one set forward resets limits as passing hours would, and never gives
more than one full limit.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Protocol

from newsletter.model.schedule import DAY_S, MINUTE_S, UNITS, Rate

SLACK_S = 0.1
"""How late a message may go out without delaying the next one: this much of the rate may be sent in a burst."""

SLOTS = 288
"""Slots of a window, each of which expires as a whole: 5 minutes of a day, 12.5 s of an hour. The state takes at most 4
KB.
"""

SHORTEST_WAIT_S = 0.001
"""Shorter waits are rounded up, so that no worker wakes a thousand times for the last microseconds."""

_CLOCK = "clock"
_WARM_UP = "warm-up"


# --- limits ---------------------------------------------------------------------------------------------------------


class RelayLimits(Protocol):
    """What a run needs of a relay's limits: `RateLimiter`, or one whose turns are leased."""

    by_domain: bool
    limited: bool

    def wait_s(self, domain: str, now: float) -> float: ...
    def spend(self, domain: str, now: float) -> None: ...
    def refund(self, domain: str, now: float) -> None: ...
    def saved_state(self) -> Mapping[str, str]: ...


class _Limit(Protocol):
    """A limit with its used part and its reset. `t` never runs backwards."""

    def wait_s(self, t: float) -> float: ...
    def spend(self, t: float) -> None: ...
    def refund(self, t: float) -> None: ...
    def state(self) -> str: ...


class _TokenBucket:
    """A rate per second or minute: spread evenly by a token bucket, and never more than `count` in any such period.

    The bucket is kept as the time at which the next message is due. It holds one message plus what `SLACK_S` is worth.
    The log of the last `count` messages keeps that slack from adding up to more than the rate.
    """

    __slots__ = ("_due", "_log", "_per_s", "_step_s")

    def __init__(self, rate: Rate, state: str) -> None:
        self._per_s = float(rate.per_s)
        self._step_s = rate.per_s / rate.count
        self._log: deque[float] = deque(maxlen=rate.count)
        self._due = 0.0
        if state:
            # As if all of them had gone out with the last one: a minute's wait at most.
            last, spent = json.loads(state)
            self._log.extend([float(last)] * min(int(spent), rate.count))
            self._due = last + self._step_s

    def wait_s(self, t: float) -> float:
        wait = self._due - SLACK_S - t
        log = self._log
        if len(log) == log.maxlen:
            oldest = log[0] + self._per_s - t
            if oldest > wait:
                wait = oldest
        return wait if wait > 0 else 0.0

    def spend(self, t: float) -> None:
        self._due = (t if t > self._due else self._due) + self._step_s
        self._log.append(t)

    def refund(self, t: float) -> None:
        """Give nothing back: the unused turn may by now be older than the window."""

    def state(self) -> str:
        if not self._log:
            return ""
        last = self._log[-1]
        self._expire(last)
        return json.dumps([last, len(self._log)])

    def _expire(self, t: float) -> None:
        while self._log and self._log[0] + self._per_s <= t:
            self._log.popleft()


class SlidingWindow:
    """A rate per hour or day: never more than `count` in any such period, whatever the pauses and restarts.

    Messages are counted in slots. A slot expires when its last moment is as old as the window is wide.
    """

    __slots__ = ("_count", "_sent", "_settled", "_slot_s", "_total")

    def __init__(self, rate: Rate, state: str) -> None:
        self._count = rate.count
        self._slot_s = rate.per_s / SLOTS
        self._sent: deque[list[int]] = deque()
        if state:
            self._sent.extend([int(slot), int(sent)] for slot, sent in json.loads(state))
        self._total = sum(sent for _, sent in self._sent)
        self._settled = ""  # cached state of all slots but the last, which alone changes with each message

    def wait_s(self, t: float) -> float:
        if self._total < self._count:
            return 0.0
        self._expire(t)
        left = self._total
        for slot, sent in self._sent:
            if left < self._count:
                break
            left -= sent
            if left < self._count:
                return (slot + 1 + SLOTS) * self._slot_s - t
        return 0.0

    def spend(self, t: float) -> None:
        slot = int(t // self._slot_s)
        if self._sent and self._sent[-1][0] >= slot:
            self._sent[-1][1] += 1
        else:
            self._expire(t)
            self._sent.append([slot, 1])
            self._settled = ""
        self._total += 1

    def refund(self, t: float) -> None:
        """Give back the oldest message, since its slot is unknown: this never counts fewer than were really sent."""
        self._expire(t)
        self._settled = ""
        if self._sent:
            self._sent[0][1] -= 1
            self._total -= 1
            if not self._sent[0][1]:
                self._sent.popleft()

    def state(self) -> str:
        if not self._sent:
            return ""
        if not self._settled:
            self._settled = "".join(f"[{slot},{sent}]," for slot, sent in list(self._sent)[:-1])
        slot, sent = self._sent[-1]
        return f"[{self._settled}[{slot},{sent}]]"

    def _expire(self, t: float) -> None:
        now = int(t // self._slot_s)
        while self._sent and now - self._sent[0][0] > SLOTS:
            self._total -= self._sent.popleft()[1]
            self._settled = ""


class WarmUpLimit:
    """Warm-up: a limit for each of the first days (24 hours each, from the first mail on), then none."""

    __slots__ = ("_allowed", "_day", "_first", "_sent")

    def __init__(self, allowed: tuple[int, ...], state: str) -> None:
        self._allowed = allowed
        self._first: float | None = None
        self._day = self._sent = 0
        if state:
            self._first, self._day, self._sent = json.loads(state)

    def wait_s(self, t: float) -> float:
        day = self._day_of(t)
        if self._first is None or day >= len(self._allowed):
            return 0.0
        sent = self._sent if day == self._day else 0
        return 0.0 if sent < self._allowed[day] else self._first + (day + 1) * DAY_S - t

    def spend(self, t: float) -> None:
        if self._first is None:
            self._first = t
        day = self._day_of(t)
        if day != self._day:
            self._day, self._sent = day, 0
        self._sent += 1

    def refund(self, t: float) -> None:
        if self._sent and self._day_of(t) == self._day:
            self._sent -= 1
        if not self._sent and self._day == 0:
            self._first = None

    def state(self) -> str:
        return "" if self._first is None else json.dumps([self._first, self._day, self._sent])

    def _day_of(self, t: float) -> int:
        return 0 if self._first is None else int((t - self._first) // DAY_S)


# --- all of them ----------------------------------------------------------------------------------------------------


class RateLimiter:
    """The limits of one relay. A message counts against the relay's, its domain's and the warm-up's limit."""

    __slots__ = ("_domains", "_latest", "_limits", "_named", "_shift", "by_domain", "limited")

    def __init__(
        self,
        rates: Iterable[Rate],
        domains: Mapping[str, tuple[Rate, ...]],
        warm_up: tuple[int, ...],
        saved: Mapping[str, str],
        now: float,
    ) -> None:
        """`domains` are the limits by lower-case domain; `warm_up` has the number of messages for each of the first
        days.

        `saved` is the `saved_state` of an earlier run; entries for limits that no longer exist are ignored.
        """
        self._named: dict[str, _Limit] = {}
        self._limits = self._make("", rates, saved)
        if warm_up:
            limit = self._named[_WARM_UP] = WarmUpLimit(warm_up, saved.get(_WARM_UP, ""))
            self._limits = (*self._limits, limit)
        self._domains = {domain: self._make(f"{domain}/", own, saved) for domain, own in domains.items() if own}
        self.by_domain = bool(self._domains)
        self.limited = bool(self._named)
        """Whether there is any limit at all."""
        # The limits' time is `now + shift`; `latest` is the latest time seen.
        self._shift = 0.0
        self._latest = now
        if _CLOCK in saved:
            latest, wall = json.loads(saved[_CLOCK])
            self._latest = latest + max(0.0, now - wall)
            self._shift = self._latest - now

    def wait_s(self, domain: str, now: float) -> float:
        """How long a message to this domain has to wait, in seconds; 0.0 when it may go now."""
        if not self.limited:
            return 0.0
        t = self._time(now)
        wait = 0.0
        for limit in self._limits:
            wait = max(wait, limit.wait_s(t))
        for limit in self._domains.get(domain, ()):
            wait = max(wait, limit.wait_s(t))
        return max(wait, SHORTEST_WAIT_S) if wait else 0.0

    def spend(self, domain: str, now: float) -> None:
        """Count a message to this domain that goes out now."""
        if not self.limited:
            return
        t = self._time(now)
        for limit in self._limits:
            limit.spend(t)
        for limit in self._domains.get(domain, ()):
            limit.spend(t)

    def refund(self, domain: str, now: float) -> None:
        """Give back what was spent within the last hour for a message to this domain that was not sent after all."""
        if not self.limited:
            return
        t = self._time(now)
        for limit in self._limits:
            limit.refund(t)
        for limit in self._domains.get(domain, ()):
            limit.refund(t)

    def saved_state(self) -> Mapping[str, str]:
        """The used part of the limits by name: to be saved, and passed to the next run."""
        if not self.limited:
            return {}
        saved = {name: state for name, limit in self._named.items() if (state := limit.state())}
        return {**saved, _CLOCK: json.dumps([self._latest, self._latest - self._shift])}

    def _time(self, now: float) -> float:
        t = now + self._shift
        if t < self._latest:
            # The clock was set back: treat it as stopped, so that no hour is gained or waited for twice.
            self._shift = self._latest - now
            return self._latest
        self._latest = t
        return t

    def _make(self, prefix: str, rates: Iterable[Rate], saved: Mapping[str, str]) -> tuple[_Limit, ...]:
        limits: list[_Limit] = []
        for rate in rates:
            name = prefix + UNITS[rate.per_s]
            state = saved.get(name, "")
            limit: _Limit = _TokenBucket(rate, state) if rate.per_s <= MINUTE_S else SlidingWindow(rate, state)
            self._named[name] = limit
            limits.append(limit)
        return tuple(limits)
