"""Find a list's header and its separator in its first lines.

Recognises Excel's `sep=;` line, a title above the header, and a list without a header.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence

from newsletter.audience.lists.cells import addresses_in, trim
from newsletter.audience.lists.columns import is_address_column
from newsletter.frozen import frozen

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

_SEPARATOR_LINE = re.compile(r'\ufeff?"?sep=(?P<delimiter>[^\r\n"])"?[,;\t|]*\s*', re.IGNORECASE)
_HEADER_ROWS = 30
"""How many rows are searched for the header."""

_LONGEST_ROW = 50
"""The most lines of a row of the sample; an unclosed quote would consume the rest."""


@frozen
class Layout:
    """`skipped` lines precede the header, or the first row if the list `is_bare`: without a header.

    `sample` has the first rows below the header.
    """

    skipped: int
    delimiter: str
    is_bare: bool
    sample: tuple[tuple[str, ...], ...]


@frozen
class _Reading:
    """The first rows as split by one delimiter, and the number of the header's row."""

    delimiter: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    header: int
    is_bare: bool
    score: tuple[bool, float, int]


def find_layout(lines: Sequence[str]) -> Layout:
    """Derive a list's layout from its first lines. At least one of them is not blank."""
    first = next(number for number, line in enumerate(lines) if line.strip())
    named = _SEPARATOR_LINE.fullmatch(lines[first])
    start = (
        next((number for number in range(first + 1, len(lines)) if lines[number].strip()), first) if named else first
    )
    if start == first:
        named = None  # the list is a `sep=` line and nothing else
    choices = [named["delimiter"]] if named else list(DELIMITERS)
    reading = max((_read(lines, start, delimiter) for delimiter in choices), key=lambda reading: reading.score)
    skipped = reading.rows[reading.header][0]
    below = reading.rows[reading.header + (0 if reading.is_bare else 1) :]
    known = tuple(cells for _, cells in below)
    rest = below[-1][0] + 1 if below else skipped + 1
    more = tuple(cells for _, cells in _rows(lines, rest, reading.delimiter)) if below else ()
    return Layout(skipped, reading.delimiter, reading.is_bare, (*known, *more))


def _read(lines: Sequence[str], start: int, delimiter: str) -> _Reading:
    rows = tuple(row for row, _ in zip(_rows(lines, start, delimiter), range(_HEADER_ROWS), strict=False))
    if not rows:
        cells = tuple(lines[start].rstrip("\n").split(delimiter))
        return _Reading(delimiter, ((start, cells),), 0, is_bare=False, score=(False, -1.0, 0))
    first_address = next((number for number, (_, cells) in enumerate(rows) if any(map(addresses_in, cells))), len(rows))
    above = rows[: max(first_address, 1)]
    named = [number for number, (_, cells) in enumerate(above) if any(map(is_address_column, cells))]
    header = named[0] if named and _is_title(rows[: named[0]], rows[named[0]][1]) else 0
    if not named and 0 < first_address < len(rows):
        width = len(rows[first_address][1])
        below_title = next((number for number, (_, cells) in enumerate(above) if len(cells) == width), 0)
        header = below_title if _is_title(rows[:below_title], rows[below_title][1]) else 0
    is_bare = first_address == 0 and not named
    width = len(rows[header][1])
    below = rows[header if is_bare else header + 1 :]
    fitting = sum(1 for _, cells in below if len(cells) == width and any(map(addresses_in, cells)))
    return _Reading(delimiter, rows, header, is_bare, (bool(named), fitting / max(len(below), 1), width))


def _is_title(above: Sequence[tuple[int, Sequence[str]]], header: Sequence[str]) -> bool:
    """Whether the rows above a header have fewer cells than it: a title, a date, the name of a file."""
    filled = sum(1 for cell in header if trim(cell))
    return all(sum(1 for cell in cells if trim(cell)) < max(filled, 2) for _, cells in above)


def _rows(lines: Sequence[str], start: int, delimiter: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The non-blank rows, each with the number of its first line; a row cut off by the end of the sample is dropped."""
    number = start
    while number < len(lines):
        line = lines[number]
        taken = 1
        if '"' in line:
            reader = csv.reader(
                lines[number : number + _LONGEST_ROW], delimiter=delimiter, skipinitialspace=True, strict=True
            )
            try:
                cells = next(reader)
                taken = reader.line_num
            except (csv.Error, StopIteration):
                cells = line.rstrip("\n").split(delimiter)
        else:
            cells = line.rstrip("\n").split(delimiter)
        while len(cells) > 1 and not cells[-1].strip():
            cells.pop()
        if any(cell.strip() for cell in cells):
            yield number, tuple(cells)
        number += taken
