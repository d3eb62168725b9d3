"""Read an issue for its page: its post where that changed, else what the last build knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, tzinfo
from functools import partial

from markupsafe import Markup

from newsletter import __version__
from newsletter.archive.entry import Entry
from newsletter.archive.find_posts import PostFile, PostFinder
from newsletter.archive.issue_text import contents_in, issue_text, text_in
from newsletter.archive.make_entry import make_entry
from newsletter.archive.manifest import FORMAT, IssueRecord, Manifest, PictureRecord
from newsletter.archive.page_pictures import PagePictures
from newsletter.archive.pages import PageMaker
from newsletter.archive.site_folder import SiteFolder
from newsletter.config.config import Config
from newsletter.errors import ContentError
from newsletter.frozen import frozen
from newsletter.ledger.sent_issues import SentIssue
from newsletter.model.archive_address import issue_path
from newsletter.model.issue import Issue, Site
from newsletter.model.issue_name import Identity, differences
from newsletter.pipeline.render_post import is_archived, parse_in_place, site_of, zone_of
from newsletter.post.parse import decode_post
from newsletter.post.templating.placeholders import unmark
from newsletter.render.images.cache import Cache
from newsletter.render.images.sources import Files

Parts = Callable[[], tuple[Markup, Markup]]


@frozen
class Reading:
    """An issue that gets a page. `parts` gives its contents and text; `is_new` says that they were made anew."""

    sent: SentIssue
    entry: Entry
    text_fingerprint: str
    pictures: Mapping[str, PictureRecord]
    parts: Parts
    is_new: bool


def day_of(sent: SentIssue, zone: tzinfo) -> date:
    """The post's own day, else that on which it went out."""
    return sent.identity.day or sent.sent.astimezone(zone).date()


def main_language(config: Config, known: Manifest, listed: Sequence[SentIssue], finder: PostFinder) -> str:
    """The newsletter's language: the one that is set, else that of its newest issue."""
    language = config.settings.newsletter.language
    for sent in [] if language else reversed(listed):
        post = finder.find(sent)
        try:
            if post is not None:
                return issue_of(post, config, site_of(config)).lang
        except ContentError:
            pass
        if record := known.issues.get(sent.issue):
            return record.entry.lang
    return language


def issue_of(post: PostFile, config: Config, blog: Site) -> Issue:
    """The issue as nobody's columns make it."""
    text = decode_post(post.data, post.path)
    return parse_in_place(
        text, post.path, post.folder, config, site=blog, choose=lambda condition: condition.holds({})
    ).issue


def is_same_issue(issue: Issue, sent: SentIssue, post: PostFile) -> bool:
    """Whether a post is still the one that was sent."""
    mine = Identity(unmark(issue.title, issue), issue.date, issue.name)
    # A title that was mended is the same issue's; a file's name may be another where the post was looked for.
    allowed = {"title", "name"} if post.was_renamed else {"title"}
    return not differences(sent.identity, mine) - allowed


class IssueReader:
    def __init__(self, config: Config, site: SiteFolder, maker: PageMaker, finder: PostFinder) -> None:
        self._config = config
        self._site = site
        self._maker = maker
        self._finder = finder
        self._blog = site_of(config)
        self._zone = zone_of(config) or UTC
        keys = config.settings
        self._cache = Cache(config.image_cache) if keys.images.mode in ("embed", "mirror") else None
        words = sorted((lang, maker.labels(lang)) for lang in {keys.newsletter.language, *maker.site.labels})
        given = (
            FORMAT,
            __version__,
            self._blog,
            keys.newsletter.language,
            keys.newsletter.ai_notice,
            self._first,
            words,
        )
        self._context = repr((given, maker.site.name, keys.images.mode, keys.archive.segments)).encode()
        self._warnings: list[str] = []
        self._made_before: dict[str, PictureRecord] = {}

    @property
    def _first(self) -> int:
        return self._config.settings.newsletter.first_number

    def take_warnings(self) -> list[str]:
        taken, self._warnings = self._warnings, []
        return taken

    def read(self, sent: SentIssue) -> Reading | str:
        """The issue, or a sentence that says why it gets no page."""
        known = self._site.known.issues.get(sent.issue)
        post = self._finder.find(sent)
        if post is None:
            return (
                self._kept(sent, known, "its post is gone") or f"{sent.issue}: its post is gone, and it has no page yet"
            )
        fingerprint = self._fingerprint(sent, post)
        if known and known.text == fingerprint and self._pictures(post, known).is_same(known.pictures):
            self._keep_pictures(known)
            return Reading(
                sent, known.entry, fingerprint, known.pictures, partial(self._parts, sent, post, known), False
            )
        try:
            issue = self._parsed(sent, post)
        except ContentError as error:
            return self._kept(sent, known, f"its post cannot be read ({error})") or f"{sent.issue}: {error}"
        if issue is None:
            why = f"{post.path} is another post now"
            return self._kept(sent, known, why) or f"{sent.issue}: {why}, and it has no page yet"
        if not is_archived(issue, self._config, sent.segment):
            said = "its post says so" if issue.archive is False else f"it went to a segment alone ({sent.segment})"
            return f"{sent.issue}: {said}"
        return self._made(sent, post, issue, fingerprint, known)

    # --- from the post ------------------------------------------------------------------------------------------------

    def _parsed(self, sent: SentIssue, post: PostFile) -> Issue | None:
        """None for another post than the one that was sent."""
        issue = issue_of(post, self._config, self._blog)
        return issue if is_same_issue(issue, sent, post) else None

    def _made(
        self, sent: SentIssue, post: PostFile, issue: Issue, fingerprint: str, known: IssueRecord | None
    ) -> Reading:
        placed = self._pictures(post, known).place(issue)
        self._warnings += [finding.at(post.path) for finding in placed.findings]
        issue = placed.issue
        ai = issue.ai or self._config.settings.newsletter.ai_notice
        number = str(self._first + sent.place) if self._first else ""
        entry = make_entry(
            replace(issue, ai=ai),
            name=sent.issue,
            newsletter=self._maker.site.name,
            day=day_of(sent, self._zone),
            sent=sent.sent,
            corrected=sent.corrected,
            number=number,
            labels=self._maker.labels(issue.lang),
        )
        entry = replace(entry, picture=entry.picture.removeprefix("../"))
        parts = issue_text(issue, self._maker.labels(issue.lang))
        return Reading(sent, entry, fingerprint, placed.records, lambda: parts, True)

    def _pictures(self, post: PostFile, known: IssueRecord | None) -> PagePictures:
        files = Files(post.folder, self._config.root, self._blog.base)
        for record in known.pictures.values() if known else ():
            if record.path:
                self._made_before.setdefault(record.digest, record)
        return PagePictures(files, self._cache, self._made_before, put=self._site.put, reuse=self._site.reuse)

    def _fingerprint(self, sent: SentIssue, post: PostFile) -> str:
        """Changes with all that text and entry are made of, pictures apart."""
        where = (post.folder.name, post.path.rpartition("/")[2], post.was_renamed)
        facts = repr(
            (sent.issue, sent.identity, sent.sent, sent.corrected, sent.segment, sent.place * bool(self._first))
        )
        parts = (
            self._context,
            facts.encode("utf-8", "backslashreplace"),
            repr(where).encode("utf-8", "backslashreplace"),
        )
        return hashlib.sha256(b"\0".join((*parts, post.data))).hexdigest()

    # --- from the last build ------------------------------------------------------------------------------------------

    def _keep_pictures(self, known: IssueRecord) -> None:
        for record in known.pictures.values():
            if record.path:
                self._site.reuse(record.path)

    def _kept(self, sent: SentIssue, known: IssueRecord | None, why: str) -> Reading | None:
        """The issue as its page has it; None where there is no page, or somebody has changed it."""
        found = self._page_parts(issue_path(sent.issue)) if known else None
        if known is None or found is None:
            return None
        self._warnings.append(f"{sent.issue}: {why}; its page is kept as it was")
        self._keep_pictures(known)
        entry = replace(known.entry, corrected=sent.corrected)
        return Reading(sent, entry, known.text, known.pictures, lambda: found, False)

    def _parts(self, sent: SentIssue, post: PostFile, known: IssueRecord) -> tuple[Markup, Markup]:
        found = self._page_parts(known.entry.path)
        if found is not None:
            return found
        issue = self._parsed(sent, post)
        assert issue is not None  # noqa: S101 - the same post as before
        placed = self._pictures(post, known).place(issue)
        return issue_text(placed.issue, self._maker.labels(issue.lang))

    def _page_parts(self, path: str) -> tuple[Markup, Markup] | None:
        page = self._site.read(path)
        contents, text = (contents_in(page), text_in(page)) if page is not None else (None, None)
        return (contents, text) if contents is not None and text is not None else None
