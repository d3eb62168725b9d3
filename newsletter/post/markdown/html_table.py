"""Lay out an HTML table's cells in columns, with spans resolved."""

from __future__ import annotations

from collections.abc import Sequence

from lxml.html import HtmlElement

MAX_COLUMNS = 100
MAX_ROWS = 1_000
"""The largest span of a cell; more is a mistake."""


def place_cells(rows: Sequence[Sequence[HtmlElement]]) -> list[list[HtmlElement | None]]:
    """The grid as a browser lays it out (HTML, 4.9.12): None where no cell begins."""
    reserved: dict[int, int] = {}  # column -> number of rows below that a cell from above spans
    grid: list[list[HtmlElement | None]] = []
    for row in rows:
        placed: list[HtmlElement | None] = []
        taken, reserved = reserved, {column: left - 1 for column, left in reserved.items() if left > 1}
        for cell in row:
            while len(placed) in taken:
                placed.append(None)
            wide, high = _span(cell, "colspan", MAX_COLUMNS), _span(cell, "rowspan", MAX_ROWS)
            for column in range(len(placed), len(placed) + wide):
                if high > 1:
                    reserved[column] = max(reserved.get(column, 0), high - 1)
            placed += [cell, *[None] * (wide - 1)]
        while len(placed) in taken:
            placed.append(None)
        grid.append(placed)
    return grid


def _span(cell: HtmlElement, name: str, most: int) -> int:
    written = str(cell.get(name) or "")
    return min(max(int(written), 1), most) if written.isascii() and written.isdigit() and len(written) < 6 else 1
