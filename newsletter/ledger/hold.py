"""Keep every other process off an issue, or off the letters of the sign-up pages.

With SQLite on this machine: the operating system drops the lock with the process. With PostgreSQL everywhere: the
server drops it with the connection.
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
    """While the block runs nobody else has `name`. BusyError, naming the owner, when somebody has.

    The connection that has it, where it is one: what the block writes has to go over it, so that none can come later.
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
