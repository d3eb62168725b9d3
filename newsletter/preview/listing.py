"""A source text as numbered lines of HTML, its syntax marked with Pygments' short class names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MAX_SHOWN_CHARS = 400_000
"""What a sheet shows of one text: a browser takes more, but nobody reads it."""

MAX_MARKED_CHARS = 150_000
"""A longer text stays plain: the page would wait for its colours."""

MAX_MARKED_HEAD = 4_000
"""Front matter is marked up to here: of a run of `&` the marker reads each part again."""

_MAX_RUN = 1_000


@dataclass(frozen=True, slots=True)
class Listing:
    """Escaped lines. `left_out` counts the characters that are not shown."""

    lines: tuple[Markup, ...]
    left_out: int = 0


def plain_lines(text: str) -> Listing:
    shown = text[:MAX_SHOWN_CHARS]
    return Listing(tuple(escape(line) for line in shown.rstrip("\n").split("\n")), len(text) - len(shown))


def lines_of(text: str, language: Literal["html", "post"]) -> Listing:
    """The lines of a source, marked where it is short enough for that. A post is front matter, then Markdown."""
    if len(text) > MAX_MARKED_CHARS or (language == "html" and _is_slow(text)):
        return plain_lines(text)
    from pygments import lexers  # loaded when the first source is looked at

    if language == "html":
        return Listing(_marked(text.rstrip("\n"), lexers.HtmlLexer(stripnl=False)))
    front = re.match(r"---[ \t]*\n.*?^---[ \t]*\n", text, re.DOTALL | re.MULTILINE)
    head, body = (front[0], text[front.end() :]) if front else ("", text)
    above: tuple[Markup, ...] = ()
    if head:
        lines = head.removesuffix("\n")
        is_short = len(lines) <= MAX_MARKED_HEAD
        above = _marked(lines, lexers.YamlLexer(stripnl=False)) if is_short else plain_lines(lines).lines
    return Listing((*above, *_marked(body.rstrip("\n"), lexers.MarkdownLexer(stripnl=False))))


def _is_slow(html: str) -> bool:
    """Security: the marker reads on from each `&` and each `<!--` to its end, and takes minutes over many without."""
    return re.search(rf"&[^\s;]{{{_MAX_RUN}}}", html) is not None or html.count("<!--") - html.count("-->") > 20


def _marked(text: str, lexer: Lexer) -> tuple[Markup, ...]:
    from pygments import highlight
    from pygments.formatters import HtmlFormatter

    marked = highlight(text + "\n", lexer, HtmlFormatter(nowrap=True)).removesuffix("\n")
    # Security: Pygments has escaped every piece of the text; nothing but its own spans is markup.
    return tuple(Markup(line) for line in marked.split("\n"))  # noqa: S704
