"""The one database behind the ledger and the people: opened, made or brought up to date, and its transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from time import monotonic, sleep
from typing import Self

import sqlalchemy as sa

from newsletter.database import BUSY_TIMEOUT_S, Place, connected, let_go_of_file, parse_place, take_file, told
from newsletter.errors import ConfigError, located
from newsletter.schema import VERSION, bring_up_to_date, found_version


class Storage:
    """The open database. Safe for several processes and threads; a transaction is on disk when its block ends."""

    def __init__(self, place: Place) -> None:
        """Connects to nothing yet; `open` does."""
        self.place = place
        self.engine = connected(place)
        # IMMEDIATE takes SQLite's write lock at once: a transaction that reads first could not get it later.
        self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        self._writer: sa.Connection | None = None
        self._turn = RLock()
        self._closed = False

    @classmethod
    def open(cls, place: Path | str | None, *, read_only: bool = False) -> Self:
        """The database at `place`, made when it is missing, brought up to date when it is old.

        A path is an SQLite file, a string a URL (`sqlite:///…`, `postgresql://…`); None keeps it in memory, gone when
        it is closed. ConfigError when what stands there is none of ours, is newer than we know, or cannot be used; it
        is left as it was. A `read_only` one must be there, and is not brought up to date: see `version`.
        """
        where = parse_place(place)
        if where.file is not None:
            take_file(where.file)
        storage = cls(where)
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
        """In memory, gone when it is closed: a rehearsal's."""
        return self.place.file is None and not self.place.is_postgresql

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self.engine.dispose()
        if self.place.file is not None and not self._closed:
            let_go_of_file(self.place.file)
        self._closed = True

    def version(self) -> int | None:
        """Of what stands there now; None where it is none of ours."""
        with self.read() as db:
            return found_version(db)

    def unusable(self, what: str, remedy: str) -> ConfigError:
        return ConfigError(located(self.place.name, None, what, remedy))

    @contextmanager
    def write(self, held: sa.Connection | None = None) -> Iterator[sa.Connection]:
        """A transaction that is on disk at the block's end; undone, all of it, when the block fails.

        Over `held`, a connection of the caller's own, where one is given.
        """
        if held is not None and (held.closed or held.invalidated):
            # SQLAlchemy would connect again; but another run may hold the issue by now.
            raise self.unusable("the connection that held the issue was lost", "run the same command again")
        with self._turn, told(self.place):
            if held is None:
                if self._writer is None:
                    self._writer = self._writing.connect()
                held = self._writer
            with held.begin():
                yield held

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self._turn, told(self.place), self.engine.connect() as db:
            yield db

    def _prepare(self) -> None:
        with self.read() as db:
            tables = sa.inspect(db).get_table_names()  # first: another process may be making them just now
            version = found_version(db)
        if version is None and tables:
            raise self.unusable(
                "a database, but not a ledger", "set [ledger] path to another file, or url to a database of its own"
            )
        if version is not None and version > VERSION:
            raise self.unusable(
                f"the ledger has version {version}, this newsletter knows {VERSION}", "upgrade newsletter"
            )
        if not self.place.is_postgresql:
            self._keep_log()  # only now: it writes to the file
        if version != VERSION:
            with self.write() as db:
                bring_up_to_date(db)

    def _keep_log(self) -> None:
        """Commits go to a log beside the database (WAL), and readers hold up nobody.

        The change does not wait for whoever is making the tables just now, as all else does: so it is asked for again.
        """
        give_up = monotonic() + BUSY_TIMEOUT_S
        with told(self.place), closing(self.engine.raw_connection()) as raw:
            while True:
                try:
                    raw.cursor().execute("PRAGMA journal_mode = WAL")
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() >= give_up:
                        raise
                    sleep(0.02)
                else:
                    return
