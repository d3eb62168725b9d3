"""The identity of an issue beside its name: title, date, list. Stored and read; `model/issue_name.py` compares.

Each function works in the transaction of `db`.
"""

from __future__ import annotations

from datetime import date
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import deliveries, identities, issues, versions
from newsletter.ledger.records import storable
from newsletter.model.delivery import State
from newsletter.model.issue_name import Identity, is_folder_page

_MAY_HAVE_IT = (State.SENT.value, State.UNCERTAIN.value, State.COMMITTING.value)


@frozen
class Known:
    """An issue in the ledger. `reached`: a recipient has it, or may have. `is_old`: recorded by a version before 4,
    which kept the title alone. `post` is the path it was planned from, empty if there was none.
    """

    identity: Identity
    content_hash: str
    post: str
    reached: bool
    is_old: bool


def known_identity(db: sa.Connection, issue: str) -> Known | None:
    row = db.execute(
        sa.select(
            issues.c.id, issues.c.subject, issues.c.post, versions.c.content_hash, identities.c.issue.label("noted"),
            identities.c.name, identities.c.title, identities.c.day, identities.c.newsletter,
        )
        .outerjoin(versions, sa.and_(versions.c.issue == issues.c.id, versions.c.version == issues.c.version))
        .outerjoin(identities, identities.c.issue == issues.c.id)
        .where(issues.c.issue == issue)
    ).first()  # fmt: skip
    if row is None:
        return None
    reached = sa.exists().where(deliveries.c.issue == row.id, deliveries.c.state.in_(_MAY_HAVE_IT))
    identity = noted_identity(row)
    return Known(identity, row.content_hash or "", row.post, bool(db.scalar(sa.select(reached))), row.noted is None)


def noted_identity(row: sa.Row[*tuple[Any, ...]]) -> Identity:
    """The identity in a row of `issues` joined with `identities`, of which `noted` tells whether there is one."""
    if row.noted is None:
        stem = PurePath(row.post).stem
        return Identity(row.subject, name=stem if stem and not is_folder_page(stem) else None)
    return Identity(row.title, date.fromisoformat(row.day) if row.day else None, row.name, row.newsletter)


_NOTE = sa.text(
    """
    INSERT INTO identities (issue, name, title, day, newsletter) VALUES (:issue, :name, :title, :day, :newsletter)
    ON CONFLICT (issue) DO UPDATE
    SET name = excluded.name, title = excluded.title, day = excluded.day, newsletter = excluded.newsletter
    """
)


def note_identity(db: sa.Connection, issue_id: int, identity: Identity) -> None:
    row = {
        "name": storable(identity.name or ""),
        "title": storable(identity.title),
        "day": identity.day.isoformat() if identity.day else "",
        "newsletter": storable(identity.newsletter or ""),
    }
    db.execute(_NOTE, {"issue": issue_id, **row})


def same_post_elsewhere(db: sa.Connection, issue: str, identity: Identity) -> str | None:
    """The name under which a post with this title, day and newsletter was sent, if not as `issue`: it was renamed."""
    if identity.day is None or not identity.title:
        return None
    found = db.execute(
        sa.select(issues.c.issue)
        .join(identities, identities.c.issue == issues.c.id)
        .where(
            identities.c.title == storable(identity.title),
            identities.c.day == identity.day.isoformat(),
            identities.c.newsletter == storable(identity.newsletter or ""),
            issues.c.issue != issue,
            issues.c.first_sent.is_not(None),
        )
        .order_by(issues.c.id)
        .limit(1)
    ).first()
    return str(found.issue) if found else None
