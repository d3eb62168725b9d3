"""Code fences: their language and title, and what becomes of one that is never closed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it.tree import SyntaxTreeNode

from newsletter.frozen import frozen

_FENCE = re.compile(r"(?:[> \t]|[-*+][ \t]|\d{1,9}[.)][ \t])*(`{3,}|~{3,})[ \t]*(.*)$")


_TITLE = re.compile(r"""\b(?:title|filename|file)=(?:"([^"]*)"|'([^']*)'|(\S+))""")
_NAMED = re.compile(r"([\w+#-]+):(\S+\.\w+|\S*/\S+)")
_IN_BRACES = re.compile(r"\{[ \t]*\.?([\w+#-]+)")
_LABEL = re.compile(r"\[([^\[\]]+)\][ \t]*$")


def read_info(info: str) -> tuple[str, str]:
    """A fence's language, and its title: `py title="a.py"`, `js [a.js]` of VitePress, `js:src/a.js` of Zenn."""
    first, _, rest = info.strip().partition(" ")
    if braced := _IN_BRACES.match(info.strip()):  # Pandoc's and MkDocs's `{ .yaml .copy }`
        first, rest = braced[1], info
    if "=" in first:
        first, rest = "", info
    title = _TITLE.search(rest)
    label = _LABEL.search(rest)
    if named := _NAMED.fullmatch(first):
        return named[1], named[2]
    words = next((each for each in title.groups() if each), "") if title else label[1] if label else ""
    return first, " ".join(words.split())


@frozen
class OpenFence:
    """`is_fatal` where it would take text that was not meant; `is_empty` where there is nothing to show."""

    what: str
    remedy: str
    is_fatal: bool = False
    is_empty: bool = False


def open_fence(node: SyntaxTreeNode, lines: Sequence[str]) -> OpenFence | None:
    """What is wrong with a fence among the post's lines; None where it is closed."""
    first, end = node.map or (0, 0)
    last = lines[end - 1].strip() if end else ""
    # A closing fence stands alone on its line, behind the marks of a quote at most.
    mark = node.markup[:12]
    if end - first >= 2 and re.fullmatch(f"[> \\t]*{re.escape(node.markup[0])}{{{len(node.markup)},}}", last):
        return None
    close_it = f"write {mark} on a line after the code"
    is_empty = not node.content.strip()
    if any(
        lines[index].strip(" \t>") for index in range(end, len(lines))
    ):  # it ended with the quote or the item that it is in
        what = f"the code fence {mark} is never closed and ends where its quote or list item does"
        return OpenFence(what, close_it, is_empty=is_empty)
    if not is_empty:
        what = f"the code fence {mark} is never closed and would swallow the rest of the post"
        return OpenFence(what, close_it, is_fatal=True)
    if _are_paired(lines[:first]):
        return OpenFence(
            f"the code fence {mark} at the end opens nothing and is left out", "take it out", is_empty=True
        )
    what = f"the code fence {mark} at the end opens nothing: it is one too many, or one above is never closed"
    return OpenFence(what, f"take it out, or write {mark} where the code above ends", is_fatal=True)


def _are_paired(lines: Sequence[str]) -> bool:
    """Whether no fence can be taken for another's end: each opens with a language, and none stands within one."""
    is_open = ""
    for line in lines:
        found = _FENCE.match(line)
        if not found:
            continue
        mark, language = found[1], found[2].strip()
        if not is_open and language:
            is_open = mark
        elif is_open and not language and mark.startswith(is_open):
            is_open = ""
        else:
            return False
    return not is_open
