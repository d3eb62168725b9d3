"""Inspect the ledger without writing: SQLite through a read-only connection, PostgreSQL by reading."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from newsletter.doctor.judge.records import LedgerHealth
from newsletter.errors import ConfigError
from newsletter.ledger.chores import read_chores
from newsletter.ledger.database.engine import (
    Place,
    connected,
    parse_place,
    take_file,
    translate_db_errors,
)
from newsletter.ledger.database.ledger_file import LedgerFile, release_file
from newsletter.ledger.database.migrations import found_version
from newsletter.ledger.database.schema import VERSION, bounce_events, issues
from newsletter.ledger.database.timestamps import moment_of
from newsletter.ledger.list_reference import split_segment

_STEPS_BETWEEN_LOOKS = 100_000

_LISTS = sa.select(issues.c.audience).order_by(issues.c.id.desc()).limit(50)


def read_ledger(place: Path | str, timeout_s: float) -> LedgerHealth:
    """The health of the ledger at `place`; never raises a database error. May take `timeout_s`."""
    where = parse_place(place)
    file = where.file
    if file is None:
        return _looked_into(where, timeout_s)
    folder = next((each for each in (file.parent, *file.parent.parents) if each.is_dir()), Path())
    writable = os.access(folder, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))
    if not file.exists():
        health = LedgerHealth(where.name, exists=False)
    else:
        in_use = _log_of(file).exists()
        health = _looked_into(where, timeout_s, in_use=in_use)
        if health.failure and not in_use and _log_of(file).exists():
            # A writer started while it was read as immutable: read it again.
            health = _looked_into(where, timeout_s, in_use=True)
    return replace(health, free_bytes=shutil.disk_usage(folder).free, is_writable=writable)


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _looked_into(where: Place, timeout_s: float, *, in_use: bool = True) -> LedgerHealth:
    try:
        with _reading(where, in_use=in_use) as db:
            broken, unfinished = _quick_check(db, timeout_s) if where.file is not None else ("", False)
            if broken:
                remedy = "restore it from a backup before anything is sent"
                return LedgerHealth(where.name, failure=f"the ledger is damaged ({broken})", remedy=remedy)
            version = found_version(db) or 0
            health = LedgerHealth(where.name, version=version, known_version=VERSION, unfinished=unfinished)
            if version != VERSION:
                return health
            done = read_chores(db)
            return replace(
                health,
                issues=db.scalar(sa.select(sa.func.count()).select_from(issues)) or 0,
                last_sent=moment_of(db.scalar(sa.select(sa.func.max(issues.c.first_sent)))),
                lists=tuple(dict.fromkeys(path for text in db.scalars(_LISTS) for path in _paths(text))),
                last_bounce=moment_of(db.scalar(sa.select(sa.func.max(bounce_events.c.at)))),
                bounces_read=done.bounces,
                backed_up=done.backup,
                is_file=where.file is not None,
            )
    except ConfigError as error:
        what, _, remedy = str(error).removeprefix(f"{where.name}: ").rpartition("; ")
        return LedgerHealth(where.name, failure=what, remedy=remedy)


def _paths(audience: str) -> list[str]:
    """The paths of a send's lists: one per line of the ledger's text."""
    return split_segment(audience)[0].splitlines()


@contextmanager
def _reading(where: Place, *, in_use: bool) -> Iterator[sa.Connection]:
    """A connection; for a file it is read-only, and leaves an old write-ahead log as it is. Raises ConfigError.

    Without such a log no process has the file open, and it is opened as `immutable`: otherwise SQLite would leave an
    empty log beside it, which another user could then not write to.
    """
    file = where.file
    taken: LedgerFile | None = None
    if file is None:
        engine = connected(where)
    else:
        taken = take_file(file, make=False)
        address = f"{file.absolute().as_uri()}?mode=ro{'' if in_use else '&immutable=1'}"
        engine = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True, timeout=1))
    try:
        with translate_db_errors(where), engine.connect() as db:
            yield db
    finally:
        engine.dispose()
        if taken is not None:
            release_file(taken)


def _quick_check(db: sa.Connection, timeout_s: float) -> tuple[str, bool]:
    """SQLite's first complaint, or nothing; and whether the check was cut off."""
    give_up = monotonic() + timeout_s
    raw = db.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)  # noqa: S101 - for the type checker
    raw.set_progress_handler(lambda: int(monotonic() > give_up), _STEPS_BETWEEN_LOOKS)
    try:
        said = db.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except OperationalError as error:
        if getattr(error.orig, "sqlite_errorcode", 0) != sqlite3.SQLITE_INTERRUPT:
            raise
        return "", True
    finally:
        raw.set_progress_handler(None, 0)
    return ("" if said == "ok" else " ".join(str(said).split())[:120]), False
