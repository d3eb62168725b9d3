"""Mutual exclusion between processes: for an issue, or for the mail queue of the sign-up pages.

With SQLite on this machine: the operating system releases the lock with the process. With PostgreSQL everywhere: the
server releases it with the connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from newsletter.errors import ConfigError
from newsletter.ledger.database.engine import translate_db_errors
from newsletter.ledger.database.lock import advisory_lock, busy_at, lock_path, locked, run_lock
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


IDLE_S = 60
"""The server ends the connection of a joined run that was silent for this long, as of a process that was stopped: its
locks are released then. `Ledger.beat` keeps it alive.
"""

_IDLE_SINCE = 14_00_00  # https://www.postgresql.org/docs/14/release-14.html


@contextmanager
def joined(storage: Storage, name: str, run: int) -> Iterator[sa.Connection]:
    """Hold `name` together with other runs that have joined it; `run` counts as alive during the block.

    BusyError while a run holds it alone. Yields the connection that holds both locks: the block's writes must use it.
    """
    place = storage.place
    if not place.is_postgresql:
        raise ConfigError(f"{place.name}: workers need a ledger in PostgreSQL", "set [ledger] url to one")
    with translate_db_errors(place), storage.engine.connect() as db:
        with db.begin():
            driver = db.connection.driver_connection
            if driver is not None and driver.info.server_version >= _IDLE_SINCE:
                db.exec_driver_sql(f"SET idle_session_timeout = '{IDLE_S}s'")
        with advisory_lock(db, name, shared=True), run_lock(db, run):
            try:
                yield db
            finally:
                if not db.closed and not db.invalidated:
                    with suppress(DBAPIError), db.begin():
                        db.exec_driver_sql("RESET idle_session_timeout")
