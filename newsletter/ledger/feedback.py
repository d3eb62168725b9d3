"""Readers' answers about an issue: a count per answer, without their identity.

Each function works in the transaction of `db`.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from newsletter.ledger.database.schema import feedback, issues
from newsletter.ledger.records import storable

_COUNT = sa.text(
    "INSERT INTO feedback (issue, answer, count) VALUES (:issue, :answer, 1)"
    " ON CONFLICT (issue, answer) DO UPDATE SET count = feedback.count + 1"
)


def count_answer(db: sa.Connection, issue: str, answer: str) -> bool:
    """Count an answer. False if the ledger does not know the issue."""
    issue = storable(issue)  # out of a link's path, where PostgreSQL takes no NUL
    known = db.scalar(sa.select(sa.exists().where(issues.c.issue == issue)))
    if known:
        db.execute(_COUNT, {"issue": issue, "answer": answer})
    return bool(known)


def answers_to(db: sa.Connection, issue: str) -> Mapping[str, int]:
    found = db.execute(sa.select(feedback.c.answer, feedback.c["count"]).where(feedback.c.issue == issue))
    return {str(answer): int(count) for answer, count in found}
