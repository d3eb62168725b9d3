"""Inline elements as HTML for the templates; code with syntax colours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from markupsafe import Markup, escape

from newsletter.model.issue import Break, Code, Emphasis, Image, Inlines, Link, Note, Span, Strike, Strong, Text
from newsletter.post.markdown.story import says_nothing
from newsletter.render.columns import columns
from newsletter.render.direction import begins_rtl
from newsletter.render.highlighting import Highlighter
from newsletter.render.picture_html import hero_html, inline_picture, picture_html
from newsletter.render.source_labels import SourceLabel

_BUTTON_ROW_WIDTH = 26  # letters of the labels that fit on one line of a phone 320 px wide


MAX_BOUND = 24
"""The most columns that no-break spaces may hold together: more do not fit a line of a headline on a phone."""

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_BREAKS = re.compile("([^\\S\u00a0]+)")


def with_button_rows(
    links: Iterable[Link], label: Callable[[Link, int], SourceLabel] | None = None
) -> list[list[Link]]:
    """Group link buttons into rows that fit a phone; a long label gets a row of its own."""
    rows: list[list[Link]] = []
    width = 0
    for link in links:
        said = label(link, 0) if label else None
        size = columns(f"{said.words} {said.host}" if said and said.host else link.label) + 4
        if not rows or width + size > _BUTTON_ROW_WIDTH:
            rows.append([])
            width = 0
        rows[-1].append(link)
        width += size
    return rows


def clean(text: str) -> str:
    """Drop characters that are invalid in XML (XML 1.0, production 2); Markup stays Markup."""
    if not _NOT_XML.search(text):
        return text
    cleaned = _NOT_XML.sub("", text)
    return Markup(cleaned) if isinstance(text, Markup) else cleaned  # noqa: S704 (was Markup already)


def unbound(text: str) -> str:
    """Words joined by no-break spaces with plain ones where they fit no line: they would break inside a word."""
    pieces = _BREAKS.split(text)
    return "".join(
        each.replace("\u00a0", " ") if "\u00a0" in each.strip("\u00a0") and columns(each) > MAX_BOUND else each
        for each in pieces
    )


def inline_html(inlines: Inlines) -> Markup:
    """Inline content as HTML that is also well-formed XML, all text escaped."""
    if len(inlines) == 1 and isinstance(only := inlines[0], Text):  # as in most cells and items
        return escape(clean(unbound(only.text) if "\u00a0" in only.text else only.text))
    parts: list[str] = []
    for node in inlines:
        match node:
            case Text(text):
                parts.append(escape(clean(unbound(text) if "\u00a0" in text else text)))
            case Strong(children):
                parts.append(f"<strong>{inline_html(children)}</strong>")
            case Emphasis(children):
                parts.append(f"<em>{inline_html(children)}</em>")
            case Strike(children):
                parts.append(f"<s>{inline_html(children)}</s>")
            case Span(kind, children, note):
                parts.append(_span_html(kind, inline_html(children), note))
            case Code(text):
                own = ' class="own"' if begins_rtl(text) else ""
                parts.append(f"<code{own}>{escape(clean(text))}</code>")
            case Break():
                parts.append("<br />")
            case Note(number):
                parts.append(f"<sup>{number}</sup>")
            case Link(href, children):
                parts.append(f'<a class="a" href="{escape(clean(href))}">{inline_html(children)}</a>')
            case Image(src, alt, href=href):
                picture = inline_picture(replace(node, src=clean(src), alt=clean(alt)))
                parts.append(f'<a href="{escape(clean(href))}">{picture}</a>' if href else picture)
    return Markup("".join(parts))  # noqa: S704 (every part is escaped above)


def code_html(highlighter: Highlighter, text: str, language: str = "") -> Markup:
    """Code that keeps its line ends and indents if `white-space` is ignored, and wraps instead of overflowing.

    If Pygments knows the language, tokens have classes that the theme colours.
    """
    pieces = highlighter.pieces(text.expandtabs(4), language)
    parts: list[str] = []
    line_start = True
    for kind, piece in pieces:
        for number, part in enumerate(piece.split("\n")):
            if number:
                parts.append("<br />")
                line_start = True
            if not part:
                continue
            spaced = re.sub("^ +| {2,}" if line_start else " {2,}", lambda run: "\u00a0" * len(run[0]), part)
            shown = escape(clean(spaced))
            parts.append(f'<span class="{kind}">{shown}</span>' if kind and part.strip() else str(shown))
            line_start = False
    return Markup("".join(parts))  # noqa: S704 (every part is escaped above)


def linked_picture(image: Image, fallback: str, width: int) -> Markup:
    """A picture at most as wide as its column, with its link."""
    alt = fallback if says_nothing(image.alt) else image.alt
    picture = picture_html(replace(image, src=clean(image.src)), clean(alt), width)
    return Markup('<a href="{}">{}</a>').format(clean(image.href), picture) if image.href else picture


def _span_html(kind: str, words: Markup, note: str) -> Markup:
    match kind:
        case "ruby":
            markup = Markup("<ruby>{}<rp>（</rp><rt>{}</rt><rp>）</rp></ruby>")
        case "abbr" if note:
            return Markup('<abbr title="{1}">{0}</abbr>').format(words, clean(note))
        case "sup" | "sub":
            markup = Markup(f"<{kind}>{{}}</{kind}>")  # noqa: S704 (one of two names)
        case _:
            return words
    return markup.format(words, clean(note))


def hero(image: Image, width: int) -> Markup:
    return hero_html(replace(image, src=clean(image.src), alt=clean(image.alt)), width)
