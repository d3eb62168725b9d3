"""The words of a post's source and of its rendering, to check that none was lost."""

from __future__ import annotations

import re

from newsletter.model.issue import (
    Blocks,
    CodeBlock,
    Definitions,
    Figure,
    Heading,
    ListBlock,
    Paragraph,
    Quote,
    Story,
    Summary,
    Table,
    plain_text,
    walk,
)


def words_of(blocks: Blocks) -> list[str]:
    """Every run of words in the tree, block by block, alternative texts and buttons included."""
    out: list[str] = []
    for block in walk(blocks):
        match block:
            case Heading(inlines=inlines) | Paragraph(inlines=inlines):
                out.append(plain_text(inlines))
            case Summary(lines):
                out.extend(lines)
            case CodeBlock(text):
                out.append(text)
            case Figure(image):
                out.append(image.alt)
            case Story(lead=lead, links=links, images=images):
                out.append(plain_text(lead))
                out.extend(link.label for link in links)
                out.extend(image.alt for image in images)
            case Table(header, rows):
                out.extend(plain_text(cell) for cells in (header, *rows) for cell in cells)
            case Definitions(items):
                out.extend(plain_text(term) for term, _ in items)
            case Quote() | ListBlock():
                pass
    return out


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)
