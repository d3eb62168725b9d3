"""What a post may say of its reader: `{{ subscriber.name | default("friend") }}` and conditions on list columns.

An output becomes a mark, plain letters and digits that the text does not hold otherwise; Markdown, MJML and premailer
carry it through unharmed, and rendering turns it into a `Slot`. A condition is a small expression without calls and
without attributes beyond a subscriber's columns; Jinja2 parses it, and only the nodes named here are evaluated.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
from jinja2 import nodes

from newsletter.errors import ContentError, located
from newsletter.model import FieldRef, Issue

FIELD_REMEDY = 'write {{ subscriber.COLUMN }} or {{ subscriber.COLUMN | default("words") }}'
MAX_CONDITION = 1_000
"""Letters. A longer condition is text that lost its `%}`; the bound also keeps the parser's work small."""

MAX_DEPTH = 30
"""Parentheses and `not`s inside one another: evaluating them takes Python's stack."""

_OUTPUT = re.compile(r"\{\{-?(?P<inner>[^{}]*?)-?\}\}|\{\{-?\s*subscriber\b")
_FIELD = re.compile(
    r"""\s*subscriber(?:\.(?P<name>[^\W\d]\w*)|\[\s*\\?["'](?P<column>[^"'\\\]]+)\\?["']\s*\])\s*
    (?:\|\s*default\s*(?:\(\s*|:\s*)
    \\?(?P<quote>["'])(?P<default>(?:(?!\\?(?P=quote)).)*)\\?(?P=quote)\s*\)?\s*)?""",
    re.VERBOSE | re.DOTALL,
)
_VERBATIM = re.compile(r"\{%-?\s*(raw|comment)\s*-?%\}")
_STRING = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_OPERAND = rf"""(?:{_STRING}|(?<![^\s"'()\[\],])[^\s"'()\[\],]+(?:\[[^\[\]]*\])?)"""
_CONTAINS = re.compile(rf"({_OPERAND})\s+contains\s+({_OPERAND})|{_STRING}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Marked:
    """A text whose fields are marks: mark number n stands for `fields[n]`."""

    text: str
    mark: str
    fields: tuple[FieldRef, ...]


def mark_fields(text: str, path: str) -> Marked:
    """The text with each `{{ subscriber.… }}` outside `raw` and `comment` as its mark. Raises ContentError."""
    # Security: nobody can write a mark into a text that is part of what it is made of, not even piece by piece
    # (`nl<!-- -->field…`), and the same text has the same mark.
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4])
    while f"nlfield{number}x" in text:
        number += 1
    mark = f"nlfield{number}x"
    found: dict[FieldRef, int] = {}
    verbatim = list(_verbatim_spans(text)) if "{%" in text else []
    starts = [start for start, _ in verbatim]
    out: list[str] = []
    line, position = 1, 0
    for output in _OUTPUT.finditer(text):
        inner = output["inner"]
        span = bisect_right(starts, output.start()) - 1
        is_verbatim = span >= 0 and output.start() < verbatim[span][1]
        if is_verbatim or (inner is not None and not re.match(r"\s*subscriber\b", inner)):
            continue
        line += text.count("\n", position, output.start())
        if inner is None:
            what = f"{output[0]} is never closed"
            raise ContentError(located(path, line, " ".join(what.split()), FIELD_REMEDY))
        written = _FIELD.fullmatch(inner)
        name = " ".join((written["name"] or written["column"]).split()).lower() if written else ""
        if not written or name.startswith("__"):
            shown = " ".join(output[0].split())[:60]
            raise ContentError(located(path, line, f"{shown} is not a subscriber's field", FIELD_REMEDY))
        reference = FieldRef(name, " ".join((written["default"] or "").split()), line)
        newlines = output[0].count("\n")
        out += (text[position : output.start()], f"{mark}{found.setdefault(reference, len(found))}z", "\n" * newlines)
        line += newlines
        position = output.end()
    out.append(text[position:])
    return Marked("".join(out), mark, tuple(found))


def end_tag(name: str, text: str, position: int) -> re.Match[str] | None:
    """Where Liquid's `{% endname %}` stands, from a position on."""
    return re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}").search(text, position)


def _verbatim_spans(text: str) -> Iterator[tuple[int, int]]:
    """What stands between `raw` or `comment` and its end. One that is never closed is Liquid's to report."""
    position = 0
    while found := _VERBATIM.search(text, position):
        end = end_tag(found[1], text, found.end())
        if end is None:
            return
        yield found.end(), end.start()
        position = end.end()


def unmark(text: str, issue: Issue) -> str:
    """A text of the issue with its fields as the author wrote them, for JSON and messages."""
    return re.sub(f"{issue.mark}(\\d+)z", lambda mark: f"{{{{ subscriber.{issue.fields[int(mark[1])].name} }}}}", text)


# --- conditions -----------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_NODES = {
    "Call": "a call",
    "Filter": "a filter",
    "Test": "a test with `is`",
    "Getattr": "a value inside a column",
    "Getitem": "a value inside a column",
    "CondExpr": "an inline `if`",
    "List": "a list outside `in`",
    "Tuple": "a list outside `in`",
    "Const": "true or false without quotes",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression over a subscriber's columns. `line` counts in the file, from 1."""

    source: str
    line: int
    columns: frozenset[str]
    _tree: nodes.Expr = field(repr=False, compare=False)

    def holds(self, columns: Mapping[str, str]) -> bool:
        """The answer for a subscriber. A column alone is true where it is not empty."""
        return bool(_value(self._tree, columns))


def parse_condition(source: str, line: int, path: str) -> Condition:
    """Compile an expression such as `subscriber.plan == "pro" and subscriber.city`. Raises ContentError."""
    shown = " ".join(source.split())
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    remedy = 'compare columns with words: subscriber.plan == "pro", != , in, contains, and, or, not'
    if len(source) > MAX_CONDITION:
        what = f"the condition `{shown}` has {len(source):,} letters"
        raise ContentError(located(path, line, what, f"keep it under {MAX_CONDITION:,}, and close it with %}}"))
    translated = _CONTAINS.sub(lambda found: f"({found[2]} in {found[1]})" if found[1] else found[0], source)
    try:
        template = jinja2.Environment().parse(f"{{{{ {translated} }}}}")  # noqa: S701 (parsed, never rendered)
        output = template.body[0] if template.body else None
        if len(template.body) != 1 or not isinstance(output, nodes.Output) or len(output.nodes) != 1:
            raise ContentError(located(path, line, f"the condition `{shown}` is not one expression", remedy))
        tree = output.nodes[0]
        columns = frozenset(_columns(tree, 0))
    except (jinja2.TemplateSyntaxError, _NotAllowedError, RecursionError) as error:
        why = "is nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())[:120]
        raise ContentError(located(path, line, f"the condition `{shown}`: {why}", remedy)) from error
    return Condition(source, line, columns, tree)


class _NotAllowedError(ValueError):
    """A node that conditions do not have: calls, filters, other names."""


def _columns(node: nodes.Node, depth: int) -> list[str]:
    """The columns that an expression reads. Security: any node that is not named here is refused."""
    if depth > MAX_DEPTH:
        raise _NotAllowedError("is nested too deep")
    match node:
        case (
            nodes.Getattr(node=nodes.Name(name="subscriber"), attr=str() as column)
            | nodes.Getitem(node=nodes.Name(name="subscriber"), arg=nodes.Const(value=str() as column))
        ) if not column.startswith("__"):
            return [column.lower()]
        case nodes.Const(value=str() | None) | nodes.Name(name="nil" | "blank" | "empty"):
            return []  # Liquid's words for a column without a value
        case (
            nodes.Const(value=int() | float() as number) | nodes.Neg(node=nodes.Const(value=int() | float() as number))
        ) if not isinstance(number, bool):
            return []
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            return _columns(left, depth + 1) + _columns(right, depth + 1)
        case nodes.Not(node=inner):
            return _columns(inner, depth + 1)
        case nodes.Compare(expr=first, ops=ops):
            columns = _columns(first, depth + 1)
            for operand in ops:
                inside = [operand.expr]
                if operand.op in ("in", "notin") and isinstance(operand.expr, nodes.List | nodes.Tuple):
                    inside = operand.expr.items
                columns += [column for each in inside for column in _columns(each, depth + 1)]
            return columns
    if isinstance(node, nodes.Name):
        raise _NotAllowedError(f"the name `{node.name}` means nothing here")
    raise _NotAllowedError(f"{_NODES.get(type(node).__name__, 'such a sign')} is not possible here")


def _value(node: nodes.Node, columns: Mapping[str, str]) -> Any:
    match node:
        case nodes.Getattr(attr=column) | nodes.Getitem(arg=nodes.Const(value=column)):
            return columns.get(str(column).lower(), "").strip()
        case nodes.Const(value=value):
            return "" if value is None else value
        case nodes.Name():
            return ""
        case nodes.Neg(node=nodes.Const(value=number)):
            return -number
        case nodes.And(left=left, right=right):
            return _value(left, columns) and _value(right, columns)
        case nodes.Or(left=left, right=right):
            return _value(left, columns) or _value(right, columns)
        case nodes.Not(node=inner):
            return not _value(inner, columns)
        case nodes.List(items=items) | nodes.Tuple(items=items):
            return [_value(item, columns) for item in items]
        case nodes.Compare(expr=first, ops=ops):
            left = _value(first, columns)
            for operand in ops:
                right = _value(operand.expr, columns)
                if not _compare(operand.op, left, right):
                    return False
                left = right
            return True
    raise _NotAllowedError(type(node).__name__)  # pragma: no cover (parse_condition lets none through)


def _compare(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "eq":
            return _equal(left, right)
        case "ne":
            return not _equal(left, right)
        case "in":
            return _inside(left, right)
        case "notin":
            return not _inside(left, right)
    numbers = _number(left), _number(right)
    if numbers[0] is not None and numbers[1] is not None:
        return _ordered(operator, numbers[0], numbers[1])
    # A column without a value, or with words where a number is asked for, is neither less nor more.
    if not isinstance(left, str) or not isinstance(right, str) or not left or not right:
        return False
    return _ordered(operator, left, right)


def _ordered(operator: str, left: Any, right: Any) -> bool:
    match operator:
        case "lt":
            return bool(left < right)
        case "lteq":
            return bool(left <= right)
        case "gt":
            return bool(left > right)
        case _:
            return bool(left >= right)


def _equal(left: Any, right: Any) -> bool:
    """As text, so that the postcode "01234" is not "1234"; as numbers where one side is written without quotes."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    first = _number(left)
    return first is not None and first == _number(right)


def _inside(left: Any, right: Any) -> bool:
    if isinstance(right, list):
        return any(_equal(left, item) for item in right)
    return bool(str(left)) and str(left) in str(right)


def _number(value: Any) -> float | None:
    text = str(value)  # an int may be too large for float() itself
    return float(text) if isinstance(value, int | float) or _NUMBER.fullmatch(text) else None
