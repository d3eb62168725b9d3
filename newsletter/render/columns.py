"""Text width in the columns of a fixed-width font, by East Asian width."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


def columns(text: str) -> int:
    """The columns of a text in a fixed-width font: 2 for wide characters, 0 for combining ones (UAX #11)."""
    return len(text) if text.isascii() else sum(map(column_width, text))


@lru_cache(maxsize=10_000)
def column_width(char: str) -> int:
    if char < "\u0300":
        return 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
