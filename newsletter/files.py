"""Posts in, results out: reading what the person named, and replacing files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from newsletter.errors import ConfigError, ContentError
from newsletter.post import MAX_BYTES

STDIN = "<stdin>"


def open_post(post: str, stdin: BinaryIO) -> tuple[str, bytes, Path]:
    """A post's name for messages, its bytes, and the folder its pictures are beside. `-` is standard input."""
    if post == "-":
        return STDIN, stdin.read(MAX_BYTES + 1), Path.cwd()
    path = Path(post)
    try:
        if path.is_dir():
            raise ContentError(f"{post}: this is a folder; name the post inside it")
        with path.open("rb") as file:
            return post, file.read(MAX_BYTES + 1), path.parent
    except FileNotFoundError:
        raise ContentError(f"{post}: there is no such file; check the name") from None
    except OSError as error:
        raise ContentError(f"{post}: cannot be read ({error.strerror}); check its permissions") from error


def write_atomically(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file so that a reader sees the old content or the new, never a part. ConfigError where it cannot be.

    `mode` are its permissions; a new file's usual ones without.
    """
    with replacing(path, mode) as file:
        file.write(data)


@contextmanager
def replacing(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """A file that takes its name when the block ends well, and vanishes when it does not. ConfigError as above.

    What is no file, such as /dev/stdout or a named pipe, is written to as it is: nothing may take its place.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as device:
                yield device
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:60]}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o666 & ~_umask() if mode is None else mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
