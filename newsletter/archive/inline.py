"""Inline content as HTML for a browser: links, pictures, notes, ruby."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from newsletter.model.issue import Break, Code, Emphasis, Image, Inlines, Link, Note, Span, Strike, Strong, Text
from newsletter.post.markdown.story import says_nothing
from newsletter.render.inline_html import clean
from newsletter.render.picture_html import shown_width

Attributes = Mapping[str, str | int | None]


def element(name: str, content: str = "", **attributes: str | int | None) -> Markup:
    """`content` is text, which is escaped, or Markup. An attribute that is None stays out; `class_` is `class`."""
    body = content if isinstance(content, Markup) else escape(clean(content))
    # Names are ours, everything else is escaped. Formatting Markup costs ten times this, and a page has hundreds.
    return Markup(f"<{name}{attributes_html(attributes) if attributes else ''}>{body}</{name}>")  # noqa: S704


def attributes_html(attributes: Attributes) -> Markup:
    written = [
        f' {name.rstrip("_").replace("_", "-")}="{escape(clean(str(value)))}"'
        for name, value in attributes.items()
        if value is not None
    ]
    return Markup("".join(written))  # noqa: S704 (names of ours, values escaped)


def joined(parts: list[Markup]) -> Markup:
    return Markup("".join(parts))  # noqa: S704 (of Markup alone)


def inline(inlines: Inlines) -> Markup:
    """Every word escaped; pictures load when they come near the window."""
    parts: list[Markup] = []
    for node in inlines:
        match node:
            case Text(text):
                parts.append(escape(clean(text)))
            case Strong(children):
                parts.append(element("strong", inline(children)))
            case Emphasis(children):
                parts.append(element("em", inline(children)))
            case Strike(children):
                parts.append(element("s", inline(children)))
            case Span(kind, children, note):
                parts.append(_span(kind, inline(children), note))
            case Code(text):
                parts.append(element("code", text))
            case Break():
                parts.append(Markup("<br>"))
            case Note(number):
                back = element("a", str(number), href=f"#fn{number}", id=f"r{number}", role="doc-noteref")
                parts.append(element("sup", back, class_="note"))
            case Link(href, children, title):
                words = inline(children)
                parts.append(element("a", words or href, href=href, title=title or None))
            case Image(href=href):
                picture = inline_picture(node)
                parts.append(element("a", picture, href=href) if href else picture)
    return joined(parts)


def _span(kind: str, words: Markup, note: str) -> Markup:
    match kind:
        case "ruby":
            return Markup("<ruby>{}<rp>（</rp><rt>{}</rt><rp>）</rp></ruby>").format(words, clean(note))
        case "abbr" if note:
            return element("abbr", words, title=note)
        case "sup" | "sub":
            return element(kind, words)
    return words


def picture(image: Image, fallback: str, column: int, *, eager: bool = False) -> Markup:
    """A picture on its own, linked where its author linked it. `fallback` stands in for a text that says nothing."""
    alt = fallback if says_nothing(image.alt) else image.alt
    width = shown_width(image, column)
    height = round(width * image.height / image.width) if width and image.width and image.height else None
    drawn = _img(image, alt, width, height, eager=eager)
    return element("a", drawn, href=image.href) if image.href else drawn


def inline_picture(image: Image) -> Markup:
    width = image.asked_width or image.width
    height = image.asked_height or image.height
    if image.asked_height and not image.asked_width and image.width and image.height:
        width = round(image.width * image.asked_height / image.height)
    elif image.asked_width and image.width and image.height:
        height = round(image.height * image.asked_width / image.width)
    drawn = _img(image, image.alt, width, height)
    return element("a", drawn, href=image.href) if image.href else drawn


def _img(image: Image, alt: str, width: int | None, height: int | None, *, eager: bool = False) -> Markup:
    return Markup("<img{}>").format(
        attributes_html(
            {
                "src": image.src,
                "alt": alt,
                "width": width,
                "height": height,
                "loading": None if eager else "lazy",
                "decoding": "async",
            }
        )
    )
