"""Parse raw HTML in a post into blocks. nh3 drops scripts, styles and event handlers first.

No raw HTML of an author reaches the email: clients' quirks and a theme's rules require one tree, and unclosed tags,
event handlers and 20,000 nested boxes are stopped here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace

import lxml.etree
import lxml.html
import nh3
from lxml.html import HtmlElement

from newsletter.model.issue import (
    Block,
    Blocks,
    Break,
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
    Span,
    Strike,
    Strong,
    Table,
    Text,
    Video,
    plain_text,
)
from newsletter.post.markdown.asked_size import with_asked_size
from newsletter.post.markdown.code_spans import as_code
from newsletter.post.markdown.html_elements import escape_unknown_tags, is_hidden, set_ruby
from newsletter.post.markdown.html_table import place_cells
from newsletter.post.markdown.link_targets import FIELD_MARK, LinkTargets
from newsletter.post.markdown.soft_breaks import blank, settle
from newsletter.post.markdown.videos import figures, is_audio, linked_videos, watch_page

MAX_DEPTH = 60
"""The nesting limit; lxml silently drops elements deeper than 256, and no email looks well beyond ten."""

MAX_ATTRIBUTES = 20_000
"""The limit of one tag: this many take half a second, and twice as many two."""

_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "br", "cite", "code", "del", "dfn", "em", "font", "i", "img", "ins", "kbd"),
        *("label", "mark", "q", "rb", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub"),
        *("sup", "time", "tt", "u", "var", "wbr"),
    }
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "code": {"class"},
    "img": {"src", "alt", "title", "width", "height", "style"},
    "iframe": {"src", "title"},
    "video": {"src", "poster", "title"},
    "audio": {"src", "title"},
    "source": {"src"},
    "embed": {"src"},
    "ol": {"start"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan"},
    "*": {"hidden", "style"},
}
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # lxml accepts none of these
_DRAWING = re.compile(r"<svg\b", re.IGNORECASE)
# its content is for readers without scripts, such as ours
_NOSCRIPT = re.compile(r"</?noscript\b[^<>]*>", re.IGNORECASE)
_LONE_END = re.compile(r"</(?![A-Za-z>])(?=[^<>]*(?:<|\Z))")  # a comment to a browser, which hides what follows
_VOID = frozenset({"br", "embed", "hr", "img", "source", "wbr"})
_TAGS = {
    *_INLINE,
    *_ATTRIBUTES,
    "template",
    *("p", "div", "section", "article", "header", "footer", "main", "aside", "nav", "center", "address", "details"),
    *("summary", "figure", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "li", "dl", "dt", "dd"),
    *("blockquote", "pre", "table", "thead", "tbody", "tfoot", "tr", "caption", "hr"),
}


def read_html(source: str, line: int, targets: LinkTargets) -> Iterator[Block]:
    """The blocks of an HTML fragment. URLs pass the same checks as Markdown's; findings go to `targets`."""
    source = _NOT_XML.sub("", source)
    # nh3 takes quadratic time for these, minutes for a file of boxes.
    if _depth(source) > 10 * MAX_DEPTH or any(_is_huge(piece) for piece in source.split(">")):
        yield from _words_only(source, line, targets)
        return
    if _DRAWING.search(source):
        targets.note("drawing", "an inline drawing (<svg>) is left out", "save it as a picture and show that", line)
    source = _without_unknown_tags(source, line, targets)
    # Security: an allow-list; the contents of script and style are dropped too. `targets` checks the schemes and
    # reports them, where nh3 would drop the attribute silently.
    schemes = set(re.findall(r"[a-z][a-z0-9+.\-]{1,30}(?=:)", source.lower()))
    clean = nh3.clean(source, tags=_TAGS, attributes=_ATTRIBUTES, link_rel=None, url_schemes=schemes)
    if not clean.strip():
        return
    if _depth(clean) > MAX_DEPTH:
        yield from _words_only(clean, line, targets)
        return
    try:
        root = lxml.html.fragment_fromstring(clean, create_parent="div")
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError):
        return
    _drop_hidden(root, line, targets)
    yield from _Html(line, targets).blocks(root)


def _without_unknown_tags(source: str, line: int, targets: LinkTargets) -> str:
    source, words, components = escape_unknown_tags(_NOSCRIPT.sub("", _LONE_END.sub("&lt;/", source)))
    for name in words:
        targets.note_placeholder(name, line)
    for name in components:
        targets.note_component(name, line)
    return source


def _drop_hidden(root: HtmlElement, line: int, targets: LinkTargets) -> None:
    """Drop elements that a browser would not display."""
    hidden = [each for each in root.iter() if isinstance(each.tag, str) and is_hidden(each.tag, each.attrib)]
    for element in hidden:
        if element.getparent() is not None:
            element.drop_tree()
    if hidden:
        targets.note_hidden(line)


class _Html:
    def __init__(self, line: int, targets: LinkTargets) -> None:
        self.line = line
        self.targets = targets

    def blocks(self, element: HtmlElement) -> Iterator[Block]:
        """An element's children, with runs of inline content as paragraphs."""
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
                start = int(written) if re.fullmatch(r"\d{1,6}", written, re.ASCII) else 1
                yield from self._paragraph([Text(_spaces(element.text))])
                items = tuple(ListItem(body) for child in element if (body := self._item(child)))
                if items:
                    yield ListBlock(items, start if element.tag == "ol" else None, self.line)
            case "dl":
                yield from self._definitions(element)
            case "blockquote":
                yield Quote(tuple(self.blocks(element)), self.line)
            case "pre":
                code = element.find("code")
                named = re.search(r"\blanguage-([\w+#-]+)", code.get("class", "")) if code is not None else None
                text = element.text_content().strip("\n")
                yield CodeBlock(text, named[1] if named and not FIELD_MARK.search(text) else "", self.line)
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

    def _item(self, element: HtmlElement) -> Blocks:
        """A list's item; other children of a list are items too, with the text after them."""
        own = element.tag in ("li", "dd", "dt")
        if not own and element.tag in _INLINE:
            return tuple(self._paragraph([*self._inline(element), Text(_spaces(element.tail))]))
        body = self.blocks(element) if own else self._block(element)
        return (*body, *self._paragraph([Text(_spaces(element.tail))]))

    def _paragraph(self, run: list[Inline]) -> Iterator[Block]:
        images = [node for node in run if isinstance(node, Image)]
        inlines = settle([node for node in run if not isinstance(node, Image)])
        if inlines:
            yield Paragraph(inlines, self.line)
        yield from figures(images)

    def _inlines(self, element: HtmlElement) -> Inlines:
        run: list[Inline] = [Text(_spaces(element.text))]
        for child in element:
            if isinstance(child.tag, str):
                run.extend(self._inline(child))
            run.append(Text(_spaces(child.tail)))
        # Boxes in a cell each have a line end before and after them; keep one.
        kept: list[Inline] = []
        for node in run:
            if not (blank(node) and kept and isinstance(kept[-1], Break)):
                kept.append(node)
        return linked_videos(settle(kept))

    def _inline(self, element: HtmlElement) -> list[Inline]:
        match element.tag:
            case "br":
                return [Break()]
            case "img":
                source, alt, title = (str(element.get(name) or "") for name in ("src", "alt", "title"))
                image = self.targets.image(source, alt, title, self.line)
                sizes = {name: str(element.get(name) or "") for name in ("width", "height", "style")}
                return [with_asked_size(image, sizes)] if image else []
            case "iframe" | "video" | "audio" | "embed":
                return self.targets.player(_source(element), element.get("title") or "", self.line)
        children: list[Inline] = [Text(_spaces(element.text))]
        for child in element:
            if isinstance(child.tag, str):
                children.extend(self._inline(child))
            children.append(Text(_spaces(child.tail)))
        inside = settle(children, trim=False)
        match element.tag:
            case "code" | "kbd" | "samp" | "tt":
                return [*as_code(inside)]
            case "b" | "strong":
                return [Strong(inside)] if inside else []
            case "i" | "em" | "cite" | "dfn" | "var":
                return [Emphasis(inside)] if inside else []
            case "s" | "strike" | "del":
                return [Strike(inside)] if inside else []
            case "a" if element.get("href"):
                return list(self.targets.link(element.get("href", ""), inside, element.get("title", ""), self.line))
            case "sup" | "sub" as kind:
                return [Span(kind, inside)] if plain_text(inside).strip() else list(inside)
            case "abbr" if title := element.get("title"):
                return [Span("abbr", inside, " ".join(title.split()))]
            case "ruby":
                return set_ruby(inside)
            case "rt":
                return [Span("rt", inside)]
            case "rp":
                return []
            case "q":
                return [Text("“"), *inside, Text("”")]
        return list(inside) if element.tag in _INLINE else [Break(), *inside, Break()]

    def _definitions(self, element: HtmlElement) -> Iterator[Block]:
        yield from self._paragraph([Text(_spaces(element.text))])
        items: list[tuple[Inlines, Blocks]] = []

        def add(*blocks: Block) -> None:
            term, body = items.pop() if items else ((), ())
            items.append((term, (*body, *blocks)))

        def read(entry: HtmlElement) -> None:
            if entry.tag == "div" and next(entry.iterchildren("dt", "dd"), None) is not None:  # a group of the list
                text = self._paragraph([Text(_spaces(entry.text))])
                add(*text)
                for each in entry:
                    read(each)
                add(*self._paragraph([Text(_spaces(entry.tail))]))
            elif entry.tag == "dt":
                items.append((self._inlines(entry), tuple(self._paragraph([Text(_spaces(entry.tail))]))))
            else:
                add(*self._item(entry))

        for child in element:
            read(child)
        items = [(term, body) for term, body in items if term or body]
        if items:
            yield Definitions(tuple(items), self.line)

    def _table(self, element: HtmlElement) -> Iterator[Block]:
        # A table inside a cell is part of that cell's text, not of these rows.
        own = [row for row in element.iter("tr") if next(row.iterancestors("table"), None) is element]
        rows = [row for row in ([cell for cell in row if cell.tag in ("td", "th")] for row in own) if row]
        caption = element.find("caption")
        if caption is not None:
            yield from self._paragraph(list(self._inlines(caption)))
        if not rows:
            return
        placed = place_cells(rows)
        columns = max(map(len, placed))
        cells = [
            tuple(self._inlines(cell) if cell is not None else () for cell in (*row, *[None] * (columns - len(row))))
            for row in placed
        ]
        align = tuple(str(cell.get("align") or "") if cell is not None else "" for cell in placed[0])
        known = tuple(value if value in ("left", "center", "right") else "" for value in align)
        if all(cell is None or cell.tag == "td" for cell in placed[0]) and element.find("thead") is None:
            cells.insert(0, ())
        yield Table(cells[0], tuple(cells[1:]), (*known, *[""] * (columns - len(known))), self.line)

    def _figure(self, element: HtmlElement) -> Iterator[Block]:
        """A figure's picture with its caption as the title; a caption with other content than text follows it."""
        caption = element.find("figcaption")
        said: Inlines = ()
        if caption is not None:
            said = self._inlines(caption)
            caption.drop_tree()
        words = " ".join(plain_text(said).split())
        has_link = caption is not None and next(caption.iter("a", "img"), None) is not None
        blocks = list(self.blocks(element))
        for position, block in enumerate(blocks):
            if isinstance(block, Figure) and words and not has_link:
                blocks[position] = replace(block, image=replace(block.image, title=words))
                said = ()
                break
        yield from blocks
        yield from self._paragraph(list(said))

    def _video(self, element: HtmlElement) -> Iterator[Block]:
        """Media that plays only in a browser becomes a card with a link."""
        href, poster = watch_page(_source(element))
        link = self.targets.resolve(href, "link", self.line)
        if not link:
            return
        address = element.get("poster") or poster
        picture = self.targets.image(address, "", "", self.line) if address else None
        is_heard = element.tag == "audio" or is_audio(link)
        yield Video(link, " ".join((element.get("title") or "").split()), picture, self.line, is_heard)


def _words_only(source: str, line: int, targets: LinkTargets) -> Iterator[Block]:
    what = f"HTML nested more than {MAX_DEPTH} deep, or with tags of endless length, is shown as its text"
    targets.note("html-nesting", what, "flatten it", line)
    words = " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", source)).split())
    if words:
        yield Paragraph((Text(words),), line)


def _is_huge(piece: str) -> bool:
    """Whether text without `>`, perhaps one tag, would have too many attributes to parse in time."""
    return len(piece) > MAX_ATTRIBUTES and len(re.findall(r"[\s/=]", piece)) > MAX_ATTRIBUTES


def _depth(source: str) -> int:
    """The nesting depth of elements: exact for nh3's output, where every element is closed, else an upper bound."""
    is_open: dict[str, int] = {}
    depth = deepest = 0
    for tag in re.finditer(r"<(/?)([A-Za-z][A-Za-z0-9]*)", source):
        name = tag[2].lower()
        if not tag[1] and name not in _VOID:
            is_open[name] = is_open.get(name, 0) + 1
            depth += 1
            deepest = max(deepest, depth)
        elif tag[1] and is_open.get(name):
            is_open[name] -= 1
            depth -= 1
    return deepest


def _source(element: HtmlElement) -> str:
    sources = (element, *element.iter("source"))
    return next((str(each.get("src")) for each in sources if each.get("src")), "")


def _spaces(text: str | None) -> str:
    """Collapse HTML's white space: a run of it is one space."""
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")
