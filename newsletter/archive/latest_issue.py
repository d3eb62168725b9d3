"""The newest issue that everybody may read: out of the archive as it was built, else a post on the author's site."""

from __future__ import annotations

from datetime import UTC, date
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from newsletter.archive.entry import Entry
from newsletter.archive.find_posts import PostFinder
from newsletter.archive.make_entry import make_entry
from newsletter.archive.manifest import FILE_NAME, read_manifest
from newsletter.archive.read_issue import day_of, is_same_issue, issue_of
from newsletter.config.config import Config
from newsletter.errors import ContentError
from newsletter.files import open_regular
from newsletter.frozen import frozen
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.sent_issues import SentIssue, sent_issues
from newsletter.model.archive_address import address_of
from newsletter.pipeline.render_post import archived_address, is_archived, site_of, zone_of
from newsletter.render.themes.load import load_theme
from newsletter.render.wording import choose_labels

MOST_TRIED = 5
"""Issues whose posts are looked for, the newest first: each is read from the disk."""


@frozen
class LatestIssue:
    """An issue on the web, as nobody's columns make it.

    `url` is its public page. `path` and `picture` are below the archive's folder, empty for an issue that it lacks.
    """

    headline: str
    description: str
    lang: str
    direction: Literal["ltr", "rtl"]
    day: date
    url: str
    path: str = ""
    picture: str = ""


def latest_issue(config: Config, storage: Storage) -> LatestIssue | None:
    """None where no issue is on the web: one that went out by mail alone is not shown to strangers.

    Raises LedgerError or ConfigError.
    """
    folder = config.archive_folder
    return (_in_archive(config, folder) if folder is not None else None) or _on_site(config, storage)


def _in_archive(config: Config, folder: Path) -> LatestIssue | None:
    try:
        with open_regular(folder / FILE_NAME) as file:
            manifest = read_manifest(file.read())
    except OSError:
        return None
    entries = [record.entry for record in manifest.issues.values()] if manifest else []
    if not entries:
        return None
    newest = max(entries, key=lambda entry: (entry.sent, entry.name))
    # A picture that is elsewhere on the web stays there: the pages load nothing from others.
    picture = quote(newest.picture) if "://" not in newest.picture else ""
    return _shown(newest, address_of(config.archive_url, newest.path), quote(newest.path), picture)


def _on_site(config: Config, storage: Storage) -> LatestIssue | None:
    own = config.sample_sender.list_id
    with storage.read() as db:
        sent = [each for each in sent_issues(db) if each.identity.newsletter in ("", own)]
    finder = PostFinder(config)
    newest = reversed(sent[-MOST_TRIED:])
    return next((found for each in newest if (found := _published(each, config, finder))), None)


def _published(sent: SentIssue, config: Config, finder: PostFinder) -> LatestIssue | None:
    post = finder.find(sent)
    if post is None:
        return None
    try:
        issue = issue_of(post, config, site_of(config))
    except ContentError:
        return None
    url = archived_address(issue, config, sent.segment) or issue.url
    if not url or not is_archived(issue, config, sent.segment) or not is_same_issue(issue, sent, post):
        return None
    labels = load_theme(config.settings.theme.name, config.root).labels
    entry = make_entry(
        issue,
        name=sent.issue,
        newsletter=config.settings.newsletter.name,
        day=day_of(sent, zone_of(config) or UTC),
        sent=sent.sent,
        corrected=None,
        number="",
        labels=choose_labels(labels, issue.lang, config.settings.labels),
    )
    return _shown(entry, url)


def _shown(entry: Entry, url: str, path: str = "", picture: str = "") -> LatestIssue:
    return LatestIssue(entry.headline, entry.description, entry.lang, entry.direction, entry.day, url, path, picture)
