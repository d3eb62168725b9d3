"""The rows of an issue, and the sections that its contents list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from newsletter.model.issue import Block, Heading, Issue, Story, Summary, plain_text
from newsletter.render.section_colours import EMOJI_FIRST, section_classes
from newsletter.render.wording import lead_words


@dataclass(frozen=True, slots=True)
class Row:
    """One block of the issue's own level with what its partial needs to know of its neighbours."""

    partial: str
    block: Block
    head: Heading | None = None
    rank: int = 0
    anchor: str = ""
    first: bool = False
    alt: str = ""
    mark: str = ""
    layout: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """A line of the table of contents: a heading, how deep it stands (0 or 1), and how many stories follow it.

    `colour` is the class of its own colour. `is_leaf` says that it holds more than other headings, `has_emoji` that its
    author gave it a mark.
    """

    anchor: str
    title: str
    depth: int
    stories: int
    colour: str = ""
    is_leaf: bool = False
    has_emoji: bool = False


def issue_rows(issue: Issue) -> tuple[Row, ...]:
    blocks = list(issue.blocks)
    top = min((block.level for block in blocks if isinstance(block, Heading)), default=2)
    rows: list[Row] = []
    head: Heading | None = None
    anchors = 0
    for index, block in enumerate(blocks):
        following = blocks[index + 1] if index + 1 < len(blocks) else None
        match block:
            case Heading() if isinstance(following, Summary):
                head = block
            case Summary():
                rows.append(Row("summary.mjml.j2", block, head=head, first=not rows))
                head = None
            case Heading(level):
                anchors += 1
                rows.append(Row("heading.mjml.j2", block, rank=min(2 + level - top, 4), anchor=f"s{anchors}"))
            case Story():
                first = not (rows and isinstance(rows[-1].block, Story))
                rows.append(Row("story.mjml.j2", block, first=first, alt=lead_words(block)))
            case _:
                rows.append(Row("block.mjml.j2", block))
    return tuple(rows)


def sections_of(rows: Iterable[Row]) -> tuple[Section, ...]:
    """What a table of contents lists. Anchors work in most web mail; elsewhere the list still says what is inside."""
    sections: list[Section] = []
    for row in rows:
        if isinstance(row.block, Heading) and row.anchor:
            title = plain_text(row.block.inlines)
            emoji = EMOJI_FIRST.match(title) is not None
            sections.append(Section(row.anchor, title, int(row.rank > 2), 0, has_emoji=emoji))
        elif sections:
            count = int(isinstance(row.block, Story))
            sections[-1] = replace(sections[-1], stories=sections[-1].stories + count, is_leaf=True)
    colours = section_classes(section.title for section in sections if section.stories)
    return tuple(replace(section, colour=colours.get(section.title, "")) for section in sections)
