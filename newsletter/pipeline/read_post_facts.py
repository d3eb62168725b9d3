"""Read what posts say of themselves above their text, and remember it until a file changes.

A folder of a thousand posts is read in a few seconds, and then in the time that its listing takes.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from newsletter.config.config import Config
from newsletter.errors import ContentError
from newsletter.model.issue import Issue, Site
from newsletter.model.issue_name import is_folder_page, name_of_file, slug_of
from newsletter.pipeline.post_states import PostFacts
from newsletter.pipeline.read_post_file import open_post
from newsletter.pipeline.render_post import folders_of
from newsletter.post.front_matter import read_front_matter
from newsletter.post.metadata import read_metadata
from newsletter.post.parse import decode_post
from newsletter.post.post_dates import named_day
from newsletter.post.publication import held_findings
from newsletter.post.titles import title_of_name

_END = datetime.max.replace(tzinfo=UTC)
"""No date is later: what still holds a post back then is no date."""

Mark = tuple[int, int]


class PostFactsReader:
    """The facts of posts, by path. May be called from any thread, by one at a time."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Mark, PostFacts]] = {}

    def read(self, paths: Iterable[Path], config: Config, most: int | None = None) -> tuple[PostFacts, ...]:
        """The facts of each, in the given order. Of those that changed at most `most` are read, the first ones.

        Of the others the facts are a guess by their names.
        """
        found: list[PostFacts] = []
        seen: dict[Path, tuple[Mark, PostFacts]] = {}
        for path in paths:
            mark, (known_mark, known) = _mark(path), self._known.get(path, ((-1, -1), None))
            if known is None or known_mark != mark:
                if most is not None and most <= 0:
                    found.append(guess(path))
                    continue
                most = most - 1 if most is not None else None
                known = read_post_facts(path, config)
            seen[path] = mark, known
            found.append(known)
        self._known = seen
        return tuple(found)


def read_post_facts(path: Path, config: Config) -> PostFacts:
    """The facts of one post; what is wrong with its file or front matter is its `fault`."""
    name = str(path)
    try:
        _, data, folder = open_post(name, io.BytesIO())
        text = decode_post(data, name)
        front = read_front_matter(text, name)
        metadata = read_metadata(front, Site(), path=name, folder=folders_of(folder, config.root))
    except ContentError as error:
        return PostFacts(name, guess(path).head, fault=str(error))
    issue = metadata.own.get("issue", "") or metadata.file_name
    head = Issue(
        slug=slug_of(issue or metadata.title),
        name=issue,
        title=metadata.title or metadata.name_as_title,
        blocks=(),
        lang=metadata.lang,
        date=metadata.day,
        published=metadata.publication.published,
        draft=metadata.publication.draft or metadata.is_in_drafts,
        moment=metadata.publication.moment,
    )
    held = held_findings(head, _END, UTC, text)
    return PostFacts(name, head, held=held[0].what if held else "")


def guess(path: Path) -> PostFacts:
    """What the name of a file says."""
    name = name_of_file(path)
    title = title_of_name(path.parent.name if is_folder_page(path.stem) else path.stem)
    head = Issue(slug=slug_of(name), name=name, title=title, blocks=(), lang="", date=named_day(path.stem))
    return PostFacts(str(path), head, is_guess=True)


def _mark(path: Path) -> Mark:
    try:
        stat = os.stat(path)  # noqa: PTH116 - a thousand at once
    except (OSError, ValueError):
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
