"""Choose how a table fits a phone: as it is, with given widths, or as a list of its rows.

A table as wide as its longest words would widen the whole email, and every line of it would end beyond the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from newsletter.model.issue import Image, Inlines, Table, plain_text, walk_inlines
from newsletter.render.text_width import run_width, text_width

PHONE_SIZE = 12
"""Pixels of a cell's text on a phone; the themes' live.css says so."""

ROOM = 256
"""Pixels that the narrowest phone, 320, leaves a table in the text; inside a story, a quote or a list less."""

NESTED_ROOM = 190

_GAP = 6  # between two columns on a phone
_PICTURE = 64  # as wide at least: smaller, it shows nothing
_BOLD = 1.1  # a heading's letters, against the others
_BREAKS = 90.0  # a longer word breaks in any case: the other columns need not make room for it
_TOO_TIGHT = 1.5  # past it, words would be cut to pieces of a few letters


@dataclass(frozen=True, slots=True)
class TableForm:
    """`auto`: the browser finds the widths. `fixed`: the columns have `widths`, in per cent, and words break where they
    must. `stacked`: so many columns that each row is a short list with the headings in front."""

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
    """Per cent of the width: what a column's words need, and the rest by how much text it holds."""
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
