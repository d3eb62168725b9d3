"""Choose how a table fits a phone: as it is, with given widths, or as a list of its rows.

A table is as wide as its longest words, and would widen the whole email beyond the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from newsletter.model.issue import Image, Inlines, Table, plain_text, walk_inlines
from newsletter.render.text_width import run_width, text_width

PHONE_SIZE = 12
"""The font size of a cell on a phone in pixels, as in the themes' live.css."""

ROOM = 256
"""The width of a table in text on the narrowest phone (320 px); less inside a story, a quote or a list."""

NESTED_ROOM = 190

_GAP = 6  # between two columns on a phone
_PICTURE = 64  # the least width: a smaller picture is unreadable
_BOLD = 1.1  # the width of a heading's letters relative to others
_BREAKS = 90.0  # a longer word is broken in any case, and does not narrow the other columns
_TOO_TIGHT = 1.5  # beyond it, words would be broken into pieces of a few letters


@dataclass(frozen=True, slots=True)
class TableForm:
    """`auto`: the browser computes the widths.

    `fixed`: the columns have `widths`, in per cent, and words are broken if necessary. `stacked`: each row becomes a
    short list with the headings in front, for many columns.
    """

    kind: Literal["auto", "fixed", "stacked"]
    widths: tuple[int, ...] = ()


def table_form(table: Table, *, nested: bool = False) -> TableForm:
    rows = (table.header, *table.rows)
    count = max(map(len, rows), default=0)
    room = (NESTED_ROOM if nested else ROOM) - _GAP * count
    columns = [[row[index] for row in rows if index < len(row)] for index in range(count)]
    longest = [max(map(_longest, cells)) for cells in columns]
    for index, cell in enumerate(table.header):
        longest[index] = max(longest[index], _BOLD * _longest(cell))
    if sum(longest) <= room and not any(_has_wide_picture(cell) for cells in columns for cell in cells):
        return TableForm("auto")
    wanted = [min(width, _BREAKS) for width in longest]
    if room <= 0 or sum(wanted) > _TOO_TIGHT * room:
        return TableForm("stacked")
    return TableForm("fixed", _shares(columns, wanted, room))


def _shares(columns: Sequence[Sequence[Inlines]], wanted: Sequence[float], room: float) -> tuple[int, ...]:
    """The widths in per cent: the room that a column's words need, and the rest by the amount of text."""
    scale = min(1.0, room / sum(wanted))
    texts = [max(text_width(plain_text(cell), PHONE_SIZE) for cell in cells) for cells in columns]
    more = [max(text - own, 0.0) for text, own in zip(texts, wanted, strict=True)]
    rest = room - scale * sum(wanted)
    whole = [
        scale * own + (rest * extra / sum(more) if sum(more) else rest / len(more))
        for own, extra in zip(wanted, more, strict=True)
    ]
    shares = [max(1, int(100 * width / sum(whole))) for width in whole]
    shares[-1] += max(0, 100 - sum(shares))
    return tuple(shares)


def _longest(inlines: Inlines) -> float:
    pictures = [_picture_width(image) for image in _images(inlines)]
    return max(
        [run_width(plain_text(tuple(each for each in inlines if not isinstance(each, Image))), PHONE_SIZE), *pictures]
    )


def _picture_width(image: Image) -> float:
    return min(image.asked_width or image.width or _PICTURE, _PICTURE)


def _has_wide_picture(inlines: Inlines) -> bool:
    return any((image.asked_width or image.width or _PICTURE + 1) > _PICTURE for image in _images(inlines))


def _images(inlines: Inlines) -> Iterator[Image]:
    return (node for node in walk_inlines(inlines) if isinstance(node, Image))
