"""Markdown text -> blocks: markdown-it's tokens mapped to the tree that everything downstream reads.

A numbered item becomes a `Story`. What an author means by one is found by shape: a bold first line is its lead title,
links after the last sentence are its sources, pictures are its images. Words are never changed; what had to be mended
or dropped is named in a `Finding` with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass

import lxml.html
import nh3
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from newsletter.cjk import CjkParserInline
from newsletter.inline import InlineReader, Sequence, bare_url, settle
from newsletter.model import (
    Block,
    Blocks,
    CodeBlock,
    Figure,
    Finding,
    Heading,
    Image,
    Inlines,
    Link,
    ListBlock,
    ListItem,
    Paragraph,
    Quote,
    Rule,
    Story,
    Summary,
    Table,
    Text,
    plain_text,
)
from newsletter.story import NUMBERED, normalised, split_numbered, take_images, take_lead, take_sources

SUMMARY_WORDS = frozenset(
    {
        *("今日摘要", "摘要", "本期摘要", "内容摘要", "概要", "本日の要約", "要約", "まとめ", "요약", "오늘의요약"),
        *("summary", "tldr", "todayssummary", "inbrief"),
    }
)


@dataclass(frozen=True, slots=True)
class Body:
    """What a post's Markdown holds. `findings` are in reading order; their lines count in the file."""

    blocks: Blocks
    findings: tuple[Finding, ...]


class UnclosedFenceError(ValueError):
    """A code fence without its end would swallow the rest of the post. `line` counts in the file."""

    def __init__(self, line: int, markup: str) -> None:
        super().__init__(markup)
        self.line = line
        self.markup = markup


def parse_markdown(text: str, *, first_line: int = 1, base_url: str = "") -> Body:
    """Blocks of a Markdown text. `first_line` is its first line's number in the file; `base_url` resolves links.

    Raises UnclosedFenceError.
    """
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable(["table", "strikethrough"])
    parser.inline = CjkParserInline()
    parser.inline.ruler.before("newline", "bare_url", bare_url)
    # markdown-it would leave a link it dislikes as brackets in the text; we look at schemes ourselves and say so.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    reader = _Reader(text, first_line, base_url)
    return Body(tuple(reader.top_level(SyntaxTreeNode(parser.parse(text)))), tuple(reader.findings))


class _Reader:
    """One pass over one syntax tree, collecting findings on the way."""

    def __init__(self, text: str, first_line: int, base_url: str) -> None:
        self.lines = text.split("\n")
        self.first_line = first_line
        self.findings: list[Finding] = []
        self.inline = InlineReader(base_url, self.findings)

    # --- blocks -----------------------------------------------------------------------------------------------------

    def top_level(self, root: SyntaxTreeNode) -> Iterator[Block]:
        """The post's own level, where numbered items are stories and a fence under its heading is the summary."""
        nodes = root.children
        index = 0
        summary_next = False
        while index < len(nodes):
            node = nodes[index]
            index += 1
            if node.type == "ordered_list":
                yield from self._stories(node)
            elif node.type == "paragraph" and (run := self._numbered_run(nodes[index - 1 :])):
                stories, taken = run
                yield from stories
                index += taken - 1
            elif node.type == "fence" and summary_next and not node.info.strip():
                self._require_closed(node)
                lines = tuple(line.strip() for line in node.content.split("\n") if line.strip())
                yield Summary(lines, self._line(node))
            else:
                for block in self._block(node):
                    yield block
                    summary_next = isinstance(block, Heading) and normalised(plain_text(block.inlines)) in SUMMARY_WORDS
                continue
            summary_next = False

    def _blocks(self, nodes: Iterable[SyntaxTreeNode]) -> Blocks:
        return tuple(block for node in nodes for block in self._block(node))

    def _block(self, node: SyntaxTreeNode) -> Iterator[Block]:
        line = self._line(node)
        match node.type:
            case "heading":
                inlines = settle(self._sequence(node))
                if inlines:
                    yield Heading(int(node.tag[1]), inlines, line)
            case "paragraph":
                yield from self._paragraph(self._sequence(node), line)
            case "bullet_list" | "ordered_list":
                start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
                yield ListBlock(tuple(ListItem(self._blocks(item.children)) for item in node.children), start, line)
            case "blockquote":
                yield Quote(self._blocks(node.children), line)
            case "fence":
                self._require_closed(node)
                yield CodeBlock(node.content.rstrip("\n"), node.info.strip().partition(" ")[0], line)
            case "code_block":
                yield CodeBlock(node.content.rstrip("\n"), "", line)
            case "hr":
                yield Rule(line)
            case "table":
                yield self._table(node)
            case "html_block":
                yield from self._html(node.content, line)

    def _paragraph(self, sequence: Sequence, line: int) -> Iterator[Block]:
        """A paragraph; its pictures stand after it as figures, in order."""
        rest, images = take_images(sequence)
        inlines = settle(rest)
        if inlines:
            yield Paragraph(inlines, line)
        for image in images:
            yield Figure(image, image.line)

    def _table(self, node: SyntaxTreeNode) -> Table:
        rows = [row for section in node.children for row in section.children]
        cells = [tuple(settle(self._sequence(cell)) for cell in row.children) for row in rows]
        align = tuple(str(cell.attrs.get("style", "")).removeprefix("text-align:") for cell in rows[0].children)
        return Table(cells[0], tuple(cells[1:]), align, self._line(node))

    def _html(self, source: str, line: int) -> Iterator[Block]:
        """Raw HTML reduced to its words and pictures; comments such as `<!--more-->` vanish."""
        # nh3 drops scripts, styles and handlers; what is left is read for its text only.
        clean = nh3.clean(source, tags={"p", "br", "img", "div"}, attributes={"img": {"src", "alt"}})
        if not clean.strip():
            return
        root = lxml.html.fragment_fromstring(clean, create_parent="div")
        text = " ".join(root.text_content().split())
        self._note("raw-html", "raw HTML is shown as its text", "write it as Markdown", line)
        if text:
            yield Paragraph((Text(text),), line)
        for element in root.iter("img"):
            image = self.inline.image(element.get("src", ""), element.get("alt", ""), "", line)
            if image:
                yield Figure(image, line)

    # --- stories ----------------------------------------------------------------------------------------------------

    def _stories(self, node: SyntaxTreeNode) -> Iterator[Story]:
        start = int(node.attrs.get("start", 1))
        for number, item in enumerate(node.children, start):
            yield self._story(number, item)

    def _story(self, number: int, item: SyntaxTreeNode) -> Story:
        body: list[Block] = []
        lead: Inlines = ()
        links: list[Link] = []
        images: list[Image] = []
        for position, child in enumerate(item.children):
            if child.type != "paragraph":
                body.extend(self._block(child))
                continue
            rest, found = take_images(self._sequence(child))
            images.extend(found)
            if position == 0:
                lead, rest = take_lead(rest, more=len(item.children) > 1)
            rest, sources = take_sources(rest)
            if sources and not settle(rest) and not lead and not body:
                rest, sources = (
                    [*rest, *sources],
                    [],
                )  # a story that is nothing but a link keeps it as its text
            links.extend(sources)
            if inlines := settle(rest):
                body.append(Paragraph(inlines, self._line(child)))
        return Story(number, lead, tuple(body), tuple(links), tuple(images), self._line(item))

    def _numbered_run(self, nodes: Many[SyntaxTreeNode]) -> tuple[list[Story], int] | None:
        """Paragraphs that begin `1.` without a space and count on: stories that Markdown took for text.

        Gives the stories and how many nodes they span, or None where fewer than two numbers follow each other.
        """
        stories: list[Story] = []
        taken = 0
        for node in nodes:
            if node.type != "paragraph" or not (number := self._number(node)):
                break
            if stories and number != stories[-1].number + 1:
                break
            parts = split_numbered(self._sequence(node), number)
            stories.extend(self._plain_story(n, part, self._line(node)) for n, part in enumerate(parts, number))
            taken += 1
        if len(stories) < 2:
            return None
        self._note(
            "story-space",
            f"paragraphs that begin “{stories[0].number}.” without a space are taken for numbered stories",
            f"write “{stories[0].number}. ” with a space",
            stories[0].line,
        )
        return stories, taken

    @staticmethod
    def _number(node: SyntaxTreeNode) -> int:
        found = NUMBERED.match(node.children[0].content) if node.children else None
        return int(found[1]) if found else 0

    def _plain_story(self, number: int, sequence: Sequence, line: int) -> Story:
        rest, images = take_images(sequence)
        lead, rest = take_lead(rest, more=False)
        rest, sources = take_sources(rest)
        inlines = settle(rest)
        body = (Paragraph(inlines, line),) if inlines else ()
        return Story(number, lead, body, tuple(sources), tuple(images), line)

    # --- content and places
    def _sequence(self, node: SyntaxTreeNode) -> Sequence:
        """A paragraph's content with its line ends still marked, after the repairs."""
        inline = node.children[0] if node.children else None
        if inline is None or inline.type != "inline":
            return []
        line = self._line(node)
        return self.inline.unwrap_links(self.inline.read(inline.children, line), line)

    def _line(self, node: SyntaxTreeNode) -> int:
        return self.first_line + (node.map[0] if node.map else 0)

    def _note(self, code: str, what: str, remedy: str, line: int | None) -> None:
        self.findings.append(Finding(code, what, remedy, line))

    def _require_closed(self, node: SyntaxTreeNode) -> None:
        first, end = node.map or (0, 0)
        last = self.lines[end - 1].strip() if end else ""
        if end - first < 2 or not re.search(f"{re.escape(node.markup[0])}{{{len(node.markup)},}}$", last):
            raise UnclosedFenceError(self.first_line + first, node.markup)
