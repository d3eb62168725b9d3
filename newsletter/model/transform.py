"""Transform an issue's tree: replace its pictures, collect its links."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from newsletter.model.issue import (
    Block,
    Blocks,
    CodeBlock,
    Definitions,
    Emphasis,
    Figure,
    Footnotes,
    Heading,
    Image,
    Inline,
    Inlines,
    Issue,
    Link,
    ListBlock,
    ListItem,
    Paragraph,
    Quote,
    Span,
    Story,
    Strike,
    Strong,
    Summary,
    Table,
    Text,
    Video,
    plain_text,
    walk,
)

Change = Callable[[Image], Image | Inlines | None]

_Nodes = TypeVar("_Nodes", bound=tuple[Any, ...])


def map_images(issue: Issue, change: Change) -> Issue:
    """Replace every picture by what `change` returns: a picture, inlines, or None for its alternative text.

    A hero and a video's poster cannot become text; they are removed.
    """
    return dataclasses.replace(
        issue,
        hero=_picture_alone(issue.hero, change) if issue.hero else None,
        blocks=_map_blocks(issue.blocks, change),
    )


def _map_blocks(blocks: Blocks, change: Change) -> Blocks:
    """The same tuple where nothing changed: most of an issue has no picture, and copies take time."""
    return _same_or(blocks, tuple([_map_block(block, change) for block in blocks]))


def _map_block(block: Block, change: Change) -> Block:
    match block:
        case Paragraph(inlines):
            changed_inlines = _map_inlines(inlines, change)
            return block if changed_inlines is inlines else dataclasses.replace(block, inlines=changed_inlines)
        case Figure(image, line):
            changed = _picture_or_words(image, change)
            return Figure(changed, line) if isinstance(changed, Image) else Paragraph(changed, line)
        case Story(body=body, images=images):
            changed_images = [(image, change(image)) for image in images]
            kept = tuple(new for _, new in changed_images if isinstance(new, Image))
            lost = tuple(
                Paragraph(_words_of(old) if new is None else new, old.line)
                for old, new in changed_images
                if (new is None and old.href) or (new and not isinstance(new, Image))
            )
            changed_body = _map_blocks(body, change)
            if changed_body is body and not images:
                return block
            return dataclasses.replace(block, body=(*changed_body, *lost), images=kept)
        case Quote(body=body):
            changed_body = _map_blocks(body, change)
            return block if changed_body is body else dataclasses.replace(block, body=changed_body)
        case ListBlock(items=items):
            bodies = [_map_blocks(item.body, change) for item in items]
            if all(body is item.body for body, item in zip(bodies, items, strict=True)):
                return block
            changed_items = tuple(ListItem(body, item.checked) for body, item in zip(bodies, items, strict=True))
            return dataclasses.replace(block, items=changed_items)
        case Heading(level, inlines, line):
            return Heading(level, _map_inlines(inlines, change), line)
        case Video(poster=Image() as poster):
            return dataclasses.replace(block, poster=_picture_alone(poster, change))
        case Definitions(items, line):
            return Definitions(tuple((term, _map_blocks(body, change)) for term, body in items), line)
        case Footnotes(items=notes, line=line):
            return Footnotes(tuple(_map_blocks(note, change) for note in notes), line)
        case Table(header=header, rows=rows):
            return dataclasses.replace(
                block,
                header=tuple(_map_inlines(cell, change) for cell in header),
                rows=tuple(tuple(_map_inlines(cell, change) for cell in row) for row in rows),
            )
    return block


def _map_inlines(inlines: Inlines, change: Change) -> Inlines:
    out: list[Inline] = []
    for node in inlines:
        match node:
            case Text():
                out.append(node)
            case Image():
                changed = _picture_or_words(node, change)
                out.extend((changed,) if isinstance(changed, Image) else changed)
            case Link(children=children):
                inner = _map_inlines(children, change)
                # A link inside a link is invalid: mail clients end the outer one there.
                flat: Inlines = tuple([Text(part.label) if isinstance(part, Link) else part for part in inner])
                flat = _same_or(children, flat)
                out.append(node if flat is children else dataclasses.replace(node, children=flat))
            case Strong(children) | Emphasis(children) | Strike(children) | Span(children=children):
                inner = _map_inlines(children, change)
                out.append(node if inner is children else dataclasses.replace(node, children=inner))
            case _:
                out.append(node)
    return _same_or(inlines, tuple(out))


def _same_or(before: _Nodes, after: _Nodes) -> _Nodes:
    """`before` where `after` has the very same nodes."""
    return before if len(before) == len(after) and all(map(operator.is_, before, after)) else after


def _picture_or_words(image: Image, change: Change) -> Image | Inlines:
    changed = change(image)
    return _words_of(image) if changed is None else changed


def _picture_alone(image: Image, change: Change) -> Image | None:
    changed = change(image)
    return changed if isinstance(changed, Image) else None


def _words_of(image: Image) -> Inlines:
    """The replacement for a picture that cannot be shown: its alternative text, linked as the picture was."""
    text = (Text(image.alt),) if image.alt else ()
    return (Link(image.href, text or (Text(image.href),)),) if image.href else text


# --- its words ------------------------------------------------------------------------------------------------------


def words_of(blocks: Iterable[Block]) -> Iterator[str]:
    """Every text of these blocks, in reading order."""
    for block in walk(blocks):
        match block:
            case Heading(inlines=inlines) | Paragraph(inlines=inlines):
                yield plain_text(inlines)
            case Story(lead=lead, links=links):
                yield plain_text(lead)
                yield from (link.label for link in links)
            case Summary(lines):
                yield from lines
            case CodeBlock(text):
                yield text
            case Table(header=header, rows=rows):
                yield from (plain_text(cell) for cells in (header, *rows) for cell in cells)
            case Definitions(items=items):
                yield from (plain_text(term) for term, _ in items)


# --- its links ------------------------------------------------------------------------------------------------------


def links_of(blocks: Blocks) -> Iterator[Link]:
    """Every link of these blocks in reading order, those around pictures and of videos too."""
    for block in walk(blocks):
        match block:
            case Story(lead=lead, links=links):
                yield from _inline_links(lead)
                yield from links
            case Heading(inlines=inlines) | Paragraph(inlines=inlines):
                yield from _inline_links(inlines)
            case Table(header=header, rows=rows):
                for cell in (*header, *(cell for row in rows for cell in row)):
                    yield from _inline_links(cell)
            case Definitions(items=items):
                for term, _ in items:
                    yield from _inline_links(term)
            case Video(href=href):
                yield Link(href, ())


def _inline_links(inlines: Inlines) -> Iterator[Link]:
    for node in inlines:
        match node:
            case Link():
                yield node
            case Strong(children) | Emphasis(children) | Strike(children) | Span(children=children):
                yield from _inline_links(children)
            case Image(href=href) if href:
                yield Link(href, ())
