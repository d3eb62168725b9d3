"""The file of an SQLite ledger: its mode, its lock, and whether it was replaced while open.

SQLite does not notice when its file is moved, deleted or overwritten while it is open: it goes on writing to a file
that is never read again, and the next run mails every recipient again. So `Watch.is_same` is checked before and after
each commit.
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
"""Where the file has SQLite's `user_version` (https://www.sqlite.org/fileformat2.html, 1.3), which counts our sends."""


class LinkedError(OSError):
    """The file has a second name. SQLite names its log after the one it was opened by: two names, two logs."""


class LedgerFile:
    """One open file, shared by everything in this process that opens the same one: see `take`."""

    def __init__(self, path: Path, *, make: bool) -> None:
        """`path` is behind every link. OSError where it cannot be opened; with `make`, one that is missing is made."""
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
        """The count of sends in the file itself, without what SQLite keeps in its log."""
        return int.from_bytes(self._read(4, _GENERATION))

    def is_at_its_path(self) -> bool:
        """Whether the path still leads to the file that was opened, and not to another one."""
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
        """Hold the issue by a lock on the file itself, which every path to it shares: False where another one has it.

        True also where this machine or file system has no such locks; the lock file is then all there is.
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
    """A file while it is written to: whether it is still the one that others will read. For one who writes."""

    def __init__(self, file: LedgerFile) -> None:
        self.file = file
        self._log: os.stat_result | None = None
        self._least = 0

    def expect(self, generation: int) -> None:
        """From now on the file has at least this count of sends: an older copy in its place has not."""
        if self.file.generation() >= generation:
            self._least = generation

    def is_same(self, *, written: bool) -> bool:
        """Whether the file is at its path, with its log beside it, and no older copy was written over it.

        `written`: something was committed just now, by a connection that stays open.
        """
        if not self.file.is_at_its_path() or self.file.generation() < self._least:
            return False
        try:
            log: os.stat_result | None = Path(f"{self.file.path}-wal").stat()
        except OSError:
            log = None
        # It is there from the first commit on, until the last connection closes; without SQLite's WAL mode, never.
        if self._log is None and written:
            self._log = log
        return self._log is None or (log is not None and os.path.samestat(log, self._log))


def _opened(path: Path, *, make: bool) -> int:
    binary = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        # Security: it has every subscriber's address; SQLite gives its log and its index the same permissions.
        return os.open(path, os.O_RDWR | binary | (os.O_CREAT if make else 0), 0o600)
    except PermissionError:
        return os.open(path, os.O_RDONLY | binary)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
        return os.open(path, os.O_RDONLY | binary)


# --- locks by the file ----------------------------------------------------------------------------------------------

_LOCKS_FROM = 1 << 40
"""Far beyond the bytes that SQLite locks, from 1 GiB on (https://www.sqlite.org/lockingv3.html). A lock may lie past a
file's end."""

if sys.platform == "linux":
    # Locks of the open file and not of the process (fcntl(2), "Open file description locks"): closing another handle
    # of the same file does not drop them, and they never meet with SQLite's.
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
        """The lock file is all there is here."""
        return True


# --- one handle a file ----------------------------------------------------------------------------------------------

_TAKING = Lock()
_IN_USE: dict[str, LedgerFile] = {}


def take(file: Path, *, make: bool) -> LedgerFile:
    """The file at `file`, behind every link; to be given back with `release_file`. OSError, as `LedgerFile`.

    One handle for all of this process: closing a second one would drop the locks that SQLite's connections have on the
    file (POSIX, close). Another process would then take itself for the last one, and delete the log from under us.
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
