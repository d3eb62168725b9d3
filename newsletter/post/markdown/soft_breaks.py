"""Soft line breaks and white space between inlines: a space between words, nothing between CJK characters."""

from __future__ import annotations

from collections.abc import Sequence as Many

from newsletter.frozen import frozen
from newsletter.model.issue import Break, Inline, Inlines, Text, plain_text
from newsletter.post.markdown.cjk import joins_without_space


@frozen
class Soft:
    """A line end inside a paragraph, kept until a story's parts are separated."""


Raw = Inline | Soft


Sequence = list[Raw]


def settle(sequence: Many[Raw], *, trim: bool = True) -> Inlines:
    """Resolve line ends (a space, or nothing between two CJK characters), and trim the outer white space."""
    if len(sequence) == 1 and isinstance(only := sequence[0], Text):
        text = only.text.strip() if trim else only.text
        return (Text(text),) if text else ()
    out: list[Inline] = []
    words: list[str] = []  # the current text's pieces: joined once, since a paragraph may have thousands of lines
    for index, node in enumerate(sequence):
        if isinstance(node, Soft):
            before = words[-1][-1] if words else _edge(out[-1] if out else None, -1)
            after = _edge(sequence[index + 1] if index + 1 < len(sequence) else None, 0)
            node = Text("" if not before or not after or joins_without_space(before, after) else " ")
        if isinstance(node, Text):
            words += [node.text] if node.text else []
            continue
        if words:
            out.append(Text("".join(words)))
            words = []
        out.append(node)
    if words:
        out.append(Text("".join(words)))
    if not trim:
        return tuple(out)
    while out and blank(out[0]):
        out.pop(0)
    while out and blank(out[-1]):
        out.pop()
    if out and isinstance(first := out[0], Text):
        out[0] = Text(first.text.lstrip())
    if out and isinstance(final := out[-1], Text):
        out[-1] = Text(final.text.rstrip())
    return tuple(out)


def _edge(node: Raw | None, position: int) -> str:
    """The first (0) or last (-1) visible character of a node, empty at a line's edge."""
    text = plain_text((node,)) if node is not None and not isinstance(node, Soft) else ""
    return text[position] if text else ""


def blank(node: Raw) -> bool:
    return isinstance(node, Soft | Break) or (isinstance(node, Text) and not node.text.strip())
