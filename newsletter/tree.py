"""Whole-tree work on an issue: its pictures replaced, its nodes as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from newsletter.model import (
    Block,
    Emphasis,
    Figure,
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
    Story,
    Strike,
    Strong,
    Table,
    Text,
    plain_text,
    walk,
)


def map_images(issue: Issue, change: Callable[[Image], Image | None]) -> Issue:
    """The issue with every picture replaced by what `change` makes of it; None leaves the picture's words behind."""
    return dataclasses.replace(
        issue,
        hero=change(issue.hero) if issue.hero else None,
        blocks=tuple(_map_block(block, change) for block in issue.blocks),
    )


def _map_block(block: Block, change: Callable[[Image], Image | None]) -> Block:
    match block:
        case Figure(image, line):
            changed = change(image)
            return Figure(changed, line) if changed else Paragraph(_words_of(image), line)
        case Story(body=body, images=images):
            changed_images = [(image, change(image)) for image in images]
            kept = tuple(new for _, new in changed_images if new)
            lost = tuple(Paragraph(_words_of(old), old.line) for old, new in changed_images if not new and old.href)
            return dataclasses.replace(block, body=(*(_map_block(inner, change) for inner in body), *lost), images=kept)
        case Quote(body, line):
            return Quote(tuple(_map_block(inner, change) for inner in body), line)
        case ListBlock(items=items):
            changed_items = tuple(
                ListItem(tuple(_map_block(inner, change) for inner in item.body), item.checked) for item in items
            )
            return dataclasses.replace(block, items=changed_items)
        case Paragraph(inlines, line):
            return Paragraph(_map_inlines(inlines, change), line)
        case Heading(level, inlines, line):
            return Heading(level, _map_inlines(inlines, change), line)
        case Table(header=header, rows=rows):
            return dataclasses.replace(
                block,
                header=tuple(_map_inlines(cell, change) for cell in header),
                rows=tuple(tuple(_map_inlines(cell, change) for cell in row) for row in rows),
            )
    return block


def _map_inlines(inlines: Inlines, change: Callable[[Image], Image | None]) -> Inlines:
    out: list[Inline] = []
    for node in inlines:
        match node:
            case Image():
                changed = change(node)
                out.extend((changed,) if changed else _words_of(node))
            case Strong(children) | Emphasis(children) | Strike(children) | Link(children=children):
                out.append(dataclasses.replace(node, children=_map_inlines(children, change)))
            case _:
                out.append(node)
    return tuple(out)


def _words_of(image: Image) -> Inlines:
    """What stands where a picture cannot: its alternative text, linked where the picture was."""
    text = (Text(image.alt),) if image.alt else ()
    return (Link(image.href, text or (Text(image.href),)),) if image.href else text


def as_json(value: object) -> Any:
    """A tree as plain JSON data. Each node carries its `kind`: the class name in lower case (`list` for lists)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = "list" if isinstance(value, ListBlock) else type(value).__name__.lower()
        data: dict[str, Any] = {"kind": kind}
        for entry in dataclasses.fields(value):
            data[entry.name] = as_json(getattr(value, entry.name))
        match value:
            case Heading(inlines=inlines) | Paragraph(inlines=inlines):
                data["text"] = plain_text(inlines)
            case Story(body=body):
                data["text"] = "\n".join(plain_text(b.inlines) for b in walk(body) if isinstance(b, Paragraph))
            case Link():
                data["text"] = value.label
        return data
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
