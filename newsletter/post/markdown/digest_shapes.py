"""Find the items of an unnumbered digest: linked headings, bullets, titled lines, rows of a table.

An essay has headings, bold openings and lists of links too. What distinguishes a digest: most of it is items, and each
of them has a link. Decision 28 has the rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Many
from operator import itemgetter
from typing import Literal, Protocol

from markdown_it.tree import SyntaxTreeNode

from newsletter.frozen import frozen
from newsletter.model.issue import Emphasis, Image, Link, Strong, plain_text
from newsletter.post.markdown.cjk import is_cjk
from newsletter.post.markdown.soft_breaks import Sequence, settle
from newsletter.post.markdown.story import Title, leads_away, take_title
from newsletter.post.markdown.summary import is_summary_heading

LEAST_ITEMS = 3
"""The fewest items: two headings with links are no digest yet."""

MOST = 0.75
"""The share of headings, bullets, lines or rows that must be items: the others are items without a link."""

SENTENCE = 30
"""The average letters of an item's text, wide ones counting two: less is a list of names."""

ENDS_ITEM = frozenset({"heading", "hr", "footnote_block"})
"""Top-level blocks that belong to no item."""

_TAG = re.compile(r"<[^<>]*>")
_ASIDE = re.compile(r"(?<!\s)\s*[(（\[【][^()（）\[\]【】]*[)）\]】]\s*$")

Read = Callable[[SyntaxTreeNode], Sequence]
Shape = Literal["headings", "bullets", "lines", "rows"]


@frozen
class Span:
    """The nodes from `first` to before `end`: one item, or a list or table of several."""

    first: int
    end: int


@frozen
class Digest:
    """The shape of an issue's items, and their spans by first node."""

    shape: Shape
    spans: Mapping[int, Span]


class Glance(Protocol):
    """The reader's operations for shape detection: the content, links and pictures of blocks."""

    def sequence(self, node: SyntaxTreeNode, /) -> Sequence: ...

    def ends_in_source(self, nodes: Many[SyntaxTreeNode], /) -> bool:
        """Whether an item's blocks end with links to external pages."""

    def pictures_alone(self, node: SyntaxTreeNode, /) -> Many[Image]:
        """The pictures of a block that contains nothing else."""


Found = Iterator[tuple[int, Shape, list[Span]]]


def find_digest(nodes: Many[SyntaxTreeNode], glance: Glance) -> Digest | None:
    """The shape with the most items, among those with half of the letters; None if none has, or numbered items have."""
    shapes = [
        *_by_headings(nodes, glance),
        *_by_lines(nodes, glance),
        *_by_bullets(nodes, glance.sequence),
        *_by_rows(nodes, glance.sequence),
    ]
    if not shapes:
        return None
    sizes = [_letters(node) for node in nodes]
    numbered = sum(size for node, size in zip(nodes, sizes, strict=True) if node.type == "ordered_list")
    if numbered * 2 >= sum(sizes):
        return None
    most = [
        (count, shape, spans)
        for count, shape, spans in shapes
        if sum(sum(sizes[span.first : span.end]) for span in spans) * 2 >= sum(sizes)
    ]
    if not most:
        return None
    _, shape, spans = max(most, key=itemgetter(0))
    return Digest(shape, {span.first: span for span in spans})


def _by_headings(nodes: Many[SyntaxTreeNode], glance: Glance) -> Found:
    """Headings of one level, most of which are links, or have a source at the end of their text."""
    # Of levels with as many items each, the inner one has them: sections of one story each are still sections.
    for tag in sorted({node.tag for node in nodes if node.type == "heading"}, reverse=True):
        spans = []
        for index, node in enumerate(nodes):
            if node.type != "heading" or node.tag != tag:
                continue
            end = index + 1
            while end < len(nodes) and nodes[end].type not in ("hr", "footnote_block"):
                if nodes[end].type == "heading" and nodes[end].tag <= tag:
                    break
                end += 1
            if end > index + 1 and not _is_summary(nodes, index, glance.sequence):
                spans.append(Span(index, end))
        if len(spans) < LEAST_ITEMS:
            continue
        leading = sum(
            (_is_title(glance.sequence(nodes[span.first])) and not _stays_here(nodes[span.first]))
            or glance.ends_in_source(nodes[span.first + 1 : span.end])
            for span in spans
        )
        if leading >= MOST * len(spans):
            yield len(spans), "headings", spans


def _is_summary(nodes: Many[SyntaxTreeNode], index: int, read: Read) -> bool:
    return nodes[index + 1].type == "fence" and is_summary_heading(plain_text(settle(read(nodes[index]))))


def _is_title(sequence: Sequence) -> bool:
    """Whether a link to another page is most of a heading; a bracketed remark at its end is ignored."""
    words = settle(sequence)
    link = next((node for node in words if isinstance(node, Link | Strong | Emphasis)), None)
    if link is None or not leads_away((link,)):
        return False
    return len(plain_text((link,))) * 2 >= len(_ASIDE.sub("", plain_text(words)))


def _by_lines(nodes: Many[SyntaxTreeNode], glance: Glance) -> Found:
    """Bold lines and links with text below them, most of which have an external link."""
    titles: dict[int, Title] = {}
    for index, node in enumerate(nodes):
        if _may_be_titled(node) and (title := take_title(glance.sequence(node))):
            titles[index] = title
    spans = []
    for index, title in titles.items():
        end = index + 1
        while end < len(nodes) and nodes[end].type not in ENDS_ITEM and end not in titles:
            end += 1
        if settle(title.rest) or end > index + 1:
            spans.append(Span(index, end))
    if len(spans) < LEAST_ITEMS:
        return
    spans = [*last_trimmed(nodes, spans, glance.pictures_alone)]
    leading = sum(titles[span.first].leads or glance.ends_in_source(nodes[span.first : span.end]) for span in spans)
    if leading >= MOST * len(spans):
        yield len(spans), "lines", spans


def _stays_here(node: SyntaxTreeNode) -> bool:
    """Whether a link leads to a part of this page."""
    return any(each.type == "link" and str(each.attrs.get("href", "")).startswith("#") for each in node.walk())


def _may_be_titled(node: SyntaxTreeNode) -> bool:
    """A cheap check before parsing: whether a paragraph begins with a mark."""
    inline = node.children[0] if node.type == "paragraph" and node.children else None
    begins = (
        next((each.type for each in inline.children if each.type not in ("text", "text_special")), "") if inline else ""
    )
    return begins in ("strong", "link", "em") and not _stays_here(node)


def last_trimmed(
    nodes: Many[SyntaxTreeNode], spans: Many[Span], pictures_alone: Callable[[SyntaxTreeNode], Many[Image]]
) -> Iterator[Span]:
    """The spans, the last one shortened to the usual length: the rest is the post's ending, not the item's.

    Pictures are not counted, and belong to the item if they follow directly.
    """
    if not spans:
        return
    *others, last = spans
    yield from others
    end = last.end
    if others and (end == len(nodes) or nodes[end].type == "footnote_block"):
        lengths = [sum(not pictures_alone(node) for node in nodes[each.first : each.end]) for each in others]
        words = sorted(lengths)[(len(lengths) - 1) // 2]  # the lower median
        end = last.first
        while end < last.end and (words > 0 or pictures_alone(nodes[end])):
            words -= not pictures_alone(nodes[end])
            end += 1
    yield Span(last.first, end)


def _by_bullets(nodes: Many[SyntaxTreeNode], read: Read) -> Found:
    """Lists of links, each followed by text after a line end, a colon or a dash, or by blocks."""
    spans = []
    count = 0
    for index, node in enumerate(nodes):
        if node.type == "bullet_list" and _are_items(node.children, read):
            spans.append(Span(index, index + 1))
            count += len(node.children)
    if count >= LEAST_ITEMS:
        yield count, "bullets", spans


def _are_items(items: Many[SyntaxTreeNode], read: Read) -> bool:
    good = texts = 0
    for item in items:
        first = item.children[0] if item.children else None
        title = take_title(read(first)) if first is not None and _may_be_titled(first) else None
        if not title or not title.leads or (not settle(title.rest) and len(item.children) < 2):
            continue
        good += 1
        texts += _letters(item) - _width(plain_text(title.lead))
    return good >= MOST * len(items) and texts >= SENTENCE * good


def _by_rows(nodes: Many[SyntaxTreeNode], read: Read) -> Found:
    """Tables with a column of links and one of sentences."""
    spans = []
    count = 0
    for index, node in enumerate(nodes):
        if node.type == "table" and (rows := body_rows(node)) and title_column(rows, read) is not None:
            spans.append(Span(index, index + 1))
            count += len(rows)
    if count >= LEAST_ITEMS:
        yield count, "rows", spans


def body_rows(table: SyntaxTreeNode) -> list[Many[SyntaxTreeNode]]:
    """The cells of a table's rows below its header."""
    return [row.children for part in table.children if part.type == "tbody" for row in part.children]


def title_column(rows: Many[Many[SyntaxTreeNode]], read: Read) -> int | None:
    """The column of links, the first or after one of numbers, in a table with another one of sentences."""
    columns = range(max(map(len, rows), default=0))
    title = 1 if all(row and _is_number(row[0], read) for row in rows) else 0
    links = sum(len(row) > title and _leads(row[title], read) for row in rows)
    texts = [
        i
        for i in columns
        if sum(_letters(row[i]) for row in rows if len(row) > i) >= SENTENCE * len(rows) and i != title
    ]
    return title if texts and links >= MOST * len(rows) else None


def _is_number(cell: SyntaxTreeNode, read: Read) -> bool:
    words = plain_text(settle(read(cell))).strip().rstrip(".")
    return words.isascii() and words.isdigit() and len(words) <= 3


def _leads(cell: SyntaxTreeNode, read: Read) -> bool:
    return leads_away(read(cell)) and not _stays_here(cell)


def _letters(node: SyntaxTreeNode) -> int:
    """The letters of a block's text, wide ones counting two, without addresses."""
    if node.type == "html_block":
        return _width(_TAG.sub("", node.content))
    if node.type in ("text", "text_special", "entity", "code_inline", "fence", "code_block", "math_block"):
        return _width(node.content)
    return sum(map(_letters, node.children))


def _width(text: str) -> int:
    return len(text) + sum(map(is_cjk, text)) if not text.isascii() else len(text)
