"""Parse the top level of a post: items of a digest as stories, the rest as blocks."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Many

from markdown_it.tree import SyntaxTreeNode

from newsletter.model.issue import (
    Block,
    Figure,
    Heading,
    Image,
    Inlines,
    Link,
    Paragraph,
    Story,
    Summary,
    Video,
    plain_text,
)
from newsletter.post.markdown.blocks import Reader
from newsletter.post.markdown.digest_shapes import ENDS_ITEM, Digest, Span, find_digest, last_trimmed
from newsletter.post.markdown.item_sources import take_sources
from newsletter.post.markdown.soft_breaks import Sequence, settle
from newsletter.post.markdown.story import (
    NUMBERED,
    split_numbered,
    take_images,
    take_lead,
    take_title,
    without_number,
)
from newsletter.post.markdown.summary import is_prose, is_summary_heading
from newsletter.post.markdown.table_items import rows_as_stories
from newsletter.post.markdown.videos import figures, is_video

COUNTED = 3
"""If this many numbered paragraphs count on, all of a post's are stories."""


def read_stories(reader: Reader, nodes: Many[SyntaxTreeNode]) -> Iterator[Block]:
    """A post's blocks, its items as stories; a fence under the summary's heading is the summary."""
    stories = StoryReader(reader, nodes)
    summary_next = False
    index = 0
    while index < len(nodes):
        node = nodes[index]
        if taken := stories.at(index):
            found, index = taken
            yield from found
            summary_next = False
            continue
        index += 1
        if node.type == "fence" and summary_next and not node.info.strip() and is_prose(node.content):
            reader.require_closed(node)
            lines = tuple(line.strip() for line in node.content.split("\n") if line.strip())
            yield Summary(lines, reader.line_of(node))
            summary_next = False
            continue
        for block in reader.block(node):
            yield block
            summary_next = isinstance(block, Heading) and is_summary_heading(plain_text(block.inlines))


class StoryReader:
    """Reads the items among a post's nodes: those of its digest's shape, else the numbered ones."""

    def __init__(self, reader: Reader, nodes: Many[SyntaxTreeNode]) -> None:
        self.reader = reader
        self.nodes = nodes
        self.counted = self._counted()
        self.digest = None if self.counted else find_digest(nodes, self)
        self.numbers = self._title_numbers(self.digest) if self.digest else {}

    def at(self, index: int) -> tuple[list[Story], int] | None:
        """The stories that begin at this node, and the index of the node after them; None if it is a block."""
        node = self.nodes[index]
        if self.digest:
            span = self.digest.spans.get(index)
            return (self._of_digest(self.digest, span), self._after(span)) if span else None
        if span := self.counted.get(index):
            return self._counted_stories(span), span.end
        if node.type == "ordered_list" and not self.reader.is_toc(node):
            start = int(node.attrs.get("start", 1))
            return [self._of_item(number, item) for number, item in enumerate(node.children, start)], index + 1
        if node.type == "paragraph" and not self.counted and (run := self._numbered_run(index)):
            return run[0], index + run[1]
        return None

    def sequence(self, node: SyntaxTreeNode, /) -> Sequence:
        return self.reader.sequence(node)

    # --- the items of a list --------------------------------------------------------------------------------------

    def _of_item(self, number: int | None, item: SyntaxTreeNode) -> Story:
        body: list[Block] = []
        lead: Inlines = ()
        links: list[Link] = []
        images: list[Image] = []
        for position, child in enumerate(item.children):
            if child.type != "paragraph":
                body.extend(self.reader.block(child))
                continue
            rest, found = take_images(self.reader.sequence(child))
            images.extend(image for image in found if not is_video(image.src))
            videos = [block for block in figures(found) if isinstance(block, Video)]
            if position == 0:
                lead, rest = self._lead(rest, number, more=len(item.children) > 1)
            rest, sources = take_sources(rest)
            if sources and not settle(rest) and not lead and not body:
                # A story that is only a link keeps it as its text.
                rest, sources = [*rest, *sources], []
            links.extend(sources)
            if inlines := settle(rest):
                body.append(Paragraph(inlines, self.reader.line_of(child)))
            body.extend(videos)
        return Story(number, lead, tuple(body), tuple(links), tuple(images), self.reader.line_of(item))

    @staticmethod
    def _lead(sequence: Sequence, number: int | None, *, more: bool) -> tuple[Inlines, Sequence]:
        if number is None and (title := take_title(sequence)) and (settle(title.rest) or more):
            return title.lead, title.rest
        return take_lead(sequence, more=more)

    # --- items of several blocks ----------------------------------------------------------------------------------

    def _of_digest(self, digest: Digest, span: Span) -> list[Story]:
        node = self.nodes[span.first]
        rest: Sequence
        match digest.shape:
            case "bullets":
                return [self._of_item(None, item) for item in node.children]
            case "rows":
                return rows_as_stories(self.reader, node)
            case "headings":
                lead, rest = settle(self.reader.sequence(node)), []
            case _:
                title = take_title(self.reader.sequence(node))
                lead, rest = (title.lead, title.rest) if title else ((), self.reader.sequence(node))
        number, unnumbered = without_number(lead)
        if span.first not in self.numbers:
            number, unnumbered = 0, lead
        return [self._of_blocks(number or None, unnumbered, rest, span)]

    def _of_blocks(self, number: int | None, lead: Inlines, opening: Sequence, span: Span) -> Story:
        """A story of a title, what follows it in its own paragraph, and the blocks after that.

        Pictures at its end are the story's; others stay in place.
        """
        line = self.reader.line_of(self.nodes[span.first])
        rest = [*self.nodes[span.first + 1 : span.end]]
        images: list[Image] = []
        while rest and (found := self.pictures_alone(rest[-1])):
            images = [*found, *images]
            tuple(self.reader.block(rest.pop()))  # for its findings
        last: Sequence | None = None
        end_line = line
        body: list[Block] = []
        if rest and rest[-1].type == "paragraph":
            last, end_line = self.reader.sequence(rest[-1]), self.reader.line_of(rest.pop())
            body += self.reader.paragraph(opening, line)
        elif rest:
            body += self.reader.paragraph(opening, line)
        else:
            last = opening
        for node in rest:
            body += self.reader.block(node)
        links: list[Link] = []
        if last is not None:
            words, found = take_images(last)
            words, links = take_sources(words)
            if inlines := settle(words):
                body.append(Paragraph(inlines, end_line))
            body += [block for block in figures(found) if isinstance(block, Video)]
            images = [*(image for image in found if not is_video(image.src)), *images]
        return Story(number, lead, tuple(body), tuple(links), tuple(images), line)

    def ends_in_source(self, nodes: Many[SyntaxTreeNode], /) -> bool:
        """Whether these blocks end with links that a story would show as its sources."""
        for node in reversed(nodes):
            if self.pictures_alone(node):
                continue
            if node.type != "paragraph":
                return False
            words, _ = take_images(self.reader.sequence(node))
            return bool(take_sources(words)[1])
        return False

    def _after(self, span: Span) -> int:
        """The node after an item; a horizontal rule between two items is skipped."""
        end = span.end
        if end + 1 < len(self.nodes) and self.nodes[end].type == "hr" and self.digest and end + 1 in self.digest.spans:
            return end + 1
        return end

    def _title_numbers(self, digest: Digest) -> frozenset[int]:
        """The items whose titles have their own numbers: all if they count on from 1, or none."""
        if digest.shape not in ("headings", "lines"):
            return frozenset()
        before = 0
        for first in digest.spans:
            sequence = self.reader.sequence(self.nodes[first])
            title = take_title(sequence) if digest.shape == "lines" else None
            number, _ = without_number(title.lead if title else settle(sequence))
            if number not in (before + 1, 1):
                return frozenset()
            before = number
        return frozenset(digest.spans)

    # --- paragraphs that begin `1.` -------------------------------------------------------------------------------

    def _counted(self) -> dict[int, Span]:
        """The numbered paragraphs that count on from 1, across pictures, headings and paragraphs, with their content.

        Empty if they do not count on: then the numbers alone make no stories.
        """
        before = count = 0
        firsts: list[int] = []
        for index, node in enumerate(self.nodes):
            number = self._number(node)
            if not number:
                continue
            parts = split_numbered(self.reader.sequence(node), number)
            if not parts or number not in (before + 1, 1):
                return {}
            before = number + len(parts) - 1
            count += len(parts)
            firsts.append(index)
        if count < COUNTED:
            return {}
        spans = []
        begin = frozenset(firsts)
        for index in firsts:
            end = index + 1
            while end < len(self.nodes) and end not in begin and self.nodes[end].type not in ENDS_ITEM:
                end += 1
            spans.append(Span(index, end))
        for index in firsts:
            if index - 1 not in begin:
                self._note_space(self._number(self.nodes[index]), self.reader.line_of(self.nodes[index]))
        return {span.first: span for span in last_trimmed(self.nodes, spans, self.pictures_alone)}

    def _counted_stories(self, span: Span) -> list[Story]:
        node = self.nodes[span.first]
        number = self._number(node)
        parts = split_numbered(self.reader.sequence(node), number)
        stories = [self._plain_story(each, part, node) for each, part in enumerate(parts[:-1], number)]
        last = number + len(parts) - 1
        lead, rest = take_lead(parts[-1], more=False)
        return [*stories, self._of_blocks(last, lead, rest, span)]

    def _numbered_run(self, first: int) -> tuple[list[Story], int] | None:
        """Paragraphs that begin `1.` without a space and count on: stories that Markdown took for text.

        Returns the stories and the number of their nodes, or None if fewer than two numbers follow each other.
        """
        stories: list[Story] = []
        taken = 0
        following = 0
        for index in range(first, len(self.nodes)):  # a slice would copy the rest of the post for each paragraph
            node = self.nodes[index]
            number = self._number(node)
            if not number or (stories and number != following):
                break
            # Marks such as `1.<b>5` hide what follows the number until the content is parsed.
            parts = split_numbered(self.reader.sequence(node), number)
            if not parts:
                break
            stories.extend(self._plain_story(each, part, node) for each, part in enumerate(parts, number))
            following = number + len(parts)
            taken += 1
        if len(stories) < 2:
            return None
        self._note_space(stories[0].number or 1, stories[0].line)
        return stories, taken

    def _note_space(self, number: int, line: int | None) -> None:
        what = f"paragraphs that begin “{number}.” without a space are taken for numbered stories"
        self.reader.note("story-space", what, f"write “{number}. ” with a space", line)

    @staticmethod
    def _number(node: SyntaxTreeNode) -> int:
        found = NUMBERED.match(node.children[0].content) if node.type == "paragraph" and node.children else None
        return int(found[1]) if found else 0

    def _plain_story(self, number: int, sequence: Sequence, node: SyntaxTreeNode) -> Story:
        line = self.reader.line_of(node)
        rest, images = take_images(sequence)
        lead, rest = take_lead(rest, more=False)
        rest, sources = take_sources(rest)
        inlines = settle(rest)
        videos = tuple(block for block in figures(images) if isinstance(block, Video))
        pictures = tuple(image for image in images if not is_video(image.src))
        body = (Paragraph(inlines, line),) if inlines else ()
        return Story(number, lead, (*body, *videos), tuple(sources), pictures, line)

    def pictures_alone(self, node: SyntaxTreeNode, /) -> list[Image]:
        """The pictures of a block that contains nothing else; none for other blocks."""
        if node.type == "paragraph" and not any(each.type in ("image", "html_inline") for each in node.walk()):
            return []
        if node.type not in ("paragraph", "html_block"):
            return []
        self.reader.sequence(node)  # its findings are noted once
        noted = len(self.reader.findings)
        blocks = tuple(self.reader.block(node))
        del self.reader.findings[noted:]  # the block is read again
        images = [block.image for block in blocks if isinstance(block, Figure)]
        return images if len(images) == len(blocks) else []
