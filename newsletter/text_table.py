"""Tables of text for a terminal, their columns as wide as it shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

from newsletter.text import printable

GAP = "  "


def text_table(heads: Sequence[str], rows: Sequence[Sequence[str]], align: str, *, width: int = 0) -> Iterator[str]:
    """An empty line and a table; nothing where there are no rows. `align` has `l` or `r` for each column.

    Control characters are shown, not sent. With a `width` the longest column is cut until a line is no wider.
    """
    if not rows:
        return
    cells = [[printable(cell) for cell in row] for row in ([heads, *rows] if heads else rows)]
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
