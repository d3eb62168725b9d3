"""Parse ages given as options: `36h`, `2d`, `1w`, `18m`, `2y`."""

from __future__ import annotations

import re
from datetime import timedelta

_HOURS = {"h": 1, "d": 24, "w": 168, "m": 731, "y": 8766}
"""A month is a twelfth of a year, and a year 365.25 days."""


def parse_age(text: str) -> timedelta | None:
    """Parse an age; None if it is invalid."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})\s*([hdwmy])", text.strip().lower(), re.ASCII)
    return timedelta(hours=int(found[1]) * _HOURS[found[2]]) if found else None
