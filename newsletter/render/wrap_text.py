"""Wrap text into lines by East Asian width.

A line never breaks where Chinese typography forbids it: no closing mark at a line's start, no opening one at its end
(JIS X 4051, GB/T 15834).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate

from newsletter.render.columns import column_width, columns

WIDTH = 72
"""Columns per line. RFC 5322 2.1.1 recommends 78 at most; quoting in replies takes a few."""

MIN_ROOM = 24
"""The columns kept for text if lists nest so deep that their indents would fill the line."""

MAX_HANGUL = 40
"""The columns of a Korean word that is kept whole."""

_NOT_FIRST = frozenset(" ，。、；：！？）】》」』”’〉…—·,.;:!?)]}%‰℃～")
_NOT_LAST = frozenset("（【《「『“‘〈([{")

_HANGUL = re.compile("[\uac00-\ud7af]")


def room_for_text(indent: str) -> int:
    """The columns of a line behind its indent."""
    return max(WIDTH - columns(indent), MIN_ROOM)


def wrap(text: str, indent: str = "", first: str | None = None) -> list[str]:
    """Lines of at most WIDTH columns, indent included; a longer word gets a line of its own, unbroken."""
    start = indent if first is None else first
    text = " ".join(text.split())
    room = room_for_text(start)
    if text.isascii() and len(text) <= room:
        return [(start + text).rstrip()]
    next_room = room_for_text(indent)
    ends = [*_ends(text)]
    widths = (0, *accumulate(map(_WIDTHS.__getitem__, text)))
    # The columns at each piece's end, its space not counted: it may stand beyond the line's.
    reached = [widths[end] - (text[end - 1] == " ") for end in ends]
    lines: list[str] = []
    at = piece = 0
    while at < len(text):
        fits = bisect_right(reached, widths[at] + room, piece)
        piece = max(fits, piece + 1)
        end = ends[piece - 1]
        if (line := text[at:end]).strip() or end < len(text):
            lines.append(((indent if lines else start) + line).rstrip())
        at, room = end, next_room
    return lines or [start.rstrip()]


# --- where a line may break -----------------------------------------------------------------------------------------


class _Widths(dict[str, int]):
    def __missing__(self, char: str) -> int:
        width = self[char] = column_width(char)
        return width


class _Kinds(dict[int, str]):
    """For `str.translate`, a letter for each kind of character.

    F, L and W are wide ones that may not be first, or last, or may be both; f, l and n are the others.
    """

    def __missing__(self, code: int) -> str:
        char = chr(code)
        kind = " " if char == " " else "f" if char in _NOT_FIRST else "l" if char in _NOT_LAST else "n"
        if column_width(char) == 2:
            kind = "W" if kind == "n" else kind.upper()
        self[code] = kind
        return kind


_WIDTHS = _Widths()
_KINDS = _Kinds()

_PIECE = re.compile(r".(?:[Ff ]|(?<=[Ll]).|(?<=[nf])[nl])*")
"""What stays together, by kind: what may not be first, what follows an opening mark, and narrow letters in a row."""


def _ends(text: str) -> Iterator[int]:
    """Where the pieces end that stay together: a word with its space, a Chinese character with adjacent marks."""
    if not _HANGUL.search(text):
        return (piece.end() for piece in _PIECE.finditer(text.translate(_KINDS)))
    return _ends_with_hangul(text)


def _ends_with_hangul(text: str) -> Iterator[int]:
    """The same for Korean: it has spaces between its words; a longer run of letters is broken all the same."""
    columns_so_far = 0
    before, was_wide = "", False
    for index, char in enumerate(text):
        width = column_width(char)
        is_wide = width == 2 and (columns_so_far > MAX_HANGUL or not "\uac00" <= char <= "\ud7af")
        if (is_wide or was_wide or before == " ") and index and char not in _NOT_FIRST and before not in _NOT_LAST:
            yield index
            columns_so_far = 0
        columns_so_far += width
        before, was_wide = char, is_wide
    if text:
        yield len(text)
