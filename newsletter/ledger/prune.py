"""Prune a ledger: delete the recipients of old issues. The issues stay, so that they are not sent again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import deliveries, issues, runs, tests
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.recent_issues import recent_issues

KEPT = 10
"""The last issues are kept, however old: `[ledger] expect` and the changed-list check of the next send need them."""


@frozen
class Pruned:
    """What was, or would be, deleted: rows, and of how many issues."""

    issues: tuple[str, ...]
    rows: int


def prune(storage: Storage, before: datetime, *, dry: bool = False) -> Pruned:
    """Delete the recipients of issues that first went out before an aware moment. Each issue is a transaction, so that
    a concurrent send goes on. Suppressions, bounces and sign-ups stay.
    """
    with storage.read() as db:
        kept = {each.issue for each in recent_issues(db, limit=KEPT)}
        old = sa.select(issues.c.id, issues.c.issue).where(issues.c.first_sent < stamp_of(before))
        found = [row for row in db.execute(old.order_by(issues.c.first_sent, issues.c.id)) if row.issue not in kept]
        rows = {
            row.issue: int(
                db.scalar(sa.select(sa.func.count()).select_from(deliveries).where(deliveries.c.issue == row.id)) or 0
            )
            for row in found
        }
    pruned = [row for row in found if rows[row.issue]]
    for row in () if dry else pruned:
        with storage.write() as db:
            db.execute(sa.delete(deliveries).where(deliveries.c.issue == row.id))
            db.execute(sa.delete(tests).where(tests.c.issue == row.issue))
            db.execute(sa.delete(runs).where(runs.c.issue == row.issue, runs.c.ended.is_not(None)))
    return Pruned(tuple(row.issue for row in pruned), sum(rows.values()))


def compact(storage: Storage) -> bool:
    """Return the space of deleted rows to the disk (VACUUM). False if another command is active, or if the database
    reuses the space by itself.
    """
    if storage.place.is_postgresql:
        return False
    with closing(storage.engine.raw_connection()) as raw:
        try:
            raw.cursor().execute("VACUUM")  # outside of any transaction, which SQLAlchemy would begin
        except sqlite3.OperationalError:
            return False
    return True
