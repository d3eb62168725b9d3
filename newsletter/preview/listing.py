"""A source text as numbered lines of HTML, its syntax marked with Pygments' short class names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

MAX_SHOWN_CHARS = 400_000
"""What a sheet shows of one text: a browser takes more, but nobody reads it."""

MAX_MARKED_CHARS = 150_000
"""A longer text stays plain: marking takes about a second for each million characters."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Escaped lines. `left_out` counts the characters that are not shown."""

    lines: tuple[Markup, ...]
    left_out: int = 0


def plain_lines(text: str) -> Listing:
    shown = text[:MAX_SHOWN_CHARS]
    return Listing(tuple(escape(line) for line in shown.rstrip("\n").split("\n")), len(text) - len(shown))


def lines_of(text: str, language: Literal["html", "markdown"]) -> Listing:
    """The lines of a source, marked where it is short enough for that."""
    if len(text) > MAX_MARKED_CHARS:
        return plain_lines(text)
    from pygments import highlight  # loaded when the first source is looked at
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import HtmlLexer, MarkdownLexer

    lexer = HtmlLexer(stripnl=False) if language == "html" else MarkdownLexer(stripnl=False)
    marked = highlight(text.rstrip("\n") + "\n", lexer, HtmlFormatter(nowrap=True))
    # Security: Pygments has escaped every piece of the text; nothing but its own spans is markup.
    return Listing(tuple(Markup(line) for line in marked.rstrip("\n").split("\n")))  # noqa: S704
