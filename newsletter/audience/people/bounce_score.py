"""When soft bounces suppress: Mailman's score as a pure function over dates.

A point for a day with a soft bounce, however many came that day; some time without one and the count starts over; at
five points the address is let go. These are the list settings `bounce_score_threshold` (5.0) and
`bounce_info_stale_after` (7 days) of GNU Mailman, which has run lists on them for two decades. The time is a week for a
newsletter that comes daily, and follows the cadence of any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from statistics import median


@dataclass(frozen=True, slots=True)
class SoftRule:
    """`threshold` points suppress an address; `stale_days` without a soft bounce and those before count no more, 0 for
    what the newsletter's own cadence asks for."""

    threshold: int = 5
    stale_days: int = 0

    def __post_init__(self) -> None:
        if self.threshold < 1 or self.stale_days < 0:
            raise ValueError("a threshold of at least 1, and a time")


SOFT_RULE = SoftRule()


SHORTEST_DAYS = 7
"""Mailman's time, for lists that get mail all the time."""


def stale_days_of(sent: Iterable[date]) -> int:
    """How long soft bounces count for a newsletter that was sent on these days: two issues and a day, at least a week.

    One issue that a mailbox takes is enough to start over; one that went by unanswered in between is not.
    """
    days = sorted(set(sent))
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return max(SHORTEST_DAYS, 2 * round(median(gaps)) + 1) if gaps else SHORTEST_DAYS


def soft_score(days: Iterable[date], today: date, stale_days: int = SHORTEST_DAYS) -> int:
    """The points that stand on `today`. `days` come in any order, as often as they like; those to come count for
    nothing."""
    stale = timedelta(days=stale_days)
    score = 0
    last: date | None = None
    for day in sorted(set(days)):
        if day > today:
            break
        score = 1 if last is None or day - last > stale else score + 1
        last = day
    return 0 if last is None or today - last > stale else score
