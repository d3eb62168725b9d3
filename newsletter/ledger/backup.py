"""Back up a ledger's file while it is in use, and restore a backup: SQLite's online backup, whole files only.

A ledger in PostgreSQL is backed up by PostgreSQL's own tools.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from newsletter.errors import BusyError, ConfigError, LedgerError, located
from newsletter.files import NotAFileError, is_missing, open_regular, target_of
from newsletter.frozen import frozen
from newsletter.ledger.chores import note_chore
from newsletter.ledger.database.engine import parse_place, take_file, translate_db_errors
from newsletter.ledger.database.ledger_file import MAGIC, release_file
from newsletter.ledger.database.schema import VERSION, deliveries, issues, ledger_version, metadata
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.presence import is_current, require_ledger
from newsletter.ledger.recent_issues import recent_issues
from newsletter.text import shown


@frozen
class Health:
    """The result of checking a ledger. `faults` are the database's own messages, none if it is sound."""

    name: str
    version: int
    issues: int
    last_issue: str
    last_sent: datetime | None
    faults: tuple[str, ...]


def check_ledger(place: Path | str) -> Health:
    """Check a ledger, which another program may use at the same time. ConfigError if there is none."""
    require_ledger(place)
    with closing(Storage.open(place, read_only=True)) as storage:
        version = storage.version() or 0
        faults: tuple[str, ...] = ()
        with storage.read() as db:
            if not storage.place.is_postgresql:
                faults = _faults(row[0] for row in db.exec_driver_sql("PRAGMA integrity_check(20)"))
                faults += _orphans(db)
            is_ours = version == VERSION  # the next command that sends migrates an older one
            last = recent_issues(db, limit=1) if is_ours else ()
            count = int(db.scalar(sa.select(sa.func.count()).select_from(issues)) or 0) if is_ours else 0
        newest = last[0] if last else None
        return Health(
            storage.place.name,
            version,
            count,
            newest.issue if newest else "",
            newest.first_sent if newest else None,
            faults,
        )


def back_up(place: Path | str, target: Path, now: datetime) -> int:
    """Copy the ledger to `target`, which is replaced as a whole; returns its size in bytes. The copy is verified first.

    The time is recorded in both the ledger and its copy.

    ConfigError if there is no ledger, or it is no file; LedgerError if the copy is not sound.
    """
    file = _file_of(place)
    aim = target_of(target)
    if file.exists() and aim.exists() and file.samefile(aim):
        raise ConfigError(located(str(target), None, "this is the ledger itself", "name another file"))
    require_ledger(place)
    try:
        aim.parent.mkdir(parents=True, exist_ok=True)
        with _copied(place, aim.parent, now) as copy:
            size = copy.stat().st_size
            copy.replace(aim)
            _sync_folder(aim.parent)
    except OSError as error:
        raise ConfigError(
            located(str(target), None, f"cannot be written ({error.strerror})", "choose another place")
        ) from error
    _note_backup(place, now)
    return size


def stream_backup(place: Path | str, out: BinaryIO, now: datetime) -> int:
    """As `back_up`, written to `out` once the copy is complete; returns its size in bytes."""
    _file_of(place)
    require_ledger(place)
    with tempfile.TemporaryDirectory() as folder, _copied(place, Path(folder), now) as copy, copy.open("rb") as file:
        shutil.copyfileobj(file, out)
        size = copy.stat().st_size
    _note_backup(place, now)
    return size


def _note_backup(place: Path | str, now: datetime) -> None:
    """Record the time of a backup. A ledger that is read-only or of an older version is backed up without that."""
    with suppress(LedgerError):
        if is_current(place):
            with closing(Storage.open(place)) as storage:
                note_chore(storage, "backup", now)


def restore(backup: Path, place: Path | str, now: datetime) -> Path | None:
    """Replace the ledger by a backup. Returns the path of the old ledger's file, None if there was none.

    BusyError if the ledger is in use; ConfigError if the file is no sound backup. Then nothing changes.
    """
    file = _file_of(place)
    path = target_of(file)
    _require_database(backup)
    if path.exists() and path.samefile(backup):
        raise ConfigError(located(str(backup), None, "this is the ledger itself", "name a backup of it"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:60]}.", dir=path.parent)
        os.close(handle)
        with ExitStack() as held:
            held.callback(Path(name).unlink, missing_ok=True)
            _copy_sound(backup, Path(name))
            return _put_in_place(Path(name), file, path, now)
    except OSError as error:
        raise ConfigError(
            located(str(path), None, f"cannot be written ({error.strerror})", "make room, or the folder writable")
        ) from error


def _put_in_place(new: Path, file: Path, path: Path, now: datetime) -> Path | None:
    with ExitStack() as held:
        if path.exists():
            held.enter_context(_alone(file))
        kept = _keep_old(path, now) if path.exists() else None
        # The old file's write-ahead log, which a damaged ledger may still have, must not be applied to the new file.
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
        log = path.with_name(f"{path.name}-wal")
        if kept is not None and log.exists():
            log.replace(kept.with_name(f"{kept.name}-wal"))
        log.unlink(missing_ok=True)
        new.replace(path)
        _sync_folder(path.parent)
    return kept


def missing_from(backup: Path, place: Path | str) -> tuple[str, ...]:
    """Issues that the present ledger has sent and the backup does not contain: their recipients would be mailed twice.

    Empty if the present ledger is missing, of another version or unreadable: a restore may be its repair.
    """
    if is_missing(_file_of(place)):
        return ()
    try:
        known = _names(place)
    except LedgerError:
        return ()
    _require_database(backup)
    try:
        with closing(_opened(backup)) as db:
            _require_no_fault(backup, _schema_fault(db))
            has = {row[0] for row in db.execute(_SENT)} if db.execute(_VERSION).fetchone() == (VERSION,) else set()
    except sqlite3.DatabaseError as error:
        raise _damaged(backup, error) from error
    return tuple(name for name in known if name not in has)


def issues_in(backup: Path) -> tuple[str, ...]:
    """The issues that a backup has as sent; none for one that is unreadable, or of another version."""
    try:
        return _names(backup)
    except LedgerError:
        return ()


def _names(place: Path | str) -> tuple[str, ...]:
    with closing(Storage.open(place, read_only=True)) as storage:
        if storage.version() != VERSION:
            return ()
        with storage.read() as db:
            return tuple(each.issue for each in recent_issues(db, limit=1_000_000))


def _file_of(place: Path | str) -> Path:
    where = parse_place(place)
    if where.file is None:
        raise ConfigError(
            located(
                where.name,
                None,
                "a ledger in PostgreSQL is backed up by its own tools: pg_dump --format=custom --file=FILE and "
                "pg_restore, with the same address",
            )
        )
    return where.file


@contextmanager
def _copied(place: Path | str, folder: Path, now: datetime) -> Iterator[Path]:
    """A sound copy of a ledger as a file in `folder`, deleted at the end of the block unless it was moved."""
    where = parse_place(place)
    handle, name = tempfile.mkstemp(prefix=".ledger.", dir=folder)
    os.close(handle)
    copy = Path(name)
    try:
        with (
            closing(Storage.open(place, read_only=True)) as storage,
            translate_db_errors(where),
            closing(storage.engine.raw_connection()) as raw,
            closing(sqlite3.connect(copy)) as target,
        ):
            source = raw.driver_connection
            assert isinstance(source, sqlite3.Connection)  # noqa: S101 - `_file_of` has checked that it is SQLite
            source.backup(target)  # all pages in one step: writers go on, in their log
            if target.execute(_VERSION).fetchone() == (VERSION,):
                target.execute(_STAMP, (stamp_of(now),))
                target.commit()
            # One file, without a log beside it.
            target.execute("PRAGMA journal_mode = DELETE")
            if faults := _faults(row[0] for row in target.execute("PRAGMA integrity_check(3)")):
                raise LedgerError(located(where.name, None, f"the ledger is damaged: {faults[0]}", _CHECK))
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        yield copy
    finally:
        copy.unlink(missing_ok=True)


_VERSION = str(sa.select(ledger_version.c.version))
_STAMP = "INSERT INTO chores (name, at) VALUES ('backup', ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at"
_CHECK = "see newsletter ledger check; restore the last good backup before anything is sent"


def _require_database(backup: Path) -> None:
    """Raises ConfigError unless it is a file of SQLite."""
    try:
        with open_regular(backup) as file:
            head = file.read(len(MAGIC))
    except FileNotFoundError:
        raise ConfigError(located(str(backup), None, "there is no such file", "name a backup")) from None
    except NotAFileError as error:
        raise ConfigError(located(str(backup), None, f"this is {error.strerror}", "name a backup")) from error
    except OSError as error:
        raise ConfigError(located(str(backup), None, f"cannot be read ({error.strerror})", "name a backup")) from error
    if head != MAGIC:
        raise ConfigError(
            located(str(backup), None, "not a backup of a ledger", "name what `newsletter ledger backup` wrote")
        )


def _copy_sound(backup: Path, copy: Path) -> None:
    """Copy a backup to the file `copy`, as one durable file. Raises ConfigError unless it is a sound ledger.

    A copied ledger, unlike a backup, may have a write-ahead log beside it, with the last sends: SQLite copies both.
    """
    try:
        with (
            closing(_opened(backup)) as source,
            closing(sqlite3.connect(copy)) as db,
        ):
            source.backup(db)
            db.execute("PRAGMA journal_mode = DELETE")
            # The copy is what is judged: nobody changes it between a look and its use.
            _require_no_fault(backup, _schema_fault(db) or _content_fault(db))
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise _damaged(backup, error) from error
    with copy.open("rb+") as file:
        os.fsync(file.fileno())


def _opened(backup: Path) -> sqlite3.Connection:
    """The backup, to be read where it is."""
    db = sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)
    db.execute("PRAGMA trusted_schema = OFF")
    return db


_SENT = str(sa.select(issues.c.issue).where(issues.c.first_sent.is_not(None)))
_TAKE_OLDER = "take an older one"
_NO_LEDGER = ("a database, but no ledger", "name what `newsletter ledger backup` wrote")

_Fault = tuple[str, str]
"""What is wrong, and a remedy."""


def _require_no_fault(backup: Path, fault: _Fault | None) -> None:
    if fault:
        raise ConfigError(located(str(backup), None, *fault))


def _damaged(backup: Path, error: sqlite3.DatabaseError) -> ConfigError:
    return ConfigError(located(str(backup), None, f"the backup is damaged ({error})", _TAKE_OLDER))


def _schema_fault(db: sqlite3.Connection) -> _Fault | None:
    """What forbids to read a database as a ledger. Reads none of its tables.

    Security: a trigger would change what is written down; a view in a table's place changes what was sent, or never
    ends. A view of the operator's own under another name is never read.
    """
    tables: set[str] = set()
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master").fetchall():
        is_virtual = str(sql).upper().startswith("CREATE VIRTUAL")
        if kind == "trigger" or is_virtual or (kind == "view" and name in metadata.tables):
            what = f"the {'virtual table' if is_virtual else kind} {shown(name)} is in it, and no ledger has one"
            return what, f"{_TAKE_OLDER}, or drop it in a copy"
        if kind == "table":
            tables.add(name)
    if ledger_version.name not in tables:
        return _NO_LEDGER
    if missing := sorted({issues.name, deliveries.name} - tables):
        return f"the backup lacks the table {missing[0]}", _TAKE_OLDER
    return None


def _content_fault(db: sqlite3.Connection) -> _Fault | None:
    """What forbids to use a database as the ledger: damage, and versions that are not supported."""
    if faults := _faults(row[0] for row in db.execute("PRAGMA integrity_check(3)")):
        return f"the backup is damaged ({faults[0]})", _TAKE_OLDER
    versions = [row[0] for row in db.execute(_VERSION).fetchmany(2)]
    if len(versions) != 1 or not isinstance(versions[0], int) or versions[0] < 1:
        return "the backup does not say of which version it is", _TAKE_OLDER
    if versions[0] > VERSION:
        return f"a ledger of version {versions[0]}, newer than ours", "upgrade newsletter"
    return None


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Exclude all other processes from the ledger during the block. BusyError if it is open; a damaged ledger
    passes.
    """
    try:
        taken = take_file(file, make=False)
    except LedgerError:
        yield  # no process can open it
        return
    try:
        with closing(sqlite3.connect(taken.path, timeout=0, isolation_level=None)) as db:
            try:
                # Succeeds only if no other connection is open (https://www.sqlite.org/wal.html).
                db.execute("PRAGMA journal_mode = DELETE")
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
                db.execute("BEGIN EXCLUSIVE")
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    what = "the ledger is in use: a send, `serve` or another command has it open"
                    raise BusyError(located(str(file), None, what, "end it, then run this again")) from error
            yield
    finally:
        release_file(taken)


def _keep_old(path: Path, now: datetime) -> Path:
    """Keep the old file beside the new one under another name, without replacing any file."""
    for number in range(1, 1_000):
        more = f"-{number}" if number > 1 else ""
        kept = path.with_name(f"{path.name}.{now:%Y%m%d-%H%M%S}{more}.old")
        try:
            os.link(path, kept)
        except FileExistsError:
            continue
        except OSError:
            with kept.open("xb") as file, path.open("rb") as source:  # for file systems without hard links
                shutil.copyfileobj(source, file)
        return kept
    raise ConfigError(located(str(path), None, "a thousand old ledgers lie beside it", "move them away"))


def _sync_folder(folder: Path) -> None:
    """fsync the folder, so that a rename is durable; Windows cannot open folders and does so by itself."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _faults(words: Iterator[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word != "ok")


def _orphans(db: sa.Connection) -> tuple[str, ...]:
    found = db.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(20)
    return tuple(f"a row of {table} without its {parent}" for table, _, parent, _ in found)
