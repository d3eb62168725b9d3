"""Parse dates as authors write them: ISO with and without zones, in words, as in mail, in Chinese."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T\s,]\s*(?:\d{1,2}:\d{1,2}\b.*)?)?$")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]+(\d{1,2}:\d{2}:\d{2})(?:\.\d+)?\s*(Z|[+-]\d{2}:?\d{2}|)$")
_CJK = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일号號]?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?\d{4,6}Z?)?$")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_WORDS = re.compile(r"(?:[a-z]+,?\s+)?([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b.*", re.IGNORECASE)
_DAY_FIRST = re.compile(
    r"(?:[a-z]+,?\s+)?(\d{1,2})(?:st|nd|rd|th)?\.?[\s-]+([a-z]{3,9})\.?,?[\s-]+(\d{4})\b.*", re.IGNORECASE
)
_DATED_NAME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})-?(.*)")
"""A file name with Jekyll's date prefix: `2026-03-01-hello`."""


def is_plausible(day: date) -> bool:
    """Whether a day is after the year 1, which is a program's zero (Go's), and overflows in another time zone."""
    return day.year > date.min.year


def named_day(stem: str) -> date | None:
    """The date prefix of a post's file name."""
    named = _DATED_NAME.match(stem)
    return _day(named[1], named[2], named[3]) if named else None


def begins_like_a_date(stem: str) -> bool:
    return _DATED_NAME.match(stem) is not None


def without_date(stem: str) -> str:
    """A post's file name without its date prefix."""
    named = _DATED_NAME.match(stem)
    return named[4] if named else stem


def read_date(value: Any) -> date | None:
    """The day of a value, in the author's own zone; None if it is no date, or ambiguous."""
    if isinstance(value, date):
        day = value.date() if isinstance(value, datetime) else value
        return day if is_plausible(day) else None
    text = " ".join(str(value).split())[:100]
    found = _ISO.match(text)
    if found:
        return _day(found[1], found[3], found[4])
    for pattern in (_CJK, _COMPACT):
        if found := pattern.match(text):
            return _day(found[1], found[2], found[3])
    if (found := _WORDS.match(text)) and (month := _month(found[1])):
        return _day(found[3], month, found[2])
    if (found := _DAY_FIRST.match(text)) and (month := _month(found[2])):
        return _day(found[3], month, found[1])
    parsed = None
    if re.match(r"[A-Za-z]{3},", text):
        from email.utils import parsedate_tz  # it loads sockets, and few dates are a mail's

        parsed = parsedate_tz(text)
    return _day(*parsed[:3]) if parsed else None


def day_on_site(value: Any, timezone: str) -> date | None:
    """The day in a post's Jekyll URL: in the site's time zone; a time without a zone is UTC."""
    moment = value
    if isinstance(value, str) and (found := _MOMENT.match(value.strip())):
        try:
            moment = datetime.fromisoformat(f"{found[1]}T{found[2]:0>8}{found[3].replace('Z', '+00:00')}")
        except ValueError:
            moment = value
    if timezone and isinstance(moment, datetime):
        try:
            zone = ZoneInfo(timezone)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone).date()
        except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
            return read_date(value)
    return read_date(value)


def _month(name: str) -> int:
    """The number of an English month, 0 for other words; `Sept` is accepted."""
    short = name.lower()
    return next((number for number, month in enumerate(_MONTHS, 1) if month.startswith(short)), 0) or (
        9 if short == "sept" else 0
    )


def _day(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if is_plausible(found) else None
