"""Plan an issue in the ledger: its list, its content, and the number of recipients by state.

Each function works in the transaction of `db`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.ledger.database.schema import deliveries, identities, issues, versions
from newsletter.ledger.database.timestamps import moment_of, time_of
from newsletter.ledger.list_reference import split_segment
from newsletter.ledger.records import Plan, storable
from newsletter.model.delivery import State
from newsletter.text import valid_unicode


class KnownIssue(NamedTuple):
    """The issue's row id, its current plan, and its current version."""

    id: int
    plan: int
    version: int


_KNOWN = sa.text("SELECT id, plan, version FROM issues WHERE issue = :issue")


# Two runs may create a new issue at once.
_NEW_ISSUE = sa.text(
    """
    INSERT INTO issues (issue, subject, version, plan, last_plan, post, audience) VALUES (:issue, '', 0, 0, 0, '', '')
    ON CONFLICT (issue) DO NOTHING
    """
)


def known_issue(db: sa.Connection, issue: str) -> KnownIssue | None:
    found = db.execute(_KNOWN, {"issue": issue}).one_or_none()
    return KnownIssue(*found) if found else None


# --- content --------------------------------------------------------------------------------------------------------


def note_content(db: sa.Connection, issue: str, content_hash: str, subject: str, now: int) -> bool:
    """Store the issue's content. True when a recipient has, or may have, other content."""
    made = db.execute(_NEW_ISSUE, {"issue": issue}).rowcount
    known = KnownIssue(*db.execute(_KNOWN, {"issue": issue}).one())
    if made:
        accept_content(db, known.id, content_hash, subject, now)
        return False
    current = (versions.c.issue == known.id, versions.c.version == known.version)
    if db.scalar(sa.select(versions.c.content_hash).where(*current)) == content_hash:
        return False
    may_have_it = [State.SENT.value, State.UNCERTAIN.value, State.COMMITTING.value]
    reached = sa.exists().where(deliveries.c.issue == known.id, deliveries.c.state.in_(may_have_it))
    if db.scalar(sa.select(reached)):
        return True
    db.execute(sa.delete(versions).where(*current))  # no recipient has it
    accept_content(db, known.id, content_hash, subject, now)
    return False


def accept_content(db: sa.Connection, issue_id: int, content_hash: str, subject: str, now: int) -> None:
    """Make this the issue's current version: an existing one, or the next."""
    mine = versions.c.issue == issue_id
    number = db.scalar(sa.select(versions.c.version).where(mine, versions.c.content_hash == content_hash))
    if number is None:
        number = (db.scalar(sa.select(sa.func.max(versions.c.version)).where(mine)) or 0) + 1
        row = {"issue": issue_id, "version": number, "content_hash": content_hash, "subject": storable(subject)}
        db.execute(sa.insert(versions), {**row, "since": now})
    change = sa.update(issues).where(issues.c.id == issue_id)
    db.execute(change.values(version=number, subject=storable(subject)))


# --- the list -------------------------------------------------------------------------------------------------------

# A statement's rows sorted by key touch each page of the index once; the ids keep the list's order. They come as JSON:
# binding the values of each row would take as long as storing it.
_LIST_IN_SQLITE = """
    INSERT INTO deliveries (recipient_key, id, address, issue, state, plan, updated)
    SELECT listed.value, ? + listed.key, NULL, ?, 'pending', ?, ? FROM json_each(?) AS listed
    WHERE listed.type = 'text' ORDER BY listed.value
    ON CONFLICT (issue, recipient_key) DO UPDATE SET plan = excluded.plan
"""
_LIST_SPELLED_IN_SQLITE = """
    INSERT INTO deliveries (recipient_key, id, address, issue, state, plan, updated)
    VALUES (?, ?, ?, ?, 'pending', ?, ?)
    ON CONFLICT (issue, recipient_key) DO UPDATE SET plan = excluded.plan
"""
# One statement per batch: with one per row, round trips would dominate the time of a plan.
_LIST_IN_POSTGRESQL = sa.text(
    """
    INSERT INTO deliveries (issue, recipient_key, address, state, plan, updated)
    SELECT :issue, listed.key, listed.address, 'pending', :plan, :now
    FROM unnest(CAST(:keys AS text[]), CAST(:addresses AS text[])) WITH ORDINALITY AS listed (key, address, place)
    ORDER BY listed.place
    ON CONFLICT (issue, recipient_key) DO UPDATE SET plan = excluded.plan
    """
)


CACHE_KB = 2_000  # SQLite's default
LONG_LIST_CACHE_KB = 8_000
"""While a long list is stored; more of it would show in the memory of a send."""


def take_cache(db: sa.Connection, size_kb: int) -> None:
    """Set how much of the database this connection keeps in memory."""
    if db.dialect.name == "sqlite":
        db.exec_driver_sql(f"PRAGMA cache_size = -{size_kb}")


def pages_of(addresses: Iterable[str], size: int) -> Iterator[str]:
    """The addresses in pages, one on each line: as one text they take a third of the memory."""
    waiting = iter(addresses)
    while page := list(islice(waiting, size)):
        yield "\n".join(page)


def by_key(page: str) -> Mapping[str, str]:
    """The addresses of a page by key; of two spellings the first."""
    addresses = page.split("\n")
    keys = list(map(fold_address, addresses))
    if keys == addresses:
        return dict(zip(keys, keys, strict=True))
    people: dict[str, str] = {}
    for key, address in zip(keys, addresses, strict=True):
        people.setdefault(key, address)
    return people


def begin_plan(db: sa.Connection, issue_id: int) -> int:
    """Begin a plan; returns its number. It does not count until `finish_plan`."""
    mine = issues.c.id == issue_id
    db.execute(sa.update(issues).where(mine).values(last_plan=issues.c.last_plan + 1))
    return int(db.execute(sa.select(issues.c.last_plan).where(mine)).scalar_one())


_LISTED_IN_SQLITE = "UPDATE deliveries SET plan = ? WHERE issue = ? AND recipient_key = ?"
_LISTED_IN_POSTGRESQL = sa.text(
    "UPDATE deliveries SET plan = :plan WHERE issue = :issue AND recipient_key = ANY(CAST(:keys AS text[]))"
)


def list_known(db: sa.Connection, issue_id: int, plan: int, people: Mapping[str, str]) -> int:
    """Add only recipients who have a row already to the plan; returns how many are left out."""
    if db.dialect.name == "postgresql":
        found = db.execute(_LISTED_IN_POSTGRESQL, {"issue": issue_id, "plan": plan, "keys": [*people]}).rowcount
    else:
        found = db.exec_driver_sql(_LISTED_IN_SQLITE, [(plan, issue_id, key) for key in sorted(people)]).rowcount
    return len(people) - found


def is_closed(db: sa.Connection, issue_id: int, now: int, newcomers_for: timedelta | None) -> bool:
    """Whether the issue is closed to new recipients: it first went out longer ago than that."""
    first_sent = moment_of(db.scalar(sa.select(issues.c.first_sent).where(issues.c.id == issue_id)))
    return newcomers_for is not None and first_sent is not None and time_of(now) - first_sent > newcomers_for


def list_people(db: sa.Connection, issue_id: int, plan: int, people: Mapping[str, str], now: int) -> None:
    """Add these recipients to the plan, address by key; new ones get rows in this order."""
    if db.dialect.name == "postgresql":
        spelled = [None if address == key else address for key, address in people.items()]
        columns = {"keys": [*people], "addresses": spelled}
        db.execute(_LIST_IN_POSTGRESQL, {"issue": issue_id, "plan": plan, "now": now, **columns})
        return
    first = (db.scalar(sa.select(sa.func.max(deliveries.c.id))) or 0) + 1
    keys: list[str | None] = [*people]
    if others := [
        (row, key, address)
        for row, (key, address) in enumerate(people.items())
        if address is not key and address != key
    ]:
        for row, _, _ in others:
            keys[row] = None
        rows = [(key, first + row, address, issue_id, plan, now) for row, key, address in others]
        db.exec_driver_sql(_LIST_SPELLED_IN_SQLITE, sorted(rows))
    db.exec_driver_sql(_LIST_IN_SQLITE, (first, issue_id, plan, now, json.dumps(keys)))


def withdraw(db: sa.Connection, issue_id: int) -> None:
    """Delete an issue that was planned once and not tried for any recipient; leave any other as it is."""
    planned_once = sa.select(issues.c.last_plan).where(issues.c.id == issue_id)
    tried = sa.exists().where(
        deliveries.c.issue == issue_id,
        sa.or_(deliveries.c.state.not_in([State.PENDING.value, State.SUPPRESSED.value]), deliveries.c.attempts > 0),
    )
    if db.scalar(planned_once) != 1 or db.scalar(sa.select(tried)):
        return
    db.execute(sa.delete(deliveries).where(deliveries.c.issue == issue_id))
    db.execute(sa.delete(versions).where(versions.c.issue == issue_id))
    db.execute(sa.delete(identities).where(identities.c.issue == issue_id))
    db.execute(sa.delete(issues).where(issues.c.id == issue_id))


def finish_plan(db: sa.Connection, issue_id: int, plan: int, post: str, audience: str) -> None:
    change = sa.update(issues).where(issues.c.id == issue_id)
    db.execute(change.values(plan=plan, post=_known(post), audience=_known(audience)))


def _known(path: str) -> str:
    """A path; empty for a name that is not UTF-8, which no database stores: `resume` asks for it again."""
    return path if valid_unicode(path) == path else ""


# --- counts of a plan -----------------------------------------------------------------------------------------------

_COUNT_PLAN = sa.text(
    """
    SELECT
      state,
      CASE
        WHEN state <> 'deferred' THEN ''
        WHEN :max_attempts > 0 AND attempts >= :max_attempts THEN 'exhausted'
        WHEN due_at > :now THEN 'waiting'
        ELSE ''
      END AS kind,
      count(*) AS number,
      min(due_at) AS next_due
    FROM deliveries WHERE issue = :issue AND plan = :plan
    GROUP BY 1, 2
    """
)


def count_plan(
    db: sa.Connection, issue_id: int, plan: int, *, content_changed: bool, max_attempts: int, now: int
) -> Plan:
    of_this = {"issue": issue_id, "plan": plan}
    rows = db.execute(_COUNT_PLAN, {**of_this, "now": now, "max_attempts": max_attempts}).all()
    found = {(row.state, row.kind): row.number for row in rows}
    total = sum(found.values())
    audience = db.scalar(sa.select(issues.c.audience).where(issues.c.id == issue_id)) or ""
    added, gone = _drift(db, of_this, total, split_segment(audience)[1])
    return Plan(
        audience=total,
        due=found.get((State.PENDING, ""), 0) + found.get((State.DEFERRED, ""), 0),
        waiting=found.get((State.DEFERRED, "waiting"), 0),
        sent=found.get((State.SENT, ""), 0),
        rejected=found.get((State.REJECTED, ""), 0),
        uncertain=found.get((State.UNCERTAIN, ""), 0),
        underway=found.get((State.CLAIMED, ""), 0) + found.get((State.COMMITTING, ""), 0),
        exhausted=found.get((State.DEFERRED, "exhausted"), 0),
        suppressed=found.get((State.SUPPRESSED, ""), 0),
        content_changed=content_changed,
        added=added,
        gone=gone,
        next_due=moment_of(next((row.next_due for row in rows if row.kind == "waiting"), None)),
    )


# Recipients on both lists. Almost all recipients are on the last plan of both issues, so the keys are compared in the
# index alone, and those who have left one of the lists since are subtracted.
_COMMON = sa.text(
    """
    SELECT count(*) FROM deliveries AS here
    JOIN deliveries AS there ON there.issue = :before AND there.recipient_key = here.recipient_key
    WHERE here.issue = :issue
    """
)
_LEFT_BEFORE = sa.text(
    """
    SELECT count(*), count(here.id) FROM deliveries AS there
    LEFT JOIN deliveries AS here ON here.issue = :issue AND here.recipient_key = there.recipient_key
    WHERE there.issue = :before AND there.plan <> :before_plan
    """
)
_LEFT_NOW = sa.text(
    """
    SELECT count(*) FROM deliveries AS here
    JOIN deliveries AS there ON there.issue = :before AND there.recipient_key = here.recipient_key
    WHERE here.issue = :issue AND here.plan <> :plan AND there.plan = :before_plan
    """
)


def _drift(db: sa.Connection, of_this: Mapping[str, int], total: int, segment: str) -> tuple[int | None, int | None]:
    """How many are on this list and not on that of the issue sent last before, and the other way round.

    A segment is compared with the last issue to this segment, a whole list with a whole list.
    """
    sent_before = (
        sa.select(issues.c.id, issues.c.plan, issues.c.audience)
        .where(issues.c.id != of_this["issue"], issues.c.first_sent.is_not(None))
        .order_by(issues.c.first_sent.desc(), issues.c.id.desc())
    )
    with db.execute(sent_before) as candidates:
        before = next((each for each in candidates if split_segment(each.audience)[1] == segment), None)
    if before is None:
        return None, None
    of_both = {**of_this, "before": before.id, "before_plan": before.plan}
    known = db.scalar(sa.select(sa.func.count()).where(deliveries.c.issue == before.id)) or 0
    left_before, back = db.execute(_LEFT_BEFORE, of_both).one()
    common = (db.scalar(_COMMON, of_both) or 0) - back - (db.scalar(_LEFT_NOW, of_both) or 0)
    return total - common, known - left_before - common
