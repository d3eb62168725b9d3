"""Plan a send: its recipients, the variant of each, the signing keys."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.addresses import fold_address, normalize_address
from newsletter.audience.audience import Audience
from newsletter.audience.read_audience import read_audience, why_empty
from newsletter.config.config import Config
from newsletter.errors import ConfigError, ContentError, InvalidValueError, located
from newsletter.frozen import frozen
from newsletter.message.compose import Composer
from newsletter.message.dkim import Signers, load_signer
from newsletter.model.column_rules import Rule, rules_of
from newsletter.model.delivery import Message
from newsletter.model.findings import Finding
from newsletter.model.rendered_email import Email
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.render_post import SAMPLE, Rendering, empty_fields, render_post, zone_of
from newsletter.post.publication import held_findings
from newsletter.render.images.resolve import ImageMode

if TYPE_CHECKING:
    from newsletter.audience.lists.rows import RowSource
    from newsletter.message.dkim import Signer


TEST_PREFIX = "[Test] "


CORRECTIONS = {"en": "Correction: ", "zh": "【更正】", "ja": "【訂正】", "ko": "[정정] "}
"""The subject prefix of a corrected issue, by language."""


@frozen
class Sending:
    """A planned send, before any action. `audience` is None for a test to addresses off any list."""

    rendering: Rendering
    config: Config
    composer: Composer
    recipients: Audience
    audience: Audience | None
    findings: tuple[Finding, ...] = ()
    test: bool = False

    @property
    def sample(self) -> Message:
        """The first recipient's message: written by a dry run and used to measure sizes."""
        return self.composer.compose(self.recipients.first or SAMPLE)

    @property
    def sample_email(self) -> Email:
        """The variant of `sample`."""
        return self.rendering.variants.email_for(self.recipients.first or SAMPLE)

    def correction(self, issue: str) -> Sending:
        """The same as a correction, for recipients of an older version; `issue` makes its Message-IDs differ."""
        word = CORRECTIONS.get(self.rendering.email.lang.partition("-")[0], CORRECTIONS["en"])
        made = self.composer
        return replace(
            self,
            composer=Composer(made.variants, made.sender, issue=issue, when=made.when, prefix=word, signer=made.signer),
        )

    @property
    def content_hash(self) -> str:
        """The hash of all content that is sent, every variant of it."""
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
    catches: bool = False,
    sign_ups: Callable[[str], RowSource] | None = None,
    on_fetch: Callable[[int, int], None] = lambda done, total: None,
) -> Sending:
    """Plan a send: read the lists and render the post, without connecting to a relay. Raises ContentError, ConfigError.

    `when` is the Date of the messages, or the clock that gives each its own (`Composer`).
    `to` and `sign_ups` are as in `read_audience`, `where` is the segment. `columns` are rules for columns about
    unsubscribing, beyond those of newsletter.toml. A `dry` plan is for display only: it needs no secrets, and its links
    do not work. One that `catches` goes into a mail catcher.
    """
    lists = (to,) if isinstance(to, Path) else tuple(to or ())
    if not lists and not test:
        raise ConfigError("nobody to send to", "write --to subscribers.csv, or --test you@example.com")
    if where and not lists:
        raise ConfigError("--where chooses from a list", "write --to subscribers.csv as well")

    rules = rules_of((*config.settings.subscribers.columns.values(), *columns))
    audience = read_audience(*lists, where=where, sign_ups=sign_ups, rules=rules) if lists else None
    tested = _chosen(test, audience) if test else None
    # A test is read before anything is registered, and what is caught is registered where no server finds it: their
    # links lead straight to where they should.
    rendering = render_post(
        post,
        config,
        audience,
        tested=tested,
        images=images,
        on_fetch=on_fetch,
        count_links=not (test or catches),
        segment=where,
    )
    if rendering.letter is not None and rendering.letter.has_button and not test:
        what = f"{rendering.letter.kind} is a mail of the sign-up pages: its button is another one for each reader"
        raise ContentError(located(post, None, what, "`newsletter serve` sends it; --test you@example.com shows it"))
    recipients = tested or audience
    if not recipients:
        why = why_empty(audience) if audience is not None else located("", None, "nobody is left to mail", "")
        raise ContentError(located(", ".join(map(str, lists)), None, why.what, why.remedy))
    composer = Composer(
        rendering.variants,
        rendering.sender(config.sample_sender if dry else config.sender),
        issue=rendering.issue.slug,
        when=when,
        prefix=TEST_PREFIX if test else "",
        signer=None if dry else signer_of(config),
        automatic=rendering.letter is not None,
        attempt=_attempt(when) if test and not dry else "",
    )
    held = held_findings(rendering.issue, composer.now, zone_of(config), rendering.text)
    warnings = (*rendering.findings, *held, *empty_fields(rendering, recipients))
    return Sending(rendering, config, composer, recipients, audience, warnings, test=bool(test))


def signer_of(config: Config) -> Signer | Signers | None:
    """The signing keys, one or several. Raises ConfigError if one of them is missing or invalid."""
    keys = config.dkim
    if not keys:
        return None

    signers: list[Signer] = []
    for key in keys:
        try:
            signers.append(load_signer(key.domain, key.selector, key.pem))
        except InvalidValueError as fault:
            which = f" of the selector {key.selector}" if len(keys) > 1 else ""
            raise ConfigError(f"[dkim] the key{which} {fault.what}", fault.remedy) from fault
    return signers[0] if len(signers) == 1 else Signers(tuple(signers))


def normalized_test_address(address: str, option: str = "--test ") -> str:
    """The normalized address of a test. ConfigError if it is invalid; `option` is the option that named it."""
    try:
        return normalize_address(address)
    except ValueError as error:
        what = f"{option}{address!r} is not an email address ({error})"
        raise ConfigError(what, "write name@example.com") from error


def _chosen(addresses: Sequence[str], audience: Audience | None) -> Audience:
    """The recipients of a test.

    One who is not on the list gets the columns of the first who is, but for the address.
    """

    people = {fold_address(address): address for address in map(normalized_test_address, addresses)}
    listed = audience.find(people) if audience else {}
    example = audience.first if audience else None
    return Audience.of(listed.get(key) or _off_list(address, example) for key, address in people.items())


def _off_list(address: str, example: Subscriber | None) -> Subscriber:
    return Subscriber(address, {**(example.fields if example else {}), "email": address})


def _attempt(when: datetime | Callable[[], datetime]) -> str:
    """A unique value for the Message-IDs of a test, by the microsecond."""
    now = when() if callable(when) else when
    return f"test {now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
