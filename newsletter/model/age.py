"""Parse ages given as options: `36h`, `2d`, `1w`, `18m`, `2y`."""

from __future__ import annotations

import re
from datetime import timedelta

_HOURS = {"h": 1, "d": 24, "w": 168, "m": 731, "y": 8766}
"""A month is a twelfth of a year, and a year 365.25 days."""


def parse_age(text: str) -> timedelta | None:
    """Parse an age of up to a thousand years; None if it is invalid, or longer: no date is so long ago."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})\s*([hdwmy])", text.strip().lower(), re.ASCII)
    hours = int(found[1]) * _HOURS[found[2]] if found else 0
    return timedelta(hours=hours) if 0 < hours < 1_000 * _HOURS["y"] else None
