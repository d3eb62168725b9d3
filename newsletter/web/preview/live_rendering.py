"""Render the post from the current files, or report why that fails.

An error never discards the last good rendering. Methods may be called from any thread; renderings run one at a time.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from newsletter.audience.audience import Audience
from newsletter.audience.read_audience import is_sign_ups, require_people
from newsletter.check.check_post import findings_of
from newsletter.check.fix_post import FixResult, fix_post, fixable
from newsletter.config.config import FILE_NAME, Config
from newsletter.config.jekyll_site import CONFIG as BLOG_FILE
from newsletter.errors import NewsletterError
from newsletter.frozen import frozen
from newsletter.message.variants import answers
from newsletter.model.column_rules import Rule
from newsletter.model.findings import Finding
from newsletter.model.rendered_email import Email
from newsletter.pipeline.list_sources import read_lists
from newsletter.pipeline.read_post_file import open_post
from newsletter.pipeline.render_post import SAMPLE, Rendering, render_post
from newsletter.post.templating.conditions import Condition
from newsletter.render.images.resolve import ImageMode
from newsletter.render.themes.folders import template_roots

Answers = tuple[bool, ...]
Mark = tuple[int, int, int]
"""A file's modification time, size and inode; zeros for a missing file."""

KEPT_VARIANTS = 32
"""The cache size of rendered variants per revision; a post with many conditions has thousands of variants."""

_PICTURE_END = re.compile(r"\.(?:png|jpe?g|gif|webp|svg|avif)\b", re.IGNORECASE)
_BEFORE_NAME = re.compile(r"[\s()\"'<>\[\]|]")
_MAX_NAME = 300


@frozen
class Snapshot:
    """One revision. `rendering`, `config` and `audience` are the last good ones, `source` is the current post; `path`
    is its name in messages.

    `error` is why `rendering` is older than the files; `findings` is None until they are computed.
    """

    revision: int = 0
    path: str = ""
    rendering: Rendering | None = None
    config: Config | None = None
    audience: Audience | None = None
    source: str = ""
    error: str = ""
    error_line: int | None = None
    """The line of the error in the post; None if it is in another file, or has no line."""

    findings: tuple[Finding, ...] | None = None
    mendable: frozenset[tuple[str, int | None]] = frozenset()
    """Rule and line of the findings that can be mended by themselves."""


class LiveRendering:
    """Reads and renders one post.

    `load` returns the current configuration; `to` is a list, `@signups`, or None; `columns` are rules for columns of
    the list.
    """

    def __init__(
        self,
        post: Path,
        load: Callable[[], Config],
        *,
        to: Path | str | None = None,
        columns: Sequence[Rule] = (),
        images: ImageMode | None = None,
    ) -> None:
        self.post = post
        self.to = to
        self.columns = tuple(columns)
        self.images = images
        self._load = load
        self._rendering = threading.RLock()
        self._list: tuple[tuple[Mark | None, Mapping[str, Rule]], Audience] | None = None
        self._others: dict[tuple[int, Answers], Email] = {}
        self._looked_at: Answers | None = None
        self._seen: dict[Path, Mark] = {}

    # --- rendering

    def render(self, last: Snapshot) -> Snapshot:
        """The next revision, from the current files."""
        with self._rendering:
            seen = {path: _mark(path) for path in self._watched(last)}
            self._seen = {**self._seen, **seen}  # watched even if reading them fails
            snapshot = self._read(replace(last, revision=last.revision + 1, error="", error_line=None, findings=None))
            # The files to watch from now on, with their marks from before they were read if known.
            self._seen = seen | {path: _mark(path) for path in self._watched(snapshot) if path not in seen}
            return snapshot

    def _read(self, snapshot: Snapshot) -> Snapshot:
        snapshot = replace(snapshot, path=str(self.post), source=self._read_source())
        try:
            config = self._load()
            audience = self._read_list(config)
            rendering = render_post(
                str(self.post),
                config,
                audience,
                images=self.images,
                choose=lambda conditions: [self._looked_at_of(conditions, audience)],
            )
        except NewsletterError as error:
            line = next((fault.line for fault in error.faults if fault.path == snapshot.path), None)
            return replace(snapshot, error=str(error), error_line=line)
        self._others.clear()
        return replace(snapshot, rendering=rendering, config=config, audience=audience)

    def inspect(self, snapshot: Snapshot) -> Snapshot:
        """The same revision with its findings."""
        if snapshot.rendering is None or snapshot.config is None:
            return replace(snapshot, findings=())
        found = findings_of(snapshot.rendering, snapshot.config)
        return replace(snapshot, findings=found, mendable=fixable(snapshot.rendering, snapshot.config))

    def fix(self, snapshot: Snapshot) -> FixResult:
        """Mend what can be mended in the file; whoever watches it renders it anew. Raises ContentError, ConfigError."""
        if snapshot.config is None:
            raise LookupError("there is no rendering yet")
        return fix_post(str(self.post), snapshot.config)

    def email_for(self, snapshot: Snapshot, chosen: Answers) -> Email:
        """The variant with these condition results; rendered on first use.

        Raises ContentError or ConfigError if the files have become invalid since.
        """
        rendering = snapshot.rendering
        if rendering is None or snapshot.config is None:
            raise LookupError("there is no rendering yet")
        self._looked_at = chosen
        key = (snapshot.revision, chosen)
        email = rendering.variants.emails.get(chosen) or self._others.get(key)
        if email is not None:
            return email
        with self._rendering:
            again = render_post(
                str(self.post),
                snapshot.config,
                snapshot.audience,
                images=self.images,
                choose=lambda conditions: [chosen] if len(conditions) == len(chosen) else [],
            )
            # Saved at this very moment with other conditions: the next revision will have its own variants.
            email = again.variants.emails.get(chosen, again.email)
            while len(self._others) >= KEPT_VARIANTS:
                del self._others[next(iter(self._others))]
            self._others[key] = email
        return email

    def others(self) -> tuple[Email, ...]:
        """The variants that were rendered on demand."""
        return tuple(self._others.values())

    def _looked_at_of(self, conditions: Sequence[Condition], audience: Audience | None) -> Answers:
        """The variant that the page will request next: its last one, initially that of the list's first subscriber."""
        if self._looked_at is not None and len(self._looked_at) == len(conditions):
            return self._looked_at
        return answers(conditions, (audience.at(1) if audience else None) or SAMPLE)

    def _read_list(self, config: Config) -> Audience | None:
        if self.to is None:
            return None
        file = self._list_file
        mark = _mark(file) if file is not None else None
        asked = (mark, config.settings.subscribers.columns)
        if mark is None or self._list is None or self._list[0] != asked:  # sign-ups are read each time
            audience = read_lists(config, self.to, columns=self.columns)
            require_people(audience, str(self.to))
            self._list = asked, audience
        return self._list[1]

    @property
    def _list_file(self) -> Path | None:
        return Path(self.to) if self.to is not None and not is_sign_ups(str(self.to)) else None

    def _read_source(self) -> str:
        try:
            _, data, _ = open_post(str(self.post), sys.stdin.buffer)
        except NewsletterError:
            return ""
        # For display only: the error reports invalid bytes.
        text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}")

    # --- watched files ------------------------------------------------------------------------------------------------

    def has_changed(self, last: Snapshot) -> bool:
        """Whether a watched file has changed since it was last read."""
        return any(self._seen.get(path) != _mark(path) for path in self._watched(last))

    def folders(self, snapshot: Snapshot) -> tuple[Path, ...]:
        """The folders of the watched files. Whole folders, since many editors save by renaming a new file."""
        found = {path.parent for path in self._files(snapshot)} | set(self._theme_folders(snapshot))
        return tuple(sorted({folder.resolve() for folder in found if folder.is_dir()}))

    def _watched(self, snapshot: Snapshot) -> Iterator[Path]:
        """The post first: it is what changes most, and who finds a change looks no further."""
        yield from self._files(snapshot)
        for folder in self._theme_folders(snapshot):
            yield from _listed(folder)

    def _files(self, snapshot: Snapshot) -> tuple[Path, ...]:
        """The post, its configuration, its list, its blog's configuration, and all pictures that it may reference."""
        folder = self.post.parent
        files = [self.post, *(place / FILE_NAME for place in (folder, folder.absolute().parent, Path.cwd()))]
        files += [self._list_file] if self._list_file else []
        roots = [folder]
        if (config := snapshot.config) is not None:
            files += [config.path] if config.path else []
            roots.append(config.root)
            if config.settings.site.source:
                files.append(config.root / config.settings.site.source / BLOG_FILE)
        files += [root / name for root in roots for name in _pictures_named(snapshot.source)]
        return tuple(dict.fromkeys(files))

    def _theme_folders(self, snapshot: Snapshot) -> tuple[Path, ...]:
        root = snapshot.config.root if snapshot.config else self.post.parent
        places = [place for place in template_roots(root) if place.is_dir()]
        return tuple(dict.fromkeys([*places, *(path for place in places for path in _listed(place) if path.is_dir())]))


@lru_cache(maxsize=2)
def _pictures_named(source: str) -> tuple[str, ...]:
    """Everything in a post that looks like the path of a picture. Extra matches do no harm: they are only watched."""
    names: dict[str, None] = {}
    for found in _PICTURE_END.finditer(source):
        before = source[max(found.start() - _MAX_NAME, 0) : found.start()]
        name = _BEFORE_NAME.split(before)[-1] + found[0]
        if "//" not in name and "\0" not in name:
            names[unquote(name).lstrip("/")] = None
    return tuple(names)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _mark(path: Path) -> Mark:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return 0, 0, 0
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
