"""When mail may go out: limits by second, minute, hour and day, a warm-up, quiet hours, a time to begin at.

Time is an argument everywhere: epoch seconds. What an hour's and a day's limit has used up survives in marks, one
JSON text each, so that a new run does not begin a new day.

    pace.wait_s(domain, now) -> 0.0: pace.spend(domain, now), and where it was not sent after all, pace.refund(...)

The clock that people set is the only one that survives a restart, so it may jump. Inside, time never runs backwards: a
clock set back counts as one that stood still, and goes on from there; one set forward lets limits run out, as hours
that went by would, and never gives more than one full limit.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from itertools import pairwise
from typing import Protocol

from newsletter.errors import FaultError
from newsletter.text import shown

SECOND_S, MINUTE_S, HOUR_S, DAY_S = 1, 60, 3600, 86_400
UNITS = {SECOND_S: "s", MINUTE_S: "min", HOUR_S: "h", DAY_S: "day"}
_SECONDS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}

MOST_A_SECOND = 10_000
"""Five times what this program reaches on one machine: a rate above it is a slip of the pen."""

SLACK_S = 0.1
"""How late a message may go out without the next one losing its turn: a tenth of a second's worth goes at once."""

SLOTS = 288
"""Parts of a window, each of which runs out as a whole: 5 minutes of a day, 12.5 s of an hour. At most 4 KB of mark."""

SHORTEST_WAIT_S = 0.001
"""So that nobody is woken a thousand times for the last microsecond."""

_CLOCK = "clock"
_WARM_UP = "warm-up"


# --- rates ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` messages in any `per_s` seconds."""

    count: int
    per_s: int

    def __str__(self) -> str:
        return f"{self.count}/{UNITS[self.per_s]}"


def parse_rate(text: str) -> tuple[Rate, ...]:
    """`14/s`, `30/min`, `500/h`, `2000/day`, or several with commas between, the shortest unit first.

    Raises FaultError for what is no rate, or one that nothing could be sent at.
    """
    rates = sorted((_one_rate(part, text) for part in text.split(",")), key=lambda rate: rate.per_s)
    for first, second in pairwise(rates):
        if first.per_s == second.per_s:
            raise FaultError(f"is {shown(text)}, with two limits for one unit", f"write {first} or {second}")
    return tuple(rates)


def _one_rate(part: str, text: str) -> Rate:
    match = re.fullmatch(r"([+-]?[0-9]{1,18}(?:\.[0-9]*)?) ?(?:/|per) ?([a-z]+)", part.strip(), re.IGNORECASE)
    per_s = _SECONDS.get(match[2].lower()) if match else None
    if not match or per_s is None:
        raise FaultError(f"is {shown(text)}, not a rate", "write 14/s, 30/min, 500/h or 2000/day, with commas between")
    if not match[1].isdecimal():
        remedy = "write a whole number, with a longer unit for a slower rate: 30/min, 10/h"
        raise FaultError(f"is {shown(text)}, not a whole number of messages", remedy)
    count = int(match[1])
    if count == 0:
        raise FaultError(f"is {shown(text)}: nobody would ever be mailed", "write a number from 1, or no rate at all")
    if count > MOST_A_SECOND * per_s:
        remedy = "write no rate at all to send as fast as the relay takes it"
        raise FaultError(f"is {shown(text)}, more than {MOST_A_SECOND:,} a second", remedy)
    return Rate(count, per_s)


# --- limits ---------------------------------------------------------------------------------------------------------


class _Limit(Protocol):
    """Something that may be used up, and is there again later. `t` never runs backwards."""

    def wait_s(self, t: float) -> float: ...
    def spend(self, t: float) -> None: ...
    def refund(self, t: float) -> None: ...
    def mark(self) -> str: ...


class _Even:
    """A second's or minute's rate: spread evenly by a token bucket, and never more than `count` in any such time.

    The bucket, kept as the time at which the next message is due, holds one message and what `SLACK_S` is worth. The
    log of the last `count` messages keeps that slack from adding up to more than the rate.
    """

    __slots__ = ("_due", "_log", "_per_s", "_step_s")

    def __init__(self, rate: Rate, mark: str) -> None:
        self._per_s = float(rate.per_s)
        self._step_s = rate.per_s / rate.count
        self._log: deque[float] = deque(maxlen=rate.count)
        self._due = 0.0
        if mark:
            # As if all of them had gone out with the last one: a minute's wait at the very most.
            last, spent = json.loads(mark)
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
        """A turn that was not used is lost: by now it may lie further back than the limit looks."""

    def mark(self) -> str:
        if not self._log:
            return ""
        last = self._log[-1]
        self._expire(last)
        return json.dumps([last, len(self._log)])

    def _expire(self, t: float) -> None:
        while self._log and self._log[0] + self._per_s <= t:
            self._log.popleft()


class _Window:
    """An hour's or a day's rate: never more than `count` in any such time, whatever the pauses and restarts.

    What was sent is counted in slots. A slot runs out when the last moment of it is as long ago as the window is wide.
    """

    __slots__ = ("_count", "_sent", "_settled", "_slot_s", "_total")

    def __init__(self, rate: Rate, mark: str) -> None:
        self._count = rate.count
        self._slot_s = rate.per_s / SLOTS
        self._sent: deque[list[int]] = deque()
        if mark:
            self._sent.extend([int(slot), int(sent)] for slot, sent in json.loads(mark))
        self._total = sum(sent for _, sent in self._sent)
        self._settled = ""  # the mark of all slots but the last, so that it is not written anew for each message

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
        """Whose turn it was is not known. Forgetting the oldest leaves no less than what was really sent."""
        self._expire(t)
        self._settled = ""
        if self._sent:
            self._sent[0][1] -= 1
            self._total -= 1
            if not self._sent[0][1]:
                self._sent.popleft()

    def mark(self) -> str:
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


class _WarmUp:
    """So many on the first day, the second, and so on; days of 24 hours, counted from the first mail. Then no limit."""

    __slots__ = ("_allowed", "_day", "_first", "_sent")

    def __init__(self, allowed: tuple[int, ...], mark: str) -> None:
        self._allowed = allowed
        self._first: float | None = None
        self._day = self._sent = 0
        if mark:
            self._first, self._day, self._sent = json.loads(mark)

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

    def mark(self) -> str:
        return "" if self._first is None else json.dumps([self._first, self._day, self._sent])

    def _day_of(self, t: float) -> int:
        return 0 if self._first is None else int((t - self._first) // DAY_S)


# --- all of them ----------------------------------------------------------------------------------------------------


class Pace:
    """The limits of one relay. A message counts against its relay's, its domain's and the warm-up's."""

    __slots__ = ("_domains", "_latest", "_limits", "_named", "_shift", "by_domain", "limited")

    def __init__(
        self,
        rates: Iterable[Rate],
        domains: Mapping[str, tuple[Rate, ...]],
        warm_up: tuple[int, ...],
        marks: Mapping[str, str],
        now: float,
    ) -> None:
        """`domains` by name in lower case; `warm_up` is what each of the first days may have.

        `marks` are what `marks` gave at the end of an earlier run; those of limits that are gone are left aside.
        """
        self._named: dict[str, _Limit] = {}
        self._limits = self._make("", rates, marks)
        if warm_up:
            limit = self._named[_WARM_UP] = _WarmUp(warm_up, marks.get(_WARM_UP, ""))
            self._limits = (*self._limits, limit)
        self._domains = {domain: self._make(f"{domain}/", own, marks) for domain, own in domains.items() if own}
        self.by_domain = bool(self._domains)
        self.limited = bool(self._named)
        """Whether there is any limit at all."""
        # Time as the limits see it is `now + shift`; `latest` is where it has come to.
        self._shift = 0.0
        self._latest = now
        if _CLOCK in marks:
            latest, wall = json.loads(marks[_CLOCK])
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
        """A message to this domain goes out now."""
        if not self.limited:
            return
        t = self._time(now)
        for limit in self._limits:
            limit.spend(t)
        for limit in self._domains.get(domain, ()):
            limit.spend(t)

    def refund(self, domain: str, now: float) -> None:
        """A message to this domain, for which something was spent within the hour, was not sent after all."""
        if not self.limited:
            return
        t = self._time(now)
        for limit in self._limits:
            limit.refund(t)
        for limit in self._domains.get(domain, ()):
            limit.refund(t)

    def marks(self) -> Mapping[str, str]:
        """What the limits have used up, by name: to be kept, and given to the next run."""
        if not self.limited:
            return {}
        marks = {name: mark for name, limit in self._named.items() if (mark := limit.mark())}
        return {**marks, _CLOCK: json.dumps([self._latest, self._latest - self._shift])}

    def _time(self, now: float) -> float:
        t = now + self._shift
        if t < self._latest:
            # Set back: as if it had stood still, so that neither an hour is won nor one waited for twice.
            self._shift = self._latest - now
            return self._latest
        self._latest = t
        return t

    def _make(self, prefix: str, rates: Iterable[Rate], marks: Mapping[str, str]) -> tuple[_Limit, ...]:
        limits: list[_Limit] = []
        for rate in rates:
            name = prefix + UNITS[rate.per_s]
            mark = marks.get(name, "")
            limit: _Limit = _Even(rate, mark) if rate.per_s <= MINUTE_S else _Window(rate, mark)
            self._named[name] = limit
            limits.append(limit)
        return tuple(limits)


# --- times of day ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` to `end`, over midnight where that comes first. `zone` None is this machine's own."""

    start: time_of_day
    end: time_of_day
    zone: tzinfo | None = None

    def until(self, now: datetime) -> datetime | None:
        """When the quiet ends, in its zone, at an aware `now` that is quiet; else None.

        Where the clocks change inside, it is quiet rather too long: from the first 01:30 to the second, and to the
        03:30 that stands for a 02:30 that is left out.
        """
        now = now.astimezone(UTC)
        today = now.astimezone(self.zone).date()
        nights = 1 if self.end <= self.start else 0
        for day in (today - timedelta(days=1), today):
            begins, _ = _moments(datetime.combine(day, self.start), self.zone)
            _, ends = _moments(datetime.combine(day + timedelta(days=nights), self.end), self.zone)
            if begins <= now < ends:
                return ends.astimezone(self.zone)
        return None


def parse_quiet_hours(text: str, zone: tzinfo | None = None) -> QuietHours:
    """`22:00-07:00`. Raises FaultError."""
    match = re.fullmatch(r"\s*(\S+?)\s*(?:-|–|to)\s*(\S+)\s*", text)
    start = _time_of_day(match[1]) if match else None
    end = _time_of_day("00:00" if match[2] == "24:00" else match[2]) if match else None
    if start is None or end is None:
        raise FaultError(f"is {shown(text)}, not two times of day", 'write "22:00-07:00"')
    if start == end:
        raise FaultError(f"is {shown(text)}, a whole day", "leave an hour in which mail may go out")
    return QuietHours(start, end, zone)


def parse_at(text: str, now: datetime, zone: tzinfo | None = None, *, window: timedelta = timedelta(0)) -> datetime:
    """The next `08:00`, or the one time `2026-03-02T08:00`, with or without an offset like `+08:00`.

    `now` is aware. Without an offset the time is one of `zone`, None for this machine's own. One that passed less than
    `window` ago is meant, too, and given back: a job that cron starts a little late does not wait for tomorrow's. A
    minute is always allowed. Raises FaultError.
    """
    now, window = now.astimezone(UTC), max(window, timedelta(minutes=1))
    clock = _time_of_day(text.strip())
    if clock is not None:
        today = now.astimezone(zone).date()
        days = (_moments(datetime.combine(today + timedelta(days=n), clock), zone)[0] for n in range(-1, 3))
        return next(day for day in days if day + window > now).astimezone(zone)
    try:
        moment = datetime.fromisoformat(text.strip()) if re.match(r"\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d", text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise FaultError(f"is {shown(text)}, not a time", "write 08:00, 2026-03-02T08:00 or 2026-03-02T08:00+08:00")
    try:
        when = moment if moment.tzinfo else _moments(moment, zone)[0].astimezone(zone)
        left = when.astimezone(UTC) - now
    except OverflowError as error:  # the first or last day that datetime knows
        raise FaultError(f"is {shown(text)}, too far away", "write a time of the next twelve months") from error
    if left + window <= timedelta(0):
        raise FaultError(f"is {shown(text)}, which has passed", "write a time to come, or none at all to send now")
    if left > timedelta(days=366):
        raise FaultError(f"is {shown(text)}, over a year from now", "write a time of the next twelve months")
    return when


def _time_of_day(text: str) -> time_of_day | None:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text, re.ASCII)
    return time_of_day(int(match[1]), int(match[2])) if match else None


def _moments(wall: datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """The earliest and the latest moment, in UTC, that a clock on the wall can mean by this.

    They are two where clocks are set back. A time that clocks are set forward over means the moment at which it would
    have come, had they not been.
    """
    first, last = sorted(_moment(wall.replace(fold=fold), zone) for fold in (0, 1))
    left_out = first.astimezone(zone).replace(tzinfo=None) != wall
    return (last if left_out else first), last


def _moment(wall: datetime, zone: tzinfo | None) -> datetime:
    return (wall.replace(tzinfo=zone) if zone else wall).astimezone(UTC)
