"""Regroup the stories of several issues by section: each told once, the best first. Pure.

What is no story stays with its heading: a passage of paragraphs, lists, quotes or pictures is one item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from newsletter.frozen import frozen
from newsletter.model.issue import Block, Blocks, Footnotes, Heading, Issue, Rule, Story, Summary, plain_text
from newsletter.model.transform import words_of
from newsletter.pipeline.same_story import page_of, repeated


@frozen
class Source:
    """An issue that a digest is made of. `path` is its post's, for messages."""

    issue: Issue
    day: date
    path: str


@frozen
class Item:
    """A story, or a passage with its heading, and the number of the issue that it is from."""

    source: int
    block: Story | None
    passage: Blocks = ()
    is_top: bool = False

    @property
    def line(self) -> int | None:
        first = self.block or next(iter(self.passage), None)
        return first.line if first else None


@frozen
class Section:
    title: str
    items: tuple[Item, ...]


@frozen
class Retold:
    """A story that another one tells."""

    item: Item
    kept: Item


@frozen
class Regrouped:
    """The sections of a digest; `retold` were left out as told already, `dropped` are blocks with no place in one."""

    sections: tuple[Section, ...]
    retold: tuple[Retold, ...] = ()
    dropped: tuple[tuple[int, Block], ...] = ()


@dataclass(slots=True)
class _Draft:
    title: str
    items: list[Item] = field(default_factory=list)


def regroup(sources: Sequence[Source]) -> Regrouped:
    """Stories under their section's heading, sections in the order in which the issues first have them.

    What the author put on top comes first in its section, and its section first; then the days in order.
    """
    dropped: list[tuple[int, Block]] = []
    found = [(title, item) for number in range(len(sources)) for title, item in _items(sources, number, dropped)]
    kept, retold = _told_once(found)
    titles = {_key(title) for title, _ in kept}
    drafts: dict[str, _Draft] = {}
    for title, item in kept:
        name = _general(title, titles)
        drafts.setdefault(_key(name), _Draft(name)).items.append(item)
    sections = [
        Section(draft.title, tuple(sorted(draft.items, key=lambda item: not item.is_top))) for draft in drafts.values()
    ]
    sections.sort(key=lambda section: not any(item.is_top for item in section.items))
    return Regrouped(tuple(sections), tuple(retold), tuple(dropped))


# --- the items of one issue -------------------------------------------------------------------------------------------


def _items(sources: Sequence[Source], number: int, dropped: list[tuple[int, Block]]) -> Iterator[tuple[str, Item]]:
    """Each with its section's title. A heading with stories below it is a section; one without begins a passage."""
    issue = sources[number].issue
    parts = list(_parts(issue.blocks))
    has_stories = any(isinstance(block, Story) for _, blocks in parts for block in blocks)
    place = 0
    for heading, blocks in parts:
        title = plain_text(heading.inlines).strip() if heading else ""
        loose: list[Block] = []
        for block in blocks:
            if isinstance(block, Story):
                place += 1
                yield title, Item(number, block, is_top=_is_top(issue, place, block))
            elif isinstance(block, Summary | Footnotes | Rule):
                if isinstance(block, Summary):
                    dropped.append((number, block))
            else:
                loose.append(block)
        if not loose:
            continue
        if heading is None or any(isinstance(block, Story) for block in blocks):
            dropped += [(number, block) for block in loose]
        else:
            place += 1
            top = _is_top(issue, place, None, title)
            section = "" if has_stories else issue.title
            yield section, Item(number, None, (heading, *loose), is_top=top)


def _parts(blocks: Blocks) -> Iterator[tuple[Heading | None, list[Block]]]:
    """Each heading with the blocks until the next one."""
    heading: Heading | None = None
    below: list[Block] = []
    for block in blocks:
        if isinstance(block, Heading):
            yield heading, below
            heading, below = block, []
        else:
            below.append(block)
    yield heading, below


def _is_top(issue: Issue, place: int, story: Story | None, title: str = "") -> bool:
    """Whether the front matter's `top` names it: true for all of a post, numbers of stories, words of their titles."""
    wanted = issue.extra.get("top")
    for each in wanted if isinstance(wanted, list | tuple) else (wanted,):
        if each is True or (isinstance(each, int) and not isinstance(each, bool) and each == place):
            return True
        if isinstance(each, str) and each.strip():
            words = plain_text(story.lead) or " ".join(words_of(story.body)) if story else title
            if each.strip().casefold() in words.casefold():
                return True
    return False


# --- once -------------------------------------------------------------------------------------------------------------


def _told_once(found: Sequence[tuple[str, Item]]) -> tuple[list[tuple[str, Item]], list[Retold]]:
    """The longest telling of each story, with the sources of all, where the first of them stood."""
    stories = [(place, item) for place, (_, item) in enumerate(found) if item.block is not None]
    same = repeated([(item.source, item.block) for _, item in stories if item.block is not None])
    groups: dict[int, list[int]] = {}
    for later, first in same.items():
        groups.setdefault(first, [first]).append(later)
    kept = dict(enumerate(found))
    retold: list[Retold] = []
    for first, places in groups.items():
        items = [stories[place][1] for place in places]
        best = max(items, key=lambda item: _length(item.block))
        merged = _with_sources(best, items)
        kept[stories[first][0]] = (found[stories[first][0]][0], merged)
        for place, item in zip(places, items, strict=True):
            if place != first:
                del kept[stories[place][0]]
            if item is not best:
                retold.append(Retold(item, best))
    return [kept[place] for place in sorted(kept)], retold


def _length(story: Story | None) -> int:
    return sum(map(len, words_of((story,)))) if story else 0


def _with_sources(best: Item, items: Iterable[Item]) -> Item:
    """The telling, with the sources that only the others have behind its own."""
    assert best.block is not None  # noqa: S101 - a group has stories only
    links = list(best.block.links)
    pages = {page_of(link.href) or link.href for link in links}
    for item in items:
        for link in item.block.links if item.block else ():
            page = page_of(link.href) or link.href
            if page not in pages:
                pages.add(page)
                links.append(link)
    return replace(best, block=replace(best.block, links=tuple(links)), is_top=any(item.is_top for item in items))


# --- sections ---------------------------------------------------------------------------------------------------------

_PARTED = re.compile("[:：]")


def _key(title: str) -> str:
    return re.sub(r"[\W_]+", "", title).casefold()


def _general(title: str, titles: set[str]) -> str:
    """`News: Models` belongs to `News`, where another issue has that."""
    name = _PARTED.split(title, 1)[0].strip()
    return name if name and name != title and _key(name) in titles else title
