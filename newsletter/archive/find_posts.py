"""Find the post of an issue that went out: at its path, elsewhere in the project, or under another name."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import date
from functools import cached_property
from pathlib import Path, PurePath

from newsletter.config.config import Config
from newsletter.errors import ConfigError, ContentError
from newsletter.files import is_file
from newsletter.frozen import frozen
from newsletter.ledger.sent_issues import SentIssue
from newsletter.model.issue_name import is_folder_page, name_of_file, slug_of
from newsletter.pipeline.find_due import post_files, posts_place
from newsletter.pipeline.read_post_file import open_post
from newsletter.post.front_keys import canonical
from newsletter.post.front_matter import read_front_matter
from newsletter.post.parse import decode_post
from newsletter.post.post_dates import named_day, read_date
from newsletter.post.titles import plain_words


@frozen
class PostFile:
    """A post as it is now. `was_renamed`: its file has another name than when it was sent."""

    path: str
    data: bytes
    folder: Path
    was_renamed: bool = False


class PostFinder:
    def __init__(self, config: Config) -> None:
        self._config = config

    def find(self, sent: SentIssue) -> PostFile | None:
        """None where there is no such file, or it cannot be read."""
        place = self._same_name(sent)
        renamed = place is None
        place = place or self._by_title.get(_key(sent.identity.title, sent.identity.day))
        if place is None:
            return None
        try:
            path, data, folder = open_post(str(place), io.BytesIO())
        except ContentError:
            return None
        return PostFile(path, data, folder, renamed and bool(sent.post))

    def _same_name(self, sent: SentIssue) -> Path | None:
        if not sent.post:
            return self._by_name.get(sent.issue)
        written = Path(sent.post)
        if is_file(written):
            return written
        # Another machine, or a project that was moved: the longest end of the path that is below this project.
        parts = PurePath(sent.post.replace("\\", "/")).parts
        shortest = 2 if is_folder_page(written.stem) else 1
        for length in range(len(parts) - 1, shortest - 1, -1):
            if is_file(place := self._config.root.joinpath(*parts[-length:])):
                return place
        return self._by_name.get(sent.issue)

    # --- a folder that is looked through once, and only where a post is missing ---------------------------------------

    @cached_property
    def _posts(self) -> tuple[Path, ...]:
        try:
            return tuple(post_files(posts_place(self._config, None)))
        except ConfigError:
            return ()

    @cached_property
    def _by_name(self) -> Mapping[str, Path]:
        return {slug_of(name_of_file(path)): path for path in reversed(self._posts)}

    @cached_property
    def _by_title(self) -> Mapping[tuple[str, date] | None, Path]:
        found: dict[tuple[str, date] | None, Path] = {}
        for path in reversed(self._posts):
            try:
                name, data, _ = open_post(str(path), io.BytesIO())
                values = canonical(read_front_matter(decode_post(data, name), name).values)
            except ContentError:
                continue
            written = values.get("date")
            day = (read_date(written) if written is not None else None) or named_day(path.stem)
            if key := _key(plain_words(str(values.get("title") or "")), day):
                found[key] = path
        found.pop(None, None)
        return found


def _key(title: str, day: date | None) -> tuple[str, date] | None:
    words = " ".join(title.split())
    return (words, day) if words and day else None
