"""Prepare a send against the ledger: changed content, changed list, remaining recipients.

Sending --prepare--> PreparedSend --deliver--> SendResult; the issue is held from start to end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from itertools import islice
from types import MappingProxyType

from newsletter.addresses import fold_address
from newsletter.audience.audience import Audience
from newsletter.errors import ConfigError, ContentError, Located, located
from newsletter.frozen import frozen
from newsletter.ledger.ledger import Ledger, Plan
from newsletter.model.delivery import Relay
from newsletter.pipeline.plan_send import Sending
from newsletter.pipeline.rare_readers import rare_readers
from newsletter.pipeline.render_post import zone_of
from newsletter.pipeline.same_issue import known_issue as known_issue
from newsletter.pipeline.same_issue import require_same_issue
from newsletter.post.publication import held_findings
from newsletter.post.templating.placeholders import unmark
from newsletter.signals import StopRequest
from newsletter.text import counted
from newsletter.tokens import AddressHashes

FEW = 20
"""Lists smaller than this are exempt from the changed-list check: of five recipients, one is a fifth."""


@frozen
class SendOptions:
    """Options of the command, beyond the configuration. 0 if not given."""

    go_on: bool = False
    erratum: bool = False
    canary: int = 0
    connections: int = 0
    force_change: bool = False
    watched: bool = False
    """A user watches and may end it: it waits as long as needed, beyond `max_wait_s`."""

    newcomers: bool = False
    """Also mail recipients who joined the list long after the issue first went out."""

    stop: StopRequest | None = None
    """Drains the send from another thread, which gets no signals."""


@frozen
class PreparedSend:
    """A send that is planned in the ledger and has not begun. `issue` is its name in the ledger.

    `left_out` counts the recipients of the plan who must not be mailed, by reason.
    """

    sending: Sending
    plan: Plan
    issue: str
    options: SendOptions
    left_out: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    begins: bool = False
    """The ledger has no issue yet: every recipient is mailed as if for the first time."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings about a send that is not refused."""
        plan, notes = self.plan, []
        have = plan.sent + plan.uncertain
        if plan.content_changed and not plan.due and have and not (self.options.go_on or self.options.erratum):
            notes.append(
                f"the issue {self.issue} is not what {counted(have, 'person', 'people')} got, and nobody is left to "
                "mail: --erratum mails it again, marked as a correction, to those who got the old one"
            )
        if plan.newcomers:
            days = self.sending.config.settings.delivery.newcomers_days
            notes.append(
                f"{plan.newcomers:,} joined the list after the issue {self.issue} first went out, more than {days:g} "
                "days ago, and are left out; --newcomers mails them"
            )
        return tuple(notes)


def require_sendable(
    sending: Sending, relays: Sequence[Relay], *, go: bool = False, at: datetime | None = None
) -> tuple[str, ...]:
    """Check the requirements of a real send. For relays on this machine missing ones are returned as warnings.

    Raises ConfigError for missing keys, ContentError for a post that is unpublished or not yet due; `go` overrides
    that. `at` is the planned time, if it is later.
    """
    rendering = sending.rendering
    moment = at or sending.composer.now
    held = held_findings(rendering.issue, moment, zone_of(sending.config), rendering.text)
    if held and not (go or sending.test):
        raise ContentError(held[0].at(rendering.path))
    missing = tuple(key for key in sending.config.missing_for_send() if key != "relay.url")
    if not missing:
        return ()
    place = sending.config.path or "newsletter.toml"
    keys = ", ".join(missing)
    if not all(relay.is_loopback for relay in relays):
        raise ConfigError(
            located(
                str(place), None, f"{keys} must be set before mail may leave this machine", "see docs/configuration.md"
            )
        )
    return (f"{keys} not set in newsletter.toml; fine for a relay on this machine, refused for any other",)


def prepare(
    sending: Sending, ledger: Ledger, options: SendOptions, *, post: str = "", audience: str = ""
) -> PreparedSend:
    """Plan the recipients in the ledger. Call it while holding the issue; ConfigError if the user must decide.

    `post` and `audience` are what `resume` will read again: the post's path and the encoded list reference
    (`join_segment`).
    """
    issue = sending.rendering.issue.slug
    identity = require_same_issue(sending, ledger, accepted=options.go_on or options.erratum)
    ledger.recover(issue)
    title = unmark(sending.rendering.issue.title, sending.rendering.issue)
    delivery = sending.config.settings.delivery
    plan = ledger.plan(
        issue,
        sending.recipients.addresses(),
        content_hash=sending.content_hash,
        subject=title,
        post=post,
        audience=audience,
        max_attempts=delivery.max_attempts,
        address_hashes=AddressHashes(sending.config.secrets),
        identity=identity,
        newcomers_for=None if options.newcomers else timedelta(days=delivery.newcomers_days),
        rare=rare_readers(sending),
    )
    if plan.newcomers and not plan.audience:
        raise ConfigError(
            f"nobody on this list was to get the issue {issue} when it first went out, more than "
            f"{delivery.newcomers_days:g} days ago",
            "see that it is the right list, then write --newcomers",
        )
    ledger.register_links(issue, [(link.code, link.address, link.section) for link in sending.rendering.counted])
    if plan.content_changed and (plan.due or options.erratum):
        _settle_content(plan, sending, ledger, title, options)
    if options.erratum:
        return _prepare_erratum(sending, ledger, options, title, post, audience)
    if not options.force_change and (why_strange := _why_strange(plan, delivery.max_change)):
        ledger.withdraw(issue)
        raise ConfigError(why_strange)
    return PreparedSend(sending, plan, issue, options, ledger.suppressed(issue, planned=True))


def _settle_content(plan: Plan, sending: Sending, ledger: Ledger, title: str, options: SendOptions) -> None:
    """Refuse to send two versions of one issue under one name, unless an option allows it."""
    issue = sending.rendering.issue.slug
    if not (options.go_on or options.erratum):
        have = plan.sent + plan.uncertain
        raise ConfigError(
            f"the issue {issue} is not what {counted(have, 'person', 'people')} got: post, theme or newsletter.toml "
            "has changed since",
            f"write --continue to send it as it is now to the other {plan.due:,}, or --erratum to mail it "
            "again, marked as a correction, to those who got the old one",
        )
    ledger.accept_content(issue, sending.content_hash, title)


def _prepare_erratum(
    sending: Sending, ledger: Ledger, options: SendOptions, title: str, post: str, audience: str
) -> PreparedSend:
    """Prepare a correction: an issue of its own with its own rows, so that no recipient gets it twice either."""
    base = sending.rendering.issue.slug
    version = next(version.number for version in ledger.versions(base) if version.current)
    if version < 2:
        raise ConfigError(f"{base}: everyone who has it got it as it is now", "there is nothing to correct")
    issue = f"{base}+erratum-{version}"
    ledger.recover(issue)
    plan = ledger.plan(
        issue,
        _still_listed(ledger.holders_of_older(base), sending.recipients),
        content_hash=sending.content_hash,
        subject=title,
        post=post,
        audience=audience,
        max_attempts=sending.config.settings.delivery.max_attempts,
        address_hashes=AddressHashes(sending.config.secrets),
        correction=True,
    )
    # Compared with the last issue's list, it would be compared with the very issue that it corrects.
    plan = replace(plan, added=None, gone=None)
    return PreparedSend(sending.correction(issue), plan, issue, options, ledger.suppressed(issue, planned=True))


def _still_listed(addresses: Iterable[str], people: Audience) -> Iterator[str]:
    """Those of the addresses that are still on the list: no correction goes to recipients who left it."""
    waiting = iter(addresses)
    while batch := list(islice(waiting, 500)):
        found = people.find([fold_address(address) for address in batch])
        yield from (address for address in batch if fold_address(address) in found)


def _why_strange(plan: Plan, most: float) -> Located | None:
    """Why a list looks wrong compared with the last issue's: another file, or a truncated one. None if it does not."""
    if plan.gone is None or plan.added is None or plan.sent:
        return None
    before = plan.audience - plan.added + plan.gone
    if before < FEW or plan.gone <= most * before:
        return None
    return located(
        "",
        None,
        f"{plan.gone:,} of the {before:,} people of the last issue are not on this list",
        "see that it is the right one and whole, then write --changed-list",
    )
