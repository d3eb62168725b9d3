"""Segments: an expression over a list's columns, such as `plan == 'pro' and tags has 'ai'`.

The language is that of `newsletter.expression`; a column is a word, or any text in `backquotes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from newsletter.errors import ConfigError
from newsletter.expression import MAX_DEPTH, Columns, Dialect, ExpressionError, Test, parse_expression, picture
from newsletter.frozen import frozen
from newsletter.text import CONTROL

__all__ = ["MAX_CHARS", "MAX_DEPTH", "Segment", "SegmentError", "parse_segment"]

MAX_CHARS = 4_000
"""The longest segment: longer ones enumerate subscribers, and belong in a list."""


class SegmentError(ConfigError):
    """A segment with a syntax error: `picture` shows it with a caret under the fault."""

    def __init__(self, what: str, remedy: str, source: str, at: int) -> None:
        super().__init__(f"--where: {what or remedy}", remedy if what else "")
        self.picture = picture(source, at)


@frozen
class Segment:
    """A compiled expression over a list's columns."""

    source: str
    _places: Mapping[str, int] = field(repr=False, compare=False)
    _test: Test = field(repr=False, compare=False)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads, in lower case, as in a list."""
        return frozenset(self._places)

    def holds(self, row: Columns) -> bool:
        """Whether a row's subscriber is in it. Missing columns are empty."""
        return self._test(row)

    def require_columns(self, known: tuple[str, ...]) -> None:
        """Raises SegmentError if it reads a column that is not one of these."""
        for column, at in self._places.items():
            if column not in known:
                names = ", ".join(name if name.isidentifier() else f"`{name}`" for name in known)
                raise SegmentError(f"the list has no column {column!r}", f"write one of: {names}", self.source, at)


def parse_segment(source: str) -> Segment:
    """Compile an expression. SegmentError, with the position, for a syntax error."""
    source = source.strip()
    if len(source) > MAX_CHARS:
        raise SegmentError(f"it has {len(source):,} characters", f"keep it under {MAX_CHARS:,}", source, MAX_CHARS)
    if bad := CONTROL.search(source):
        raise SegmentError("it has a line break or a control character", "write it on one line", source, bad.start())
    try:
        test, columns = parse_expression(source, Dialect.SEGMENT)
    except ExpressionError as error:
        raise SegmentError(error.what, error.remedy, source, error.at) from error
    return Segment(source, columns, test)
