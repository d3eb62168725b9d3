"""The file of an SQLite ledger: its mode, its lock, and whether it was replaced while open.

SQLite does not notice that its file was moved, deleted or overwritten while it is open: it continues writing to a file
that is never read again, and the next run would mail every recipient again. So `Watch.is_same` is checked before and
after each commit.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Lock

from newsletter.files import require_regular

if sys.platform == "linux":
    import fcntl
    import struct

HEADER = 16
MAGIC = b"SQLite format 3\0"
_GENERATION = 60
"""The offset of SQLite's `user_version` (https://www.sqlite.org/fileformat2.html, 1.3), which counts our sends."""


class LinkedError(OSError):
    """The file has a second hard link. SQLite names its log after the path it was opened by: two paths, two logs."""


class LedgerFile:
    """One open file, shared by everything in this process that opens the same one: see `take`."""

    def __init__(self, path: Path, *, make: bool) -> None:
        """`path` is behind all symbolic links. OSError if it cannot be opened; with `make`, a missing one is
        created.
        """
        self.path = path
        self.users = 0
        self._reading = Lock()
        self._held: set[int] = set()
        if path.exists():
            require_regular(path)
        self._handle = _opened(path, make=make)
        self.what = os.fstat(self._handle)
        if self.what.st_nlink > 1:
            os.close(self._handle)
            raise LinkedError(errno.EMLINK, os.strerror(errno.EMLINK))

    def head(self) -> bytes:
        return self._read(HEADER, 0)

    def generation(self) -> int:
        """The count of sends in the file itself, ignoring what is still in the log."""
        return int.from_bytes(self._read(4, _GENERATION))

    def is_at_its_path(self) -> bool:
        """Whether the path still leads to the file that was opened."""
        try:
            return os.path.samestat(self.path.stat(), self.what)
        except OSError:
            return False

    def close(self) -> None:
        os.close(self._handle)

    def _read(self, size: int, start: int) -> bytes:
        with self._reading:
            os.lseek(self._handle, start, os.SEEK_SET)
            return os.read(self._handle, size)

    @contextmanager
    def locked(self, issue: str) -> Iterator[bool]:
        """Hold the issue by a lock on the file itself, which all paths to it share. Yields False if another process
        holds it.

        Yields True also if this machine or file system has no such locks; then the lock file is the only one.
        """
        start = _LOCKS_FROM + int.from_bytes(sha256(issue.encode()).digest()[:4])
        with self._reading:
            got = start not in self._held and _lock(self._handle, start, hold=True)
            self._held |= {start} if got else set()
        try:
            yield got
        finally:
            if got:
                with self._reading:
                    self._held.discard(start)
                    _lock(self._handle, start, hold=False)


class Watch:
    """Checks, for a writer, that the open file is still the one that others will read."""

    def __init__(self, file: LedgerFile) -> None:
        self.file = file
        self._log_path = Path(f"{file.path}-wal")
        self._log: os.stat_result | None = None
        self._least = 0

    def expect(self, generation: int) -> None:
        """From now on expect at least this count of sends: an older copy in the file's place has a smaller one."""
        if self.file.generation() >= generation:
            self._least = generation

    def is_same(self, *, written: bool) -> bool:
        """Whether the file is at its path, with its log beside it, and was not overwritten by an older copy.

        `written`: a connection that stays open has just committed something.
        """
        if not self.file.is_at_its_path() or self.file.generation() < self._least:
            return False
        try:
            log: os.stat_result | None = self._log_path.stat()
        except OSError:
            log = None
        # The log exists from the first commit until the last connection closes; without WAL mode, never.
        if self._log is None and written:
            self._log = log
        return self._log is None or (log is not None and os.path.samestat(log, self._log))


def _opened(path: Path, *, make: bool) -> int:
    binary = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        # Security: the file has every subscriber's address; SQLite gives its log and its index the same permissions.
        return os.open(path, os.O_RDWR | binary | (os.O_CREAT if make else 0), 0o600)
    except PermissionError:
        return os.open(path, os.O_RDONLY | binary)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(path, os.O_RDONLY | binary)


# --- file locks -----------------------------------------------------------------------------------------------------

_LOCKS_FROM = 1 << 40
"""Far beyond the bytes that SQLite locks, from 1 GiB on (https://www.sqlite.org/lockingv3.html). A lock may lie past a
file's end.
"""

if sys.platform == "linux":
    # Open file description locks, and not the process's (fcntl(2)): closing another handle of the same file does not
    # drop them, and they never conflict with SQLite's.
    def _lock(handle: int, start: int, *, hold: bool) -> bool:
        kind = fcntl.F_WRLCK if hold else fcntl.F_UNLCK
        asked = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, 1, 0)
        try:
            fcntl.fcntl(handle, fcntl.F_OFD_SETLK, asked)
        except OSError as error:
            return error.errno not in (errno.EAGAIN, errno.EACCES)
        return True

else:

    def _lock(handle: int, start: int, *, hold: bool) -> bool:
        """The lock file is the only lock here."""
        return True


# --- one handle per file --------------------------------------------------------------------------------------------

_TAKING = Lock()
_IN_USE: dict[str, LedgerFile] = {}


def take(file: Path, *, make: bool) -> LedgerFile:
    """Open `file`, whose path has no symbolic links; close it with `release_file`. OSError as `LedgerFile`.

    One handle per process: closing a second one would drop the locks that SQLite's connections hold on the file (POSIX,
    close). Another process would then take itself for the last one and delete the log while it is in use.
    """
    path = os.path.realpath(file)
    with _TAKING:
        taken = _IN_USE.get(path)
        if taken is None:
            taken = _IN_USE[path] = LedgerFile(Path(path), make=make)
        taken.users += 1
        return taken


def release_file(taken: LedgerFile) -> None:
    with _TAKING:
        taken.users -= 1
        if not taken.users:
            taken.close()
            if _IN_USE.get(str(taken.path)) is taken:
                del _IN_USE[str(taken.path)]
