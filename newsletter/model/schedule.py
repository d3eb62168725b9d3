"""Rates, quiet hours and start times: their types and parsers. The clock is an argument."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from itertools import pairwise

from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.text import shown

SECOND_S, MINUTE_S, HOUR_S, DAY_S = 1, 60, 3600, 86_400


UNITS = {SECOND_S: "s", MINUTE_S: "min", HOUR_S: "h", DAY_S: "day"}


_SECONDS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}


MOST_A_SECOND = 10_000
"""Five times what this program reaches on one machine: higher rates are rejected as typos."""


@frozen
class Rate:
    """At most `count` messages in any `per_s` seconds."""

    count: int
    per_s: int

    def __str__(self) -> str:
        return f"{self.count}/{UNITS[self.per_s]}"


def parse_rate(text: str) -> tuple[Rate, ...]:
    """Parse `14/s`, `30/min`, `500/h`, `2000/day`, or several, comma-separated, the shortest unit first.

    Raises InvalidValueError for an invalid rate, or a rate of zero.
    """
    rates = sorted((_one_rate(part, text) for part in text.split(",")), key=lambda rate: rate.per_s)
    for first, second in pairwise(rates):
        if first.per_s == second.per_s:
            raise InvalidValueError(f"is {shown(text)}, with two limits for one unit", f"write {first} or {second}")
    return tuple(rates)


def _one_rate(part: str, text: str) -> Rate:
    match = re.fullmatch(r"([+-]?[0-9]{1,18}(?:\.[0-9]*)?) ?(?:/|per) ?([a-z]+)", part.strip(), re.IGNORECASE)
    per_s = _SECONDS.get(match[2].lower()) if match else None
    if not match or per_s is None:
        raise InvalidValueError(
            f"is {shown(text)}, not a rate", "write 14/s, 30/min, 500/h or 2000/day, with commas between"
        )
    if not match[1].isdecimal():
        remedy = "write a whole number, with a longer unit for a slower rate: 30/min, 10/h"
        raise InvalidValueError(f"is {shown(text)}, not a whole number of messages", remedy)
    count = int(match[1])
    if count == 0:
        raise InvalidValueError(
            f"is {shown(text)}: nobody would ever be mailed", "write a number from 1, or no rate at all"
        )
    if count > MOST_A_SECOND * per_s:
        remedy = "write no rate at all to send as fast as the relay takes it"
        raise InvalidValueError(f"is {shown(text)}, more than {MOST_A_SECOND:,} a second", remedy)
    return Rate(count, per_s)


@frozen
class QuietHours:
    """From `start` to `end`, over midnight if that comes first. `zone` None is this machine's own."""

    start: time_of_day
    end: time_of_day
    zone: tzinfo | None = None

    def until(self, now: datetime) -> datetime | None:
        """When the quiet hours end, in their zone, at an aware `now` inside them; else None.

        If the clocks change inside, they last longer rather than shorter: from the first 01:30 to the second, and to
        03:30 for a 02:30 that does not exist.
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


def quiet_words(hours: QuietHours | None) -> tuple[str, str] | None:
    """Quiet hours as `parse_quiet_hours` takes them, and the name of their zone; empty for a machine's own."""
    if hours is None:
        return None
    zone = getattr(hours.zone, "key", "") if hours.zone is not None else ""
    return f"{hours.start:%H:%M}-{hours.end:%H:%M}", zone


def parse_quiet_hours(text: str, zone: tzinfo | None = None) -> QuietHours:
    """Parse `22:00-07:00`. Raises InvalidValueError."""
    match = re.fullmatch(r"\s*(\S+?)\s*(?:-|–|to)\s*(\S+)\s*", text)
    start = _time_of_day(match[1]) if match else None
    end = _time_of_day("00:00" if match[2] == "24:00" else match[2]) if match else None
    if start is None or end is None:
        raise InvalidValueError(f"is {shown(text)}, not two times of day", 'write "22:00-07:00"')
    if start == end:
        raise InvalidValueError(f"is {shown(text)}, a whole day", "leave an hour in which mail may go out")
    return QuietHours(start, end, zone)


def parse_at(text: str, now: datetime, zone: tzinfo | None = None, *, window: timedelta = timedelta(0)) -> datetime:
    """The next `08:00`, or the single time `2026-03-02T08:00`, with or without an offset such as `+08:00`.

    `now` is aware. Without an offset the time is in `zone`, None for this machine's own. A time that passed less than
    `window` ago is returned as well: a job that cron starts a little late does not wait for the next day. A minute is
    always allowed. Raises InvalidValueError.
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
        raise InvalidValueError(
            f"is {shown(text)}, not a time", "write 08:00, 2026-03-02T08:00 or 2026-03-02T08:00+08:00"
        )
    try:
        when = moment if moment.tzinfo else _moments(moment, zone)[0].astimezone(zone)
        left = when.astimezone(UTC) - now
    except (OverflowError, ValueError) as error:  # the first or last day that datetime supports
        raise InvalidValueError(f"is {shown(text)}, too far away", "write a time of the next twelve months") from error
    if left + window <= timedelta(0):
        raise InvalidValueError(
            f"is {shown(text)}, which has passed", "write a time to come, or none at all to send now"
        )
    if left > timedelta(days=366):
        raise InvalidValueError(f"is {shown(text)}, over a year from now", "write a time of the next twelve months")
    return when


def _time_of_day(text: str) -> time_of_day | None:
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text, re.ASCII)
    return time_of_day(int(match[1]), int(match[2])) if match else None


def _moments(wall: datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """The earliest and the latest moment, in UTC, that this wall-clock time can denote.

    They differ when clocks are set back. A time skipped when clocks are set forward denotes the moment at which it
    would have come without the change.
    """
    first, last = sorted(_moment(wall.replace(fold=fold), zone) for fold in (0, 1))
    left_out = first.astimezone(zone).replace(tzinfo=None) != wall
    return (last if left_out else first), last


def _moment(wall: datetime, zone: tzinfo | None) -> datetime:
    return (wall.replace(tzinfo=zone) if zone else wall).astimezone(UTC)
