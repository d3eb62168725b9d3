"""Open regular files only, replace a file whole or not at all, find the data that ships with the package."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from newsletter.errors import ConfigError


def write_atomically(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file so that a reader sees the old content or the new, never a part. ConfigError where it cannot be.

    `mode` are its permissions; a new file's usual ones without.
    """
    with replacing(path, mode) as file:
        file.write(data)


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file that takes its name when the block ends well, and vanishes when it does not. ConfigError as above.

    A link stays, and what it leads to is replaced. What is no file, such as /dev/stdout or a named pipe, is written to
    as it is: nothing may take its place.
    """
    target = target_of(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as device:
                yield device
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:60]}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask() if mode is None else mode)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"cannot be written ({error.strerror})", "choose another place", path=path) from error


def target_of(path: Path) -> Path:
    """Where a file of this name is written: behind every link. ConfigError where there can be no such file."""
    if not path.name:
        raise ConfigError("not the name of a file", "write one, such as list.csv", path=path)
    # Unlike Path.resolve, which raises another error for a loop in each version of Python, this never raises.
    target = Path(os.path.realpath(path))
    try:
        target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return target
    except OSError as error:
        raise ConfigError(f"cannot be written ({error.strerror})", "choose another place", path=path) from error
    return target


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


class NotAFileError(OSError):
    """What stands there is neither a file nor a folder. `strerror` says so, as of any other OSError."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "a pipe, a socket or a device, not a file")


def is_file(path: Path) -> bool:
    """Whether a file can be seen there. Unlike Path.is_file before Python 3.14, which raises where a folder may not be
    looked into, or a name is too long, this never raises."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """The same of a folder."""
    return os.path.isdir(path)  # noqa: PTH112


def is_there(path: Path) -> bool:
    """The same of anything."""
    return os.path.exists(path)  # noqa: PTH110


def is_missing(path: Path, *, follow: bool = True) -> bool:
    """Whether there is surely nothing: what may not be looked at is something; without `follow` so is a broken link."""
    try:
        os.stat(path, follow_symlinks=follow)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def require_regular(path: Path) -> None:
    """NotAFileError for what is no file; OSError where there is nothing, or it may not be looked at.

    A folder passes: opening one fails at once, and says what it is.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise NotAFileError


def open_regular(path: Path) -> BinaryIO:
    """A file, open to read. OSError where it cannot be, NotAFileError where it is none."""
    require_regular(path)
    return path.open("rb")


def is_handed_down(path: Path) -> bool:
    """Whether it is open already: /dev/stdin, or what a shell's `<(command)` gives. Somebody writes to such a pipe."""
    return path == Path("/dev/stdin") or path.parent in (Path("/dev/fd"), Path("/proc/self/fd"))


def package_folder(*names: str) -> Path:
    """A folder of data that ships with the program: inside an installed package, beside it in a checkout.

    ConfigError where the installation lacks it.
    """
    here = Path(__file__).parent
    for folder in (here.joinpath(*names), here.parent.joinpath(*names)):
        if folder.is_dir():
            return folder
    raise ConfigError(f"{'/'.join(names)} is missing from the installation", "install newsletter again")
