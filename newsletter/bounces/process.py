"""Process incoming mail: read, match, decide, record, then mark in the mailbox.

A bounce or complaint is matched to one recipient of one issue, by the strongest of these proofs:

    token        of the recipient's VERP address, which cannot be guessed
    message id   of the recipient's message; as good as a token if a secret made it
    provider     a webhook whose signature was verified
    address      named in the report, if it is known: anyone could have written that

A hard bounce that is proven by its address alone counts as a soft one: a forged report must not remove a subscriber
from the list. A complaint or an unsubscribe request is always honoured: continuing to mail would be worse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from newsletter.addresses import fold_address, normalize_address
from newsletter.audience.people.bounce_records import Recipient
from newsletter.audience.people.bounce_score import SOFT_RULE, SoftRule
from newsletter.audience.people.records import BounceEvent, BounceKind
from newsletter.audience.people.store import People
from newsletter.bounces.mailboxes.local import Mailbox, open_mailbox
from newsletter.bounces.message_kind import read_message
from newsletter.bounces.outcome import COMPLAINT, WISH, BounceReport, Effect, Entry, Proof
from newsletter.bounces.results import (
    AutoReply,
    Bounce,
    Complaint,
    Doubtful,
    Failure,
    Kind,
    Ordinary,
    Reading,
    Traces,
    Unreadable,
    Unsubscribe,
)
from newsletter.bounces.stored_message import StoredMessage
from newsletter.bounces.webhooks.read import Event
from newsletter.config.config import Config
from newsletter.errors import ConfigError
from newsletter.frozen import frozen
from newsletter.ledger.chores import note_chore
from newsletter.ledger.presence import require_ledger

_BATCH = 500
"""Messages that are matched together: finding the recipient of a token makes all tokens again."""


@frozen
class Incoming:
    """A message as it was read, with the name that deduplicates it. `signed`: by a provider, and verified."""

    place: str
    evidence: str
    at: datetime
    reading: Reading
    signed: bool = False


@frozen
class Rules:
    """`bounce_address` is the configured one, with `{token}`.

    `secret`: Message-IDs are made with one, and so prove something. `dry_run` records nothing.
    """

    bounce_address: str = ""
    secret: bool = False
    soft: SoftRule = SOFT_RULE
    dry_run: bool = False


def read_bounces(
    mailbox: Mailbox, people: People, clock: Callable[[], datetime], rules: Rules
) -> Iterator[tuple[int, tuple[Entry, ...]]]:
    """Read and process a mailbox, some hundred messages at a time. Returns the number of messages, and the entries.

    Messages are marked once their consequences are on disk, and no others. It may be run again after a kill at any
    point: recorded messages count once.
    """
    arrivals = mailbox.arrivals()
    while batch := list(_read(islice(arrivals, _BATCH), rules, clock)):
        entries = settle([incoming for _, incoming in batch], people, rules)
        yield len(batch), entries
        if not rules.dry_run:
            done = {entry.evidence for entry in entries if entry.effect in _DONE}
            mailbox.acknowledge([key for key, incoming in batch if incoming.evidence in done])


_DONE = frozenset({Effect.SUPPRESSED, Effect.COUNTED, Effect.KNOWN})
"""Only these are marked as processed; personal mail and unknown bounces stay unread."""


def _read(
    arrivals: Iterable[StoredMessage], rules: Rules, clock: Callable[[], datetime]
) -> Iterator[tuple[str, Incoming]]:
    """Read and release each message: a batch holds classifications, not bytes."""
    for arrival in arrivals:
        now = clock()
        reading = Unreadable(arrival.fault) if arrival.fault else read_message(arrival.raw, rules.bounce_address)
        at = min(arrival.received or now, now)
        yield arrival.key, Incoming(arrival.place, arrival.evidence, at, reading)


def read_sources(
    config: Config,
    sources: Sequence[str],
    env: Mapping[str, str],
    clock: Callable[[], datetime],
    *,
    dry_run: bool = False,
) -> BounceReport:
    """Read each mailbox, that of [bounces] by default.

    One that cannot be read is a fault in the report, and the others are read all the same. ConfigError if there is no
    mailbox, or if nothing was ever sent from here.
    """
    keys = config.settings.bounces
    own = keys.mailbox if "://" in keys.mailbox else str(config.root / keys.mailbox)
    wanted = list(sources) or ([own] if keys.mailbox else [])
    if not wanted:
        what = "there is no mailbox to read"
        raise ConfigError(what, 'name one, or write [bounces] mailbox = "imaps://user@host/INBOX" in newsletter.toml')
    place = config.ledger_place
    require_ledger(place)
    rule = SoftRule(keys.soft_threshold, keys.stale_days)
    rules = Rules(config.settings.newsletter.bounce_address, bool(config.secret), rule, dry_run)
    report = BounceReport()
    with People.open(place, clock, config.secrets) as people:
        for source in wanted:
            try:
                with open_mailbox(source, env, keys.done_folder, keys.token_command) as mailbox:
                    for messages, entries in read_bounces(mailbox, people, clock, rules):
                        report = report.plus(messages, entries)
                # A single message file is not the mailbox.
                if not (dry_run or source.lower().endswith(".eml")):
                    note_chore(people.storage, "bounces", clock())
            except ConfigError as fault:
                report = replace(report, faults=(*report.faults, str(fault)))
    return report


def settle(incoming: Sequence[Incoming], people: People, rules: Rules) -> tuple[Entry, ...]:
    """Decide and record; on disk when it returns. Also for the events of a webhook."""
    owners = _owners(incoming, people)
    return tuple(entry for each in incoming for entry in _settled(each, owners, people, rules))


def from_provider(events: Iterable[Event]) -> tuple[Incoming, ...]:
    """A webhook's event, for `settle`."""
    return tuple(Incoming(event.name, event.name, event.at, event.reading, signed=True) for event in events)


# --- matching -------------------------------------------------------------------------------------------------------


@frozen
class _Owners:
    by_id: Mapping[str, Recipient]
    by_token: Mapping[str, Recipient]

    def of(self, traces: Traces) -> tuple[Recipient, Proof] | None:
        if traces.token in self.by_token:
            return self.by_token[traces.token], Proof.TOKEN
        found = next((self.by_id[each] for each in traces.message_ids if each in self.by_id), None)
        return (found, Proof.MESSAGE_ID) if found else None


def _owners(incoming: Sequence[Incoming], people: People) -> _Owners:
    """The recipients of a whole batch, with two scans of the ledger; the expensive one only for unmatched tokens."""
    traces = [each.reading.traces for each in incoming if isinstance(each.reading, Bounce | Complaint)]
    by_id = people.find_by_message_ids({found for each in traces for found in each.message_ids})
    unexplained = {each.token for each in traces if each.token and not any(i in by_id for i in each.message_ids)}
    return _Owners(by_id, people.find_by_bounce_tokens(unexplained) if unexplained else {})


def _known(people: People, *addresses: str) -> str:
    """The first of the addresses that we have mailed, or that signed up; "" if there is none."""
    for address in addresses:
        normal = _normal(address)
        if normal and not people.history(normal).is_unknown:
            return normal
    return ""


def _normal(address: str) -> str:
    try:
        return normalize_address(address)
    except ValueError:
        return ""


# --- consequences ---------------------------------------------------------------------------------------------------


def _settled(incoming: Incoming, owners: _Owners, people: People, rules: Rules) -> Iterator[Entry]:
    place, evidence = incoming.place, incoming.evidence
    match incoming.reading:
        case Bounce() as bounce:
            yield from _bounced(incoming, bounce, owners.of(bounce.traces), people, rules)
        case Complaint() as complaint:
            yield _complained(incoming, complaint, owners.of(complaint.traces), people, rules)
        case Unsubscribe() as wish:
            yield _left(incoming, wish, people, rules)
        case AutoReply(sign):
            yield Entry(place, Effect.ALONE, "automatic answer", f"a machine wrote it ({sign})", evidence=evidence)
        case Doubtful(words, sender):
            why = f'it may ask to leave: "{words}"; `newsletter subscribers suppress {sender}` does so'
            yield Entry(place, Effect.UNCLEAR, "letter", why, _normal(sender), evidence=evidence)
        case Ordinary(sender, subject):
            whose = f"“{subject[:60]}” from {sender or 'nobody'}: for a person to read"
            yield Entry(place, Effect.ALONE, "letter", whose, evidence=evidence)
        case Unreadable(why):
            yield Entry(place, Effect.UNREADABLE, "message", why, evidence=evidence)


def _bounced(
    incoming: Incoming, bounce: Bounce, owner: tuple[Recipient, Proof] | None, people: People, rules: Rules
) -> Iterator[Entry]:
    if bounce.forwarded and not _is_about(bounce, owner):
        why = "somebody sends on a report of mail that is not ours: for a person to read"
        yield Entry(incoming.place, Effect.ALONE, "letter", why, evidence=incoming.evidence)
        return
    if owner:
        recipient, proof = owner
        # One message of ours has one recipient: other addresses in the report are those that an alias expanded to.
        mine = fold_address(recipient.address)
        failure = next((each for each in bounce.failures if fold_address(each.address) == mine), bounce.failures[0])
        yield _recorded(incoming, failure, recipient, proof, people, rules)
        return
    for number, failure in enumerate(bounce.failures):
        named = (failure.address, *bounce.traces.addresses) if len(bounce.failures) == 1 else (failure.address,)
        address = _known(people, *(each for each in named if each))
        if not address:
            who = failure.address or "nobody"
            why = f"it names {who}, whom we have not mailed"
            yield Entry(incoming.place, Effect.STRANGER, "bounce", why, evidence=incoming.evidence)
            continue
        proof = Proof.PROVIDER if incoming.signed else Proof.ADDRESS
        yield _recorded(incoming, failure, Recipient("", address), proof, people, rules, number)


def _is_about(bounce: Bounce, owner: tuple[Recipient, Proof] | None) -> bool:
    """Whether a forwarded report is about the very subscriber whom its traces prove.

    Security: a subscriber who forwards our message may get a report about a third person, with our Message-ID in it.
    """
    return owner is not None and any(
        fold_address(each.address) == fold_address(owner[0].address) for each in bounce.failures
    )


def _recorded(
    incoming: Incoming,
    failure: Failure,
    recipient: Recipient,
    proof: Proof,
    people: People,
    rules: Rules,
    number: int = 0,
) -> Entry:
    # Security: anyone who can send mail can forge a report. Only what our own mail contains is proof.
    proven = incoming.signed or proof is Proof.TOKEN or (proof is Proof.MESSAGE_ID and rules.secret)
    words = f"{failure.code or ''} {failure.words}".strip()
    kind = BounceKind(failure.kind.value)
    if failure.kind is Kind.HARD and not proven:
        kind = BounceKind.SOFT
        words = f"(counted as soft: the report proves nothing) {words}".strip()
    event = BounceEvent(
        recipient.address,
        incoming.at,
        kind,
        f"{incoming.evidence}/{number}" if number else incoming.evidence,
        failure.status,
        words,
        recipient.issue,
        failure.rule,
    )
    return _counted(incoming, event, f"{failure.kind} bounce", proof, people, rules)


def _complained(
    incoming: Incoming, complaint: Complaint, owner: tuple[Recipient, Proof] | None, people: People, rules: Rules
) -> Entry:
    if owner:
        recipient, proof = owner
    else:
        address = _known(people, *complaint.traces.addresses)
        if not address:
            why = "it does not say of whom, or names somebody whom we have not mailed"
            return Entry(incoming.place, Effect.STRANGER, COMPLAINT, why, evidence=incoming.evidence)
        recipient, proof = Recipient("", address), Proof.PROVIDER if incoming.signed else Proof.ADDRESS
    words = " ".join(part for part in (complaint.feedback, complaint.reporter) if part)
    event = BounceEvent(
        recipient.address,
        incoming.at,
        BounceKind.COMPLAINT,
        incoming.evidence,
        diagnostic=words,
        issue=recipient.issue,
    )
    return _counted(incoming, event, COMPLAINT, proof, people, rules)


def _counted(incoming: Incoming, event: BounceEvent, what: str, proof: Proof, people: People, rules: Rules) -> Entry:
    if rules.dry_run:
        at_once = event.kind in (BounceKind.HARD, BounceKind.COMPLAINT)
        effect, why = (Effect.SUPPRESSED if at_once else Effect.COUNTED), f"{event.kind}, {event.diagnostic}"
    else:
        decision = people.record_bounce(event, rules.soft)
        effect = Effect.SUPPRESSED if decision.suppressed else Effect.COUNTED if decision.new else Effect.KNOWN
        why = decision.why
    return Entry(
        incoming.place, effect, what, why, event.address, event.issue, proof, event.status, evidence=incoming.evidence
    )


def _left(incoming: Incoming, wish: Unsubscribe, people: People, rules: Rules) -> Entry:
    """Unsubscribe the address in the mail: a mail program may send from another address than the subscribed one.

    If that address is unknown, but the sender's is known, unsubscribe the sender. If neither is known, unsubscribe too:
    the address may be on a list that was not mailed yet.
    """
    address = _known(people, wish.named, wish.sender) or _normal(wish.named) or _normal(wish.sender)
    if not address:
        why = f"{wish.named or wish.sender} is not an address"
        return Entry(incoming.place, Effect.UNREADABLE, WISH, why, evidence=incoming.evidence)
    source = f"mail from {wish.sender or 'nobody'} ({incoming.evidence})"
    new = rules.dry_run or people.leave(address, source)
    effect, why = (
        (Effect.SUPPRESSED, "asked to leave by mail: not mailed any more") if new else (Effect.KNOWN, "had left")
    )
    return Entry(incoming.place, effect, WISH, why, address, evidence=incoming.evidence)
