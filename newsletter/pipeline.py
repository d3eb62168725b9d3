"""The whole flow on one page: read, render, plan, send. Front doors call this and nothing beneath it.

post.md --parse--> Issue --render--> Email --compose--> Message(subscriber) --deliver--> Outcome --record--> Ledger
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.blog import read_site
from newsletter.config import Config
from newsletter.errors import ConfigError, ContentError, located
from newsletter.fields import unmark
from newsletter.files import open_post
from newsletter.image_cache import Cache
from newsletter.images import ImageMode, resolve_images
from newsletter.message import Composer, Variants, answers
from newsletter.model import Email, Finding, Issue, Masthead, Message, Outcome, Relay, State, Subscriber, fold_address
from newsletter.post import Post, decode_post, parse_post
from newsletter.render import render_issue
from newsletter.themes import load_theme

if TYPE_CHECKING:  # imported where they are used: sending needs half a second of them, and rendering none
    from newsletter.delivery import Stopped
    from newsletter.ledger import Ledger, Plan
    from newsletter.subscribers import Audience

TEST_PREFIX = "[Test] "
SAMPLE = Subscriber("subscriber@example.com", {"email": "subscriber@example.com"})
"""Who an email is shown to when no list is at hand."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A post and the emails it became. `path` is what the person named, for messages.

    `issue` and `email` are those of a subscriber whose columns are all empty; `variants` has one for each combination
    of answers that the list gives to the post's conditions.
    """

    path: str
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
    images: ImageMode | None = None,
    on_fetch: Callable[[int, int], None] = lambda done, total: None,
) -> Rendering:
    """Read a post (`-` is standard input) and render it once per variant that the audience needs.

    Raises ContentError or ConfigError. Reads no network unless `images` says so.
    """
    name, data, folder = open_post(post, sys.stdin.buffer)
    text = decode_post(data, name)
    settings = config.settings
    site = read_site(
        config.root / settings.site.source if settings.site.source else None,
        url=settings.site.url,
        baseurl=settings.site.baseurl,
        permalink=settings.site.permalink,
    )
    read = partial(parse_post, text, path=name, site=site, language=settings.newsletter.language)
    plain = read()
    _require_columns(plain, audience, name)
    theme = load_theme(plain.issue.template or settings.theme.name, config.root)
    masthead = Masthead(
        # An unnamed newsletter has a default name for its headers; printing it would tell nobody anything.
        name=settings.newsletter.name if "name" in settings.newsletter.model_fields_set else "",
        postal_address=settings.newsletter.postal_address,
        unsubscribe=bool(settings.newsletter.unsubscribe_mailto),
        labels=settings.labels,
    )
    written: list[Path] = []
    # A theme without pictures links to them: there is nothing to fetch.
    mode = (images or settings.images.mode) if theme.values["layout"].get("images", True) else "remote"
    fetcher = None
    if mode != "remote":
        from newsletter.fetch import Fetcher

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
    people = audience.subscribers if audience else ()
    wanted = {nobody} | ({answers(plain.conditions, person) for person in people} if plain.conditions else set())
    rendered = {answered: render(answered) for answered in sorted(wanted)}
    issue, email = rendered[nobody]
    variants = Variants(plain.conditions, {answered: result[1] for answered, result in rendered.items()})
    return Rendering(name, issue, email, variants, tuple(written))


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
    recipients: tuple[Subscriber, ...]
    audience: Audience | None
    findings: tuple[Finding, ...] = ()
    test: bool = False

    @property
    def sample(self) -> Message:
        """The first recipient's message: what a dry run writes and what sizes are measured on."""
        return self.composer.compose(self.recipients[0] if self.recipients else SAMPLE)

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
    to: Path | None,
    test: Sequence[str],
    when: datetime,
    images: ImageMode | None = None,
    on_fetch: Callable[[int, int], None] = lambda done, total: None,
) -> Sending:
    """Who would get what: reads the list, renders the post, connects to no relay. Raises ContentError, ConfigError."""
    if to is None and not test:
        raise ConfigError("nobody to send to; write --to subscribers.csv, or --test you@example.com")
    from newsletter.subscribers import read_audience

    audience = read_audience(to) if to is not None else None
    rendering = render_post(post, config, audience, images=images, on_fetch=on_fetch)
    recipients = audience.subscribers if audience else ()
    if test:
        # A stranger reads what the first on the list will read, but for the address.
        example = recipients[0] if recipients else None
        listed = {fold_address(person.email): person for person in recipients}
        chosen = (normalized_test_address(address) for address in test)
        recipients = tuple(
            {
                fold_address(address): listed.get(fold_address(address)) or _stranger(address, example)
                for address in chosen
            }.values()
        )
    if not recipients:
        invalid = len(audience.invalid) if audience else 0
        raise ContentError(f"{to}: none of its {invalid} rows has an address that mail can go to; mend them")
    composer = Composer(
        rendering.variants if audience else rendering.email,
        config.sender,
        issue=rendering.issue.slug,
        when=when,
        prefix=TEST_PREFIX if test else "",
    )
    warnings = (*rendering.findings, *_empty_fields(rendering, recipients))
    return Sending(rendering, config, composer, recipients, audience, warnings, test=bool(test))


def normalized_test_address(address: str) -> str:
    from newsletter.subscribers import normalize_address

    try:
        return normalize_address(address)
    except ValueError as error:
        raise ConfigError(f"--test {address!r} is not an email address ({error}); write name@example.com") from error


def _stranger(address: str, example: Subscriber | None) -> Subscriber:
    return Subscriber(address, {**(example.fields if example else {}), "email": address})


def _empty_fields(rendering: Rendering, recipients: Sequence[Subscriber]) -> tuple[Finding, ...]:
    """The fields without a default that some of the recipients have nothing for."""
    findings = []
    for field in rendering.issue.fields:
        empty = sum(not person.fields.get(field.name, "").strip() for person in recipients)
        if empty and not field.default and field.name != "email":
            what = f"subscriber.{field.name} is empty for {empty:,} of {len(recipients):,}, and leaves a hole"
            remedy = f'write {{{{ subscriber.{field.name} | default("…") }}}}'
            findings.append(Finding("field-empty", what, remedy, field.line))
    return tuple(findings)


def require_sendable(sending: Sending, relay: Relay) -> tuple[str, ...]:
    """What still lacks for a real send. A relay on this machine only earns warnings, which are returned.

    Raises ConfigError for missing keys, ContentError for a post that is not to be published.
    """
    issue = sending.rendering.issue
    if not issue.published and not sending.test:
        raise ContentError(
            located(sending.rendering.path, None, "`published: false` says not to send this post", "take the line out")
        )
    missing = tuple(key for key in sending.config.missing_for_send() if key != "relay.url")
    if not missing:
        return ()
    place = sending.config.path or "newsletter.toml"
    keys = ", ".join(missing)
    if not relay.is_loopback:
        raise ConfigError(f"{place}: {keys} must be set before mail may leave this machine; see docs/configuration.md")
    return (f"{keys} not set in newsletter.toml; fine for a relay on this machine, refused for any other",)


# --- sending --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """How a send ended; read from the ledger, so that the numbers are those that a later run will see."""

    sent: int
    already: int
    rejected: tuple[tuple[str, Outcome], ...]
    left: tuple[tuple[str, Outcome | None], ...]
    uncertain: tuple[str, ...]
    stopped: str = ""

    @property
    def complete(self) -> bool:
        return not self.left and not self.uncertain and not self.stopped


def _settle_content(plan: Plan, sending: Sending, ledger: Ledger, *, go_on: bool) -> None:
    """Refuse to send two versions of one issue under one name, unless the person says so. Nobody due, no question."""
    if not plan.content_changed or not plan.due:
        return
    issue = sending.rendering.issue
    if not go_on:
        have = len(plan.sent) + len(plan.uncertain)
        raise ConfigError(
            f"the issue {issue.slug} is not what {have:,} people got: post, theme or newsletter.toml has changed "
            f"since; write --continue to send it as it is now to the other {len(plan.due):,}"
        )
    ledger.accept_content(issue.slug, sending.content_hash, unmark(issue.title, issue))


def already_served(sending: Sending, ledger_path: Path | None) -> int:
    """How many of the recipients a send would pass over: they have the issue, refused it, or nobody can know.

    Reads the ledger where there is one, and makes none.
    """
    if sending.test or ledger_path is None or not ledger_path.exists():
        return 0
    from newsletter.ledger import Ledger

    served = (State.SENT, State.REJECTED, State.UNCERTAIN)
    with Ledger.open(ledger_path, lambda: datetime.now(UTC)) as ledger:
        known = {fold_address(row.address) for row in ledger.rows(sending.rendering.issue.slug, *served)}
    return sum(fold_address(person.email) in known for person in sending.recipients)


def send(
    sending: Sending,
    relay: Relay,
    ledger: Ledger,
    *,
    go_on: bool = False,
    on_plan: Callable[[int], None] = lambda due: None,
    on_outcome: Callable[[Subscriber, Outcome], None] = lambda person, outcome: None,
) -> Report:
    """Mail everyone who is due, once each, and account for all of them.

    Raises DeliveryError when the relay cannot be had at all, BusyError when another run holds the issue, ConfigError.
    """
    if sending.test:
        return _send_test(sending, relay, ledger, on_plan, on_outcome)
    issue = sending.rendering.issue.slug
    people = {fold_address(person.email): person for person in sending.recipients}
    with ledger.hold(issue):
        ledger.recover(issue)
        plan = ledger.plan(
            issue,
            (person.email for person in sending.recipients),
            content_hash=sending.content_hash,
            subject=unmark(sending.rendering.issue.title, sending.rendering.issue),
        )
        _settle_content(plan, sending, ledger, go_on=go_on)
        due = [people[fold_address(address)] for address in plan.due]
        on_plan(len(due))
        reason = _deliver(sending, due, relay, _Recorder(ledger, issue), on_outcome).reason if due else ""
        rows = {fold_address(row.address): row for row in ledger.rows(issue)}
    standing = [(people[key].email, rows[key]) for key in people]
    tried = {fold_address(person.email) for person in due}
    by_state: Mapping[State, list[tuple[str, Outcome]]] = {state: [] for state in State}
    for address, row in standing:
        by_state[row.state].append((address, Outcome(row.state, row.stage, row.code, row.reply)))
    sent = {fold_address(address) for address, _ in by_state[State.SENT]}
    waiting = (State.PENDING, State.CLAIMED, State.COMMITTING, State.DEFERRED)
    return Report(
        sent=len(sent & tried),
        already=len(sent - tried),
        rejected=tuple(by_state[State.REJECTED]),
        left=tuple(entry for state in waiting for entry in by_state[state]),
        uncertain=tuple(address for address, _ in by_state[State.UNCERTAIN]),
        stopped=reason,
    )


def _send_test(
    sending: Sending,
    relay: Relay,
    ledger: Ledger,
    on_plan: Callable[[int], None],
    on_outcome: Callable[[Subscriber, Outcome], None],
) -> Report:
    """A test counts for nobody: it is written down apart, and the same address gets the real issue later."""
    recorder = _TestRecorder(ledger, sending.rendering.issue.slug)
    on_plan(len(sending.recipients))
    stopped = _deliver(sending, sending.recipients, relay, recorder, on_outcome)
    outcomes = recorder.outcomes
    untried = [(p.email, None) for p in sending.recipients if p.email not in outcomes]
    left = [(address, outcome) for address, outcome in outcomes.items() if outcome.state is State.DEFERRED]
    return Report(
        sent=sum(outcome.state is State.SENT for outcome in outcomes.values()),
        already=0,
        rejected=tuple((a, outcome) for a, outcome in outcomes.items() if outcome.state is State.REJECTED),
        left=(*left, *untried),
        uncertain=tuple(a for a, outcome in outcomes.items() if outcome.state is State.UNCERTAIN),
        stopped=stopped.reason,
    )


def _deliver(
    sending: Sending,
    due: Sequence[Subscriber],
    relay: Relay,
    record: _Recorder | _TestRecorder,
    on_outcome: Callable[[Subscriber, Outcome], None],
) -> Stopped:
    import asyncio

    from newsletter.delivery import deliver

    timeout_s = sending.config.settings.relay.timeout_s
    return asyncio.run(deliver(due, sending.composer, record, relay, timeout_s=timeout_s, on_outcome=on_outcome))


class _Recorder:
    """The ledger, seen from one issue's send."""

    def __init__(self, ledger: Ledger, issue: str) -> None:
        self.ledger = ledger
        self.issue = issue

    def claim(self, address: str) -> bool:
        return self.ledger.claim(self.issue, address)

    def commit(self, address: str, message_id: str) -> None:
        self.ledger.commit(self.issue, address, message_id)

    def record(self, address: str, outcome: Outcome) -> None:
        self.ledger.record(self.issue, address, outcome)


class _TestRecorder:
    """A test is recorded once it is over; it claims nobody."""

    def __init__(self, ledger: Ledger, issue: str) -> None:
        self.ledger = ledger
        self.issue = issue
        self.outcomes: dict[str, Outcome] = {}

    def claim(self, address: str) -> bool:
        return True

    def commit(self, address: str, message_id: str) -> None:
        pass

    def record(self, address: str, outcome: Outcome) -> None:
        self.outcomes[address] = outcome
        self.ledger.record_test(self.issue, address, outcome)


# --- the ledger, for a person ---------------------------------------------------------------------------------------


def open_ledger(config: Config, when: Callable[[], datetime]) -> Ledger:
    """The ledger of what was sent. Raises ConfigError where nothing was ever sent from here."""
    from newsletter.ledger import Ledger

    if not config.ledger_path.exists():
        raise ConfigError(
            f"{config.ledger_path}: there is no ledger, so nothing was sent from here; run `newsletter send`"
        )
    return Ledger.open(config.ledger_path, when)


def known_issue(ledger: Ledger, name: str) -> str:
    """The issue of this name, or of a post of this name. Raises ConfigError naming those there are."""
    names = [row.issue for row in ledger.issues()]
    found = next((known for known in names if known in (name, Path(name).stem)), None)
    if found is None:
        raise ConfigError(
            f"the ledger has no issue '{name}'; write one of: {', '.join(names[-10:]) or '(it is empty)'}"
        )
    return found


def resolve_uncertain(ledger: Ledger, issue: str, addresses: Sequence[str], *, resend: bool) -> tuple[str, ...]:
    """Settle those of whom nobody can know whether they have the issue -> the addresses that were settled.

    Without `addresses` all of them. The person decides: mailed again by the next send, or counted as sent.
    """
    with ledger.hold(issue):
        ledger.recover(issue)
        uncertain = {fold_address(row.address): row.address for row in ledger.rows(issue, State.UNCERTAIN)}
        wanted = [fold_address(address) for address in addresses] or list(uncertain)
        strangers = [address for address in addresses if fold_address(address) not in uncertain]
        if strangers:
            raise ConfigError(f"{strangers[0]} is not uncertain for {issue}; `newsletter status {issue}` lists who is")
        for key in wanted:
            ledger.resolve(issue, uncertain[key], State.PENDING if resend else State.SENT)
    return tuple(uncertain[key] for key in wanted)
