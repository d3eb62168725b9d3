"""Find the line of a key in a TOML text."""

from __future__ import annotations

import re

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s.=#\[\]"']+)"""


_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"


Where = tuple[str | int, ...]
"""The path of a value in a tree of tables and arrays: names, and indexes from 0."""


def line_of(text: str, where: Where) -> int | None:
    """The line of a key, else of the table that contains it.

    Supports sections, arrays of tables (their index, from 0, follows the name in `where`), dotted and quoted keys,
    multi-line strings.
    """
    table: Where = ()
    counts: dict[Where, int] = {}
    best: tuple[int, int | None] = (0, None)
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        header = re.match(rf"\s*(?P<array>\[?)\[\s*(?P<name>{_DOTTED})\s*\]", line)
        assignment = re.match(rf"\s*(?P<name>{_DOTTED})\s*=(?P<value>.*)", line)
        if header:
            name = _parts(header["name"])
            table = here = _indexed(name, counts, grown=bool(header["array"]))
        elif assignment:
            here = table + _parts(assignment["name"])
            quotes = re.match(r"\s*(\"\"\"|''')", assignment["value"])
            if quotes and quotes[1] not in assignment["value"][quotes.end() :]:
                closing = quotes[1]
        else:
            continue
        shared = here[: len(where)]
        if shared == where[: len(shared)] and len(shared) > best[0]:
            best = (len(shared), number)
    return best[1]


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _indexed(name: tuple[str, ...], counts: dict[Where, int], *, grown: bool) -> Where:
    """A header's name with the index of each array of tables in it; `grown` if it starts the array's next table."""
    here: Where = ()
    for depth, part in enumerate(name, 1):
        here = (*here, part)
        if grown and depth == len(name):
            counts[here] = counts.get(here, -1) + 1
        if here in counts:
            here = (*here, counts[here])
    return here
