"""Read a theme's files, each once while it stays as it is: the preview reads forty of them for each rendering."""

from __future__ import annotations

import os
import time
from pathlib import Path

from newsletter.errors import ConfigError, located
from newsletter.files import open_regular
from newsletter.toml_file.parse import decode_text

MAX_BYTES = 200_000
"""The limit of each file; our largest has 36,000 bytes."""

MAX_KEPT = 500
"""Files whose text is kept: those of ten themes."""

_SETTLED_NS = 2_000_000_000
"""The age from which a file's times tell every change: some systems count them in whole seconds."""

_Version = tuple[int, int, int, int, int]
_KEPT: dict[str, tuple[_Version, str]] = {}


def read_theme_file(path: Path) -> str:
    """The text of a theme's file. Raises ConfigError."""
    place = str(path)
    try:
        version = _version(place)
        known = _KEPT.get(place)
        if known is not None and known[0] == version:
            return known[1]
        with open_regular(path) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            located(place, None, f"cannot be read ({error.strerror})", "put a file there that can be")
        ) from error
    if len(content) > MAX_BYTES:
        what = f"has more than {MAX_BYTES:,} bytes, and is no file of a theme"
        raise ConfigError(located(place, None, what, "take out what is not about the look"))
    text = decode_text(place, content, "a binary file, not text", "write it as text in UTF-8")
    if time.time_ns() - max(version[-2:]) > _SETTLED_NS:
        if len(_KEPT) >= MAX_KEPT:
            _KEPT.clear()
        _KEPT[place] = (version, text)
    return text


def _version(place: str) -> _Version:
    found = os.stat(place)  # noqa: PTH116 - the path as it is, forty times a rendering
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
