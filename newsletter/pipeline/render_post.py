"""Read a post and render it: the steps that all commands share.

post.md --parse--> Issue --render--> Email --compose--> Message(subscriber) --deliver--> Outcome --record--> Ledger
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.config.config import Config
from newsletter.config.jekyll_site import read_site
from newsletter.errors import ContentError, located
from newsletter.frozen import frozen
from newsletter.ledger.issue_number import count_before
from newsletter.message.variants import Variants, answers
from newsletter.model.archive_address import address_of, issue_path
from newsletter.model.delivery import Sender
from newsletter.model.findings import Finding
from newsletter.model.issue import Issue, Site
from newsletter.model.rendered_email import Email, Masthead
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.footer import footer_of
from newsletter.pipeline.letter_frame import LetterFrame, letter_sender
from newsletter.pipeline.link_counting import link_addresses
from newsletter.pipeline.own_folders import is_own_mail
from newsletter.pipeline.read_post_file import open_post
from newsletter.post.parse import Post, decode_post, parse_post
from newsletter.post.templating.conditions import Condition
from newsletter.render.images.cache import Cache
from newsletter.render.images.fetch import Fetcher
from newsletter.render.images.logo import place_logos
from newsletter.render.images.resolve import ImageMode, resolve_images
from newsletter.render.link_addresses import CountedLink
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

if TYPE_CHECKING:  # imported where they are used: a send takes half a second to import them, a rendering needs none
    from newsletter.audience.audience import Audience


SAMPLE = Subscriber("subscriber@example.com", {"email": "subscriber@example.com"})
"""The subscriber for renderings without a list."""


@frozen
class Rendering:
    """A post and its rendered emails. `path` is as the user wrote it, for messages; `text` is the post's source.

    `post` is that text as it was parsed, with every condition false and before anything was rendered. `issue` and
    `email` are those of a subscriber whose columns are all empty; `variants` has one for each combination of condition
    results that occurs on the list.
    """

    path: str
    folder: Path
    text: str
    post: Post
    issue: Issue
    email: Email
    variants: Variants
    resolved: tuple[Path, ...] = ()
    counted: tuple[CountedLink, ...] = ()
    """The links that lead through the counting server, of all variants."""

    letter: LetterFrame | None = None
    """Of a mail of the sign-up pages, which `newsletter serve` sends to one reader at a time."""

    is_issue: bool = True
    """False for a mail to one reader, of the sign-up pages or of the series."""

    def sender(self, configured: Sender) -> Sender:
        """The sender of its mails, from the configured one."""
        return letter_sender(configured, self.letter.kind) if self.letter else configured

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.email.findings


def render_post(
    post: str,
    config: Config,
    audience: Audience | None = None,
    *,
    tested: Audience | None = None,
    images: ImageMode | None = None,
    choose: Callable[[Sequence[Condition]], Iterable[tuple[bool, ...]]] | None = None,
    on_fetch: Callable[[int, int], None] = lambda done, total: None,
    theme_name: str = "",
    count_links: bool = False,
    segment: str = "",
) -> Rendering:
    """Read a post (`-` is standard input) and render each variant that the audience, or a test, needs.

    With `choose`, only the variants that it selects are rendered: it maps the conditions to results. `theme_name`
    overrides the post's theme; `segment` is the part of the list that it goes to. Raises ContentError or ConfigError.
    Uses the network only if `images` says so, or if issues are numbered by a ledger on a server.
    """
    name, data, folder = open_post(post, sys.stdin.buffer)
    text = decode_post(data, name)
    settings = config.settings
    site = site_of(config)
    read = partial(parse_in_place, text, name, folder, config, site=site)
    plain = read()
    _require_columns(plain, audience, name)
    theme = load_theme(theme_name or plain.issue.template or settings.theme.name, config.root)
    masthead = masthead_of(config)
    letter = LetterFrame.of(name, folder, config)
    if letter is not None:
        masthead = letter.masthead(masthead, plain.issue.lang)
    written: list[Path] = []
    counted: dict[str, CountedLink] = {}
    # A theme without pictures links to them: nothing is fetched.
    mode = (images or settings.images.mode) if theme.values["layout"].get("images", True) else "remote"
    fetcher = None
    if mode != "remote":
        fetcher = Fetcher()  # one for all variants: it remembers failed pictures

    place = partial(
        resolve_images,
        mode=mode,
        post_folder=folder,
        project=config.root,
        base_url=site.base,
        layout_width=int(theme.values["layout"]["width"]),
        cache=Cache(config.image_cache),
        max_total_kb=settings.images.max_total_kb,
        mirror_folder=config.images_folder,
        mirror_url=settings.images.url,
        fetcher=fetcher,
        on_progress=on_fetch,
    )
    theme, logos = place_logos(theme, lambda logo, beside: place(logo, post_folder=beside))

    # A letter or a mail of the series is no issue: it has no number, and no page.
    is_own = is_own_mail(folder, config.root)
    number = "" if is_own else _counted_number(plain.issue, config)
    archived_at = "" if is_own else archived_address(plain.issue, config, segment)

    def render(answered: tuple[bool, ...]) -> tuple[Issue, Email]:
        answer = dict(zip(plain.conditions, answered, strict=True))
        issue = read(choose=lambda condition: answer[condition]).issue if answer else plain.issue
        resolved = place(issue)
        written.extend(resolved.files_written)
        issue = replace(
            resolved.issue,
            findings=(*resolved.issue.findings, *resolved.findings),
            ai=_ai_notice(issue.ai or settings.newsletter.ai_notice),
            number=issue.number or number,
            url="" if is_own else archived_at or issue.url,
        )
        if letter is not None:
            issue = letter.issue(issue)
        links = link_addresses(issue, config, counts=count_links)
        counted.update({link.code: link for link in links.counted if link.code not in counted})
        email = render_issue(issue, theme, masthead, (*logos, *resolved.attachments), links.addresses)
        return issue, replace(email, archived_at=archived_at)

    nobody = tuple(condition.holds({}) for condition in plain.conditions)
    wanted = {nobody}
    if choose is not None:
        wanted.update(choose(plain.conditions))
    elif plain.conditions:
        wanted.update(*(_answers_given(plain.conditions, people) for people in (audience, tested) if people))
    rendered = {answered: render(answered) for answered in sorted(wanted)}
    issue, email = rendered[nobody]
    variants = Variants(plain.conditions, {answered: result[1] for answered, result in rendered.items()})
    links = tuple(counted.values())
    return Rendering(name, folder, text, plain, issue, email, variants, tuple(written), links, letter, not is_own)


def parse_in_place(
    text: str,
    name: str,
    folder: Path,
    config: Config,
    *,
    site: Site | None = None,
    choose: Callable[[Condition], bool] = lambda condition: False,
) -> Post:
    """Parse a post as the configuration and its folder have it. `site` is what `site_of` gave, where it is at hand.

    Raises ContentError.
    """
    return parse_post(
        text,
        path=name,
        site=site or site_of(config),
        language=config.settings.newsletter.language,
        folder=folders_of(folder, config.root),
        choose=choose,
    )


def folders_of(folder: Path, root: Path) -> tuple[str, ...]:
    """The names of a post's parent folders, from the project's root on; from the top if it is outside.

    Symbolic links are resolved: `latest/index.md` is the post of the folder that `latest` leads to.
    """
    real, project = Path(os.path.realpath(folder)), Path(os.path.realpath(root))
    if real.is_relative_to(project):
        return tuple(filter(None, (project.name, *real.relative_to(project).parts)))
    return real.parts[1:]


def is_archived(issue: Issue, config: Config, segment: str) -> bool:
    """Whether the archive shows it: what went to a segment alone is not for everyone, unless somebody says so."""
    return issue.archive if issue.archive is not None else not segment or config.settings.archive.segments


def archived_address(issue: Issue, config: Config, segment: str) -> str:
    """Where the archive will have the issue on the web; empty where it gets no page there."""
    return address_of(config.archive_url, issue_path(issue.slug)) if is_archived(issue, config, segment) else ""


def zone_of(config: Config) -> tzinfo | None:
    """The newsletter's time zone: [delivery] time_zone, else the blog's; None for this machine's."""
    if config.settings.delivery.time_zone is not None:
        return config.settings.delivery.time_zone
    try:
        return ZoneInfo(str(site_of(config).values["timezone"]))
    except (KeyError, ValueError, OSError):  # none is configured, or it is unknown on this system
        return None


def site_of(config: Config) -> Site:
    """The blog of the posts, from newsletter.toml and Jekyll's own configuration."""
    keys = config.settings.site
    source = config.root / keys.source if keys.source else None
    site = read_site(source, url=keys.url, baseurl=keys.baseurl, permalink=keys.permalink)
    return replace(site, smart_punctuation=keys.smart_punctuation)


def masthead_of(config: Config) -> Masthead:
    """The masthead of each issue."""
    keys = config.settings.newsletter
    return Masthead(
        # An unnamed newsletter has a default name for its headers; printing it would be useless.
        name=keys.name if "name" in keys.given else "",
        postal_address=keys.postal_address,
        unsubscribe=bool(keys.unsubscribe_mailto or config.unsubscribe_url),
        labels=config.settings.labels,
        site_url=site_of(config).base,
        subscribe_url=keys.subscribe_url
        or (f"{serve.rstrip('/')}/join" if (serve := config.settings.serve.url) else ""),
        replies=bool(keys.reply_to or (keys.from_ and not _NO_REPLY.search(keys.from_))),
        headline_as_subject=keys.subject == "headline",
        footer=footer_of(config),
    )


_NO_REPLY = re.compile(r"(?i)\b(?:no|donot|do-not)[-_.]?reply\b")
"""An address that is not read, by its name."""


def _counted_number(issue: Issue, config: Config) -> str:
    """The issue's number by counting those in the ledger, if the author enabled that."""
    first = config.settings.newsletter.first_number
    return str(first + count_before(config.ledger_place, issue.slug)) if first and not issue.number else ""


def _ai_notice(written: str) -> str:
    return "" if written == "none" else written


def _answers_given(conditions: Sequence[Condition], people: Audience) -> set[tuple[bool, ...]]:
    """Every combination of condition results that occurs on the list."""
    columns = sorted({column for condition in conditions for column in condition.columns})

    # Few columns are used, and most recipients share their values.
    @lru_cache(maxsize=10_000)
    def answered(values: tuple[str, ...]) -> tuple[bool, ...]:
        fields = dict(zip(columns, values, strict=True))
        return answers(conditions, Subscriber(fields.get("email", ""), fields))

    return {answered(tuple([recipient.fields.get(column, "") for column in columns])) for recipient in people}


def _require_columns(post: Post, audience: Audience | None, path: str) -> None:
    """Refuse a field that is not a column of the list: only readers would notice the gap it leaves."""
    if audience is None:
        return
    known = {"email", *audience.columns}
    used = [(field.name, field.line) for field in post.issue.fields]
    used += [(column, condition.line) for condition in post.conditions for column in sorted(condition.columns)]
    for column, line in used:
        if column not in known:
            what = f"subscriber.{column} is not a column of the list"
            raise ContentError(located(path, line, what, f"write one of: {', '.join(sorted(known))}"))


def empty_fields(rendering: Rendering, recipients: Audience) -> tuple[Finding, ...]:
    """The fields without a default that are empty for some recipients."""
    fields = [field for field in rendering.issue.fields if not field.default and field.name != "email"]
    filled = frozenset(recipients.columns) - recipients.may_be_blank
    names = {field.name for field in fields} - filled
    people = recipients if names else ()
    empty = Counter(name for recipient in people for name in names if not recipient.fields.get(name, "").strip())
    findings = []
    for field in fields:
        if empty[field.name]:
            what = (
                f"{_written(field.name)} is empty for {empty[field.name]:,} of {len(recipients):,}, and leaves a hole"
            )
            remedy = f'write {{{{ {_written(field.name)} | default("…") }}}}'
            findings.append(Finding("field-empty", what, remedy, field.line))
    return tuple(findings)


def _written(column: str) -> str:
    """A field as written in a post: `subscriber.plan`, `subscriber["first name"]`."""
    return f"subscriber.{column}" if column.isidentifier() else f'subscriber["{column}"]'
