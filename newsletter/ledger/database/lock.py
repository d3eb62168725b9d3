"""One run per issue: a lock that the operating system releases when its owner dies.

A ledger in a file uses a lock file, which is released with the process; one in PostgreSQL an advisory lock, which is
released with the connection.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from newsletter.errors import BusyError, ConfigError, located

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def lock_path(ledger: Path, issue: str) -> Path:
    """The lock file's path beside the ledger, named by a hash: an issue's name may not be a valid file name."""
    return ledger.with_name(f"{ledger.name}.{sha256(issue.encode()).hexdigest()[:16]}.lock")


@contextmanager
def locked(lock: Path, issue: str) -> Iterator[None]:
    """Hold `lock`, with our process id and host in it. Retried if the previous run removed the file."""
    while True:
        try:
            file = lock.open("a+b", buffering=0)
        except OSError as error:
            raise _no_lock(lock, error) from error
        with file:
            if not _try_lock(file, lock):
                raise _busy(issue, file)
            if not _is_at(file, lock):
                continue
            try:
                file.truncate(0)
                file.write(f"{os.getpid()} {socket.gethostname()}\n".encode())
            except OSError as error:
                _remove(lock)
                raise _no_lock(lock, error) from error
            try:
                yield
            finally:
                _remove(lock)
            return


def _no_lock(lock: Path, error: OSError) -> ConfigError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ConfigError(located(str(lock), None, "the disk is full", "make room, then run the same command again"))
    what = f"the lock cannot be made: {error.strerror}"
    return ConfigError(located(str(lock), None, what, "make the ledger's folder writable"))


def busy_at(lock: Path, issue: str) -> BusyError:
    """The error that another run holds the issue. Its owner may be unknown: its lock file was removed, or has another
    path.
    """
    try:
        with lock.open("rb", buffering=0) as file:
            return _busy(issue, file)
    except OSError:
        return _busy_with(issue, "by another path to the ledger, or without its lock file")


_TRY = sa.text("SELECT pg_try_advisory_lock(:key)")
_RELEASE = sa.text("SELECT pg_advisory_unlock(:key)")
_TRY_SHARED = sa.text("SELECT pg_try_advisory_lock_shared(:key)")
_RELEASE_SHARED = sa.text("SELECT pg_advisory_unlock_shared(:key)")
# Locks with two numbers are apart from those with one. `_RUNS` marks those of runs.
_RUNS = 0x6E_65_77_73
_LOCK_RUN = sa.text("SELECT pg_advisory_lock(:runs, :run)")
_RELEASE_RUN = sa.text("SELECT pg_advisory_unlock(:runs, :run)")
_TRY_RUN = sa.text("SELECT pg_try_advisory_xact_lock(:runs, :run)")
# PostgreSQL keeps 63 octets of a connection's name (NAMEDATALEN - 1).
_SIGN = sa.text("SELECT set_config('application_name', :owner, false)")
# A 64-bit key is listed in two halves (https://www.postgresql.org/docs/current/view-pg-locks.html).
_OWNER = sa.text(
    """
    SELECT activity.application_name FROM pg_locks AS held JOIN pg_stat_activity AS activity USING (pid)
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
      AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND held.classid = CAST(:high AS bigint) AND held.objid = CAST(:low AS bigint)
    """
)


@contextmanager
def advisory_lock(db: sa.Connection, issue: str, *, shared: bool = False) -> Iterator[None]:
    """Hold `issue` on the server of `db`, a connection without an open transaction; its name identifies us.

    `shared`: with others that hold it so. BusyError if the lock cannot be had.
    """
    take, release = (_TRY_SHARED, _RELEASE_SHARED) if shared else (_TRY, _RELEASE)
    number = int.from_bytes(sha256(issue.encode()).digest()[:8])
    key = {"key": number - (1 << 63)}
    with db.begin():
        db.execute(_SIGN, {"owner": f"process {os.getpid()} on {socket.gethostname()}"})
        if not db.scalar(take, key):
            bits = key["key"] & ((1 << 64) - 1)
            owner = db.scalar(_OWNER, {"high": bits >> 32, "low": bits & 0xFFFF_FFFF})
            raise _busy_with(issue, owner or "just starting or just ending")
    try:
        yield
    finally:
        if not db.closed and not db.invalidated:
            with suppress(DBAPIError), db.begin():  # a lost connection has released the lock already
                db.execute(release, key)


@contextmanager
def run_lock(db: sa.Connection, run: int) -> Iterator[None]:
    """Hold the lock that says that this run is alive; it is gone with the connection."""
    key = {"runs": _RUNS, "run": run}
    with db.begin():
        db.execute(_LOCK_RUN, key)
    try:
        yield
    finally:
        if not db.closed and not db.invalidated:
            with suppress(DBAPIError), db.begin():
                db.execute(_RELEASE_RUN, key)


def is_dead(db: sa.Connection, run: int) -> bool:
    """Whether nothing holds the lock of this run; until the end of the transaction of `db` nothing else can take it."""
    return bool(db.scalar(_TRY_RUN, {"runs": _RUNS, "run": run}))


def _is_at(file: FileIO, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _busy(issue: str, file: FileIO) -> BusyError:
    file.seek(0)
    pid, _, host = file.read(1_000).decode("utf-8", "replace").strip().partition(" ")
    return _busy_with(issue, f"process {pid} on {host}" if pid and host else "just starting")


def _busy_with(issue: str, owner: str) -> BusyError:
    what = f"{issue}: another run ({owner}) is sending this issue"
    return BusyError(located("", None, what, "wait until it has ended"), owner)


if sys.platform == "win32":
    _FAR = 1 << 30  # past the owner's line: a Windows lock forbids reading the bytes it covers

    def _try_lock(file: FileIO, lock: Path) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _remove(lock: Path) -> None:
        """Remove the lock file; on Windows it stays, since another run may have it open."""

else:

    def _try_lock(file: FileIO, lock: Path) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            what = f"this file system has no locks: {error.strerror}"
            raise ConfigError(located(str(lock), None, what, "set [ledger] path to a local disk")) from error
        return True

    def _remove(lock: Path) -> None:
        lock.unlink(missing_ok=True)  # before the lock is released, so that another run's file is not removed
