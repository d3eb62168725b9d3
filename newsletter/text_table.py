"""Tables and paragraphs of text for a terminal, by the cells that it shows: a wide character takes two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

from newsletter.text import printable

GAP = "  "

LEAST_COLUMN = 12
"""The fewest cells that a column of words keeps in a table that is made to fit."""


def text_table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], align: str, *, width: int = 0, wraps: bool = False
) -> Iterator[str]:
    """An empty line and a table; nothing where there are no rows. `align` has `l` or `r` for each column.

    Control characters are shown, not sent. With a `width` the longest column is cut until a line is no wider; if it
    `wraps`, the widest columns of words are broken instead, see `table_lines`.
    """
    if not rows:
        return
    cells = [[printable(cell) for cell in row] for row in ([heads, *rows] if heads else rows)]
    if wraps:
        yield ""
        yield from table_lines(cells, align, width or None)
        return
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - width
    if width and over > 0:
        longest = widths.index(max(widths))
        widths[longest] = max(widths[longest] - over, 1)
        cells = [[*row[:longest], shortened(row[longest], widths[longest]), *row[longest + 1 :]] for row in cells]
    yield ""
    for row in cells:
        padded = (
            " " * (room - cell_len(cell)) + cell if side == "r" else cell + " " * (room - cell_len(cell))
            for cell, room, side in zip(row, widths, align, strict=True)
        )
        yield GAP.join(padded).rstrip()


def shortened(text: str, width: int) -> str:
    """The text in at most so many cells, an ellipsis in place of what is cut off."""
    if cell_len(text) <= width:
        return text
    return f"{chop_cells(text, width - 1)[0]}…" if width > 1 else "…"


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """A paragraph in lines of at most so many cells, those after the first behind `indent`.

    Words that are wide, or longer than a line, may break anywhere.
    """
    lines: list[str] = []
    words = text.lstrip(" ")
    line = " " * (len(text) - len(words))
    for number, word in enumerate(words.split(" ")):
        joined = f"{line} {word}" if number and line else line + word
        room = width - (cell_len(indent) if lines else 0)
        if cell_len(joined) <= room:
            line = joined
        elif line and cell_len(word) == len(word) and len(word) <= room:
            lines.append(line)
            line = word
        else:
            first, *rest = chop_cells(joined, room)
            lines.append(first.rstrip())
            *full, line = chop_cells("".join(rest).lstrip(), max(1, width - cell_len(indent))) or [""]
            lines += full
    lines.append(line)
    return [f"{indent}{each}" if index else each for index, each in enumerate(lines)]


def table_lines(rows: Sequence[Sequence[str]], align: str, width: int | None = None) -> Iterator[str]:
    """The rows in columns; `align` has an l or an r for each, or an f for what is never broken, such as a command.

    Where the rows are wider than `width`, the widest columns of words are wrapped.
    """
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    if width is not None:
        widths = _fitted(widths, align, width)
    for row in rows:
        cells = [wrapped(cell, size) for cell, size in zip(row, widths, strict=True)]
        for number in range(max(map(len, cells))):
            parts = (each[number] if number < len(each) else "" for each in cells)
            yield GAP.join(map(_padded, parts, widths, align)).rstrip()


def _padded(cell: str, width: int, side: str) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if side == "r" else cell + space


def _fitted(widths: Sequence[int], align: str, width: int) -> list[int]:
    """Narrower columns, cell by cell from whichever column of words is the widest."""
    fitted = list(widths)
    over = sum(fitted) + len(GAP) * (len(fitted) - 1) - width
    while over > 0:
        words = [index for index, side in enumerate(align) if side == "l" and fitted[index] > LEAST_COLUMN]
        if not words:
            break
        widest = max(words, key=fitted.__getitem__)
        fitted[widest] -= 1
        over -= 1
    return fitted
