"""Sort moments into the months and weeks of a time zone.

The database counts by quarters of an hour, since no zone of our time is off UTC by a part of one; which day, month or
week a quarter is in is decided here. A week begins on Monday.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

Period = Literal["month", "week"]

QUARTER_MS = 900_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def day_of(quarter: int, zone: tzinfo | None) -> date:
    """The day that a quarter of an hour since 1970 is in; `zone` None is the machine's own."""
    return (_EPOCH + timedelta(milliseconds=quarter * QUARTER_MS)).astimezone(zone).date()


def start_of(day: date, period: Period) -> date:
    """The first day of the month or week that a day is in."""
    return day.replace(day=1) if period == "month" else day - timedelta(days=day.weekday())


def periods(first: date, last: date, period: Period) -> Iterator[date]:
    """The first day of every month or week from that of `first` to that of `last`."""
    start = start_of(first, period)
    while start <= last:
        yield start
        after = timedelta(days=31 if period == "month" else 7)
        start = start_of(start + after, period)


def by_period(
    counted: Mapping[tuple[str, int], int], period: Period, zone: tzinfo | None
) -> Mapping[date, Mapping[str, int]]:
    """Numbers by what happened and quarter of an hour -> by period and what happened; empty ones are left out."""
    found: dict[date, dict[str, int]] = {}
    for (what, quarter), number in counted.items():
        row = found.setdefault(start_of(day_of(quarter, zone), period), {})
        row[what] = row.get(what, 0) + number
    return found
