"""The days of a digest, as a person says them. Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta

from newsletter.errors import InvalidValueError

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPAN = re.compile(r"(\d{1,3})\s*(d|w)")
_REMEDY = "write a weekday (monday), a day (2026-03-02), today, yesterday, or a span (7d, 2w)"


def read_day(words: str, today: date) -> date:
    """The day that is meant: of a weekday the last one, today included; of a span the day that it began, today being
    its last. Raises InvalidValueError."""
    word = words.strip().lower()
    if word in ("today", "yesterday"):
        return today - timedelta(days=word == "yesterday")
    named = [number for number, name in enumerate(_WEEKDAYS) if len(word) >= 3 and name.startswith(word)]
    if len(named) == 1:
        return today - timedelta(days=(today.weekday() - named[0]) % 7)
    if span := _SPAN.fullmatch(word):
        days = int(span[1]) * (7 if span[2] == "w" else 1)
        return today - timedelta(days=max(days - 1, 0))
    try:
        return date.fromisoformat(word)
    except ValueError as error:
        raise InvalidValueError(f"is “{words[:40]}”, which is no day", _REMEDY) from error
