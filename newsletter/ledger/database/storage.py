"""The database of the ledger and the subscribers: open, create, migrate; its transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from time import monotonic, sleep
from typing import Any, Self

import sqlalchemy as sa

from newsletter.errors import LedgerError, located
from newsletter.ledger.database.engine import (
    BUSY_TIMEOUT_S,
    Place,
    connected,
    parse_place,
    take_file,
    translate_db_errors,
)
from newsletter.ledger.database.ledger_file import LedgerFile, Watch, release_file
from newsletter.ledger.database.migrations import bring_up_to_date, found_version
from newsletter.ledger.database.schema import VERSION
from newsletter.ledger.database.write_ahead_log import grow_log


class Storage:
    """The open database. Safe for several processes and threads; a transaction is on disk when its block ends."""

    def __init__(self, place: Place, file: LedgerFile | None = None) -> None:
        """Does not connect; `open` does."""
        self.place = place
        self.file = file
        self._watch = Watch(file) if file is not None else None
        self.engine = connected(place)
        # IMMEDIATE takes SQLite's write lock at once: a transaction that begins with a read could not upgrade later.
        self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        # What is read in one block is of one moment: SQLite's way in any case, and here asked of PostgreSQL.
        snapshot = {"isolation_level": "REPEATABLE READ"} if place.is_postgresql else {}
        self._reading = self.engine.execution_options(**snapshot)
        self._writer: sa.Connection | None = None
        self._turn = RLock()
        self._closed = False

    @classmethod
    def open(cls, place: Path | str | None, *, read_only: bool = False) -> Self:
        """Open the database at `place`; create it if it is missing, migrate it if it is old.

        A path is an SQLite file, a string a URL (`sqlite:///…`, `postgresql://…`); None keeps it in memory until it is
        closed. ConfigError if there is something else at `place`, or the schema is newer than supported, or the
        database cannot be used; it is left as it was. A `read_only` one must exist, and is not migrated: see `version`.
        """
        where = parse_place(place)
        storage = cls(where, take_file(where.file, make=not read_only) if where.file is not None else None)
        try:
            if not read_only:
                storage._prepare()
        except BaseException:
            storage.close()
            raise
        return storage

    @property
    def dialect(self) -> sa.Dialect:
        return self.engine.dialect

    @property
    def is_temporary(self) -> bool:
        """Whether it is in memory only, as for a rehearsal."""
        return self.place.file is None and not self.place.is_postgresql

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.engine.dispose()
        if self.file is not None and not self._closed:
            release_file(self.file)
        self._closed = True

    def version(self) -> int | None:
        """The current schema version of the database; None if it is not a ledger."""
        with self.read() as db:
            return found_version(db)

    def unusable(self, what: str, remedy: str) -> LedgerError:
        return LedgerError(located(self.place.name, None, what, remedy))

    def count_send(self, recipients: int) -> None:
        """Count one more send in the SQLite file itself, to tell it from an older copy in its place; make the log ready
        for so many recipients.
        """
        if self._watch is None:
            return
        with self._turn, translate_db_errors(self.place):
            with self.write() as db:
                count = (int(db.exec_driver_sql("PRAGMA user_version").scalar_one()) + 1) & 0x7FFF_FFFF
                db.exec_driver_sql(f"PRAGMA user_version = {count}")
            if self._writer is not None:
                connection: Any = self._writer.connection.driver_connection
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # flush the log, as far as no reader needs it
                grow_log(connection, self._watch.file.path, recipients)
            self._watch.expect(count)

    def require_in_place(self) -> None:
        """Raises LedgerError if the file is no longer at its path: other processes read another file, or none."""
        with self._turn:
            self._require_same_file()

    def _require_same_file(self, *, written: bool = False) -> None:
        if self._watch is not None and not self._watch.is_same(written=written):
            raise self.unusable(
                "the ledger's file was moved, deleted or replaced while it was in use",
                "put it back as it was, with its -wal beside it, then start the command again; an older copy does not "
                "know who was mailed since",
            )

    @contextmanager
    def write(self, held: sa.Connection | None = None) -> Iterator[sa.Connection]:
        """A transaction: on disk at the block's end, rolled back if the block fails.

        It uses the caller's connection `held` if one is given.
        """
        if held is not None and (held.closed or held.invalidated):
            # SQLAlchemy would reconnect; but by now another run may hold the issue.
            raise self.unusable("the connection that held the issue was lost", "run the same command again")
        with self._turn, translate_db_errors(self.place):
            if held is None:
                if self._writer is None:
                    self._writer = self._writing.connect()
                held = self._writer
            self._require_same_file()
            with held.begin():
                yield held
            # Check again: a commit to a file that is gone must not allow a dot to be sent.
            self._require_same_file(written=True)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A block whose queries see one moment, whatever others write meanwhile."""
        with self._turn, translate_db_errors(self.place), self._reading.connect() as db:
            yield db

    def _prepare(self) -> None:
        with self.read() as db:
            tables = sa.inspect(db).get_table_names()  # first: another process may be creating the tables at the moment
            version = found_version(db)
        if version is None and tables:
            raise self.unusable(
                "a database, but not a ledger", "set [ledger] path to another file, or url to a database of its own"
            )
        if version is not None and version < 1:
            raise self.unusable("the ledger does not say of which version it is", "restore the last good backup")
        if version is not None and version > VERSION:
            raise self.unusable(
                f"the ledger has version {version}, this newsletter knows {VERSION}", "upgrade newsletter"
            )
        if not self.place.is_postgresql:
            self._keep_log()  # as late as this: it writes to the file
        if version != VERSION:
            with self.write() as db:
                bring_up_to_date(db)

    def _keep_log(self) -> None:
        """Switch to a write-ahead log (WAL), so that readers do not block writers.

        `PRAGMA journal_mode` ignores the busy timeout while another process creates the tables, so it is retried.
        """
        give_up = monotonic() + BUSY_TIMEOUT_S
        with translate_db_errors(self.place), closing(self.engine.raw_connection()) as raw:
            while True:
                try:
                    raw.cursor().execute("PRAGMA journal_mode = WAL")
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() >= give_up:
                        raise
                    sleep(0.02)
                else:
                    return
