"""Phrases about numbers that text and page share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from types import MappingProxyType

from newsletter.stats.figures import Cadence, Share, Stats
from newsletter.stats.periods import Period
from newsletter.text import counted

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

REFUSAL_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "unknown": "no such mailbox",
        "domain": "no such domain",
        "closed": "mailbox closed",
        "full": "mailbox full",
        "other": "other reasons",
    }
)

MONTHS_FROM_DAYS = 92
"""A shorter history is shown by weeks."""


def period_of(stats: Stats) -> Period:
    """What growth is shown by: weeks at first, then months."""
    if not stats.weeks:
        return "month"
    return "month" if (stats.weeks[-1].start - stats.weeks[0].start).days >= MONTHS_FROM_DAYS else "week"


def period_name(start: date, period: Period) -> str:
    """`Mar 2026`, or the Monday of a week."""
    return f"{start:%b %Y}" if period == "month" else f"{start.day} {start:%b %Y}"


def signed(number: int) -> str:
    return f"+{number:,}" if number > 0 else f"−{-number:,}" if number else "0"


def days(number: float) -> str:
    rounded = f"{number:,.0f}" if number >= 10 or number == round(number) else f"{number:,.1f}"
    return f"{rounded} day{'' if rounded == '1' else 's'}"


def rhythm(cadence: Cadence, zone: tzinfo | None) -> str:
    """How regularly the issues went out, in a sentence."""
    if not cadence.issues:
        return "Nothing was sent yet."
    if cadence.gap_days is None:
        return "One issue went out so far."
    said = f"{counted(cadence.issues, 'issue')}, {_apart(cadence.gap_days)} apart as a rule"
    best = max(range(7), key=lambda day: (cadence.weekdays[day], -day))
    if cadence.weekdays[best] * 2 > cadence.issues:
        said += f", mostly on {WEEKDAYS[best]}s"
    if cadence.longest:
        first, last = cadence.longest
        length = (last - first).total_seconds() / 86_400
        said += f"; the longest pause was {_apart(length)}, from {day_name(first, zone)}"
    return f"{said}."


def _apart(gap_days: float) -> str:
    hours = round(gap_days * 24)
    if hours >= 23:
        return days(gap_days)
    return counted(hours, "hour") if hours else "less than an hour"


def day_name(moment: datetime, zone: tzinfo | None) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b %Y}"


def language_name(code: str) -> str:
    return code or "not known"


def known_ages(ages: Sequence[Share]) -> int:
    return sum(share.number for share in ages)
