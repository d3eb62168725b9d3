"""One run per issue at a time, on one machine: a lock file that the operating system lets go with the process."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import FileIO
from pathlib import Path

from newsletter.errors import BusyError, ConfigError, located

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def lock_path(ledger: Path, issue: str) -> Path:
    """Beside the ledger, named by a hash: an issue's name may be longer, or stranger, than a file's may."""
    return ledger.with_name(f"{ledger.name}.{sha256(issue.encode()).hexdigest()[:16]}.lock")


@contextmanager
def locked(lock: Path, issue: str) -> Iterator[None]:
    """Hold `lock`, with our process number and host in it. Asked again when the run before us removed the file."""
    while True:
        try:
            file = lock.open("a+b", buffering=0)
        except OSError as error:
            what = f"the lock cannot be made: {error.strerror}"
            raise ConfigError(located(str(lock), None, what, "make the ledger's folder writable")) from error
        with file:
            if not _try_lock(file, lock):
                raise _busy(issue, file)
            if not _is_at(file, lock):
                continue
            file.truncate(0)
            file.write(f"{os.getpid()} {socket.gethostname()}\n".encode())
            try:
                yield
            finally:
                _remove(lock)
            return


def _is_at(file: FileIO, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _busy(issue: str, file: FileIO) -> BusyError:
    file.seek(0)
    pid, _, host = file.read(1_000).decode("utf-8", "replace").strip().partition(" ")
    owner = f"process {pid} on {host}" if pid and host else "just starting"
    return BusyError(f"{issue}: another run ({owner}) is sending this issue; wait until it has ended")


if sys.platform == "win32":
    _FAR = 1 << 30  # past the owner's line: a Windows lock forbids reading what it covers

    def _try_lock(file: FileIO, lock: Path) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _remove(lock: Path) -> None:
        """The file stays: Windows does not remove what another run may have open."""

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
        lock.unlink(missing_ok=True)  # before the lock is let go, so that nobody else's file is removed
