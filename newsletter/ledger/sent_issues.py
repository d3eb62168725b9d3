"""The issues that went out, with what tells where their posts are: for the archive.

Each function works in the transaction of `db`.
"""

from __future__ import annotations

import re
from datetime import date, datetime

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import identities, issues
from newsletter.ledger.database.timestamps import time_of
from newsletter.ledger.list_reference import split_segment
from newsletter.model.issue_name import Identity

_CORRECTION = re.compile(r"(.+)\+erratum-\d+", re.DOTALL)


@frozen
class SentIssue:
    """An issue with at least one accepted message. `post` is the path it was planned from, `segment` whom it went to.

    `place` counts the issues that went out before it. `corrected` is when a correction was mailed; None without one.
    """

    issue: str
    identity: Identity
    post: str
    segment: str
    sent: datetime
    place: int
    corrected: datetime | None = None


def sent_issues(db: sa.Connection) -> tuple[SentIssue, ...]:
    """In the order in which they went out. A correction is no issue of its own here."""
    asked = (
        sa.select(
            issues.c.issue, issues.c.subject, issues.c.post, issues.c.audience, issues.c.first_sent,
            identities.c.name, identities.c.title, identities.c.day, identities.c.newsletter,
        )
        .outerjoin(identities, identities.c.issue == issues.c.id)
        .where(issues.c.first_sent.is_not(None))
        .order_by(issues.c.first_sent, issues.c.id)
    )  # fmt: skip
    rows = db.execute(asked).all()
    corrected = {found[1]: time_of(row.first_sent) for row in rows if (found := _CORRECTION.fullmatch(row.issue))}
    return tuple(
        SentIssue(
            row.issue,
            Identity(row.title or row.subject, _day(row.day), row.name, row.newsletter),
            row.post,
            split_segment(row.audience)[1],
            time_of(row.first_sent),
            place,
            corrected.get(row.issue),
        )
        for place, row in enumerate(rows)
        if not _CORRECTION.fullmatch(row.issue)
    )


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None
