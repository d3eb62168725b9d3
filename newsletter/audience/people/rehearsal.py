"""Copy suppressions and pauses into an in-memory database, for a rehearsal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from newsletter.ledger.database.schema import preferences, suppressions
from newsletter.ledger.database.storage import Storage

_PAGE = 1_000
FIRST_VERSION = 3
"""The first schema version with subscribers."""


def copy_suppressions(place: Path | str, target: Storage) -> None:
    """Copy the suppressions and pauses at `place` into an in-memory database, for a rehearsal.

    `place` is only read. Copies nothing if there is no database, or one of a version without suppressions.
    """
    if isinstance(place, Path) and not place.exists():
        return
    with closing(Storage.open(place, read_only=True)) as source:
        if (source.version() or 0) < FIRST_VERSION:
            return
        for table in (suppressions, preferences):
            with source.read() as db, target.write() as copy:
                found = db.execution_options(yield_per=_PAGE).execute(sa.select(table))
                for rows in found.partitions():
                    copy.execute(sa.insert(table), [row._asdict() for row in rows])
