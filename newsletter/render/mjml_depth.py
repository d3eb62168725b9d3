"""Nesting depth of an MJML document, measured in linear time and without recursion."""

from __future__ import annotations

import re

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)

# A quoted value may contain ">", but no "<" (XML 1.0, production 10): each part ends where the next tag begins.
_TAG = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<!\[CDATA\[.*?(?:\]\]>|\Z)"
    r"""|<(/?)([A-Za-z][\w:.-]*+)((?:[^<>"']++|"[^"<]*+"|'[^'<]*+'|["'])*(?:>|(?=<)|\Z))""",
    re.DOTALL,
)


def mjml_depth(mjml: str) -> int:
    """The most elements that are open at once. An upper bound if end tags are missing."""
    depth = deepest = 0
    for step in map(_Steps().__getitem__, _TAG.findall(mjml)):
        if step < 0:
            depth -= depth > 0
        elif step:
            depth += 1
            if depth > deepest:
                deepest = depth
    return deepest


class _Steps(dict[tuple[str, str, str], int]):
    """Whether a tag goes down (1), up (-1) or neither: of each once, since a post has the same thousands of times."""

    def __missing__(self, tag: tuple[str, str, str]) -> int:
        end, name, rest = tag  # a comment has no name
        is_alone = not name or name.lower() in _VOID or (not end and rest.endswith("/>"))
        step = self[tag] = 0 if is_alone else -1 if end else 1
        return step
