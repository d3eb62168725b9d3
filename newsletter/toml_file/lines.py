"""Find the line of a key in a TOML text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s.=#\[\]"']+)"""


_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"


Where = tuple[str | int, ...]
"""The path of a value in a tree of tables and arrays: names, and indexes from 0."""

_DEEPEST = 8
"""Names of a path that are told apart; no key of ours lies deeper."""


def line_of(text: str, where: Where) -> int | None:
    """The line of a key, else of the table that contains it.

    Supports sections, arrays of tables (their index, from 0, follows the name in `where`), dotted and quoted keys,
    multi-line strings.
    """
    beneath, exactly = _index(text)
    if where in beneath:
        return beneath[where]
    above = (where[:depth] for depth in range(len(where) - 1, 0, -1))
    return next((exactly[each] for each in above if each in exactly), None)


@lru_cache(maxsize=4)
def _index(text: str) -> tuple[Mapping[Where, int], Mapping[Where, int]]:
    """The first line of each table and key: with what lies beneath it, and by itself.

    A file may have a fault in every line, and each asks for its line.
    """
    beneath: dict[Where, int] = {}
    exactly: dict[Where, int] = {}
    for number, here in _keys(text):
        exactly.setdefault(here, number)
        for depth in range(1, len(here) + 1):
            beneath.setdefault(here[:depth], number)
    return beneath, exactly


def _keys(text: str) -> Iterator[tuple[int, Where]]:
    """Each header and each assignment: its line, and its path."""
    table: Where = ()
    counts: dict[Where, int] = {}
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        header = re.match(rf"\s*(?P<array>\[?)\[\s*(?P<name>{_DOTTED})\s*\]", line)
        assignment = re.match(rf"\s*(?P<name>{_DOTTED})\s*=(?P<value>.*)", line)
        if header:
            name = _parts(header["name"])
            table = _indexed(name, counts, grown=bool(header["array"]))
            yield number, table
        elif assignment:
            yield number, (table + _parts(assignment["name"]))[:_DEEPEST]
            quotes = re.match(r"\s*(\"\"\"|''')", assignment["value"])
            if quotes and quotes[1] not in assignment["value"][quotes.end() :]:
                closing = quotes[1]


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part[0].strip("\"'") for part in islice(re.finditer(_PART, dotted), _DEEPEST))


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
