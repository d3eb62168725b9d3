"""Build the archive: read what changed, draw the pages that depend on it, write the files that differ.

Issues stream by in the order of their days, each with its neighbours: a thousand take no more memory than three.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from markupsafe import Markup

from newsletter.archive.appearance import read_appearance
from newsletter.archive.draw_cards import Cards
from newsletter.archive.entry import Entry
from newsletter.archive.feeds import ISSUES, FeedItem, atom, json_feed, rss, sitemap
from newsletter.archive.find_posts import PostFinder
from newsletter.archive.issue_text import text_in
from newsletter.archive.manifest import IssueRecord
from newsletter.archive.pages import PageMaker
from newsletter.archive.read_issue import IssueReader, Reading, day_of, main_language
from newsletter.archive.site_folder import SiteFolder
from newsletter.archive.write_search import SearchWriter
from newsletter.config.config import Config
from newsletter.frozen import frozen
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.sent_issues import SentIssue, sent_issues
from newsletter.model.archive_address import issue_path
from newsletter.pipeline.render_post import zone_of
from newsletter.text import counted


@frozen
class ArchiveReport:
    """What a build did, or with `dry` would do. `left_out` has a sentence for each issue that is not shown."""

    folder: Path
    url: str
    issues: int
    written: tuple[str, ...]
    removed: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    dry: bool = False


@dataclass(slots=True)
class _Notes:
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def build_archive(
    config: Config,
    ledger: Ledger,
    folder: Path,
    *,
    url: str | None = None,
    dry: bool = False,
    on_issue: Callable[[int, int], None] = lambda done, total: None,
) -> ArchiveReport:
    """Bring the archive in `folder` up to date. `url` is where it is published, in place of the configuration's.

    Raises ConfigError where the folder is not an archive's or cannot be written, or the theme is at fault. What is
    wrong with one issue is in the report.
    """
    notes = _Notes()
    site = SiteFolder(folder, dry=dry)
    address = (config.archive_url if url is None else url).rstrip("/")
    with ledger.storage.read() as db:
        sent = sent_issues(db)
    listed = tuple(_listed(sent, config, notes))
    site.require_ours(["index.html", *(issue_path(each.issue) for each in listed)])
    finder = PostFinder(config)
    lang = main_language(config, site.known, listed, finder)
    maker = read_appearance(config, address, lang, site.put)
    reader = IssueReader(config, site, maker, finder)
    cards = Cards(config, site, maker)
    records: dict[str, IssueRecord] = {}
    search = SearchWriter(site, maker)
    with_neighbours = _with_neighbours(_readings(listed, reader, notes, on_issue))
    for older, reading, newer in with_neighbours:
        record = _draw(site, maker, cards, reading, older, newer)
        records[reading.sent.issue] = record
        search.add(record.entry, reading.parts()[1] if reading.is_new else None)
    entries = [record.entry for record in records.values()]
    _draw_lists(site, maker, entries, search.finish())
    if address:
        _write_feeds(site, maker, entries)
    else:
        notes.warnings.append(
            'no [archive] url is set, so there are no feeds and no sitemap; write url = "https://example.com/archive"'
        )
    notes.warnings += site.finish(records)
    return ArchiveReport(
        folder,
        address,
        len(entries),
        tuple(site.written),
        tuple(site.removed),
        tuple(notes.warnings),
        tuple(notes.left_out),
        dry,
    )


def _listed(sent: Sequence[SentIssue], config: Config, notes: _Notes) -> Iterator[SentIssue]:
    """The issues of this newsletter, by day, then in the order in which they went out."""
    own = config.sample_sender.list_id
    zone = zone_of(config) or UTC
    others = [each for each in sent if each.identity.newsletter and each.identity.newsletter != own]
    if others:
        notes.left_out.append(f"{counted(len(others), 'issue')} of another newsletter, which this ledger has as well")
    mine = (each for each in sent if each not in others)
    return iter(sorted(mine, key=lambda each: (day_of(each, zone), each.sent, each.place)))


def _readings(
    listed: Sequence[SentIssue], reader: IssueReader, notes: _Notes, on_issue: Callable[[int, int], None]
) -> Iterator[Reading]:
    for number, sent in enumerate(listed, 1):
        reading = reader.read(sent)
        notes.warnings += reader.take_warnings()
        on_issue(number, len(listed))
        if isinstance(reading, str):
            notes.left_out.append(reading)
        else:
            yield reading


def _with_neighbours(readings: Iterator[Reading]) -> Iterator[tuple[Entry | None, Reading, Entry | None]]:
    older: Entry | None = None
    here = next(readings, None)
    while here is not None:
        after = next(readings, None)
        yield older, here, after.entry if after else None
        older, here = here.entry, after


def _draw(
    site: SiteFolder, maker: PageMaker, cards: Cards, reading: Reading, older: Entry | None, newer: Entry | None
) -> IssueRecord:
    """Write an issue's page where anything that it shows has changed, and keep it where nothing has."""
    beside = [(each.path, each.headline, each.lang) if each else None for each in (older, newer)]
    known = site.known.issues.get(reading.sent.issue)
    card, drawn = cards.place(reading.entry, known)
    depends = repr((reading.text_fingerprint, maker.fingerprint, beside, reading.entry, card))
    page = hashlib.sha256(depends.encode("utf-8", "backslashreplace")).hexdigest()
    path = reading.entry.path
    if not reading.is_new and known and known.page == page and site.reuse(path):
        return IssueRecord(reading.entry, reading.text_fingerprint, page, reading.pictures, drawn)
    contents, text = reading.parts()
    site.put(path, maker.issue(reading.entry, contents, text, older, newer, card).encode())
    return IssueRecord(reading.entry, reading.text_fingerprint, page, reading.pictures, drawn)


def _draw_lists(
    site: SiteFolder, maker: PageMaker, entries: Sequence[Entry], searched: Sequence[tuple[str, str]]
) -> None:
    months = maker.months(entries)
    for number, month in enumerate(months):
        older = months[number - 1] if number else None
        newer = months[number + 1] if number + 1 < len(months) else None
        shown = [entry for entry in entries if entry.day.replace(day=1) == month.first]
        site.put(month.path, maker.month(month, shown, older, newer).encode())
    site.put("index.html", maker.front(entries, searched).encode())


def _write_feeds(site: SiteFolder, maker: PageMaker, entries: Sequence[Entry]) -> None:
    newest = sorted(entries, key=lambda entry: entry.sent, reverse=True)[:ISSUES]
    items = [FeedItem(entry, text_in(site.read(entry.path) or "") or Markup("")) for entry in newest]
    publication = maker.site
    site.put("rss.xml", rss(items, publication))
    site.put("atom.xml", atom(items, publication))
    site.put("feed.json", json_feed(items, publication))
    site.put("sitemap.xml", sitemap(entries, [month.path for month in maker.months(entries)], publication))
