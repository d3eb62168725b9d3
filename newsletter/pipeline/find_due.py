"""Find the posts of a folder that are due: dated, published, not yet sent, neither too new nor too old."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path, PurePath
from typing import Literal

from newsletter.config.config import Config
from newsletter.config.site_generator import posts_folder
from newsletter.errors import ConfigError, ContentError, InvalidValueError, located
from newsletter.files import is_folder, is_there
from newsletter.ledger.identity import same_post_elsewhere
from newsletter.ledger.ledger import Ledger
from newsletter.model.issue import Issue
from newsletter.model.issue_name import Identity, differences
from newsletter.model.send_window import SendWindow, window_of
from newsletter.pipeline.read_post_file import open_post
from newsletter.pipeline.render_post import folders_of, site_of, zone_of
from newsletter.pipeline.send_result import left_of
from newsletter.pipeline.template_sentences import is_untouched
from newsletter.post.front_keys import canonical
from newsletter.post.front_matter import FrontMatter, read_front_matter
from newsletter.post.own_keys import own_entries, own_time
from newsletter.post.parse import decode_post, parse_post
from newsletter.post.post_dates import named_day, read_date
from newsletter.post.publication import due_moment, held_findings
from newsletter.post.templating.placeholders import unmark

Status = Literal["due", "begun", "sent", "renamed", "draft", "future", "old", "undated", "unreadable"]
"""What is to be done about a post: `due` and `begun` go out, `unreadable` is a fault, the others are left alone."""

SUFFIXES = frozenset({".md", ".markdown"})
MISSED = timedelta(days=7)
"""For so long after it became too old a post that was never sent is named; later it is the archive's."""

_ZONES = timedelta(days=2)
"""More than two zones are apart, and a day: what is older than this is old wherever it was written."""


@dataclass(frozen=True, slots=True)
class FoundPost:
    """A post and its status. `since` is when it was due, None where that is unknown; `issue` its name.

    `is_template`: all that it says is what `init` or `new` wrote.
    """

    path: str
    status: Status
    reason: str
    issue: str = ""
    since: datetime | None = None
    title: str = ""
    window: SendWindow = field(default_factory=SendWindow)
    is_template: bool = False

    @property
    def goes_out(self) -> bool:
        return self.status in ("due", "begun")


@dataclass(frozen=True, slots=True)
class Found:
    """The posts worth naming, those that go out first and in the order of their dates; `archived` are older still."""

    folder: str
    posts: tuple[FoundPost, ...]
    archived: int = 0

    @property
    def due(self) -> tuple[FoundPost, ...]:
        return tuple(post for post in self.posts if post.goes_out)


def posts_place(config: Config, named: Path | None) -> Path:
    """The folder to look through: the one named, else [publish] `posts`, else the site's. ConfigError for none."""
    keys = config.settings.publish
    source = config.settings.site.source
    home = config.root / source if source else config.root
    folder = named or (config.root / keys.posts if keys.posts else home / posts_folder(home))
    if not is_folder(folder):
        what = "is not a folder" if is_there(folder) else "there is no such folder"
        raise ConfigError(located(str(folder), None, what, "name the folder of posts, or set [publish] posts"))
    return folder


def find_due(folder: Path, config: Config, ledger: Ledger | None, now: datetime, max_age: timedelta) -> Found:
    """Every post of the folder and the folders in it. Reads the ledger, where there is one, and changes nothing.

    Raises ConfigError where the folder cannot be read; a post that cannot be is one of `posts`.
    """
    zone = zone_of(config)
    posts: list[FoundPost] = []
    archived = 0
    for path in _post_files(folder):
        found = _status_of(path, config, ledger, now, max_age, zone)
        if found is None:
            archived += 1
        else:
            posts.append(found)
    latest = datetime.max.replace(tzinfo=UTC)
    posts.sort(key=lambda post: (not post.goes_out, post.since or latest, post.path))
    return Found(str(folder), _without_copies(posts), archived)


def _without_copies(posts: list[FoundPost]) -> tuple[FoundPost, ...]:
    """Of several that would go out with one title and day only the first does."""
    first: dict[tuple[str, date], str] = {}
    kept: list[FoundPost] = []
    for post in posts:
        if post.goes_out and post.since is not None and not post.is_template:
            path = first.setdefault((post.title, post.since.date()), post.path)
            if path != post.path:
                post = replace(post, status="renamed", reason=f"it has the title and the date of {path}, {_COPY}")
        kept.append(post)
    return tuple(kept)


_COPY = "which goes out; `newsletter send` mails this one, too, where it is none of its copies"


def _post_files(folder: Path) -> Iterator[Path]:
    """Hidden folders, and those of programs that build sites, hold no posts."""

    def fail(error: OSError) -> None:
        raise ConfigError(
            located(error.filename, None, f"cannot be read ({error.strerror})", "check its permissions")
        ) from error

    for place, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        for name in sorted(names):
            if PurePath(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(place, name)


def _status_of(
    path: Path, config: Config, ledger: Ledger | None, now: datetime, max_age: timedelta, zone: tzinfo | None
) -> FoundPost | None:
    """The status of a post; None for one of the archive, even where something is wrong with it."""
    name = str(path)
    oldest = now - max_age
    day = named_day(path.stem)
    try:
        _, data, folder = open_post(name, io.BytesIO())
        text = decode_post(data, name)
        front = read_front_matter(text, name)
        values = canonical(front.values)
        written = values.get("date")
        day = (read_date(written) if written is not None else None) or day
        if day is not None and _is_archived(day, oldest):
            return None
        issue = parse_post(
            text,
            path=name,
            site=site_of(config),
            language=config.settings.newsletter.language,
            folder=folders_of(folder, config.root),
        ).issue
        window = _window(front, values.get("newsletter"), name, config, zone)
    except ContentError as error:
        if day is not None and _is_archived(day, oldest):
            return None
        return FoundPost(name, "unreadable", str(error))
    title = unmark(issue.title, issue)
    made = partial(FoundPost, name, issue=issue.slug, since=due_moment(issue, zone), title=title, window=window)
    since = made.keywords["since"]
    held = held_findings(issue, now, zone, text)
    if held and held[0].code != "date-future":
        return made("draft", held[0].what)
    if since is None:
        return made("undated", "it has no date, so that nobody knows when it is due; write date: 2026-03-01")
    if held:
        return made("future", held[0].what)
    if ledger is not None and (known := _in_ledger(issue, config, ledger)):
        return made(*known)
    if since >= oldest:
        return made("due", "it is due, and nobody has it yet", is_template=is_untouched(text))
    days = (now - since) / timedelta(days=1)
    if since < oldest - MISSED:
        return None
    return made("old", f"it was never sent, and is {days:.0f} days old, more than --max-age allows")


def _is_archived(day: date, oldest: datetime) -> bool:
    return day < (oldest - MISSED - _ZONES).date()


def _in_ledger(issue: Issue, config: Config, ledger: Ledger) -> tuple[Status, str] | None:
    """What the ledger says of the post; None where it has never gone out, or is another one of that name."""
    title = unmark(issue.title, issue)
    mine = Identity(title, issue.date, issue.name, config.sample_sender.list_id)
    known = ledger.identity(issue.slug)
    if known is None or not known.reached:
        with ledger.storage.read() as db:
            other = same_post_elsewhere(db, issue.slug, mine)
        if other is not None:
            what = f"it was sent as the issue {other}, with this title and date: a post that was renamed goes out once"
            return "renamed", what
        return None
    # A title that is mended after the send is the same issue; another day or name is another post, which `send` says.
    if differences(known.identity, mine) - {"title"}:
        return None
    left = left_of(ledger.counts(issue.slug))
    if left:
        return "begun", f"it was begun, and {left:,} are left"
    return "sent", "it was sent"


def _window(front: FrontMatter, own: object, name: str, config: Config, zone: tzinfo | None) -> SendWindow:
    keys = config.settings.publish
    said = own if isinstance(own, dict) else {}
    entries = own_entries(front)
    settings = {"send_at": keys.send_at, "latest": keys.latest}
    times = {**settings, **{key: own_time(said, entries, key) for key in settings if key in said}}
    try:
        return window_of(times["send_at"], times["latest"], zone)
    except InvalidValueError as fault:
        entry = entries.get(fault.what.partition(" ")[0])
        line = entry.line if entry else None
        raise ContentError(located(name, line, f"newsletter: {fault.what}", fault.remedy)) from fault
