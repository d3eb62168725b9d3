"""Open the database with durable commits, and translate its errors into sentences.

A path is an SQLite file, a URL is SQLite or PostgreSQL. Passwords in URLs are never shown.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from newsletter import DISTRIBUTION
from newsletter.errors import ConfigError, LedgerError, located
from newsletter.frozen import frozen
from newsletter.ledger.database.ledger_file import MAGIC, LedgerFile, LinkedError, release_file, take
from newsletter.model.ledger_address import LedgerUrl

BUSY_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 10
SILENT_S = 60
"""A connection to a database server counts as lost after this long without an answer."""

# https://www.postgresql.org/docs/current/runtime-config-connection.html; tcp_user_timeout is in milliseconds.
SERVER_KEEPALIVES: Mapping[str, int] = {
    "tcp_keepalives_idle": 30,
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": SILENT_S * 1000,
}

_GONE = ("the ledger's tables are gone", "put its file or database back, then start the command again")
_LOCKED = ("the ledger is locked by another program", "close it, or wait until it has ended")

# SQLite's primary result codes (https://www.sqlite.org/rescode.html) -> fault, remedy.
_SQLITE_TROUBLE: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_PROTOCOL: _LOCKED,  # many processes open and close it, or one keeps its lock meanwhile
    sqlite3.SQLITE_NOMEM: ("there is not enough memory for the ledger", "end other programs, or raise the limit"),
    sqlite3.SQLITE_NOLFS: ("the ledger is larger than this system allows", "raise the limit on a file's size"),
    sqlite3.SQLITE_FULL: ("the disk is full", "make room, then run the same command again"),
    sqlite3.SQLITE_READONLY: ("the ledger is read-only", "make the file and its folder writable"),
    sqlite3.SQLITE_CANTOPEN: ("the ledger cannot be opened", "check that its folder exists and is writable"),
    sqlite3.SQLITE_PERM: ("the ledger may not be opened", "make the file and its folder writable"),
    sqlite3.SQLITE_IOERR: ("the disk did not take what was written", "check the disk, then run the command again"),
    sqlite3.SQLITE_NOTADB: ("not a ledger: no SQLite database", "set [ledger] path to another file"),
    sqlite3.SQLITE_CORRUPT: ("the ledger is damaged", "restore it from a backup before anything is sent"),
}

# PostgreSQL's SQLSTATEs, or the first two characters for a whole class
# (https://www.postgresql.org/docs/current/errcodes-appendix.html) -> fault, remedy.
_POSTGRESQL_TROUBLE: Mapping[str, tuple[str, str]] = {
    "08": ("the connection to the ledger was lost", "check the server, then run the same command again"),
    "25P03": ("the database ended a transaction that took too long", "raise its idle_in_transaction_session_timeout"),
    "25006": ("the ledger is read-only", "connect to a server that takes writes, not to a replica"),
    "28": ("the database refused the login", "check the user and the password in the ledger's URL"),
    "3D": ("there is no such database", "create it, or mend the ledger's URL"),
    "40": ("another program changed the ledger at the same time", "run the same command again"),
    "42P01": _GONE,
    "42501": ("the database user may not use the ledger", "grant it the schema and the tables"),
    "53100": ("the database's disk is full", "make room there, then run the same command again"),
    "53": ("the database is short of something it needs", "check the server, then run the same command again"),
    "53200": ("the database is out of memory", "check the server, then run the same command again"),
    "53300": ("the database takes no more connections", "end some, or raise its max_connections"),
    "55P03": _LOCKED,
    "57": ("the database gave up on a query", "check its statement_timeout, then run the same command again"),
    "57P": ("the database ended the connection", "check the server, then run the same command again"),
    "XX": ("the database failed", "look into the server's log before anything is sent"),
    "58": ("the database could not read or write its files", "check the server's disk, then run the command again"),
}


@frozen
class Place:
    """The place of a ledger. `name` is for messages; `file` is None for PostgreSQL and in memory."""

    name: str
    file: Path | None = None
    url: sa.URL | None = field(default=None, repr=False)

    @property
    def is_postgresql(self) -> bool:
        return self.url is not None


def parse_place(place: Path | str | None) -> Place:
    """Parse a place: a path is an SQLite file, a string a URL, None a ledger in memory. Raises ConfigError."""
    if place is None:
        return Place("ledger in memory")
    if isinstance(place, Path):
        return Place(str(place), place)
    if place.count("@") > 1:
        # Security: what follows the first one would be read as the host, and shown.
        raise ConfigError("the ledger's URL has more than one @", "write %40 for one in the user's name or password")
    remedy = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
    try:
        url = sa.make_url(place)
    except (ArgumentError, ValueError):
        # Security: show neither the URL nor the parser's message, which may quote a password.
        raise ConfigError("the ledger's URL cannot be read", remedy) from None
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        return parse_place(Path(url.database) if url.database and url.database != ":memory:" else None)
    if backend not in ("postgresql", "postgres"):
        raise ConfigError(f"the ledger's URL begins with {url.drivername}, which is not supported", remedy)
    url = url.set(drivername="postgresql+psycopg")
    shown = url.set(drivername="postgresql", query={})  # libpq accepts a password in the query, too
    name = shown.render_as_string(hide_password=True)
    if isinstance(place, LedgerUrl) and url.password is None:
        url = url.set(password=place.password)
    return Place(name, url=url)


def connected(place: Place) -> sa.Engine:
    """An engine whose transactions are on disk once they are committed. Does not connect yet."""
    # Ctrl-C while a connection closes is reported by us in one sentence; SQLAlchemy's pool would print a traceback.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    return _postgresql(place.url) if place.url is not None else _sqlite(place.file)


def _sqlite(file: Path | None) -> sa.Engine:
    if file is None:
        shared = {"check_same_thread": False}
        engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args=shared)
    else:
        # `take_file` made sure that the file exists. If it vanished since, it must not be created anew, empty, during a
        # send.
        place = f"{Path(os.path.realpath(file)).as_uri()}?mode=rw"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(place, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)

        engine = sa.create_engine(sa.URL.create("sqlite", database=str(file)), creator=connect)

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves: see on_begin
        connection.execute("PRAGMA foreign_keys = ON")
        # In WAL mode any setting below FULL may lose the last commits in a power failure, `committing` among them.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone does not flush the drive's cache

    def on_begin(db: sa.Connection) -> None:
        connection: Any = db.connection.driver_connection
        connection.execute(db.get_execution_options().get("begin", "BEGIN"))

    sa.event.listen(engine, "connect", on_connect)
    sa.event.listen(engine, "begin", on_begin)
    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    # Keepalives: a firewall forgets an idle connection, and the lock that the connection holds would be lost unnoticed.
    alive = {"keepalives": "1", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
    # Keepalives do not run while sent data is unacknowledged; by default the kernel retransmits for a quarter of an
    # hour (tcp(7), TCP_USER_TIMEOUT). In milliseconds.
    silent = {"tcp_user_timeout": str(SILENT_S * 1000)}
    asked = {"connect_timeout": str(CONNECT_TIMEOUT_S), **alive, **silent, **url.query}
    try:
        engine = sa.create_engine(url.set(query=asked))
    except ModuleNotFoundError as error:
        raise ConfigError(
            "a ledger in PostgreSQL needs the driver psycopg", f"run `pip install '{DISTRIBUTION}[postgresql]'`"
        ) from error

    def on_connect(connection: Any, _record: object) -> None:
        with connection.cursor() as cursor:
            # The server's default may be off, and lose acknowledged commits in a power failure.
            cursor.execute("SET synchronous_commit = on")
            cursor.execute(f"SET lock_timeout = '{int(BUSY_TIMEOUT_S * 1000)}ms'")
            # The other way round: a server lets go of the locks of a client whose machine died only once it notices,
            # by default after two hours. Over a socket in the file system these say nothing.
            for name, seconds in SERVER_KEEPALIVES.items():
                cursor.execute(f"SET {name} = {seconds}")
        connection.commit()

    sa.event.listen(engine, "connect", on_connect)
    return engine


@contextmanager
def translate_db_errors(place: Place) -> Iterator[None]:
    """Translate database errors into LedgerErrors with a sentence and remedy; other errors pass."""
    try:
        yield
    except (DBAPIError, sqlite3.DatabaseError) as error:
        origin = error.orig if isinstance(error, DBAPIError) else error
        trouble = _postgresql_trouble(origin) if place.is_postgresql else _sqlite_trouble(origin)
        if trouble is None:
            raise
        raise LedgerError(located(place.name, None, *trouble)) from error


def _sqlite_trouble(error: BaseException | None) -> tuple[str, str] | None:
    # SQLITE_ERROR is unspecific; this message means that a new, empty file replaced one that was moved away.
    if str(error).startswith("no such table"):
        return _GONE
    return _SQLITE_TROUBLE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)  # the low byte is the primary code


def _postgresql_trouble(error: BaseException | None) -> tuple[str, str] | None:
    sqlstate = getattr(error, "sqlstate", None) or ""
    for length in (5, 3, 2):
        if sqlstate[:length] in _POSTGRESQL_TROUBLE:
            return _POSTGRESQL_TROUBLE[sqlstate[:length]]
    if not sqlstate and type(error).__name__ == "OperationalError":  # an error of libpq itself: no server was reached
        first = str(error).strip().partition("\n")[0]
        return f"the database cannot be reached ({first})", "check that it runs, and the ledger's URL"
    return None


def take_file(file: Path, *, make: bool) -> LedgerFile:
    """Open a database's file; close it with `release_file`. With `make`, a missing one is created.

    ConfigError if it is no SQLite database, if it has a second hard link, or if it cannot be opened.
    """
    try:
        taken = take(file, make=make)
    except LinkedError as error:
        what = "the ledger has a second name, a hard link, under which another run could send at the same time"
        raise LedgerError(located(str(file), None, what, "remove one of the names, or copy the file")) from error
    except IsADirectoryError as error:
        raise LedgerError(
            located(str(file), None, "the ledger is a folder, not a file", "set [ledger] path to a file in it")
        ) from error
    except OSError as error:
        raise LedgerError(located(str(file), None, *_file_trouble(error))) from error
    if taken.head() in (b"", MAGIC):
        return taken
    release_file(taken)
    raise LedgerError(located(str(file), None, *_SQLITE_TROUBLE[sqlite3.SQLITE_NOTADB]))


def _file_trouble(error: OSError) -> tuple[str, str]:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _SQLITE_TROUBLE[sqlite3.SQLITE_FULL]
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EROFS):
        return _SQLITE_TROUBLE[sqlite3.SQLITE_CANTOPEN]
    return f"the ledger cannot be read: {error.strerror}", "make it readable, or set [ledger] path"
