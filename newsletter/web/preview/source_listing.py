"""Source text as numbered, syntax-highlighted lines of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup, escape

from newsletter.frozen import frozen

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MAX_SHOWN_CHARS = 400_000
"""The longest text that is shown; browsers support more, but it is useless."""

MAX_MARKED_CHARS = 100_000
"""Longer texts are not highlighted, which would delay the page. Gmail clips an email of this length."""

MAX_MARKED_PIECE = 2_000
"""Security: texts are highlighted in pieces of whole lines, since lexers may take quadratic time or worse.

A longer line stays plain; a comment that spans two pieces loses its colour in the second.
"""


@frozen
class SourceListing:
    """Escaped lines. `left_out` counts the characters that are not shown."""

    lines: tuple[Markup, ...]
    left_out: int = 0


def plain_lines(text: str) -> SourceListing:
    shown = text[:MAX_SHOWN_CHARS]
    return SourceListing(tuple(escape(line) for line in shown.rstrip("\n").split("\n")), len(text) - len(shown))


def lines_of(text: str, language: Literal["html", "post"]) -> SourceListing:
    """The lines of a source, highlighted if it is short enough. A post is front matter, then Markdown."""
    if len(text) > MAX_MARKED_CHARS:
        return plain_lines(text)
    from pygments import lexers  # loaded when the first source is shown

    if language == "html":
        return SourceListing(_marked(text, lexers.HtmlLexer(stripnl=False)))
    front = re.match(r"---[ \t]*\n.*?^---[ \t]*\n", text, re.DOTALL | re.MULTILINE)
    head, body = (front[0].removesuffix("\n"), text[front.end() :]) if front else ("", text)
    above = _marked(head, lexers.YamlLexer(stripnl=False)) if head else ()
    # Security: otherwise code in a fence would be highlighted by any of 500 other lexers.
    return SourceListing((*above, *_marked(body, lexers.MarkdownLexer(stripnl=False, handlecodeblocks=False))))


def _marked(text: str, lexer: Lexer) -> tuple[Markup, ...]:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    formatter = HtmlFormatter(nowrap=True)
    lines: list[Markup] = []
    for piece in _pieces(text.rstrip("\n").split("\n")):
        if len(piece[0]) > MAX_MARKED_PIECE:
            lines += [escape(line) for line in piece]
            continue
        marked = highlight("\n".join(piece) + "\n", lexer, formatter).removesuffix("\n")
        # Security: Pygments has escaped all of the text; the only markup is its own spans.
        lines += [Markup(line) for line in marked.split("\n")]  # noqa: S704
    return tuple(lines)


def _pieces(lines: Sequence[str]) -> Iterator[list[str]]:
    """Runs of lines up to the limit; a longer line is a piece of its own."""
    piece: list[str] = []
    size = 0
    for line in lines:
        if piece and size + len(line) + 1 > MAX_MARKED_PIECE:
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line) + 1
    yield piece
