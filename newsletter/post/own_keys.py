"""Find the keys beneath `newsletter:` in the source, with their lines and values as written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.frozen import frozen
from newsletter.post.front_matter import FrontMatter

GROUP = "newsletter"

_ENTRY = re.compile(
    r"""(?:^[ \t]+|^(?=\w)|[{,][ \t]*)["']?([\w-]+)["']?[ \t]*[:=][ \t]*("[^"]*"|'[^']*'|[^#,}\n]*)""", re.ASCII
)
_COMMENT = re.compile(r"(?<![^ \t])#.*$")
_TABLE = re.compile(rf"(?<![ \t])[ \t]*+\[(?:\w{{1,40}}+\.)?{GROUP}\][ \t]*+(?:#.*)?$", re.ASCII)
_GROUP = re.compile(rf"(?<!\w)(?:\w{{1,40}}+\.)?{GROUP}[ \t]*+[:=]", re.IGNORECASE)
_DOTTED = re.compile(rf"(?<!\w)(?:\w{{1,40}}+\.)?{GROUP}\.(?=\w)")


@frozen
class Entry:
    """A key's line in the file, and its value as written, without quotes; empty for a multi-line value."""

    line: int
    text: str


def own_entries(front: FrontMatter) -> Mapping[str, Entry]:
    """The keys beneath `newsletter:`, in YAML or TOML. Keys that cannot be located are left out."""
    found: dict[str, Entry] = {}
    for number, line in _group_lines(front):
        for entry in _ENTRY.finditer(_COMMENT.sub("", line)):
            found.setdefault(entry[1], Entry(number, entry[2].strip().strip("\"'")))
    return found


def _group_lines(front: FrontMatter) -> Iterator[tuple[int, str]]:
    inside = ""
    for number, line in enumerate(front.block, front.block_line):
        if _TABLE.match(line):
            inside = "table"
        elif dotted := _DOTTED.match(line):
            yield number, line[dotted.end() :]
        elif opening := _GROUP.match(line):
            inside = "group"
            yield number, line[opening.end() :].strip()
        elif (inside == "table" and line.lstrip().startswith("[")) or (
            inside == "group" and line.strip() and not line.startswith((" ", "\t", "#", "}"))
        ):
            inside = ""
        elif inside:
            yield number, line


def own_time(own: Mapping[str, Any], entries: Mapping[str, Entry], key: str) -> object:
    """A time of day beneath `newsletter:` for `window_of`, from the source: YAML 1.1 parses 8:00 as the number 480."""
    value = own.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return entries[key].text if is_number and key in entries else value
