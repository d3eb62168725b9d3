"""Open regular files only, replace a file whole or not at all, find the data that ships with the package."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from newsletter.errors import ConfigError


def write_atomically(path: Path, data: bytes, mode: int | None = None, *, durable: bool = True) -> None:
    """Write a file atomically: readers see the old content or the new, never a part. Raises ConfigError.

    `mode` sets the permissions; by default those of any new file. Without `durable` it may be lost in a power failure.
    """
    with replacing(path, mode, durable=durable) as file:
        file.write(data)


@contextmanager
def replacing(path: Path, mode: int | None = None, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A temporary file that replaces `path` when the block succeeds and is removed when it fails. Raises ConfigError.

    A symbolic link stays, and its target is replaced. What is not a regular file, such as /dev/stdout or a named pipe,
    is written in place.
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
                if durable:
                    os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask() if mode is None else mode)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"cannot be written ({error.strerror})", "choose another place", path=path) from error


def target_of(path: Path) -> Path:
    """The path behind all symbolic links, where the file is to be written. ConfigError where no file is possible."""
    if not path.name:
        raise ConfigError("not the name of a file", "write one, such as list.csv", path=path)
    # Unlike Path.resolve, whose error for a symlink loop depends on Python's version, this never raises.
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
    """The path is not a regular file or directory. `strerror` says so, as for any OSError."""

    def __init__(self) -> None:
        super().__init__(errno.EINVAL, "a pipe, a socket or a device, not a file")


def is_file(path: Path) -> bool:
    """Whether the path is a regular file. Never raises; Path.is_file before Python 3.14 raises for unreadable
    directories and names that are too long.
    """
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether the path is a directory. Never raises."""
    return os.path.isdir(path)  # noqa: PTH112


def is_there(path: Path) -> bool:
    """Whether the path exists. Never raises."""
    return os.path.exists(path)  # noqa: PTH110


def is_missing(path: Path, *, follow: bool = True) -> bool:
    """Whether the path certainly does not exist. False if access is denied, and for a broken link without `follow`."""
    try:
        os.stat(path, follow_symlinks=follow)  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def require_regular(path: Path) -> None:
    """Require a regular file or directory. NotAFileError for anything else; OSError where it is missing or unreadable.

    Directories pass, since opening one fails at once with a clear error.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise NotAFileError


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading. OSError where that fails, NotAFileError where it is no regular file."""
    require_regular(path)
    return path.open("rb")


def is_handed_down(path: Path) -> bool:
    """Whether the path is an inherited descriptor: /dev/stdin, or a shell's `<(command)`. Such a pipe has a writer."""
    return path == Path("/dev/stdin") or path.parent in (Path("/dev/fd"), Path("/proc/self/fd"))


def files_below(folder: Path, *, enters: Callable[[str], bool] = lambda name: True) -> Iterator[Path]:
    """The files of a folder and of its subfolders whose names `enters` accepts, sorted. Raises OSError.

    Links to folders are not followed. Unlike os.walk before Python 3.12, it has no limit on the depth.
    """
    waiting = [str(folder)]
    while waiting:
        place = waiting.pop()
        with os.scandir(place) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        folders = [entry for entry in entries if is_folder(Path(entry))]
        known = {entry.path for entry in folders}
        yield from (Path(entry) for entry in entries if entry.path not in known)
        waiting += [entry.path for entry in reversed(folders) if not entry.is_symlink() and enters(entry.name)]


def package_folder(*names: str) -> Path:
    """A data folder that ships with the program: inside an installed package, beside it in a checkout.

    Raises ConfigError if the installation lacks it.
    """
    here = Path(__file__).parent
    for folder in (here.joinpath(*names), here.parent.joinpath(*names)):
        if folder.is_dir():
            return folder
    raise ConfigError(f"{'/'.join(names)} is missing from the installation", "install newsletter again")
