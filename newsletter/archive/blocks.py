"""Blocks as semantic HTML: one function for each kind, the same tree that the email is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from newsletter.archive.inline import element, inline, joined, picture
from newsletter.model.issue import (
    Block,
    Blocks,
    CodeBlock,
    Definitions,
    Figure,
    Footnotes,
    Heading,
    Inlines,
    ListBlock,
    Paragraph,
    Quote,
    Rule,
    Story,
    Summary,
    Table,
    Video,
    plain_text,
)
from newsletter.render.block_kinds import author_parts, callout_parts, quote_parts
from newsletter.render.direction import Direction, turned
from newsletter.render.highlighting import Highlighter
from newsletter.render.inline_html import clean
from newsletter.render.source_labels import SourceLabels, host_of
from newsletter.render.wording import lead_words

COLUMN = 672
"""Pixels of the text's column, and of the widest picture in it."""

STORY_COLUMN = 624
"""What a story's number leaves of that."""

DEEPEST = 6
"""HTML has no heading below h6."""


class BlockWriter:
    """Writes the blocks of one issue. `level` is that of a story's title: one below its heading's."""

    def __init__(self, labels: Mapping[str, Any], direction: Direction, stories: Sequence[Story]) -> None:
        self.labels = labels
        self.direction = direction
        self.source = SourceLabels(stories)
        self.level = 3
        self._highlighter = Highlighter()
        self._ids: set[str] = set()

    def blocks(self, blocks: Blocks) -> Markup:
        return joined([self.block(block) for block in blocks])

    def block(self, block: Block) -> Markup:
        match block:
            case Paragraph():
                return self._paragraph(block)
            case Heading(level, inlines):
                return element(f"h{min(max(level, self.level), DEEPEST)}", inline(inlines))
            case Story():
                return self.story(block)
            case ListBlock():
                return self._list(block)
            case Quote(alert=alert) if alert:
                return self._box(block)
            case Quote():
                return self._quote(block)
            case CodeBlock(text, language):
                return self._code(text, language)
            case Table():
                return self._table(block)
            case Figure(image):
                caption = element("figcaption", image.title) if image.title else Markup("")
                return element("figure", picture(image, image.title, COLUMN) + caption)
            case Video():
                return self._video(block)
            case Rule():
                return Markup("<hr>")
            case Summary(lines):
                return joined([element("p", line) for line in lines])
            case Definitions(items):
                terms = [element("dt", inline(term)) + element("dd", self._inner(body)) for term, body in items]
                return element("dl", joined(terms))
            case Footnotes():
                return self._footnotes(block)

    def _inner(self, body: Blocks) -> Markup:
        """A single paragraph needs no `<p>` inside an item."""
        if len(body) == 1 and isinstance(body[0], Paragraph) and not body[0].role:
            return inline(body[0].inlines)
        return self.blocks(body)

    def _paragraph(self, block: Paragraph) -> Markup:
        if block.role == "button":
            return element("p", inline(block.inlines), class_="cta")
        turn = turned(block.inlines, self.direction)
        return element("p", inline(block.inlines), dir=turn, class_="ps" if block.role == "postscript" else None)

    # --- stories ------------------------------------------------------------------------------------------------------

    def story(self, story: Story) -> Markup:
        """Its number in the margin, its title, its text, its pictures, where it comes from."""
        number = story.number
        parts = [element(f"h{self.level}", inline(story.lead), class_="lead")] if story.lead else []
        parts.append(self.blocks(story.body))
        alt = lead_words(story)
        parts += [element("figure", picture(image, alt, STORY_COLUMN)) for image in story.images]
        if story.links:
            parts.append(element("ul", joined([self._source(link, number) for link in story.links]), class_="sources"))
        if number is None:
            return element("article", joined(parts), class_="story plain")
        mark = element("p", str(number), class_="no")
        return element(
            "article", mark + element("div", joined(parts)), class_="story", id=self._fresh(f"story-{number}")
        )

    def _source(self, link: Any, number: int | None) -> Markup:
        label = self.source(link, number)
        words = element("b", label.words) + (Markup(" ") + element("span", label.host) if label.host else Markup(""))
        return element("li", element("a", words, href=link.href, aria_label=label.spoken or None))

    def _fresh(self, name: str) -> str | None:
        """An anchor, once: two lists of an issue may both begin with 1."""
        if name in self._ids:
            return None
        self._ids.add(name)
        return name

    # --- lists, quotes, boxes -----------------------------------------------------------------------------------------

    def _list(self, block: ListBlock) -> Markup:
        items: list[Markup] = []
        for item in block.items:
            body = self._inner(item.body)
            if item.checked is None:
                items.append(element("li", body))
            else:
                mark = element("span", "☑" if item.checked else "☐", class_="tick")
                items.append(element("li", mark + body, class_="task"))
        if block.start is None:
            return element("ul", joined(items))
        return element("ol", joined(items), start=block.start if block.start != 1 else None)

    def _quote(self, block: Quote) -> Markup:
        parts = quote_parts(block)
        said = self.blocks(parts.words)
        return element("blockquote", said + (element("footer", inline(parts.by)) if parts.by else Markup("")))

    def _box(self, block: Quote) -> Markup:
        title = str(self.labels[f"alert_{block.alert}"])
        if block.alert == "author":
            parts = author_parts(block)
            face = element("div", picture(parts.face, title, 64), class_="face") if parts.face else Markup("")
            return element("aside", face + element("div", self.blocks(parts.words)), class_="author", aria_label=title)
        box = callout_parts(block)
        head = element("p", inline(box.title) if box.title else title, class_="kind")
        return element("aside", head + self.blocks(box.words), class_=f"box {block.alert}", aria_label=title)

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _code(self, text: str, language: str) -> Markup:
        pieces = self._highlighter.pieces(text.expandtabs(4), language)
        words = [element("span", piece, class_=kind) if kind else _text(piece) for kind, piece in pieces]
        return element("pre", element("code", joined(words)), dir="ltr", tabindex="0")

    def _table(self, block: Table) -> Markup:
        def cell(name: str, inlines: Inlines, column: int) -> Markup:
            align = block.align[column] if column < len(block.align) else ""
            scope = "col" if name == "th" else None
            return element(name, inline(inlines), class_=align if align in ("center", "right") else None, scope=scope)

        def row(name: str, cells: Sequence[Inlines]) -> Markup:
            return element("tr", joined([cell(name, each, column) for column, each in enumerate(cells)]))

        parts = [element("thead", row("th", block.header))] if block.header else []
        parts.append(element("tbody", joined([row("td", cells) for cells in block.rows])))
        # A wide table scrolls in its own frame, which keys must reach.
        words = " ".join(plain_text(cell) for cell in block.header) or str(self.labels["table"])
        return element(
            "div", element("table", joined(parts)), class_="wide", tabindex="0", role="group", aria_label=words
        )

    def _video(self, block: Video) -> Markup:
        words = str(self.labels["listen" if block.is_audio else "watch"])
        named = block.title or host_of(block.href)
        # The card is a link itself.
        poster = picture(replace(block.poster, href="", alt=""), "", COLUMN) if block.poster else Markup("")
        label = element("span", element("b", f"▶\ufe0e {words}") + (_text(f" {named}") if named else Markup("")))
        return element("p", element("a", poster + label, href=block.href), class_="video")

    def _footnotes(self, block: Footnotes) -> Markup:
        back = str(self.labels["back_to_text"])
        notes: list[Markup] = []
        for number, body in enumerate(block.items, 1):
            link = element("a", "↩\ufe0e", href=f"#r{number}", aria_label=f"{back} {number}", role="doc-backlink")
            notes.append(element("li", self._inner(body) + Markup(" ") + link, id=f"fn{number}"))
        return element("section", element("ol", joined(notes)), class_="notes", role="doc-endnotes")


def _text(words: str) -> Markup:
    return Markup("{}").format(clean(words))
