"""Choose how a table fits a phone: as it is, with given widths, or as a list of its rows.

A table is as wide as its longest words, and would widen the whole email beyond the window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from newsletter.frozen import frozen
from newsletter.model.issue import Image, Inlines, Table, Text, plain_text, walk_inlines
from newsletter.post.markdown.cjk import is_cjk
from newsletter.render.text_width import run_width, text_width

PHONE_SIZE = 12
"""The font size of a cell on a phone in pixels, as in the themes' live.css."""

ROOM = 256
"""The width of a table in text on the narrowest phone (320 px); less inside a story, a quote or a list."""

NESTED_ROOM = 190

MAX_SHORT = 5
"""The letters of a short cell."""

_GAP = 6  # between two columns on a phone
_PICTURE = 64  # the least width: a smaller picture is unreadable
_BOLD = 1.1  # the width of a heading's letters relative to others
_BREAKS = 90.0  # a longer word is broken in any case, and does not narrow the other columns
_TOO_TIGHT = 1.5  # beyond it, words would be broken into pieces of a few letters


@frozen
class TableForm:
    """`auto`: the browser computes the widths.

    `fixed`: the columns have `widths`, in per cent, and words are broken if necessary. `stacked`: each row becomes a
    short list with the headings in front, for many columns. `keeps`: there is room for Chinese or Japanese cells of so
    many letters on one line each, which a browser would set a letter a line.
    """

    kind: Literal["auto", "fixed", "stacked"]
    widths: tuple[int, ...] = ()
    keeps: int = 0
    sides: tuple[str, ...] = ()
    """The alignment of each column: `left`, `center` or `right`."""


def table_form(table: Table, *, nested: bool = False) -> TableForm:
    form = _form(table, nested=nested)
    count = max(map(len, (table.header, *table.rows)), default=0)
    return replace(form, sides=tuple(side or "left" for side in (*table.align, *[""] * count)[:count]))


def _form(table: Table, *, nested: bool) -> TableForm:
    rows = (table.header, *table.rows)
    count = max(map(len, rows), default=0)
    room = (NESTED_ROOM if nested else ROOM) - _GAP * count
    columns = [[row[index] for row in rows if index < len(row)] for index in range(count)]
    longest = [max(map(_longest, cells)) for cells in columns]
    for index, cell in enumerate(table.header):
        longest[index] = max(longest[index], _BOLD * _longest(cell))
    if sum(longest) <= room and not any(_has_wide_picture(cell) for cells in columns for cell in cells):
        return TableForm("auto", keeps=_kept(columns, longest, room)[0])
    wanted = [min(width, _BREAKS) for width in longest]
    if room <= 0 or sum(wanted) > _TOO_TIGHT * room:
        return TableForm("stacked")
    _, kept = _kept(columns, wanted, room)
    return TableForm("fixed", _shares(columns, [*map(max, wanted, kept)], room))


def is_short(cell: Inlines, letters: int) -> bool:
    """Whether a cell is one word of so many letters at most, in a script without spaces."""
    return bool(letters) and _is_short(plain_text(cell), letters)


def _is_short(words: str, letters: int) -> bool:
    return 2 <= len(words) <= letters and not words.isascii() and " " not in words and any(map(is_cjk, words))


def _kept(columns: Sequence[Sequence[Inlines]], longest: Sequence[float], room: float) -> tuple[int, list[float]]:
    """How many letters of short cells there is room for on a line, and the width of each column's widest such cell."""
    short = [[words for cell in cells if _is_short(words := plain_text(cell), MAX_SHORT)] for cells in columns]
    for letters in range(MAX_SHORT, 1, -1) if any(short) else ():
        widths = [
            max((_BOLD * text_width(words, PHONE_SIZE) for words in each if len(words) <= letters), default=0.0)
            for each in short
        ]
        if sum(map(max, longest, widths)) <= room:
            return (letters, widths) if any(widths) else (0, widths)
    return 0, [0.0] * len(columns)


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
    if len(inlines) == 1 and isinstance(only := inlines[0], Text):
        return run_width(only.text, PHONE_SIZE)
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
