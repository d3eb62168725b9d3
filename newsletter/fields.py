"""What a post may say of its reader: `{{ subscriber.name | default("friend") }}` and conditions on list columns.

An output becomes a mark, plain letters and digits that the text does not hold otherwise; Markdown, MJML and premailer
carry it through unharmed, and rendering turns it into a `Slot`. A condition is a small expression without calls and
without attributes beyond a subscriber's columns; Jinja2 parses it, and only the nodes named here are evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
from jinja2 import nodes

from newsletter.errors import ContentError, located
from newsletter.model import FieldRef, Issue

FIELD_REMEDY = 'write {{ subscriber.COLUMN }} or {{ subscriber.COLUMN | default("words") }}'

_OUTPUT = re.compile(r"\{\{-?(?P<inner>[^{}]*?)-?\}\}")
_FIELD = re.compile(
    r"""\s*subscriber(?:\.(?P<name>[^\W\d]\w*)|\[\s*\\?["'](?P<column>[^"'\\\]]+)\\?["']\s*\])\s*
    (?:\|\s*default\s*(?:\(\s*|:\s*)\\?(?P<quote>["'])(?P<default>.*?)\\?(?P=quote)\s*\)?\s*)?""",
    re.VERBOSE,
)
_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}", re.DOTALL)
_CONTAINS = re.compile(r"""(\S+)\s+contains\s+("[^"]*"|'[^']*'|\S+)""")


@dataclass(frozen=True, slots=True)
class Marked:
    """A text whose fields are marks: mark number n stands for `fields[n]`."""

    text: str
    mark: str
    fields: tuple[FieldRef, ...]


def mark_fields(text: str, path: str) -> Marked:
    """The text with each `{{ subscriber.… }}` outside `{% raw %}` replaced by its mark. Raises ContentError."""
    number = 0
    while f"nlfield{number}x" in text:
        number += 1
    mark = f"nlfield{number}x"
    found: list[FieldRef] = []
    raw = [match.span() for match in _RAW.finditer(text)] if "{%" in text else []

    def replace(output: re.Match[str]) -> str:
        inner = output["inner"]
        if not re.match(r"\s*subscriber\b", inner) or any(low <= output.start() < high for low, high in raw):
            return output[0]
        field_match = _FIELD.fullmatch(inner)
        if not field_match:
            line = text[: output.start()].count("\n") + 1
            raise ContentError(located(path, line, f"{output[0][:60]} is not a subscriber's field", FIELD_REMEDY))
        name = (field_match["name"] or field_match["column"]).strip().lower()
        line = text.count("\n", 0, output.start()) + 1
        reference = FieldRef(name, field_match["default"] or "", line)
        if reference not in found:
            found.append(reference)
        return f"{mark}{found.index(reference)}z"

    return Marked(_OUTPUT.sub(replace, text), mark, tuple(found))


def unmark(text: str, issue: Issue) -> str:
    """A text of the issue with its fields as the author wrote them, for JSON and messages."""
    return re.sub(f"{issue.mark}(\\d+)z", lambda mark: f"{{{{ subscriber.{issue.fields[int(mark[1])].name} }}}}", text)


# --- conditions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression over a subscriber's columns. `line` counts in the file, from 1."""

    source: str
    line: int
    columns: frozenset[str]
    _tree: nodes.Expr = field(repr=False, compare=False)

    def holds(self, columns: Mapping[str, str]) -> bool:
        return bool(_value(self._tree, columns))


def parse_condition(source: str, line: int, path: str) -> Condition:
    """Compile an expression such as `subscriber.plan == "pro" and subscriber.city`. Raises ContentError."""
    translated = _CONTAINS.sub(r"\2 in \1", source)
    remedy = 'compare columns with words: subscriber.plan == "pro", != , in, contains, and, or, not'
    try:
        template = jinja2.Environment().parse(f"{{{{ {translated} }}}}")  # noqa: S701 (parsed, never rendered)
        output = template.body[0]
        if len(template.body) != 1 or not isinstance(output, nodes.Output) or len(output.nodes) != 1:
            raise ContentError(located(path, line, f"`{source}` is not one expression", remedy))
        tree = output.nodes[0]
        columns = frozenset(_columns(tree))
    except (jinja2.TemplateSyntaxError, _NotAllowedError) as error:
        raise ContentError(located(path, line, f"the condition `{source}`: {error}", remedy)) from error
    return Condition(source, line, columns, tree)


class _NotAllowedError(ValueError):
    """A node that conditions do not have: calls, filters, other names."""


def _columns(node: nodes.Node) -> list[str]:
    """The columns that an expression reads. Security: any node that is not named here is refused."""
    match node:
        case nodes.Getattr(node=nodes.Name(name="subscriber"), attr=attribute):
            return [attribute.lower()]
        case nodes.Getitem(node=nodes.Name(name="subscriber"), arg=nodes.Const(value=str() as column)):
            return [column.lower()]
        case nodes.Const():
            return []
        case nodes.And(left=left, right=right) | nodes.Or(left=left, right=right):
            return _columns(left) + _columns(right)
        case nodes.Not(node=inner):
            return _columns(inner)
        case nodes.Compare(expr=first, ops=ops):
            return _columns(first) + [column for operand in ops for column in _columns(operand.expr)]
        case nodes.List(items=items) | nodes.Tuple(items=items):
            return [column for item in items for column in _columns(item)]
    raise _NotAllowedError(f"{type(node).__name__.lower()} is not possible here")


def _value(node: nodes.Node, columns: Mapping[str, str]) -> Any:
    match node:
        case nodes.Getattr(attr=column):
            return columns.get(column.lower(), "").strip()
        case nodes.Getitem(arg=nodes.Const(value=column)):
            return columns.get(str(column).lower(), "").strip()
        case nodes.Const(value=value):
            return value
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
    if operator in ("in", "notin"):
        inside = str(left) in (right if isinstance(right, list) else str(right))
        return inside is (operator == "in")
    # A list's columns are text; `subscriber.age > 30` compares numbers where both sides are numbers.
    try:
        left, right = float(left), float(right)
    except (TypeError, ValueError):
        left, right = str(left), str(right)
    match operator:
        case "eq":
            return bool(left == right)
        case "ne":
            return bool(left != right)
        case "lt":
            return bool(left < right)
        case "lteq":
            return bool(left <= right)
        case "gt":
            return bool(left > right)
        case _:
            return bool(left >= right)
