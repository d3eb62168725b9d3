"""The expression language of `--where` segments and of conditions in posts: compiles a text to a predicate on a row.

    test     = value [ operator value ... ] ["is" ["not"] "empty"]    a column alone: it is not empty
    operator = "==" "!=" "<" "<=" ">" ">="  |  ["not"] ( "has" "contains" "starts with" "ends with" )
    value ["not"] "in" "[" value, ... "]"
    joined by "and", "or", "not" and parentheses; "and" binds closer than "or".

A value is text in quotes, a number, or a column. The two dialects differ only in how a column is written: `plan` or
any text in `backquotes` in a segment, `subscriber.plan` or `subscriber["any text"]` in a post.
Security: an expression can read columns and nothing else; there are no calls and no attributes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import Enum

MAX_DEPTH = 30
"""The deepest nesting of parentheses and `not`; the parser recurses, so this bounds Python's stack."""

_SHOWN_CHARS = 72
_PIECES = r"""\s*(?:
    (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |{column}
    |(?P<number>[+-]?\d+(?:\.\d+)?)(?![\w.])
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>==|!=|<=|>=|<|>|[()\[\],])
    )"""


class Dialect(Enum):
    """The syntax of one place that expressions are written in: its tokens."""

    SEGMENT = re.compile(_PIECES.format(column="`(?P<column>[^`]+)`"), re.VERBOSE)
    POST = re.compile(
        _PIECES.format(
            column=r"""subscriber\b\s*(?:\.\s*(?P<column>[^\W\d]\w*)|\[\s*(?P<quoted>'[^']+'|"[^"]+")\s*\])"""
        ),
        re.VERBOSE,
    )


_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_ITEMS = re.compile(r"[,;，；、|]")
_KEYWORDS = frozenset({"and", "or", "not", "has", "in", "contains", "starts", "ends", "with", "is", "empty"})
_NOTHING = frozenset({"nil", "null", "none", "blank", "empty"})
"""Liquid's words for a column without a value."""

Columns = Mapping[str, str]
Test = Callable[[Columns], bool]
_Read = Callable[[Columns], str]


class ExpressionError(ValueError):
    """A syntax error: `what` says why, `remedy` what to write; one of the two may be empty.

    `picture` has a caret under the fault.
    """

    def __init__(self, what: str, remedy: str, source: str, at: int) -> None:
        super().__init__("; ".join(filter(None, (what, remedy))))
        self.what = what
        self.remedy = remedy
        self.at = at
        self.picture = picture(source, at)


def picture(source: str, at: int) -> tuple[str, str]:
    """Two lines to print: the part of the expression around a position, and a caret under it."""
    start = max(0, min(at - _SHOWN_CHARS // 2, len(source) - _SHOWN_CHARS))
    shown = source[start : start + _SHOWN_CHARS]
    return f"  {shown}", f"  {' ' * _width(shown[: at - start])}^"


def parse_expression(source: str, dialect: Dialect) -> tuple[Test, Mapping[str, int]]:
    """Compile an expression to a predicate and the columns it reads: lower-case names with their first position."""
    parser = _Parser(source, dialect)
    test = parser.any_of(0)
    if parser.kind != "end":
        raise parser.fault(*parser.at_the_end())
    return test, parser.columns


# --- reading --------------------------------------------------------------------------------------------------------


class _Value:
    """One side of a comparison. `constant` is a literal's value, `None` for a column."""

    __slots__ = ("constant", "is_number", "read")

    def __init__(self, read: _Read, constant: str | None = None, *, is_number: bool = False) -> None:
        self.read = read
        self.constant = constant
        self.is_number = is_number


class _Parser:
    """Recursive descent parser. `kind`, `value` and `at` describe the current token."""

    def __init__(self, source: str, dialect: Dialect) -> None:
        self.source = source
        self.dialect = dialect
        self.columns: dict[str, int] = {}
        self.kind = self.value = ""
        self.at = self._end = 0
        self.advance()

    def advance(self) -> None:
        rest = self.source[self._end :]
        self.at = self._end + len(rest) - len(rest.lstrip())
        if self.at >= len(self.source):
            self.kind, self.value = "end", ""
            return
        token = self.dialect.value.match(self.source, self._end)
        if token is None:
            raise self.fault(*self._stray(self.source[self.at]))
        self.kind = str(token.lastgroup)
        self.value = token[self.kind]
        if self.kind == "quoted":
            self.kind, self.value = "column", self.value[1:-1]
        self._end = token.end()

    def fault(self, what: str, remedy: str = "") -> ExpressionError:
        return ExpressionError(what, remedy, self.source, self.at)

    def took(self, *words: str) -> bool:
        """Consume the current token if it is this keyword or sign."""
        here = self.value.lower() if self.kind == "word" else self.value
        if self.kind in ("word", "sign") and here in words:
            self.advance()
            return True
        return False

    def at_the_end(self) -> tuple[str, str]:
        """The error message for a token in place of the expression's end."""
        if self.value in _ORDERS or self.value.lower() in _KEYWORDS - {"and", "or"}:
            return "", "write a comparison inside the parentheses: (a == b), not (a) == b"
        if self.value == "(" and self.dialect is Dialect.POST:
            return "nothing can be called", "write a column and what it is compared with"
        return "expected `and`, `or`, or the end", ""

    def any_of(self, depth: int) -> Test:
        tests = [self.all_of(depth)]
        while self.took("or"):
            tests.append(self.all_of(depth))
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def all_of(self, depth: int) -> Test:
        tests = [self.negated(depth)]
        while self.took("and"):
            tests.append(self.negated(depth))
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def negated(self, depth: int) -> Test:
        if depth > MAX_DEPTH:
            raise self.fault(f"more than {MAX_DEPTH} parentheses and `not`s inside one another", "write it flatter")
        if self.took("not"):
            return _not(self.negated(depth + 1))
        if self.took("("):
            inside = self.any_of(depth + 1)
            if not self.took(")"):
                raise self.fault("expected `)`")
            return inside
        return self.compared()

    def compared(self) -> Test:
        left = self.operand()
        if self.kind == "sign" and self.value in _ORDERS:
            return self.chained(left)
        if self.took("is"):
            negative = self.took("not")
            if not self.took("empty"):
                raise self.fault("expected `empty` after `is`", "to compare, write ==")
            return _not(lambda row: not left.read(row)) if negative else lambda row: not left.read(row)
        negative = self.took("not")
        test = self.worded(left)
        if test is None:
            if negative or left.constant is not None:
                raise self.fault("expected `in`, `has` or `contains`" if negative else "expected ==, <, has, in, …")
            return lambda row: bool(left.read(row))
        return _not(test) if negative else test

    def chained(self, left: _Value) -> Test:
        """A chain such as `a < b` or `18 <= age < 65`: every link must hold."""
        tests: list[Test] = []
        while self.kind == "sign" and self.value in _ORDERS:
            sign = self.value
            self.advance()
            right = self.operand()
            tests.append(_compared(sign, left, right))
            left = right
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def worded(self, left: _Value) -> Test | None:
        here = left.read
        if self.took("in"):
            if self.dialect is Dialect.POST and not (self.kind == "sign" and self.value in ("[", "(")):
                return _contains(self.operand().read, here)  # a substring test, as in Python
            values = self.listed()
            return lambda row: (value := here(row)) != "" and any(equal(value, row) for equal in values)
        if self.took("has"):
            wanted = self.operand().read
            return lambda row: _has(here(row), wanted(row))
        if self.took("contains"):
            return _contains(here, self.operand().read)
        for word, method in (("starts", str.startswith), ("ends", str.endswith)):
            if self.took(word):
                if not self.took("with"):
                    raise self.fault(f"expected `with` after `{word}`")
                return _at_an_edge(method, here, self.operand().read)
        return None

    def listed(self) -> list[Callable[[str, Columns], bool]]:
        """The values of `in [...]`, each as an equality test."""
        end = ")" if self.dialect is Dialect.POST and self.value == "(" else "]"
        if not self.took("[", "(" if end == ")" else "["):
            raise self.fault("expected `[` after `in`, and values: in ['pro', 'team']")
        tests: list[Callable[[str, Columns], bool]] = []
        while True:
            tests.append(_equal_to(self.operand()))
            comma = self.took(",")
            if self.took(end):
                return tests
            if not comma:
                raise self.fault(f"expected `,` or `{end}`")

    def operand(self) -> _Value:
        """A value: text, a number, or a column."""
        kind, value, at = self.kind, self.value, self.at
        if kind == "text":
            constant = re.sub(r"\\(.)", r"\1", value[1:-1])
            if self.dialect is Dialect.POST and (escape := re.search(r"\\(\w)", value)):
                raise self.fault(f"{escape[0]} means nothing here", "write the letter itself")
        elif kind == "number":
            constant = value
        elif kind == "word" and self.dialect is Dialect.POST and value.lower() in _NOTHING:
            constant = ""
        else:
            column = self.column()
            self.columns.setdefault(column, at)
            self.advance()
            return _Value(lambda row: row.get(column, "").strip())
        self.advance()
        return _Value(lambda row: constant, constant, is_number=kind == "number")

    def column(self) -> str:
        """The current token's column name, as in the list."""
        if self.kind == "end":
            raise self.fault("a column or a value is missing")
        if self.kind not in ("word", "column"):
            raise self.fault(f"`{self.value}` is no column or value")
        name = " ".join(self.value.split()).lower()
        if self.dialect is Dialect.SEGMENT:
            if self.kind == "word" and name in _KEYWORDS:
                remedy = f"for a column of that name write `{self.value}` in ``"
                raise self.fault(f"`{self.value}` is a word of the language", remedy)
        elif self.kind == "word":
            if name == "subscriber":
                raise self.fault("a column is missing", 'write subscriber.COLUMN or subscriber["COLUMN"]')
            if name in ("true", "false"):
                raise self.fault(f"`{self.value}` is no value of a list", f'write it in quotes: "{self.value}"')
            raise self.fault(f"the name `{self.value}` means nothing here", f"write subscriber.{self.value}")
        elif name.startswith("__"):
            raise self.fault("no column begins with __", "write the name of a column")
        return name

    def _stray(self, char: str) -> tuple[str, str]:
        if char == "=":
            return "", "write == to compare"
        if char in "'\"`":
            return f"the quote {char} is never closed", ""
        if char in "‘’“”":
            return f"{char} is a curly quote", "write ' or \""
        if char.isdigit():
            return "", "write a number in digits alone: 1000, -5 or 10.5"
        if self.dialect is Dialect.POST:
            if char == "|":
                return "a condition has no filters", "write `or` to join two"
            if char == "-" and self.kind == "column":
                written = re.match(r"[\w-]*", self.source[self.at :])
                name = self.value + (written[0] if written else "")
                return "", f'for a name with a sign in it write subscriber["{name}"]'
            if char == "." and self.kind == "column":
                return "a column has no parts", "write subscriber.COLUMN"
        if char in "&|":
            return "", "write `and` or `or`"
        return f"{char!r} means nothing here", ""


# --- asking ---------------------------------------------------------------------------------------------------------

_ORDERS: Mapping[str, Callable[[int], bool]] = {
    "==": lambda order: order == 0,
    "!=": lambda order: order != 0,
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _not(test: Test) -> Test:
    return lambda row: not test(row)


def _contains(text: _Read, part: _Read) -> Test:
    return lambda row: (piece := part(row)) != "" and piece in text(row)


def _at_an_edge(method: Callable[[str, str], bool], left: _Read, right: _Read) -> Test:
    return lambda row: (part := right(row)) != "" and method(left(row), part)


def _compared(sign: str, left: _Value, right: _Value) -> Test:
    """A literal's type decides how to compare, on whichever side it is: `18 < age` is `age > 18`."""
    turned = left.constant is not None and right.constant is None
    if turned:
        left, right = right, left
    here, there, wanted = left.read, right.read, _ORDERS[sign]
    if sign in ("==", "!="):
        equal = _equal_to(right)
        return (lambda row: equal(here(row), row)) if sign == "==" else lambda row: not equal(here(row), row)

    def test(row: Columns) -> bool:
        order = _order(here(row), there(row))
        return order is not None and wanted(-order if turned else order)

    return test


def _equal_to(value: _Value) -> Callable[[str, Columns], bool]:
    """Compare as text, so that the postcode '01234' is not '1234'; compare as numbers beside an unquoted number."""
    if not value.is_number:
        return lambda here, row: here == value.read(row)
    return lambda here, row: bool(_NUMBER.fullmatch(here)) and float(here) == float(value.read(row))


def _order(left: str, right: str) -> int | None:
    """Compare two values: below, at or above 0. As numbers or dates if the right is one; None if the left is not."""
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
    except ValueError:  # such as 2026-02-30
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _has(cell: str, wanted: str) -> bool:
    """Whether a value is one of a cell's values, separated by commas or semicolons, else by spaces."""
    if not cell or not wanted:
        return False
    items = [item.strip(" []{}\"'") for item in _ITEMS.split(cell)]
    return wanted in items or (len(items) == 1 and wanted in cell.split())


def _width(text: str) -> int:
    """Width in terminal columns: CJK characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
