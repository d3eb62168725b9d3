"""When soft bounces are enough: Mailman's score, as a pure function over dates.

A point for a day with a soft bounce, however many came that day; a week without one and the count starts over; at
five points the address is let go. These are the list settings `bounce_score_threshold` (5.0) and
`bounce_info_stale_after` (7 days) of GNU Mailman, which has run lists on them for two decades.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class SoftRule:
    """`threshold` points suppress an address; `stale_days` without a soft bounce and those before count no more."""

    threshold: int = 5
    stale_days: int = 7

    def __post_init__(self) -> None:
        if self.threshold < 1 or self.stale_days < 1:
            raise ValueError("a threshold and a time of at least 1")


SOFT_RULE = SoftRule()


def soft_score(days: Iterable[date], today: date, stale_days: int = SOFT_RULE.stale_days) -> int:
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
