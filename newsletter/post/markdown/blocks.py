"""Map markdown-it's block tokens to the issue's blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Sequence as Many
from dataclasses import replace
from itertools import pairwise
from typing import Any

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from newsletter.model.findings import Finding
from newsletter.model.issue import (
    Block,
    Blocks,
    Break,
    Code,
    CodeBlock,
    Definitions,
    Footnotes,
    Heading,
    Image,
    Inlines,
    ListBlock,
    ListItem,
    Paragraph,
    Quote,
    Rule,
    Strong,
    Table,
    Text,
    plain_text,
)
from newsletter.post.markdown.abbreviations import Abbreviations
from newsletter.post.markdown.alerts import ALERT_MARK, ALERTS, with_title
from newsletter.post.markdown.attributes import PLAIN_LIST
from newsletter.post.markdown.containers import NOTES, TITLE
from newsletter.post.markdown.fences import open_fence, read_info
from newsletter.post.markdown.glued_items import GLUED
from newsletter.post.markdown.inline import InlineReader
from newsletter.post.markdown.inline_repairs import unwrap_links
from newsletter.post.markdown.link_targets import FIELD_MARK, LinkTargets
from newsletter.post.markdown.raw_html import read_html
from newsletter.post.markdown.soft_breaks import Sequence, Soft, blank, settle
from newsletter.post.markdown.story import split_at_pictures, take_images
from newsletter.post.markdown.videos import figures, linked_videos
from newsletter.post.source_links import SourceLinks

MAX_NESTING = 100
"""The nesting limit; a list counts as two levels. Deeper ones exhaust Python's stack, and crash mrml: 20,000 do."""
_NOTE = re.compile(r"\[\^([^\[\]\s]+)\]:")
_TOC = re.compile(r"[ \t]*\{:\s*toc\b[^}]*\}[ \t]*$")
_HEADING_ID = re.compile(rf"(?<!\s)\s*(?:\{{#[\w:.-]+\}}|{PLAIN_LIST.pattern})\s*$")

# HTML elements that may occur inside a word; any other separates words.
_BLOCK_HTML = re.compile(r"<(?:video|audio|embed|picture)\b", re.IGNORECASE)


class MarkdownError(ValueError):
    """A fault that would spoil the whole post. `line` counts in the file; `what` and `remedy` are for the author."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what
        self.remedy = remedy


class Reader:
    """One pass over one syntax tree, collecting findings."""

    def __init__(self, text: str, first_line: int, sources: SourceLinks, abbreviations: Abbreviations | None) -> None:
        self.lines = text.split("\n")
        self.first_line = first_line
        self.findings: list[Finding] = []
        self._sequences: dict[int, Sequence] = {}
        self.targets = LinkTargets(sources, self.findings)
        self.inline = InlineReader(self.targets, abbreviations)

    # --- blocks -----------------------------------------------------------------------------------------------------

    def note_nesting(self, tokens: Many[Token]) -> None:
        """markdown-it silently drops what is nested too deep, and leaves the innermost list or quote empty."""
        for opening, closing in pairwise(tokens):
            if opening.nesting == 1 and closing.nesting == -1 and opening.level >= MAX_NESTING - 1:
                line = self.first_line + (opening.map[0] if opening.map else 0)
                what = f"lists or quotes nested more than {MAX_NESTING} deep lose their text"
                self.note("nesting", what, "flatten them", line)
                return

    def note_unused_notes(self, env: Mapping[str, Any]) -> None:
        """A footnote without a reference is not shown, as in Jekyll; its author may not notice."""
        unused = [label for label, number in env.get("footnotes", {}).get("refs", {}).items() if number < 0]
        if unused:
            places: dict[str, int] = {}
            for index, line in enumerate(self.lines):
                for found in _NOTE.finditer(line):
                    places.setdefault(found[1], index)
            for label in unused:
                index = places.get(label[1:], 0)
                what = f"nothing refers to the footnote [^{label[1:][:40]}], and it is left out"
                self.note("footnote-unused", what, f"write [^{label[1:][:40]}] in the text", self.first_line + index)

    def note_glued_items(self, tokens: Many[Token]) -> None:
        for token in tokens:
            if (number := token.meta.get(GLUED)) and token.map:
                what = f"“{number}.” without a space is no list item in Markdown; it is taken for one"
                self.note("story-space", what, f"write “{number}. ” with a space", self.first_line + token.map[0])

    def note_containers(self, env: Mapping[str, Any]) -> None:
        for line, finding in env.get(NOTES, {}).items():
            self.findings.append(replace(finding, line=self.first_line + line))

    def blocks(self, nodes: Iterable[SyntaxTreeNode]) -> Blocks:
        return tuple(block for node in nodes for block in self.block(node))

    def block(self, node: SyntaxTreeNode) -> Iterator[Block]:
        line = self.line_of(node)
        match node.type:
            case "heading":
                inlines = _without_id(linked_videos(settle(self.sequence(node))))
                if node.markup.startswith("#") and re.match(r"[> \t]*#+[^#\s]", self.lines[line - self.first_line]):
                    what = f"a space lacks between {node.markup} and its heading"
                    self.note("heading-space", what, f"write {node.markup} {plain_text(inlines)[:30]}", line)
                if inlines:
                    yield Heading(int(node.tag[1]), inlines, line)
            case "paragraph" if how := node.meta.get(TITLE):
                title = linked_videos(settle(self.sequence(node)))
                yield Paragraph(title, line, "title") if how == "title" else Paragraph((Strong(title),), line)
            case "paragraph":
                source = node.children[0].content if node.children else ""
                if _BLOCK_HTML.match(source):
                    # Markdown parses these as inline HTML, but they are block-level.
                    yield from read_html(source, line, self.targets)
                else:
                    yield from self.paragraph(self.sequence(node), line)
            case "bullet_list" | "ordered_list":
                start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
                items = () if self.is_toc(node) else tuple(map(self.item, node.children))
                if any(item.body for item in items):
                    yield ListBlock(tuple(item for item in items if item.body or start is not None), start, line)
            case "blockquote":
                yield self._quote(node)
            case "fence":
                if not self.require_closed(node):
                    return
                # Highlighting would colour parts of a field's mark, which could then not be filled.
                language, name = read_info(node.info)
                if name:
                    yield Paragraph((Code(name),), line)
                language = "" if FIELD_MARK.search(node.content) else language
                yield CodeBlock(node.content.rstrip("\n"), language, line)
            case "code_block":
                yield CodeBlock(node.content.rstrip("\n"), "", line)
            case "hr":
                yield Rule(line)
            case "table":
                yield self._table(node)
            case "math_block" | "math_block_label":
                yield Paragraph((Text(f"$${node.content.strip()}$$"),), line)
            case "dl" if any(child.type == "dd" for child in node.children):
                yield self._definition_list(node)
            case "footnote_block":
                notes = tuple(self.blocks(note.children) for note in node.children)
                yield Footnotes(notes, next((note.map[0] + self.first_line for note in node.walk() if note.map), None))
            case "html_block":
                yield from read_html(node.content, line, self.targets)

    def is_toc(self, node: SyntaxTreeNode) -> bool:
        """kramdown inserts a table of contents for a list of one item with {:toc}; an email has its own."""
        first, end = node.map or (0, 0)
        return len(node.children) == 1 and any(
            _TOC.match(line.lstrip("> \t")) for line in self.lines[first : min(end, first + 3)]
        )

    def item(self, item: SyntaxTreeNode) -> ListItem:
        """A list item; `[ ]` and `[x]` before its text make it a task (GFM 5.3)."""
        body = self.blocks(item.children)
        first = body[0] if body else None
        text = first.inlines[0] if isinstance(first, Paragraph) and first.inlines else None
        box = re.match(r"\[([ xX])\][ \t]+", text.text) if isinstance(text, Text) else None
        if not (isinstance(first, Paragraph) and isinstance(text, Text) and box):
            return ListItem(body)
        inlines = (Text(text.text[box.end() :]), *first.inlines[1:])
        return ListItem((Paragraph(inlines, first.line), *body[1:]), box[1] != " ")

    def _quote(self, node: SyntaxTreeNode) -> Quote:
        """A quote; one that begins with `[!NOTE]` is an alert, as on GitHub; kramdown's class has the same effect."""
        body = self.blocks(node.children)
        if kind := node.meta.get("kind", ""):
            return Quote(with_title(body, kind), self.line_of(node), kind)
        first = body[0] if body else None
        text = first.inlines[0] if isinstance(first, Paragraph) else None
        mark = ALERT_MARK.match(text.text) if isinstance(text, Text) else None
        if not (isinstance(first, Paragraph) and isinstance(text, Text) and mark and mark[1].lower() in ALERTS):
            return Quote(body, self.line_of(node))
        kind = ALERTS[mark[1].lower()]
        title, rest = self._titled(node.children[0], more=len(body) > 1)
        if not title:
            rest = settle((Text(text.text[mark.end() :]), *first.inlines[1:]))
        opening = (Paragraph(title, first.line, "title"), Paragraph(rest, first.line))
        return Quote(
            with_title((*(each for each in opening if each.inlines), *body[1:]), kind), self.line_of(node), kind
        )

    def _titled(self, node: SyntaxTreeNode, *, more: bool) -> tuple[Inlines, Inlines]:
        """The words behind a mark on its line, where others follow, and the rest of its paragraph."""
        sequence = self.sequence(node) if node.type == "paragraph" else []
        first = sequence[0] if sequence else None
        mark = ALERT_MARK.match(first.text) if isinstance(first, Text) else None
        end = next((index for index, each in enumerate(sequence) if isinstance(each, Soft | Break)), len(sequence))
        if not mark or not (more or end < len(sequence)) or any(isinstance(each, Image) for each in sequence):
            return (), ()
        return settle([Text(mark.string[mark.end() :]), *sequence[1:end]]), settle(sequence[end + 1 :])

    def _definition_list(self, node: SyntaxTreeNode) -> Definitions:
        """A definition list. Preceding lists of terms alone are further terms of its first definition."""
        nodes = [node]
        while (before := nodes[0].previous_sibling) and before.type == "dl" and before.children[-1].type == "dt":
            nodes.insert(0, before)
        return Definitions(tuple(item for each in nodes for item in self._definitions(each)), self.line_of(nodes[0]))

    def _definitions(self, node: SyntaxTreeNode) -> Iterator[tuple[Inlines, Blocks]]:
        term: Inlines = ()
        body: Blocks = ()
        for child in node.children:
            if child.type == "dt":
                if term or body:
                    yield term, body
                term, body = linked_videos(settle(self.sequence(child))), ()
            else:
                body = (*body, *self.blocks(child.children))
        if term or body:
            yield term, body

    def paragraph(self, sequence: Sequence, line: int) -> Iterator[Block]:
        """A paragraph; pictures that open it or have lines of their own stay in place, others follow it as figures."""
        for part in split_at_pictures(sequence):
            opening = next((i for i, each in enumerate(part) if not isinstance(each, Image) and not blank(each)), 0)
            before, images = take_images(part[:opening])
            yield from figures(images)
            rest, images = take_images([*before, *part[opening:]])
            inlines = settle(rest)
            if inlines:
                yield Paragraph(inlines, line)
            yield from figures(images)
            line += sum(isinstance(each, Soft | Break) for each in part)

    def _table(self, node: SyntaxTreeNode) -> Table:
        rows = [row for section in node.children for row in section.children]
        cells = [tuple(linked_videos(settle(self.sequence(cell))) for cell in row.children) for row in rows]
        align = tuple(str(cell.attrs.get("style", "")).removeprefix("text-align:") for cell in rows[0].children)
        if node.children[0].type == "tbody":
            cells.insert(0, ())
        return Table(cells[0], tuple(cells[1:]), align, self.line_of(node))

    # --- content and positions --------------------------------------------------------------------------------------

    def sequence(self, node: SyntaxTreeNode) -> Sequence:
        """A paragraph's content with its line ends still marked, after the repairs.

        Cached, since it is used several times.
        """
        inline = node.children[0] if node.children else None
        if inline is None or inline.type != "inline":
            return []
        if id(node) not in self._sequences:
            line = self.line_of(node)
            self._sequences[id(node)] = unwrap_links(self.inline.read(inline.children, line), line, self.findings)
        return self._sequences[id(node)]

    def line_of(self, node: SyntaxTreeNode) -> int:
        return self.first_line + (node.map[0] if node.map else 0)

    def note(self, code: str, what: str, remedy: str, line: int | None) -> None:
        self.findings.append(Finding(code, what, remedy, line))

    def require_closed(self, node: SyntaxTreeNode) -> bool:
        """Whether a fence has anything to show. Raises MarkdownError where one would take text that was not meant."""
        fault = open_fence(node, self.lines)
        if fault is None:
            return True
        if fault.is_fatal:
            raise MarkdownError(self.line_of(node), fault.what, fault.remedy)
        self.note("fence-open", fault.what, fault.remedy, self.line_of(node))
        return not fault.is_empty


def _without_id(inlines: Inlines) -> Inlines:
    """A heading without kramdown's `{#name}` or Hugo's `{id=name .class}` at its end."""
    if inlines and isinstance(last := inlines[-1], Text):
        text = _HEADING_ID.sub("", last.text)
        return (*inlines[:-1], Text(text)) if text else inlines[:-1]
    return inlines
