"""Copy suppressions and pauses into another database, for a rehearsal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from newsletter.ledger.database.schema import preferences, suppressions
from newsletter.ledger.database.storage import Storage

_PAGE = 1_000
FIRST_VERSION = 3
"""Of the database that knew of people."""


def copy_suppressions(place: Path | str, target: Storage) -> None:
    """Give a database in memory what keeps people from being mailed at `place`, pauses included: for a rehearsal.

    Only read there. Nothing where there is none, or one of before there were suppressions.
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
