"""Shipments: what workers need of an issue that goes out through them, and which of its recipients are left.

Each function works in the transaction of `db`. A shipment is replaced by the next of its issue, and deleted once nobody
is left.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from newsletter.ledger.database.schema import deliveries, issues, shipment_rows, shipments
from newsletter.ledger.plan import KnownIssue
from newsletter.model.delivery import State

# Workers need PostgreSQL. One statement per batch, as for a plan.
_PUT_FIELDS = sa.text(
    """
    INSERT INTO shipment_rows (delivery, shipment, fields)
    SELECT given.delivery, :shipment, given.fields
    FROM unnest(CAST(:rows AS bigint[]), CAST(:fields AS text[])) AS given (delivery, fields)
    """
)

_UNTRIED = (State.PENDING.value, State.CLAIMED.value, State.COMMITTING.value)

_NOT_TRIED = (*_UNTRIED, State.SUPPRESSED.value)


class Shipment(NamedTuple):
    """A stored shipment. `secrets` identifies the secrets that its messages need; `stopped` says why it was stopped."""

    id: int
    issue: str
    content: bytes
    secrets: str
    settings: Mapping[str, Any]
    stopped: str


class Standing(NamedTuple):
    """Whether a shipment is still the one of its issue, and why it was stopped, if it was."""

    is_current: bool
    stopped: str


def put_shipment(
    db: sa.Connection, issue_id: int, content: bytes, secrets: str, settings: Mapping[str, Any], now: int
) -> int:
    """Store a shipment in place of the issue's last one; returns its number."""
    drop_shipment(db, issue_id)
    row = {
        "issue": issue_id,
        "content": content,
        "secrets": secrets,
        "settings": json.dumps(settings),
        "since": now,
    }
    return int(db.execute(sa.insert(shipments).returning(shipments.c.id), row).scalar_one())


def put_fields(db: sa.Connection, shipment: int, fields: Mapping[int, Mapping[str, str]]) -> None:
    """Store the columns of recipients, by row."""
    if fields:
        columns = {"rows": [*fields], "fields": [json.dumps(own) for own in fields.values()]}
        db.execute(_PUT_FIELDS, {"shipment": shipment, **columns})


def drop_shipment(db: sa.Connection, issue_id: int) -> None:
    """Delete the issue's shipment with the columns of its recipients."""
    mine = sa.select(shipments.c.id).where(shipments.c.issue == issue_id)
    db.execute(sa.delete(shipment_rows).where(shipment_rows.c.shipment.in_(mine)))
    db.execute(sa.delete(shipments).where(shipments.c.issue == issue_id))


def shipment(db: sa.Connection, number: int) -> Shipment | None:
    found = db.execute(
        sa.select(shipments, issues.c.issue.label("name"))
        .join(issues, issues.c.id == shipments.c.issue)
        .where(shipments.c.id == number)
    ).one_or_none()
    if found is None:
        return None
    return Shipment(
        found.id, found.name, bytes(found.content), found.secrets, json.loads(found.settings), found.stopped
    )


def standing(db: sa.Connection, number: int) -> Standing:
    stopped = db.scalar(sa.select(shipments.c.stopped).where(shipments.c.id == number))
    return Standing(stopped is not None, stopped or "")


def is_shipped(db: sa.Connection, issue_id: int) -> bool:
    """Whether workers have the issue."""
    return bool(db.scalar(sa.select(sa.exists().where(shipments.c.issue == issue_id))))


def stop_shipment(db: sa.Connection, number: int, why: str) -> None:
    """Ask its workers to begin no further message."""
    db.execute(sa.update(shipments).where(shipments.c.id == number).values(stopped=why))


def fields_of(db: sa.Connection, shipment_number: int, rows: Collection[int]) -> Mapping[int, Mapping[str, str]]:
    """The stored columns of these recipients; those that have none are missing."""
    found = db.execute(
        sa.select(shipment_rows.c.delivery, shipment_rows.c.fields).where(
            shipment_rows.c.shipment == shipment_number, shipment_rows.c.delivery.in_(rows)
        )
    )
    return {row.delivery: json.loads(row.fields) for row in found}


def due_rows(
    db: sa.Connection, issue: KnownIssue, after: int, limit: int, *, max_attempts: int, now: int
) -> Sequence[tuple[int, str]]:
    """The next recipients who are due by the current plan, in list order: row and key."""
    ready = sa.or_(deliveries.c.due_at.is_(None), deliveries.c.due_at <= now)
    if max_attempts:
        ready = sa.and_(ready, deliveries.c.attempts < max_attempts)
    due = sa.or_(deliveries.c.state == State.PENDING.value, sa.and_(deliveries.c.state == State.DEFERRED.value, ready))
    listed = (
        sa.select(deliveries.c.id, deliveries.c.recipient_key)
        .where(deliveries.c.issue == issue.id, deliveries.c.plan == issue.plan, deliveries.c.id > after, due)
        .order_by(deliveries.c.id)
        .limit(limit)
    )
    return [(row.id, row.recipient_key) for row in db.execute(listed)]


def tried_and_refused(db: sa.Connection, issue: KnownIssue, after: int, last: int) -> tuple[int, int]:
    """How many recipients beyond `after` and up to `last` were tried by the current plan, and to how many of them, or
    to the sender in their turn, the relay said no.
    """
    mine = (deliveries.c.issue == issue.id, deliveries.c.plan == issue.plan)
    here = (deliveries.c.id > after, deliveries.c.id <= last, deliveries.c.state.not_in(_NOT_TRIED))
    no = sa.or_(
        deliveries.c.state == State.REJECTED.value,
        sa.and_(deliveries.c.state == State.DEFERRED.value, deliveries.c.stage == "MAIL"),
    )
    found = db.execute(sa.select(sa.func.count(), sa.func.count().filter(no)).where(*mine, *here)).one()
    return int(found[0]), int(found[1])


def untried(db: sa.Connection, issue: KnownIssue, after: int, last: int) -> int:
    """How many recipients of the current plan are pending or in some run's hands, beyond `after` and up to `last`."""
    mine = (deliveries.c.issue == issue.id, deliveries.c.plan == issue.plan, deliveries.c.state.in_(_UNTRIED))
    counted = sa.select(sa.func.count()).where(*mine, deliveries.c.id > after, deliveries.c.id <= last)
    return int(db.scalar(counted) or 0)


def is_anyone_untried(db: sa.Connection, issue: KnownIssue) -> bool:
    """Whether any recipient of the current plan is. It does not count a list of a million after each shard."""
    mine = (deliveries.c.issue == issue.id, deliveries.c.plan == issue.plan, deliveries.c.state.in_(_UNTRIED))
    return bool(db.scalar(sa.select(sa.exists().where(*mine))))
