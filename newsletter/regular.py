"""Opening what must be a file: a pipe that nobody writes to would hold us for ever, and a device may have no end."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import BinaryIO


class IrregularError(OSError):
    """What stands there is neither a file nor a folder. `strerror` says so, as of any other OSError."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "a pipe, a socket or a device, not a file")


def require_regular(path: Path) -> None:
    """IrregularError for what is no file; OSError where there is nothing, or it may not be looked at.

    A folder passes: opening one fails at once, and says what it is.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise IrregularError


def open_regular(path: Path) -> BinaryIO:
    """A file, open to read. OSError where it cannot be, IrregularError where it is none."""
    require_regular(path)
    return path.open("rb")


def is_handed_down(path: Path) -> bool:
    """Whether it is open already: /dev/stdin, or what a shell's `<(command)` gives. Somebody writes to such a pipe."""
    return path == Path("/dev/stdin") or path.parent in (Path("/dev/fd"), Path("/proc/self/fd"))
