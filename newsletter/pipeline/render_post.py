"""The flow up to the mail: read, render, choose who gets it. `send` has the rest; front doors call these two.

post.md --parse--> Issue --render--> Email --compose--> Message(subscriber) --deliver--> Outcome --record--> Ledger
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from newsletter.addresses import fold_address
from newsletter.config.config import Config
from newsletter.config.jekyll_site import read_site
from newsletter.errors import ConfigError, ContentError, FaultError, located
from newsletter.files import open_post
from newsletter.message.compose import Composer
from newsletter.message.variants import Variants, answers
from newsletter.model.column_rules import Rule, rules_of
from newsletter.model.delivery import Message
from newsletter.model.findings import Finding
from newsletter.model.issue import Issue, Site
from newsletter.model.rendered_email import Email, Masthead
from newsletter.model.subscriber import Subscriber
from newsletter.post.parse import Post, decode_post, parse_post
from newsletter.post.publication import held_findings
from newsletter.post.templating.conditions import Condition
from newsletter.render.images.cache import Cache
from newsletter.render.images.resolve import ImageMode, resolve_images
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

if TYPE_CHECKING:  # imported where they are used: sending needs half a second of them, and rendering none
    from newsletter.audience.audience import Audience
    from newsletter.audience.lists.rows import Rows
    from newsletter.message.dkim import Signer, Signers

TEST_PREFIX = "[Test] "
CORRECTIONS = {"en": "Correction: ", "zh": "【更正】", "ja": "【訂正】", "ko": "[정정] "}
"""What goes before the subject of an issue that is mailed again because it was wrong, by language."""

SAMPLE = Subscriber("subscriber@example.com", {"email": "subscriber@example.com"})
"""Who an email is shown to when no list is at hand."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A post and the emails it became. `path` is what the person named, for messages; `text` is the post itself.

    `issue` and `email` are those of a subscriber whose columns are all empty; `variants` has one for each combination
    of answers that the list gives to the post's conditions.
    """

    path: str
    text: str
    issue: Issue
    email: Email
    variants: Variants
    resolved: tuple[Path, ...] = ()

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
) -> Rendering:
    """Read a post (`-` is standard input) and render it once per variant that the audience, or a test, needs.

    With `choose`, only the variants that it names are rendered: answers to the conditions that it is given.
    Raises ContentError or ConfigError. Reads no network unless `images` says so.
    """
    name, data, folder = open_post(post, sys.stdin.buffer)
    text = decode_post(data, name)
    settings = config.settings
    site = site_of(config)
    read = partial(
        parse_post,
        text,
        path=name,
        site=site,
        language=settings.newsletter.language,
        folder=folders_of(folder, config.root),
    )
    plain = read()
    _require_columns(plain, audience, name)
    theme = load_theme(plain.issue.template or settings.theme.name, config.root)
    masthead = masthead_of(config)
    written: list[Path] = []
    # A theme without pictures links to them: there is nothing to fetch.
    mode = (images or settings.images.mode) if theme.values["layout"].get("images", True) else "remote"
    fetcher = None
    if mode != "remote":
        from newsletter.render.images.fetch import Fetcher

        fetcher = Fetcher()  # one for all variants: it remembers which pictures could not be had

    def render(answered: tuple[bool, ...]) -> tuple[Issue, Email]:
        answer = dict(zip(plain.conditions, answered, strict=True))
        issue = read(choose=lambda condition: answer[condition]).issue if answer else plain.issue
        resolved = resolve_images(
            issue,
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
        written.extend(resolved.files_written)
        issue = replace(resolved.issue, findings=(*resolved.issue.findings, *resolved.findings))
        return issue, render_issue(issue, theme, masthead, resolved.attachments)

    nobody = tuple(condition.holds({}) for condition in plain.conditions)
    wanted = {nobody}
    if choose is not None:
        wanted.update(choose(plain.conditions))
    elif plain.conditions:
        wanted.update(*(_answers_given(plain.conditions, people) for people in (audience, tested) if people))
    rendered = {answered: render(answered) for answered in sorted(wanted)}
    issue, email = rendered[nobody]
    variants = Variants(plain.conditions, {answered: result[1] for answered, result in rendered.items()})
    return Rendering(name, text, issue, email, variants, tuple(written))


def folders_of(folder: Path, root: Path) -> tuple[str, ...]:
    """The names of the folders that a post's folder is in, from the project's on; from the top where it is elsewhere.

    Behind every link: `latest/index.md` is the post of the folder that `latest` leads to.
    """
    real, project = Path(os.path.realpath(folder)), Path(os.path.realpath(root))
    if real.is_relative_to(project):
        return tuple(filter(None, (project.name, *real.relative_to(project).parts)))
    return real.parts[1:]


def zone_of(config: Config) -> tzinfo | None:
    """Where the newsletter's days begin: [delivery] time_zone, else the blog's own; None for this machine's."""
    if config.settings.delivery.time_zone is not None:
        return config.settings.delivery.time_zone
    try:
        return ZoneInfo(str(site_of(config).values["timezone"]))
    except (KeyError, ValueError, OSError):  # none is written, or none of that name is known here
        return None


def site_of(config: Config) -> Site:
    """The blog that the posts belong to, as newsletter.toml and Jekyll's own configuration say."""
    keys = config.settings.site
    source = config.root / keys.source if keys.source else None
    site = read_site(source, url=keys.url, baseurl=keys.baseurl, permalink=keys.permalink)
    return replace(site, smart_punctuation=keys.smart_punctuation)


def masthead_of(config: Config) -> Masthead:
    """What stands around each issue."""
    keys = config.settings.newsletter
    return Masthead(
        # An unnamed newsletter has a default name for its headers; printing it would tell nobody anything.
        name=keys.name if "name" in keys.given else "",
        postal_address=keys.postal_address,
        unsubscribe=bool(keys.unsubscribe_mailto or config.unsubscribe_url),
        labels=config.settings.labels,
    )


def _answers_given(conditions: Sequence[Condition], people: Audience) -> set[tuple[bool, ...]]:
    """Every combination of answers to the conditions that somebody on the list gives."""
    columns = sorted({column for condition in conditions for column in condition.columns})

    # Few columns are asked for, and most people share their values with others.
    @lru_cache(maxsize=10_000)
    def answered(values: tuple[str, ...]) -> tuple[bool, ...]:
        fields = dict(zip(columns, values, strict=True))
        return answers(conditions, Subscriber(fields.get("email", ""), fields))

    return {answered(tuple([person.fields.get(column, "") for column in columns])) for person in people}


def _require_columns(post: Post, audience: Audience | None, path: str) -> None:
    """Refuse a field that the list does not have: nobody would notice the hole it leaves but the readers."""
    if audience is None:
        return
    known = {"email", *audience.columns}
    used = [(field.name, field.line) for field in post.issue.fields]
    used += [(column, condition.line) for condition in post.conditions for column in sorted(condition.columns)]
    for column, line in used:
        if column not in known:
            what = f"subscriber.{column} is not a column of the list"
            raise ContentError(located(path, line, what, f"write one of: {', '.join(sorted(known))}"))


# --- planning -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sending:
    """What a send would do, before it does anything. `audience` is None for a test to addresses off any list."""

    rendering: Rendering
    config: Config
    composer: Composer
    recipients: Audience
    audience: Audience | None
    findings: tuple[Finding, ...] = ()
    test: bool = False

    @property
    def sample(self) -> Message:
        """The first recipient's message: what a dry run writes and what sizes are measured on."""
        return self.composer.compose(self.recipients.first or SAMPLE)

    @property
    def sample_email(self) -> Email:
        """The variant that `sample` is made of."""
        return self.rendering.variants.email_for(self.recipients.first or SAMPLE)

    def correction(self, issue: str) -> Sending:
        """The same as a correction, for those who have an older version; `issue` tells its Message-IDs apart."""
        word = CORRECTIONS.get(self.rendering.email.lang.partition("-")[0], CORRECTIONS["en"])
        made = self.composer
        return replace(
            self,
            composer=Composer(made.variants, made.sender, issue=issue, when=made.when, prefix=word, signer=made.signer),
        )

    @property
    def content_hash(self) -> str:
        """Of all that is sent, every variant of it."""
        digest = hashlib.sha256()
        for _, email in sorted(self.rendering.variants.emails.items()):
            for part in (*email.subject.parts, *email.html.parts, *email.text.parts):
                digest.update(repr(part).encode())
            for attachment in email.attachments:
                digest.update(attachment.data)
        return digest.hexdigest()


def plan_send(
    post: str,
    config: Config,
    *,
    to: Sequence[Path | str] | Path | None,
    test: Sequence[str],
    when: datetime | Callable[[], datetime],
    where: str = "",
    columns: Sequence[Rule] = (),
    images: ImageMode | None = None,
    dry: bool = False,
    sign_ups: Callable[[str], Rows] | None = None,
    on_fetch: Callable[[int, int], None] = lambda done, total: None,
) -> Sending:
    """Who would get what: reads the lists, renders the post, connects to no relay. Raises ContentError, ConfigError.

    `when` is the Date of the messages, or the clock that gives each its own (`Composer`).
    `to` and `sign_ups` are as `read_audience` takes them, `where` is the segment of the lists that it goes to.
    `columns` are rules for columns that may speak of leaving, beyond those of newsletter.toml. A `dry` one is only
    looked at: it needs no secrets, and its links would not work.
    """
    lists = (to,) if isinstance(to, Path) else tuple(to or ())
    if not lists and not test:
        raise ConfigError("nobody to send to; write --to subscribers.csv, or --test you@example.com")
    if where and not lists:
        raise ConfigError("--where chooses from a list; write --to subscribers.csv as well")
    from newsletter.audience.audience import read_audience, why_nobody

    rules = rules_of((*config.settings.subscribers.columns.values(), *columns))
    audience = read_audience(*lists, where=where, sign_ups=sign_ups, rules=rules) if lists else None
    tested = _chosen(test, audience) if test else None
    rendering = render_post(post, config, audience, tested=tested, images=images, on_fetch=on_fetch)
    recipients = tested or audience
    if not recipients:
        why = why_nobody(audience) if audience is not None else "nobody is left to mail"
        raise ContentError(f"{', '.join(map(str, lists))}: {why}")
    composer = Composer(
        rendering.variants,
        config.sample_sender if dry else config.sender,
        issue=rendering.issue.slug,
        when=when,
        prefix=TEST_PREFIX if test else "",
        signer=None if dry else signer_of(config),
        attempt=_attempt(when) if test and not dry else "",
    )
    held = held_findings(rendering.issue, composer.now, zone_of(config), rendering.text)
    warnings = (*rendering.findings, *held, *empty_fields(rendering, recipients))
    return Sending(rendering, config, composer, recipients, audience, warnings, test=bool(test))


def _attempt(when: datetime | Callable[[], datetime]) -> str:
    """What a test's Message-IDs are made with: two tests of one issue are never of the same microsecond."""
    now = when() if callable(when) else when
    return f"test {now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


def signer_of(config: Config) -> Signer | Signers | None:
    """What signs the mail: one key, or several. Raises ConfigError where one of them is missing, or is none."""
    keys = config.dkim
    if not keys:
        return None
    from newsletter.message.dkim import Signers, load_signer  # cryptography takes a while to load, and few sign here

    signers: list[Signer] = []
    for key in keys:
        try:
            signers.append(load_signer(key.domain, key.selector, key.pem))
        except FaultError as fault:
            which = f" of the selector {key.selector}" if len(keys) > 1 else ""
            raise ConfigError(f"[dkim] the key{which} {fault.what}; {fault.remedy}") from fault
    return signers[0] if len(signers) == 1 else Signers(tuple(signers))


def normalized_test_address(address: str) -> str:
    from newsletter.addresses import normalize_address

    try:
        return normalize_address(address)
    except ValueError as error:
        raise ConfigError(f"--test {address!r} is not an email address ({error}); write name@example.com") from error


def _chosen(addresses: Sequence[str], audience: Audience | None) -> Audience:
    """The people of a test. A stranger reads what the first on the list will read, but for the address."""
    from newsletter.audience.audience import Audience

    people = {fold_address(address): address for address in map(normalized_test_address, addresses)}
    listed = audience.find(people) if audience else {}
    example = audience.first if audience else None
    return Audience.of(listed.get(key) or _stranger(address, example) for key, address in people.items())


def _stranger(address: str, example: Subscriber | None) -> Subscriber:
    return Subscriber(address, {**(example.fields if example else {}), "email": address})


def empty_fields(rendering: Rendering, recipients: Audience) -> tuple[Finding, ...]:
    """The fields without a default that some of the recipients have nothing for."""
    fields = [field for field in rendering.issue.fields if not field.default and field.name != "email"]
    names = {field.name for field in fields}
    people = recipients if names else ()
    empty = Counter(name for person in people for name in names if not person.fields.get(name, "").strip())
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
    """A field as a post has it: `subscriber.plan`, `subscriber["first name"]`."""
    return f"subscriber.{column}" if column.isidentifier() else f'subscriber["{column}"]'
