"""Mutual exclusion between processes: for an issue, or for the mail queue of the sign-up pages.

With SQLite on this machine: the operating system releases the lock with the process. With PostgreSQL everywhere: the
server releases it with the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from newsletter.ledger.database.engine import translate_db_errors
from newsletter.ledger.database.lock import advisory_lock, busy_at, lock_path, locked
from newsletter.ledger.database.storage import Storage


@contextmanager
def held(storage: Storage, name: str) -> Iterator[sa.Connection | None]:
    """Hold `name` during the block. BusyError, naming the owner, if another process holds it.

    Yields the connection that holds the lock, if it is one: the block's writes must use it, so that they fail once the
    lock is lost.
    """
    place = storage.place
    if place.is_postgresql:
        with translate_db_errors(place), storage.engine.connect() as db, advisory_lock(db, name):
            yield db
    elif (file := storage.file) is not None:
        with file.locked(name) as got:
            lock = lock_path(file.path, name)
            if not got:
                raise busy_at(lock, name)
            with locked(lock, name):
                yield None
    else:
        yield None
