"""The issues sent last: tells an old copy of a ledger from the newest.

Each function works in the transaction of `db`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import issues, runs
from newsletter.ledger.database.timestamps import time_of


@frozen
class RecentIssue:
    """An issue with at least one accepted message. `runs` are its ended sends, whose number only grows.

    `fingerprint` is derived from its name and the millisecond of the first acceptance, which no other ledger has.
    """

    issue: str
    first_sent: datetime
    runs: int
    fingerprint: str


def recent_issues(db: sa.Connection, *, limit: int = 0, names: Sequence[str] = ()) -> tuple[RecentIssue, ...]:
    """The last `limit` issues that went out, the newest first; or those with these names."""
    ended = (
        sa.select(sa.func.count())
        .where(runs.c.issue == issues.c.issue, runs.c.ended.is_not(None))
        .correlate(issues)
        .scalar_subquery()
    )
    asked = sa.select(issues.c.issue, issues.c.first_sent, ended.label("ended")).where(issues.c.first_sent.is_not(None))
    asked = asked.order_by(issues.c.first_sent.desc(), issues.c.id.desc())
    asked = asked.where(issues.c.issue.in_(names)) if names else asked.limit(limit)
    return tuple(
        RecentIssue(row.issue, time_of(row.first_sent), int(row.ended), _fingerprint(row.issue, row.first_sent))
        for row in db.execute(asked)
    )


def _fingerprint(issue: str, stamp: int) -> str:
    return sha256(f"{stamp} {issue}".encode()).hexdigest()[:24]
