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
    for end, name, rest in _TAG.findall(mjml):  # neither in a comment
        if not name or name.lower() in _VOID:
            continue
        if end:
            depth = max(0, depth - 1)
        elif not rest.endswith("/>"):
            depth += 1
            deepest = max(deepest, depth)
    return deepest
