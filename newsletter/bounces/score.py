"""When soft bounces are enough: Mailman's score, as a pure function over dates.

A point for a day with a soft bounce, however many came that day; a week without one and the count starts over; at
five points the address is let go. These are the list settings `bounce_score_threshold` (5.0) and
`bounce_info_stale_after` (7 days) of GNU Mailman, which has run lists on them for two decades.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

SOFT_THRESHOLD = 5
"""Points at which an address is suppressed."""

STALE_DAYS = 7
"""Days without a soft bounce after which those before count no more."""


def soft_score(days: Iterable[date], today: date, stale_days: int = STALE_DAYS) -> int:
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
