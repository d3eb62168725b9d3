"""Placeholders for subscriber columns: `{{ subscriber.name | default("friend") }}`.

An output becomes a mark, letters and digits that do not occur in the text; it passes unchanged through Markdown, MJML
and premailer, and rendering turns it into a `Slot`. A condition is an expression of `newsletter.expression`, as a
list's segment is, so that `--where` and `{% if %}` never disagree.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator

from newsletter.errors import ContentError, Located, located
from newsletter.frozen import frozen
from newsletter.model.issue import FieldRef, Issue

FIELD_REMEDY = 'write {{ subscriber.COLUMN }} or {{ subscriber.COLUMN | default("words") }}'
CONDITION_REMEDY = 'write subscriber.plan == "pro", with ==, !=, <, in, has, contains, is empty, and, or, not'

_OUTPUT = re.compile(r"\{\{-?(?P<inner>[^{}]*?)-?\}\}|\{\{-?\s*subscriber\b")
_FIELD = re.compile(
    r"""\s*subscriber(?:\.(?P<name>[^\W\d]\w*)|\[\s*\\?["'](?P<column>[^"'\\\]]+)\\?["']\s*\])\s*
    (?:\|\s*default\s*(?:\(\s*|:\s*)
    \\?(?P<quote>["'])(?P<default>(?:(?!\\?(?P=quote)).)*)\\?(?P=quote)\s*\)?\s*)?""",
    re.VERBOSE | re.DOTALL,
)
_VERBATIM = re.compile(r"\{%-?\s*(raw|comment)\s*-?%\}")


@frozen
class Marked:
    """A text with marks for its fields: mark number n is `fields[n]`."""

    text: str
    mark: str
    fields: tuple[FieldRef, ...]


def mark_fields(text: str, path: str) -> Marked:
    """Replace each `{{ subscriber.… }}` outside `raw` and `comment` by its mark. Raises ContentError."""
    # Security: the mark depends on the whole text, so no author can forge one in it, not even in pieces (`nl<!--
    # -->field…`); and the same text has the same mark.
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
    """The position of Liquid's `{% endname %}` after an offset."""
    return re.compile(rf"\{{%-?\s*end{name}\s*-?%\}}").search(text, position)


def _verbatim_spans(text: str) -> Iterator[tuple[int, int]]:
    """The spans between `raw` or `comment` and their ends. `liquid` reports those that are not closed."""
    position = 0
    while found := _VERBATIM.search(text, position):
        end = end_tag(found[1], text, found.end())
        if end is None:
            return
        yield found.end(), end.start()
        position = end.end()


def unmark(text: str, issue: Issue) -> str:
    """Restore the fields of a text as the author wrote them, for JSON and messages."""
    return re.sub(f"{issue.mark}(\\d+)z", lambda mark: f"{{{{ subscriber.{issue.fields[int(mark[1])].name} }}}}", text)


class ConditionError(ContentError):
    """A condition with a syntax error: `picture` shows it with a caret under the fault."""

    def __init__(self, said: Located, picture: tuple[str, ...]) -> None:
        super().__init__(said)
        self.picture = picture
