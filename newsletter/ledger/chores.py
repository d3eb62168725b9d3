"""Record when bounces were last read, the ledger last backed up, and people last told that it was not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import chores
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of, time_of

Chore = Literal["bounces", "backup", "backup-alert"]
"""`backup-alert`: people were told that backups fail."""

LATE = timedelta(days=7)
"""A mailbox that was not read, or a ledger that was not backed up, for longer than this is worth a warning."""


@frozen
class Chores:
    """The last time of each chore; None if it was never done."""

    bounces: datetime | None = None
    backup: datetime | None = None
    backup_alert: datetime | None = None


def note_chore(storage: Storage, chore: Chore, at: datetime) -> None:
    """Record the time of a chore; on disk when this returns. A later recorded time stays."""
    with storage.write() as db:
        write_chore(db, chore, at)


def write_chore(db: sa.Connection, chore: Chore, at: datetime) -> None:
    stamp = stamp_of(at)
    known = db.scalar(sa.select(chores.c.at).where(chores.c.name == chore))
    if known is None:
        db.execute(sa.insert(chores).values(name=chore, at=stamp))
    elif known < stamp:
        db.execute(sa.update(chores).where(chores.c.name == chore).values(at=stamp))


def read_chores(db: sa.Connection) -> Chores:
    found: Mapping[str, datetime] = {row.name: time_of(row.at) for row in db.execute(sa.select(chores))}
    return Chores(found.get("bounces"), found.get("backup"), found.get("backup-alert"))
