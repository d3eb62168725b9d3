"""A part of a list, chosen by its columns: `plan == 'pro' and tags has 'ai'` -> who is in it.

    test     = column [ operator value ] ["is" ["not"] "empty"]       a column alone: it is not empty
    operator = "==" "!=" "<" "<=" ">" ">=" ["not"] "has" ["not"] "contains" "starts with" "ends with"
    column   ["not"] "in" "[" value, ... "]"
    joined by "and", "or", "not" and parentheses; "and" binds closer than "or".

A value is text in quotes, a number, or another column; a column is a word, or any text in `backquotes`. Nothing is
called and nothing is reached but the columns: the language has no way to say more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from newsletter.errors import ConfigError
from newsletter.values import CONTROL

MAX_CHARS = 4_000
"""Of a segment: longer ones are lists of people, and belong in a list."""

MAX_DEPTH = 30
"""Parentheses and `not`s inside one another: reading them takes Python's stack."""

_SHOWN_CHARS = 72
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |`(?P<quoted>[^`]+)`
    |(?P<number>[+-]?\d+(?:\.\d+)?)(?![\w.])
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>==|!=|<=|>=|<|>|[()\[\],])
    )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_ITEMS = re.compile(r"[,;，；、|]")
_KEYWORDS = frozenset({"and", "or", "not", "has", "in", "contains", "starts", "ends", "with", "is", "empty"})
_MARK = "\nwhere "

Columns = Mapping[str, str]
_Value = Callable[[Columns], str]
_Test = Callable[[Columns], bool]


class SegmentError(ConfigError):
    """A segment that cannot be read: `picture` has it with a caret under the place."""

    def __init__(self, what: str, source: str, at: int) -> None:
        super().__init__(f"--where: {what}")
        start = max(0, min(at - _SHOWN_CHARS // 2, len(source) - _SHOWN_CHARS))
        shown = source[start : start + _SHOWN_CHARS]
        self.picture = (f"  {shown}", f"  {' ' * _width(shown[: at - start])}^")


@dataclass(frozen=True, slots=True)
class Segment:
    """An expression over a list's columns, ready to be asked."""

    source: str
    _places: Mapping[str, int] = field(repr=False, compare=False)
    _test: _Test = field(repr=False, compare=False)

    @property
    def columns(self) -> frozenset[str]:
        """The columns that it reads, in small letters, as a list has them."""
        return frozenset(self._places)

    def holds(self, row: Columns) -> bool:
        """Whether the person of a row is in it. A column that a row lacks is empty."""
        return self._test(row)

    def require_columns(self, known: tuple[str, ...]) -> None:
        """Raises SegmentError for a column that a list with these does not have."""
        for column, at in self._places.items():
            if column not in known:
                names = ", ".join(name if name.isidentifier() else f"`{name}`" for name in known)
                raise SegmentError(f"the list has no column {column!r}; write one of: {names}", self.source, at)


def parse_segment(source: str) -> Segment:
    """Read an expression. SegmentError, with the place, where it is none."""
    source = source.strip()
    if len(source) > MAX_CHARS:
        raise SegmentError(f"it has {len(source):,} characters; keep it under {MAX_CHARS:,}", source, MAX_CHARS)
    if bad := CONTROL.search(source):
        raise SegmentError("it has a line break or a control character; write it on one line", source, bad.start())
    parser = _Parser(source)
    test = parser.any_of(0)
    if parser.kind != "end":
        raise parser.fault("expected `and`, `or`, or the end")
    return Segment(source, parser.columns, test)


# --- where a send's list and segment are kept -----------------------------------------------------------------------


def join_segment(path: str, source: str) -> str:
    """A list and the segment of it that a send went to, as the ledger keeps them in one text."""
    return f"{path}{_MARK}{source}" if source else path


def split_segment(text: str) -> tuple[str, str]:
    """The path and the segment again; an empty segment for a whole list."""
    path, _, source = text.partition(_MARK)
    return path, source


# --- reading --------------------------------------------------------------------------------------------------------


class _Parser:
    """Recursive descent over the tokens; `kind`, `value` and `at` are those of the token it stands at."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.columns: dict[str, int] = {}  # and where each is first named
        self.kind = self.value = ""
        self.at = self._end = 0
        self.advance()

    def advance(self) -> None:
        rest = self.source[self._end :]
        self.at = self._end + len(rest) - len(rest.lstrip())
        if self.at >= len(self.source):
            self.kind, self.value = "end", ""
            return
        token = _TOKEN.match(self.source, self._end)
        if token is None:
            raise self.fault(_stray(self.source[self.at]))
        self.kind = str(token.lastgroup)
        self.value = token[self.kind]
        self._end = token.end()

    def fault(self, what: str) -> SegmentError:
        return SegmentError(what, self.source, self.at)

    def took(self, *words: str) -> bool:
        """Step over a keyword or sign, when it stands here."""
        here = self.value.lower() if self.kind == "word" else self.value
        if self.kind in ("word", "sign") and here in words:
            self.advance()
            return True
        return False

    def any_of(self, depth: int) -> _Test:
        tests = [self.all_of(depth)]
        while self.took("or"):
            tests.append(self.all_of(depth))
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def all_of(self, depth: int) -> _Test:
        tests = [self.negated(depth)]
        while self.took("and"):
            tests.append(self.negated(depth))
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def negated(self, depth: int) -> _Test:
        if depth > MAX_DEPTH:
            raise self.fault(f"more than {MAX_DEPTH} parentheses and `not`s inside one another; write it flatter")
        if self.took("not"):
            return _not(self.negated(depth + 1))
        if self.took("("):
            inside = self.any_of(depth + 1)
            if not self.took(")"):
                raise self.fault("expected `)`")
            return inside
        return self.compared()

    def compared(self) -> _Test:
        bare_column = self.kind in ("word", "quoted")
        left, _ = self.operand()
        if self.kind == "sign" and self.value in _ORDERS:
            sign = self.value
            self.advance()
            right, is_number = self.operand()
            return _compared(sign, left, right, is_number=is_number)
        if self.took("is"):
            negative = self.took("not")
            if not self.took("empty"):
                raise self.fault("expected `empty` after `is`; to compare, write ==")
            return _not(lambda row: not left(row)) if negative else lambda row: not left(row)
        negative = self.took("not")
        test = self.worded(left)
        if test is None:
            if negative or not bare_column:
                raise self.fault("expected `in`, `has` or `contains`" if negative else "expected ==, <, has, in, …")
            return lambda row: bool(left(row))
        return _not(test) if negative else test

    def worded(self, left: _Value) -> _Test | None:
        if self.took("in"):
            values = self.listed()
            return lambda row: (here := left(row)) != "" and any(equal(here, row) for equal in values)
        if self.took("has"):
            right, _ = self.operand()
            return lambda row: _has(left(row), right(row))
        if self.took("contains"):
            right, _ = self.operand()
            return lambda row: (part := right(row)) != "" and part in left(row)
        for word, method in (("starts", str.startswith), ("ends", str.endswith)):
            if self.took(word):
                if not self.took("with"):
                    raise self.fault(f"expected `with` after `{word}`")
                return _at_an_edge(method, left, self.operand()[0])
        return None

    def listed(self) -> list[Callable[[str, Columns], bool]]:
        """The values of `in [...]`, each as a test of equality."""
        if not self.took("["):
            raise self.fault("expected `[` after `in`, and values: in ['pro', 'team']")
        tests: list[Callable[[str, Columns], bool]] = []
        while True:
            value, is_number = self.operand()
            tests.append(_equal_to(value, is_number=is_number))
            if self.took("]"):
                return tests
            if not self.took(","):
                raise self.fault("expected `,` or `]`")

    def operand(self) -> tuple[_Value, bool]:
        """A value, and whether it is a number without quotes."""
        kind, value = self.kind, self.value
        if kind == "word" and value.lower() in _KEYWORDS:
            raise self.fault(f"`{value}` is a word of the language; for a column of that name write `{value}` in ``")
        if kind not in ("text", "number", "word", "quoted"):
            raise self.fault("a column or a value is missing" if kind == "end" else f"`{value}` is no column or value")
        at = self.at
        self.advance()
        if kind in ("text", "number"):
            constant = re.sub(r"\\(.)", r"\1", value[1:-1]) if kind == "text" else value
            return lambda row: constant, kind == "number"
        column = " ".join(value.split()).lower()
        self.columns.setdefault(column, at)
        return lambda row: row.get(column, "").strip(), False


def _stray(char: str) -> str:
    if char == "=":
        return "write == to compare"
    if char in "'\"`":
        return f"the quote {char} is never closed"
    if char in "‘’“”":
        return f"{char} is a curly quote; write ' or \""
    if char in "&|":
        return "write `and` or `or`"
    return f"{char!r} means nothing here"


# --- asking ---------------------------------------------------------------------------------------------------------

_ORDERS: Mapping[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _not(test: _Test) -> _Test:
    return lambda row: not test(row)


def _at_an_edge(method: Callable[[str, str], bool], left: _Value, right: _Value) -> _Test:
    return lambda row: (part := right(row)) != "" and method(left(row), part)


def _compared(sign: str, left: _Value, right: _Value, *, is_number: bool) -> _Test:
    if sign in ("==", "!="):
        equal = _equal_to(right, is_number=is_number)
        return (lambda row: equal(left(row), row)) if sign == "==" else lambda row: not equal(left(row), row)
    wanted = _ORDERS[sign]

    def test(row: Columns) -> bool:
        order = _order(left(row), right(row))
        return order is not None and wanted(order)

    return test


def _equal_to(value: _Value, *, is_number: bool) -> Callable[[str, Columns], bool]:
    """As text, so that the postcode '01234' is not '1234'; as numbers beside one written without quotes."""
    if not is_number:
        return lambda here, row: here == value(row)
    return lambda here, row: bool(_NUMBER.fullmatch(here)) and float(here) == float(value(row))


def _order(left: str, right: str) -> int | None:
    """Below, at or above 0. As numbers or as dates where the right side is one; None where the left side is not."""
    if not left or not right:
        return None
    if _NUMBER.fullmatch(right):
        return _sign(float(left), float(right)) if _NUMBER.fullmatch(left) else None
    there = _moment(right)
    if there is None:
        return _sign(left, right)
    here = _moment(left)
    if here is None:
        return None
    if isinstance(here, datetime) and isinstance(there, datetime):
        return _sign(here, there)
    return _sign(_day(here), _day(there))  # a day without a time is the whole day


def _sign(left: float | str | date, right: float | str | date) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]  # both are of one kind


def _moment(text: str) -> date | datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        if len(text) == len("2026-03-01"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:  # 2026-02-30
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _has(cell: str, wanted: str) -> bool:
    """Whether a value is one of those in a cell: between commas or semicolons, else between spaces."""
    if not cell or not wanted:
        return False
    items = [item.strip(" []{}\"'") for item in _ITEMS.split(cell)]
    return wanted in items or (len(items) == 1 and wanted in cell.split())


def _width(text: str) -> int:
    """Columns on a terminal: hanzi take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
