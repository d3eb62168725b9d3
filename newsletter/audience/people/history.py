"""The history of one subscriber, from every table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.audience.people.records import (
    BounceEvent,
    BounceKind,
    Consent,
    Person,
    Preferences,
    Reason,
    SignUpState,
    SubscriberHistory,
    Suppression,
)
from newsletter.ledger.database.schema import (
    bounce_events,
    consents,
    deliveries,
    issues,
    people,
    preferences,
    series_mails,
    suppressions,
    tests,
)
from newsletter.ledger.database.timestamps import moment_of, time_of
from newsletter.ledger.queries import delivery
from newsletter.ledger.records import Delivery, storable
from newsletter.model.delivery import State

MAX_WORDS = 2_000
"""The longest part kept of a page's URL, a wording or a server's text: each is untrusted."""


def kept(words: str) -> str:
    return storable(words[:MAX_WORDS])


def person(row: sa.Row[Any]) -> Person:
    return Person(
        address=row.address or row.key,
        state=SignUpState(row.state),
        created=time_of(row.created),
        confirmed=moment_of(row.confirmed),
        lang=row.lang,
        fields=MappingProxyType(json.loads(row.fields)),
    )


def preferences_of(db: sa.Connection, key: str) -> Preferences | None:
    row = db.execute(sa.select(preferences).where(preferences.c.key == key)).one_or_none()
    if row is None:
        return None
    return Preferences(tuple(json.loads(row.lists)), moment_of(row.paused_until), row.frequency)


def read_history(db: sa.Connection, address: str, key: str, names: Sequence[str]) -> SubscriberHistory:
    """`names` are the keys the subscriber may have: the folded address, and after `forget` its hashes."""
    signed_up = db.execute(sa.select(people).where(people.c.key == key)).one_or_none()
    found = person(signed_up) if signed_up else None
    return SubscriberHistory(
        address=found.address if found else address,
        person=found,
        preferences=preferences_of(db, key),
        consents=tuple(
            Consent(row.kind, time_of(row.at), row.source, row.wording)
            for row in db.execute(sa.select(consents).where(consents.c.key == key).order_by(consents.c.id))
        ),
        suppressions=tuple(
            Suppression(row.key, Reason(row.reason), time_of(row.at), row.issue, row.detail)
            for row in db.execute(
                sa.select(suppressions).where(suppressions.c.key.in_(names)).order_by(suppressions.c.at)
            )
        ),
        bounces=tuple(
            (
                BounceEvent(
                    address, time_of(row.at), BounceKind(row.kind), row.evidence, row.status, row.diagnostic, row.issue
                ),
                row.decision,
            )
            for row in db.execute(
                sa.select(bounce_events).where(bounce_events.c.key == key).order_by(bounce_events.c.id)
            )
        ),
        deliveries=tuple(
            (row.subject, delivery(row.issue_name, row))
            for row in db.execute(
                sa.select(deliveries, issues.c.issue.label("issue_name"), issues.c.subject)
                .join(issues, issues.c.id == deliveries.c.issue)
                .where(deliveries.c.recipient_key.in_(names))
                # One index lookup per issue: a condition on the key alone would scan the table.
                .where(deliveries.c.issue.in_(sa.select(issues.c.id)))
                .order_by(deliveries.c.id)
            )
        ),
        tests=tuple(
            ("", _test(row))
            for row in db.execute(sa.select(tests).order_by(tests.c.id))
            if fold_address(row.address) == key
        ),
        series=tuple(
            (row.step, row.state, time_of(row.updated))
            for row in db.execute(sa.select(series_mails).where(series_mails.c.key == key).order_by(series_mails.c.id))
        ),
    )


def _test(row: sa.Row[Any]) -> Delivery:
    return Delivery(
        issue=row.issue,
        address=row.address,
        state=State(row.state),
        message_id="",
        attempts=1,
        stage=row.stage,
        code=row.code,
        reply=row.reply,
        updated=datetime.fromisoformat(row.at),
    )
