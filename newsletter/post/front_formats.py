"""Front matter in other formats than YAML: TOML between `+++`, and `Key: value` lines (Pelican, MultiMarkdown)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from newsletter.errors import ContentError, located

MAX_HEADER_LINES = 60

_TOML_KEY = re.compile(r"[ \t]*(?:\"([^\"]+)\"|'([^']+)'|([\w-]+))[ \t]*=")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9_ -]{0,40}):[ \t]*(.*)$")
_CONTINUED = re.compile(r"[ \t]+\S")
# Pelican's and MultiMarkdown's keys; a post that begins with one of them has front matter in lines.
_HEADER_KEYS = frozenset({"title", "date", "slug", "author", "authors", "category", "tags", "status", "modified"})


def read_toml(source: str, first_line: int, path: str) -> dict[str, Any]:
    """The values of a TOML block. Zola's `[taxonomies]` and Hugo's `[params]` are flattened into the post's keys.

    Raises ContentError with the line at fault.
    """
    try:
        values = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        what = f"the front matter is not valid TOML ({str(error).partition(' (at ')[0]})"
        line = first_line + int(place[1]) - 1 if place else first_line
        column = int(place[2]) if place else None
        raise ContentError(located(path, line, what, 'write key = "value"', column)) from error
    except RecursionError as error:
        raise ContentError(located(path, first_line, "the front matter is nested too deep", "flatten it")) from error
    for table in ("params", "taxonomies", "extra"):
        inner = values.get(table)
        if isinstance(inner, dict):
            values = {**inner, **values}
    return values


def toml_lines(block: Sequence[str], first_line: int) -> Mapping[str, int]:
    """The line of each key of a TOML block; keys in tables count only if they are not at the top level as well."""
    found: dict[str, int] = {}
    for number, line in enumerate(block, first_line):
        if key := _TOML_KEY.match(line):
            found.setdefault(key[1] or key[2] or key[3], number)
    return found


def header_lines(lines: Sequence[str], start: int) -> int | None:
    """The end of `Key: value` lines at the start of a post; None if it starts with its text."""
    keys: set[str] = set()
    end = start
    for line in lines[start : start + MAX_HEADER_LINES]:
        if not line.strip():
            break
        if found := _HEADER.match(line):
            keys.add(found[1].strip().lower())
        elif not keys or not _CONTINUED.match(line):
            return None
        end += 1
    return end if keys & _HEADER_KEYS and len(keys) >= (1 if "title" in keys else 2) else None


def read_header(lines: Sequence[str]) -> dict[str, Any]:
    """The values of `Key: value` lines; an indented line continues the previous one.

    Tags, categories and authors are comma-separated.
    """
    values: dict[str, Any] = {}
    key = ""
    for line in lines:
        if found := _HEADER.match(line):
            key = re.sub(r"[ -]+", "_", found[1].strip().lower())
            values[key] = found[2].strip()
        elif key:
            values[key] = f"{values[key]} {line.strip()}".strip()
    for name in ("tags", "categories", "category", "authors"):
        if name in values:
            values[name] = [word.strip() for word in values[name].split(",") if word.strip()]
    return values
