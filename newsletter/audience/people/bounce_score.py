"""Soft bounce score: when soft bounces suppress an address. Mailman's rule as a pure function over dates.

A day with soft bounces adds a point, however many there were; after a period without any the count starts over; at five
points the address is suppressed. These are GNU Mailman's list settings `bounce_score_threshold` (5.0) and
`bounce_info_stale_after` (7 days), in use for two decades. The period is a week for a daily newsletter, and follows the
frequency of any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from newsletter.frozen import frozen


@frozen
class SoftRule:
    """`threshold` points suppress an address; after `stale_days` without a soft bounce the score starts over, 0 to
    derive that from the newsletter's frequency.
    """

    threshold: int = 5
    stale_days: int = 0

    def __post_init__(self) -> None:
        if self.threshold < 1 or self.stale_days < 0:
            raise ValueError("a threshold of at least 1, and a time")


SOFT_RULE = SoftRule()


SHORTEST_DAYS = 7
"""Mailman's period, for lists that get mail continually."""


def stale_days_of(sent: Iterable[date]) -> int:
    """The period for a newsletter that was sent on these days: two issues and a day, at least a week.

    One issue that the mailbox accepts resets the score; one that got no bounce report in between does not.
    """
    days = sorted(set(sent))
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return max(SHORTEST_DAYS, 2 * round(median(gaps)) + 1) if gaps else SHORTEST_DAYS


def soft_score(days: Iterable[date], today: date, stale_days: int = SHORTEST_DAYS) -> int:
    """The score on `today`. `days` may be in any order and repeat; future days do not count."""
    stale = timedelta(days=stale_days)
    score = 0
    last: date | None = None
    for day in sorted(set(days)):
        if day > today:
            break
        score = 1 if last is None or day - last > stale else score + 1
        last = day
    return 0 if last is None or today - last > stale else score
