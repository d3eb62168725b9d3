"""Clean the cells of a list: trim white space and invisible characters, extract an address beside a name."""

from __future__ import annotations

import re

# All white space, and zero-width characters: byte order marks, joiners, soft hyphens.
_NO_WIDTH = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
_CONTROL_SPACE = "\x1c\x1d\x1e\x1f\x85"  # white space to Python, but control characters in a list
TRIMMED = "".join(chr(code) for code in range(0x3001) if chr(code).isspace() and chr(code) not in _CONTROL_SPACE)
TRIMMED += _NO_WIDTH
_NO_WIDTH_CHARS = re.compile(f"[{_NO_WIDTH}]")
_BREAKS = re.compile(r"(?<![ ])[ ]*+[\t\r\n\u2028\u2029][ \t\r\n\u2028\u2029]*+")
_ADDRESS = re.compile(r"[^@\s<>,;:\"'()\[\]]+@[^@\s<>,;:\"'()\[\]]*[^@\s<>,;:\"'()\[\].]\.[^@\s<>,;:\"'()\[\].]{2,}")
_IN_BRACKETS = re.compile(r"[^<>]*<\s*(?:mailto:)?(?P<address>[^<>\s]+)\s*>\s*[,;]?", re.IGNORECASE)
SEPARATOR = ":::"
"""Google's separator between several values in one cell."""


def trim(cell: str) -> str:
    """The cell without white space and zero-width characters around it."""
    return cell.strip(TRIMMED) if cell else cell


def one_line(cell: str) -> str:
    """The cell trimmed, with a space for each line break and tab inside it."""
    return _BREAKS.sub(" ", trim(cell))


def bare_address(cell: str) -> str:
    """The first address in a cell, without the name beside it; if there is none, the cell, trimmed."""
    text = trim(_NO_WIDTH_CHARS.sub("", cell))
    if SEPARATOR in text:
        text = next(filter(None, map(trim, text.split(SEPARATOR))), "")
    if found := _IN_BRACKETS.fullmatch(text):
        return found["address"]
    if text[:7].lower() == "mailto:":
        text = text[7:].partition("?")[0]
    return text


def addresses_in(cell: str) -> bool:
    """Whether a cell contains what looks like an address."""
    return "@" in cell and _ADDRESS.fullmatch(bare_address(cell)) is not None
