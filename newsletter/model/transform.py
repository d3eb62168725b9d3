"""Transform an issue's tree: replace its pictures, collect its links."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

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


def map_images(issue: Issue, change: Change) -> Issue:
    """Replace every picture by what `change` returns: a picture, inlines, or None for its alternative text.

    A hero and a video's poster cannot become text; they are removed.
    """
    return dataclasses.replace(
        issue,
        hero=_picture_alone(issue.hero, change) if issue.hero else None,
        blocks=tuple(_map_block(block, change) for block in issue.blocks),
    )


def _map_block(block: Block, change: Change) -> Block:
    match block:
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
            return dataclasses.replace(block, body=(*(_map_block(inner, change) for inner in body), *lost), images=kept)
        case Quote(body=body):
            return dataclasses.replace(block, body=tuple(_map_block(inner, change) for inner in body))
        case ListBlock(items=items):
            changed_items = tuple(
                ListItem(tuple(_map_block(inner, change) for inner in item.body), item.checked) for item in items
            )
            return dataclasses.replace(block, items=changed_items)
        case Paragraph(inlines):
            return dataclasses.replace(block, inlines=_map_inlines(inlines, change))
        case Heading(level, inlines, line):
            return Heading(level, _map_inlines(inlines, change), line)
        case Video(poster=Image() as poster):
            return dataclasses.replace(block, poster=_picture_alone(poster, change))
        case Definitions(items, line):
            return Definitions(tuple((term, tuple(_map_block(b, change) for b in body)) for term, body in items), line)
        case Footnotes(items=notes, line=line):
            return Footnotes(tuple(tuple(_map_block(b, change) for b in note) for note in notes), line)
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
            case Image():
                changed = _picture_or_words(node, change)
                out.extend((changed,) if isinstance(changed, Image) else changed)
            case Link(children=children):
                inner = _map_inlines(children, change)
                # A link inside a link is invalid: mail clients end the outer one there.
                flat = tuple(Text(part.label) if isinstance(part, Link) else part for part in inner)
                out.append(dataclasses.replace(node, children=flat))
            case Strong(children) | Emphasis(children) | Strike(children) | Span(children=children):
                out.append(dataclasses.replace(node, children=_map_inlines(children, change)))
            case _:
                out.append(node)
    return tuple(out)


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
