"""The text of an issue as a page has it: contents, then blocks. The frame is drawn around it, now or later.

Marks enclose both parts, so that a page gives its text back when only its frame changes, or its post is gone. No text
of an issue can hold them: its `<` are escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from newsletter.archive.blocks import COLUMN, BlockWriter
from newsletter.archive.inline import element, inline, joined, picture
from newsletter.archive.nobody import without_fields_html
from newsletter.model.issue import Heading, Issue, Story, Summary, plain_text
from newsletter.model.issue_name import slug_of
from newsletter.render.direction import direction_of
from newsletter.render.issue_rows import Row, Section, issue_rows, sections_of
from newsletter.render.wording import count_label

MIN_CONTENTS = 3
"""Sections from which on a page begins with its contents."""

_CONTENTS = (Markup("<!--contents-->"), Markup("<!--/contents-->"))
_TEXT = (Markup("<!--text-->"), Markup("<!--/text-->"))


def issue_text(issue: Issue, labels: Mapping[str, Any]) -> tuple[Markup, Markup]:
    """Contents, empty where there are few sections, and text; nobody's fields, each between its marks."""
    rows = issue_rows(issue)
    sections = {section.anchor: section for section in sections_of(rows)}
    anchors = _anchors(rows)
    writer = BlockWriter(labels, direction_of(issue), issue.stories)
    parts: list[Markup] = [_hero(issue)] if issue.hero else []
    for row in rows:
        block = row.block
        match block:
            case Heading():
                writer.level = min(row.rank + 1, 5)
                parts.append(_heading(row, block, sections.get(row.anchor), anchors))
            case Summary():
                parts.append(_summary(row, writer, labels))
            case _:
                parts.append(writer.block(block))
    text = element(
        "div", _with_anchors_once(joined(parts)), class_="text", dir="rtl" if writer.direction == "rtl" else None
    )
    contents = _contents(rows, sections, anchors, labels)
    return (
        _between(_CONTENTS, without_fields_html(contents, issue)),
        _between(_TEXT, without_fields_html(text, issue)),
    )


def _with_anchors_once(text: Markup) -> Markup:
    """A note that is referred to twice leads back to the first place: an anchor is there once."""
    seen: set[str] = set()

    def kept(found: re.Match[str]) -> str:
        is_first = found[1] not in seen
        seen.add(found[1])
        return found[0] if is_first else ""

    return Markup(_REFERENCE.sub(kept, text))  # noqa: S704 (was markup)


_REFERENCE = re.compile(r' id="(r\d+)"')


def contents_in(page: str) -> Markup | None:
    """The contents of a page that was made by `issue_text`, with its marks; None where there are none."""
    return _read(page, _CONTENTS)


def text_in(page: str) -> Markup | None:
    return _read(page, _TEXT)


def _between(marks: tuple[Markup, Markup], content: Markup) -> Markup:
    return marks[0] + content + marks[1]


def _read(page: str, marks: tuple[Markup, Markup]) -> Markup | None:
    start, end = page.find(marks[0]), page.find(marks[1])
    return Markup(page[start : end + len(marks[1])]) if 0 <= start < end else None  # noqa: S704 (our own page)


def _anchors(rows: Sequence[Row]) -> Mapping[str, str]:
    """An anchor for each heading by its words, which stays when sections are put before it."""
    found: dict[str, str] = {}
    for row in rows:
        if isinstance(row.block, Heading) and row.anchor:
            name, number = f"s-{slug_of(plain_text(row.block.inlines))}", 1
            while name in found.values():
                number += 1
                name = f"s-{slug_of(plain_text(row.block.inlines))}-{number}"
            found[row.anchor] = name
    return found


def _heading(row: Row, block: Heading, section: Section | None, anchors: Mapping[str, str]) -> Markup:
    words = inline(block.inlines)
    name = f"h{min(row.rank, 6)}"
    anchor = anchors.get(row.anchor)
    if section is None or not section.stories or row.rank > 3:
        return element(name, words, id=anchor)
    count = element("span", str(section.stories)) if section.stories > 1 else Markup("")
    return element(name, words + Markup(" ") + count, id=anchor, class_=f"sec {section.colour}")


def _summary(row: Row, writer: BlockWriter, labels: Mapping[str, Any]) -> Markup:
    head = element("h2", inline(row.head.inlines)) if row.head else Markup("")
    return element("section", head + writer.block(row.block), class_="summary")


def _contents(
    rows: Sequence[Row], sections: Mapping[str, Section], anchors: Mapping[str, str], labels: Mapping[str, Any]
) -> Markup:
    shown = [section for section in sections.values() if section.is_leaf]
    if len(shown) < MIN_CONTENTS:
        return Markup("")
    title = str(labels["in_this_issue"])
    lines: list[Markup] = []
    for section in shown:
        words = Markup("{}").format(section.title)
        if section.stories:
            spoken = count_label(labels, "stories", section.stories)
            words += Markup(' <span title="{}">{}</span>').format(spoken, section.stories)
        lines.append(element("li", element("a", words, href=f"#{anchors[section.anchor]}")))
    head = element("h2", title)
    return element("nav", element("div", head + element("ul", joined(lines))), class_="contents", aria_label=title)


def _hero(issue: Issue) -> Markup:
    assert issue.hero is not None  # noqa: S101 - for the type checker
    narrow = issue.hero.width is not None and issue.hero.width < COLUMN
    drawn = picture(issue.hero, issue.title, COLUMN, eager=True)
    return element("figure", drawn, class_="hero small-picture" if narrow else "hero")


def first_picture(issue: Issue) -> str:
    """The picture that stands for an issue: its hero, else the first in its text; no icon. Empty without any."""
    shown = (image for image in issue.images if not (image.width and image.width < ICON))
    return next((image.src for image in shown if isinstance(image.src, str)), "")


ICON = 200
"""Pixels; a narrower picture is a badge or a face."""


def has_stories(issue: Issue) -> bool:
    return any(isinstance(block, Story) for block in issue.blocks)
