"""Raw HTML in a post -> blocks. nh3 drops scripts, styles and handlers; what is left is read into the tree.

No HTML of an author's reaches the email as it stands: a client's quirks and a theme's rules need one tree, and unclosed
tags, event handlers and 20,000 nested boxes end here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import lxml.etree
import lxml.html
import nh3
from lxml.html import HtmlElement

from newsletter.inline import InlineReader, settle
from newsletter.model import (
    Block,
    Blocks,
    Break,
    Code,
    CodeBlock,
    Definitions,
    Emphasis,
    Figure,
    Heading,
    Image,
    Inline,
    Inlines,
    ListBlock,
    ListItem,
    Paragraph,
    Quote,
    Rule,
    Strike,
    Strong,
    Table,
    Text,
    Video,
    plain_text,
)

MAX_DEPTH = 60
"""Nested elements; lxml drops what is deeper than 256 in silence, and no email looks well past ten."""

_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "dfn", "em", "font", "i", "img", "ins", "kbd"),
        *("label", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u"),
        *("var", "wbr"),
    }
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title", "width", "height"},
    "iframe": {"src", "title"},
    "video": {"src", "poster", "title"},
    "audio": {"src", "title"},
    "source": {"src"},
    "embed": {"src"},
    "ol": {"start"},
    "td": {"align"},
    "th": {"align"},
}
_VOID = frozenset({"br", "embed", "hr", "img", "source", "wbr"})
_TAGS = {
    *_INLINE,
    *_ATTRIBUTES,
    *("p", "div", "section", "article", "header", "footer", "main", "aside", "nav", "center", "address", "details"),
    *("summary", "figure", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "li", "dl", "dt", "dd"),
    *("blockquote", "pre", "table", "thead", "tbody", "tfoot", "tr", "caption", "hr"),
}


def read_html(source: str, line: int, reader: InlineReader) -> Iterator[Block]:
    """The blocks of a piece of HTML. URLs pass the same checks as Markdown's; findings go to the reader."""
    if _depth(source) > 10 * MAX_DEPTH:  # nh3 takes quadratic time on such, minutes for a file of boxes
        yield from _words_only(source, line, reader)
        return
    # Security: an allow-list, and the contents of script and style dropped with them.
    clean = nh3.clean(source, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None, url_schemes=_ANY_SCHEME)
    if not clean.strip():
        return
    if _depth(clean) > MAX_DEPTH:
        yield from _words_only(clean, line, reader)
        return
    try:
        root = lxml.html.fragment_fromstring(clean, create_parent="div")
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        return
    yield from _Html(line, reader).blocks(root)


# Schemes are judged by the reader, who says so in a finding; nh3 would drop the attribute in silence.
_ANY_SCHEME = {"http", "https", "mailto", "tel", "javascript", "vbscript", "data", "file", "ftp", "cid"}


class _Html:
    def __init__(self, line: int, reader: InlineReader) -> None:
        self.line = line
        self.reader = reader

    def blocks(self, element: HtmlElement) -> Iterator[Block]:
        """An element's children, runs of inline content among them as paragraphs."""
        run: list[Inline] = [Text(_spaces(element.text))]
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _INLINE:
                yield from self._paragraph(run)
                run = []
                yield from self._block(child)
            elif isinstance(child.tag, str):
                run.extend(self._inline(child))
            run.append(Text(_spaces(child.tail)))
        yield from self._paragraph(run)

    def _block(self, element: HtmlElement) -> Iterator[Block]:
        match element.tag:
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                if inlines := self._inlines(element):
                    yield Heading(int(element.tag[1]), inlines, self.line)
            case "ul" | "ol":
                written = element.get("start") or ""
                start = int(written) if re.fullmatch(r"\d{1,6}", written) else 1
                items = tuple(ListItem(tuple(self.blocks(item))) for item in element if item.tag == "li")
                yield ListBlock(items, start if element.tag == "ol" else None, self.line)
            case "dl":
                yield from self._definitions(element)
            case "blockquote":
                yield Quote(tuple(self.blocks(element)), self.line)
            case "pre":
                yield CodeBlock(element.text_content().strip("\n"), "", self.line)
            case "table":
                yield from self._table(element)
            case "hr":
                yield Rule(self.line)
            case "figure":
                yield from self._figure(element)
            case "iframe" | "video" | "audio" | "embed":
                yield from self._video(element)
            case "summary":
                if inlines := self._inlines(element):
                    yield Paragraph((Strong(inlines),), self.line)
            case _:
                yield from self.blocks(element)

    def _paragraph(self, run: list[Inline]) -> Iterator[Block]:
        images = [node for node in run if isinstance(node, Image)]
        inlines = settle([node for node in run if not isinstance(node, Image)])
        if inlines:
            yield Paragraph(inlines, self.line)
        for image in images:
            yield Figure(image, self.line)

    def _inlines(self, element: HtmlElement) -> Inlines:
        run: list[Inline] = [Text(_spaces(element.text))]
        for child in element:
            if isinstance(child.tag, str):
                run.extend(self._inline(child))
            run.append(Text(_spaces(child.tail)))
        return settle(run)

    def _inline(self, element: HtmlElement) -> list[Inline]:
        match element.tag:
            case "br":
                return [Break()]
            case "img":
                source, alt, title = (str(element.get(name) or "") for name in ("src", "alt", "title"))
                image = self.reader.image(source, alt, title, self.line)
                return [image] if image else []
            case "code" | "kbd" | "samp" | "tt":
                return [Code(_spaces(element.text_content()))]
        children: list[Inline] = [Text(_spaces(element.text))]
        for child in element:
            if isinstance(child.tag, str):
                children.extend(self._inline(child))
            children.append(Text(_spaces(child.tail)))
        inside = settle(children, trim=False)
        match element.tag:
            case "b" | "strong":
                return [Strong(inside)] if inside else []
            case "i" | "em" | "cite" | "dfn" | "var":
                return [Emphasis(inside)] if inside else []
            case "s" | "strike" | "del":
                return [Strike(inside)] if inside else []
            case "a" if element.get("href"):
                return list(self.reader.link(element.get("href", ""), inside, element.get("title", ""), self.line))
        return list(inside)

    def _definitions(self, element: HtmlElement) -> Iterator[Block]:
        items: list[tuple[Inlines, Blocks]] = []
        for child in element.iter("dt", "dd"):
            if child.tag == "dt":
                items.append((self._inlines(child), ()))
            elif items:
                term, body = items[-1]
                items[-1] = (term, (*body, *self.blocks(child)))
        if items:
            yield Definitions(tuple(items), self.line)

    def _table(self, element: HtmlElement) -> Iterator[Block]:
        rows = [[cell for cell in row if cell.tag in ("td", "th")] for row in element.iter("tr")]
        rows = [row for row in rows if row]
        caption = element.find("caption")
        if caption is not None:
            yield from self._paragraph(list(self._inlines(caption)))
        if not rows:
            return
        columns = max(len(row) for row in rows)
        cells = [[self._inlines(cell) for cell in row] + [()] * (columns - len(row)) for row in rows]
        align = tuple(str(cell.get("align") or "") for cell in rows[0])
        known = tuple(value if value in ("left", "center", "right") else "" for value in align)
        yield Table(tuple(cells[0]), tuple(map(tuple, cells[1:])), (*known, *[""] * (columns - len(known))), self.line)

    def _figure(self, element: HtmlElement) -> Iterator[Block]:
        """A figure's picture with its caption as the title; a figure of anything else is its content."""
        caption = element.find("figcaption")
        words = " ".join(plain_text(self._inlines(caption)).split()) if caption is not None else ""
        if caption is not None:
            caption.drop_tree()
        blocks = list(self.blocks(element))
        for position, block in enumerate(blocks):
            if isinstance(block, Figure) and words:
                blocks[position] = replace(block, image=replace(block.image, title=words))
                words = ""
        yield from blocks
        if words:
            yield Paragraph((Text(words),), self.line)

    def _video(self, element: HtmlElement) -> Iterator[Block]:
        """What plays in a browser only becomes a card that links to it."""
        source = element.get("src") or next((s.get("src") for s in element.iter("source") if s.get("src")), "")
        href, poster = _watch_page(source or "")
        link = self.reader.resolve(href, "link", self.line)
        if not link:
            return
        address = element.get("poster") or poster
        picture = self.reader.image(address, "", "", self.line) if address else None
        yield Video(link, " ".join((element.get("title") or "").split()), picture, self.line)


def _words_only(source: str, line: int, reader: InlineReader) -> Iterator[Block]:
    reader.note("html-nesting", f"HTML nested more than {MAX_DEPTH} deep is shown as its text", "flatten it", line)
    words = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", source)).split())
    if words:
        yield Paragraph((Text(words),), line)


def _depth(source: str) -> int:
    """How deep elements nest: exact for what nh3 wrote, where every element is closed, an upper bound elsewhere."""
    depth = deepest = 0
    for tag in re.finditer(r"<(/?)([A-Za-z][A-Za-z0-9]*)", source):
        if tag[1]:
            depth = max(0, depth - 1)
        elif tag[2].lower() not in _VOID:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def _watch_page(source: str) -> tuple[str, str]:
    """The page where a person watches an embedded player's video, and its poster where the host has one."""
    try:
        parts = urlsplit(source if "//" in source else f"//{source}")
    except ValueError:
        return source, ""
    host = (parts.hostname or "").removeprefix("www.")
    if host in ("youtube.com", "youtube-nocookie.com") and (found := re.match(r"/embed/([\w-]{6,20})", parts.path)):
        return f"https://www.youtube.com/watch?v={found[1]}", f"https://img.youtube.com/vi/{found[1]}/hqdefault.jpg"
    if host == "player.bilibili.com" and (video := parse_qs(parts.query).get("bvid")):
        return f"https://www.bilibili.com/video/{video[0]}", ""
    if host == "player.vimeo.com" and (found := re.match(r"/video/(\d+)", parts.path)):
        return f"https://vimeo.com/{found[1]}", ""
    return source, ""


def _spaces(text: str | None) -> str:
    """HTML's white space: any run of it is one space."""
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")
