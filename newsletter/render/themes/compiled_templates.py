"""A bytecode cache of compiled templates: in memory, and on disk for the next process.

Compiling a theme takes longer than rendering with it. On disk a template is a file of the user's cache folder, beside
others of no worth but time: where the folder cannot be used, everything is compiled anew, and nothing is said.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import marshal
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from newsletter import __version__

MAX_COMPILED = 500
"""Templates kept in memory, and files on disk; a theme has some thirty."""

MAX_BYTES = 1_000_000
"""Of a file on disk; the largest template of ours has 20,000."""

_DIGEST = hashlib.sha256().digest_size


class CompiledTemplates(jinja2.BytecodeCache):
    """Templates by name and by the hash of their source."""

    def __init__(self) -> None:
        self.codes: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.codes.get((bucket.key, bucket.checksum)) or self._keep(bucket, _read(_file_name(bucket)))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._keep(bucket, bucket.code)
        if bucket.code is not None:
            _write(_file_name(bucket), bucket.code)

    def _keep(self, bucket: Bucket, code: CodeType | None) -> CodeType | None:
        if code is not None:
            if len(self.codes) >= MAX_COMPILED:
                self.codes.clear()
            self.codes[bucket.key, bucket.checksum] = code
        return code


def cache_folder() -> Path | None:
    """Where Python keeps bytecode by order of the user, else the user's cache folder; None where there is neither.

    None on Windows too, which says otherwise who may write to a folder.
    """
    if sys.platform == "win32":
        return None
    if sys.pycache_prefix:
        return Path(sys.pycache_prefix) / "newsletter-templates"
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if not Path(cache).is_absolute():  # as the XDG Base Directory Specification asks
        home = os.environ.get("HOME", "")
        if not Path(home).is_absolute():
            return None
        cache = f"{home}/.cache"
    return Path(cache) / "newsletter" / "templates"


def _file_name(bucket: Bucket) -> str:
    """Other code, ours or Jinja's or Python's, compiles the same source to something else: it is part of the name."""
    parts = (*_compiler(), bucket.key, bucket.checksum)
    return f"{hashlib.sha256(repr(parts).encode()).hexdigest()}.code"


def _compiler() -> tuple[object, ...]:
    if not _COMPILER:
        # Constant expressions are evaluated at compile time, by filters of ours, which change in a checkout.
        with os.scandir(Path(__file__).parents[1]) as entries:
            changed = max(entry.stat().st_mtime_ns for entry in entries if entry.name.endswith(".py"))
        _COMPILER.extend((__version__, changed, jinja2.__version__, sys.version, importlib.util.MAGIC_NUMBER))
    return tuple(_COMPILER)


_COMPILER: list[object] = []


@contextlib.contextmanager
def _opened(folder: Path | None) -> Iterator[int]:
    """The folder's descriptor. Security: what is read there is run, so nobody else may be able to write there."""
    if folder is None:
        raise FileNotFoundError
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _require_own(os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _require_own(status: os.stat_result) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError


def _read(name: str) -> CodeType | None:
    try:
        with _opened(cache_folder()) as folder:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
                status = os.fstat(descriptor)
                _require_own(status)
                content = file.read(MAX_BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
    except (OSError, ValueError):  # a path with a null byte is a ValueError
        return None
    digest, code = content[:_DIGEST], content[_DIGEST:]
    if len(content) > MAX_BYTES or digest != hashlib.sha256(code).digest():
        return None  # a part of a file: marshal could end the process
    try:
        loaded = marshal.loads(code)  # noqa: S302 - of a file that only this user could write
    except (EOFError, ValueError, TypeError):
        return None
    return loaded if isinstance(loaded, CodeType) else None


def _write(name: str, code: CodeType) -> None:
    if sys.dont_write_bytecode:
        return
    place = cache_folder()
    data = marshal.dumps(code)
    part = f".{name}.{os.getpid()}"
    with contextlib.suppress(OSError, ValueError):
        if place is None or not _may_make(place):
            return
        with _opened(place) as folder:
            _make_room(folder)
            try:
                descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600, dir_fd=folder)
                with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
                    file.write(hashlib.sha256(data).digest() + data)
                os.rename(part, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(part, dir_fd=folder)
                raise


def _may_make(place: Path) -> bool:
    """Make the folder, unless it would be made in another user's: root in somebody's home must leave nothing there."""
    missing = [place, *place.parents]
    there = next(folder for folder in missing if folder.exists())
    if there != place:
        if there.stat().st_uid != os.geteuid():
            return False
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return True


def _make_room(folder: int) -> None:
    """Files of templates that changed since would lie there for ever: with many, all go."""
    names = os.listdir(folder)
    if len(names) >= MAX_COMPILED:
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
