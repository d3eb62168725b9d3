"""Keep the search's files in step with the issues: only the years in which something has changed are written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from newsletter.archive.entry import Entry
from newsletter.archive.issue_text import text_in
from newsletter.archive.pages import PageMaker
from newsletter.archive.search_index import (
    YearIndex,
    bucket_count,
    bucket_path,
    list_path,
    listed_paths,
    words_of_html,
)
from newsletter.archive.site_folder import SiteFolder
from newsletter.render.wording import written_date


class SearchWriter:
    """Takes the issues in the order of their days; a year's files are written when the next year begins."""

    def __init__(self, site: SiteFolder, maker: PageMaker) -> None:
        self._site = site
        self._maker = maker
        self._index: YearIndex | None = None
        self._shown: list[Sequence[str]] = []
        self._before: list[str] = []
        self._versions: list[tuple[str, str]] = []

    def add(self, entry: Entry, text: str | None) -> None:
        """`text` is the page's HTML where it was made anew, None where its words are those of the index before."""
        year = f"{entry.day.year:04}"
        if self._index is None or self._index.year != year:
            self._flush()
            self._index = YearIndex(year)
            self._before = self._listed(year)
        written = written_date(entry.day, self._maker.labels(entry.lang))
        self._shown.append(
            (entry.path, entry.headline, entry.day.isoformat(), written, entry.lang, entry.direction, entry.description)
        )
        if text is None and entry.path in self._before:
            self._index.keep(entry.path)
            return
        page = text_in(self._site.read(entry.path) or "") or "" if text is None else text
        words = (entry.title, entry.headline, entry.description, entry.author, *entry.tags, words_of_html(page))
        self._index.add(entry.path, "\n".join(words))

    def finish(self) -> tuple[tuple[str, str], ...]:
        """The years that can be searched, the newest first, each with what changes when its files do."""
        self._flush()
        return tuple(reversed(self._versions))

    def _listed(self, year: str) -> list[str]:
        """What the index before has of a year; nothing where one of its files is not as it was left."""
        paths = listed_paths(self._site.read(list_path(year)) or "")
        whole = all(self._site.has(bucket_path(year, number)) for number in range(bucket_count(len(paths))))
        return paths if whole else []

    def _flush(self) -> None:
        index, self._index = self._index, None
        if index is None:
            return
        before = self._before
        buckets = [bucket_path(index.year, number) for number in range(bucket_count(len(before)))]
        if before != index.paths or len(index.kept) < len(index.paths):
            index.take_over(before, (text for path in buckets if (text := self._site.read(path))) if index.kept else ())
            made = dict(index.files(self._shown))
        else:
            listed, *_ = index.files(self._shown)
            made = dict([listed])
            for path in buckets:
                self._site.reuse(path)
        for path, text in made.items():
            self._site.put(path, text.encode())
        digest = hashlib.sha256()
        for path in (
            list_path(index.year),
            *(bucket_path(index.year, n) for n in range(bucket_count(len(index.paths)))),
        ):
            digest.update(self._site.digest_of(path).encode())
        self._versions.append((index.year, digest.hexdigest()[:8]))
        self._shown = []
