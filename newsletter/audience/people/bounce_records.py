"""Record a bounce: match it to a recipient and apply its consequence, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import sqlalchemy as sa

from newsletter.audience.people.bounce_score import SoftRule, soft_score, stale_days_of
from newsletter.audience.people.history import kept
from newsletter.audience.people.records import BounceDecision, BounceEvent, BounceKind, Reason
from newsletter.frozen import frozen
from newsletter.ledger.database.schema import bounce_events, deliveries, issues, series_mails
from newsletter.ledger.database.timestamps import stamp_of, time_of
from newsletter.ledger.records import storable
from newsletter.tokens import token

_PAGE = 5_000
_AT_ONCE = 500


# --- consequences ---------------------------------------------------------------------------------------------------


def decide(db: sa.Connection, key: str, event: BounceEvent, rule: SoftRule, now: int) -> BounceDecision:
    """Store the event with its consequence. Evidence that is already stored changes nothing."""
    row = {
        "key": key,
        "at": stamp_of(event.at),
        "kind": event.kind.value,
        "status": storable(event.status),
        "diagnostic": kept(event.diagnostic),
        "issue": storable(event.issue),
        "evidence": storable(event.evidence),
    }
    if not db.execute(_NOTE, row).rowcount:
        return BounceDecision(new=False, suppressed=None, why="counted before")
    decision = _decision(db, key, event, rule, now)
    if event.rule:
        decision = replace(decision, why=f"{decision.why} (judged by: {event.rule})")
    change = sa.update(bounce_events).where(bounce_events.c.evidence == row["evidence"])
    db.execute(change.values(decision=decision.why))
    return decision


def _decision(db: sa.Connection, key: str, event: BounceEvent, rule: SoftRule, now: int) -> BounceDecision:
    status = f" ({event.status})" if event.status else ""
    match event.kind:
        case BounceKind.COMPLAINT:
            return BounceDecision(True, Reason.COMPLAINT, "reported as spam: not mailed any more")
        case BounceKind.HARD:
            return BounceDecision(True, Reason.HARD_BOUNCE, f"the address is dead{status}: not mailed any more")
        case BounceKind.SENDER_FAULT:
            return BounceDecision(True, None, f"refused for reasons of the sender's own{status}: mailed as before")
        case BounceKind.DELAYED:
            return BounceDecision(True, None, f"delayed{status}, and still being tried: mailed as before")
    soft = sa.select(bounce_events.c.at).where(
        bounce_events.c.key == key, bounce_events.c.kind == BounceKind.SOFT.value
    )
    stale_days = rule.stale_days or _stale_days(db)
    score = soft_score((time_of(at).date() for at in db.scalars(soft)), time_of(now).date(), stale_days)
    if not score:
        return BounceDecision(True, None, f"a soft bounce{status} of long ago: mailed as before")
    if score >= rule.threshold:
        return BounceDecision(True, Reason.SOFT_BOUNCES, f"soft bounces on {score} days{status}: not mailed any more")
    return BounceDecision(True, None, f"a soft bounce{status}, day {score} of {rule.threshold}: mailed as before")


def _stale_days(db: sa.Connection) -> int:
    """Derived from the newsletter's frequency, as its last issues show it."""
    newest = sa.select(issues.c.first_sent).where(issues.c.first_sent.is_not(None)).order_by(issues.c.first_sent.desc())
    return stale_days_of(time_of(at).date() for at in db.scalars(newest.limit(_LAST_ISSUES)))


_LAST_ISSUES = 30

_NOTE = sa.text(
    """
    INSERT INTO bounce_events (key, at, kind, status, diagnostic, issue, evidence)
    VALUES (:key, :at, :kind, :status, :diagnostic, :issue, :evidence)
    ON CONFLICT (evidence) DO NOTHING
    """
)


# --- matching -------------------------------------------------------------------------------------------------------


@frozen
class Recipient:
    """The recipient of a message, and its issue."""

    issue: str
    address: str


def by_tokens(db: sa.Connection, secrets: Sequence[str], tokens: Collection[str]) -> Mapping[str, Recipient]:
    """Find recipients by VERP tokens, by making all recipients' tokens again: a token encodes no address."""
    wanted = {given.lower(): given for given in tokens}
    found: dict[str, Recipient] = {}
    newest_first = sa.select(issues.c.id, issues.c.issue).order_by(issues.c.id.desc())
    for issue_id, issue in db.execute(newest_first).all():
        for key in _keys_of(db, issue_id):
            for secret in secrets:
                made = token(secret, "bounce", key, issue)
                if made in wanted:
                    found[wanted.pop(made)] = Recipient(issue, _address(db, issue_id, key))
            if not wanted:
                return found
    return found


def by_message_ids(db: sa.Connection, message_ids: Collection[str]) -> Mapping[str, Recipient]:
    found: dict[str, Recipient] = {}
    waiting = iter(message_ids)
    while batch := list(islice(waiting, _AT_ONCE)):
        rows = db.execute(
            sa.select(
                deliveries.c.message_id,
                issues.c.issue,
                sa.func.coalesce(deliveries.c.address, deliveries.c.recipient_key).label("address"),
            )
            .join(issues, issues.c.id == deliveries.c.issue)
            .where(deliveries.c.message_id.in_(batch))
        )
        found |= {row.message_id: Recipient(row.issue, row.address) for row in rows}
        mails = sa.select(series_mails).where(series_mails.c.message_id.in_(batch))
        found |= {row.message_id: Recipient(f"series/{row.step}", row.address or row.key) for row in db.execute(mails)}
    return found


def _keys_of(db: sa.Connection, issue_id: int) -> Iterator[str]:
    """All recipients' keys, in order: an index-only scan."""
    last = ""
    while True:
        page = (
            sa.select(deliveries.c.recipient_key)
            .where(deliveries.c.issue == issue_id, deliveries.c.recipient_key > last)
            .order_by(deliveries.c.recipient_key)
            .limit(_PAGE)
        )
        keys = db.scalars(page).all()
        yield from keys
        if len(keys) < _PAGE:
            return
        last = keys[-1]


def _address(db: sa.Connection, issue_id: int, key: str) -> str:
    mine = (deliveries.c.issue == issue_id, deliveries.c.recipient_key == key)
    return db.scalar(sa.select(deliveries.c.address).where(*mine)) or key
