"""The rows of an issue, and the sections of its table of contents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from newsletter.frozen import frozen
from newsletter.model.issue import Block, Heading, Issue, Story, Summary, plain_text
from newsletter.render.section_colours import EMOJI_FIRST, section_classes
from newsletter.render.wording import lead_words


@frozen
class Row:
    """One top-level block, with what its partial needs to know about its neighbours."""

    partial: str
    block: Block
    head: Heading | None = None
    rank: int = 0
    anchor: str = ""
    first: bool = False
    alt: str = ""
    mark: str = ""
    layout: Mapping[str, Any] = field(default_factory=dict)

    def laid_out(self, mark: str, layout: Mapping[str, Any]) -> Row:
        """The row with its mark and layout. `replace` takes twice as long, and a post may have 20,000 rows."""
        return Row(self.partial, self.block, self.head, self.rank, self.anchor, self.first, self.alt, mark, layout)


@frozen
class Section:
    """A line of the table of contents: a heading, its depth (0 or 1), and the number of stories after it.

    `colour` is the class of its own colour. `is_leaf`: it contains more than subheadings; `has_emoji`: its author gave
    it an emoji.
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
    """The table of contents. Anchors work in most webmail; elsewhere it is still an overview."""
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
