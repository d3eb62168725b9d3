"""Find the posts of a folder that are due: dated, published, not yet sent, neither too new nor too old."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, partial
from pathlib import Path
from typing import Literal

from newsletter.config.config import Config
from newsletter.config.site_generator import posts_folder
from newsletter.errors import ConfigError, ContentError, InvalidValueError, located
from newsletter.files import files_below, is_folder, is_there
from newsletter.frozen import frozen
from newsletter.ledger.identity import same_post_elsewhere
from newsletter.ledger.ledger import Ledger
from newsletter.model.issue import Issue
from newsletter.model.issue_name import Identity, differences
from newsletter.model.send_window import SendWindow, window_of
from newsletter.pipeline.own_folders import is_own_mail
from newsletter.pipeline.read_post_file import open_post
from newsletter.pipeline.render_post import parse_in_place, zone_of
from newsletter.pipeline.send_result import left_of
from newsletter.pipeline.template_sentences import is_untouched
from newsletter.post.front_keys import canonical
from newsletter.post.front_matter import FrontMatter, read_front_matter
from newsletter.post.own_keys import own_entries, own_time
from newsletter.post.parse import decode_post
from newsletter.post.post_dates import named_day, read_date
from newsletter.post.publication import due_moment, held_findings
from newsletter.post.templating.placeholders import unmark

Status = Literal["due", "begun", "sent", "renamed", "draft", "future", "old", "undated", "unreadable"]
"""What to do about a post: `due` and `begun` are sent, `unreadable` is a fault, the others are skipped."""

SUFFIXES = frozenset({".md", ".markdown"})
MISSED = timedelta(days=7)
"""A post that became too old without being sent is reported for this long; later it belongs to the archive."""

_ZONES = timedelta(days=2)
"""More than the largest difference of two zones plus a day: a post that is older is old in every zone."""


@frozen
class FoundPost:
    """A post and its status. `since` is when it was due, None if unknown; `issue` its name.

    `is_template`: it only contains the text that `init` or `new` wrote.
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


@frozen
class Found:
    """The posts to report, those to be sent first, by date; `archived` counts older ones."""

    folder: str
    posts: tuple[FoundPost, ...]
    archived: int = 0

    @property
    def due(self) -> tuple[FoundPost, ...]:
        return tuple(post for post in self.posts if post.goes_out)


def posts_place(config: Config, named: Path | None) -> Path:
    """The folder to search: the given one, else [publish] `posts`, else the site's. ConfigError if there is none."""
    folder = wanted_place(config, named)
    if not is_folder(folder):
        what = "is not a folder" if is_there(folder) else "there is no such folder"
        raise ConfigError(located(str(folder), None, what, "name the folder of posts, or set [publish] posts"))
    return folder


def wanted_place(config: Config, named: Path | None) -> Path:
    """The same, whether or not it is there yet."""
    keys = config.settings.publish
    source = config.settings.site.source
    home = config.root / source if source else config.root
    return named or (config.root / keys.posts if keys.posts else home / posts_folder(home))


def find_due(
    folder: Path,
    config: Config,
    ledger: Ledger | None,
    now: datetime,
    max_age: timedelta,
    is_known_old: Callable[[Path], bool] = lambda path: False,
) -> Found:
    """Every post of the folder and its subfolders. Reads the ledger, if there is one, and changes nothing.

    `is_known_old` spares reading a post of which the caller knows that it `is_archived`. Raises ConfigError if the
    folder is unreadable; an unreadable post is one of `posts`.
    """
    zone = zone_of(config)
    posts: list[FoundPost] = []
    archived = 0
    is_no_issue = cache(lambda place: is_own_mail(place, config.root))
    for path in post_files(folder):
        if is_no_issue(path.parent):
            continue
        found = None if is_known_old(path) else _status_of(path, config, ledger, now, max_age, zone)
        if found is None:
            archived += 1
        else:
            posts.append(found)
    latest = datetime.max.replace(tzinfo=UTC)
    posts.sort(key=lambda post: (not post.goes_out, post.since or latest, post.path))
    return Found(str(folder), _without_copies(posts), archived)


def _without_copies(posts: list[FoundPost]) -> tuple[FoundPost, ...]:
    """Of several due posts with one title and day, keep only the first."""
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


def post_files(folder: Path) -> Iterator[Path]:
    """Skips hidden folders and those of site generators."""
    try:
        for path in files_below(folder, enters=lambda name: not name.startswith(".") and name != "node_modules"):
            if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
                yield path
    except OSError as error:
        raise ConfigError(
            located(error.filename, None, f"cannot be read ({error.strerror})", "check its permissions")
        ) from error


def _status_of(
    path: Path, config: Config, ledger: Ledger | None, now: datetime, max_age: timedelta, zone: tzinfo | None
) -> FoundPost | None:
    """The status of a post; None for one of the archive, even if it has faults."""
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
        if day is not None and is_archived(day, oldest):
            return None
        issue = parse_in_place(text, name, folder, config).issue
        window = _window(front, values.get("newsletter"), name, config, zone)
    except ContentError as error:
        if day is not None and is_archived(day, oldest):
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


def is_archived(day: date, oldest: datetime) -> bool:
    """Whether a post of this day is too old for any mention, in every zone; `oldest` is of the posts that are sent."""
    return day < (oldest - MISSED - _ZONES).date()


def _in_ledger(issue: Issue, config: Config, ledger: Ledger) -> tuple[Status, str] | None:
    """The ledger's status of the post; None if it was never sent, or the name belongs to another post."""
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
    # A title changed after the send is the same issue; another day or name is another post, which `send` reports.
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
