"""The labels of an email's frame: which placeholders each may contain."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from newsletter.errors import InvalidValueError
from newsletter.text import printable, shown

LABEL_FIELDS: Mapping[str, frozenset[str]] = {
    "date": frozenset({"year", "month", "day", "month_name", "iso"}),
    "dated": frozenset({"weekday", "date"}),
    "number": frozenset({"number"}),
    "reading_time": frozenset({"minutes"}),
    "why": frozenset({"name"}),
    **dict.fromkeys(("stories", "stories_one", "more_stories", "more_stories_one"), frozenset({"count"})),
}

_CALENDAR: Mapping[str, tuple[int, str, str]] = {
    "months": (12, "twelve", 'write months = ["January", "February", ...]'),
    "weekdays": (7, "seven", 'write weekdays = ["Monday", "Tuesday", ...]'),
}


def check_label(name: str, value: Any) -> None:
    """Raises InvalidValueError for a label that cannot be formatted. Unknown names belong to a theme and are
    accepted.
    """
    if name in _CALENDAR:
        count, words, remedy = _CALENDAR[name]
        if not (isinstance(value, list) and len(value) == count and all(isinstance(each, str) for each in value)):
            raise InvalidValueError(f"does not hold {words} names", remedy)
        return
    if not isinstance(value, str):
        raise InvalidValueError(f"is {shown(value)}, not text", f'write {name} = "text"')
    if name in LABEL_FIELDS:
        known = ", ".join(f"{{{field}}}" for field in sorted(LABEL_FIELDS[name]))
        try:
            parts = list(Formatter().parse(value))
        except ValueError as error:
            raise InvalidValueError(
                f"is {shown(value)}, with a brace too many or too few", f"it may hold {known}"
            ) from error
        for _, field, form, conversion in parts:
            if field is not None and (field not in LABEL_FIELDS[name] or form or conversion):
                raise InvalidValueError(
                    f"is {shown(value)}, and {{{printable(field)}}} is no part of it", f"it may hold {known}"
                )
