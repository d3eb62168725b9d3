"""Front matter in other formats than YAML: TOML between `+++`, and `Key: value` lines (Pelican, MultiMarkdown)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from newsletter.errors import ContentError, located
from newsletter.text import LONG_NUMBER, digits_line

MAX_HEADER_LINES = 60
MAX_DEPTH = 50
"""Lists and tables within one another."""
_MAX_BITS = 13_000
"""A number of 4,000 digits: Python writes none that is much longer."""

# tomllib's memory grows with the square of the parts of one key: 20,000 take 1.6 GB.
_DEEP_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}")

_TOML_KEY = re.compile(r"[ \t]*(?:\"([^\"]+)\"|'([^']+)'|([\w-]+))[ \t]*=")
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9_ -]{0,40}):[ \t]*(.*)$")
_CONTINUED = re.compile(r"[ \t]+\S")
# Pelican's and MultiMarkdown's keys; a post that begins with one of them has front matter in lines.
_HEADER_KEYS = frozenset({"title", "date", "slug", "author", "authors", "category", "tags", "status", "modified"})


def read_toml(source: str, first_line: int, path: str) -> dict[str, Any]:
    """The values of a TOML block. Zola's `[taxonomies]` and Hugo's `[params]` are flattened into the post's keys.

    Raises ContentError with the line at fault.
    """
    if deep := _DEEP_KEY.search(source):
        line = first_line + source.count("\n", 0, deep.start())
        raise ContentError(located(path, line, "the front matter is nested too deep", "flatten it"))
    try:
        values = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        what = f"the front matter is not valid TOML ({str(error).partition(' (at ')[0]})"
        line = first_line + int(place[1]) - 1 if place else first_line
        column = int(place[2]) if place else None
        raise ContentError(located(path, line, what, 'write key = "value"', column)) from error
    except ValueError as error:  # of Python's own: a number of too many digits
        line = first_line + (digits_line(source) or 1) - 1
        what = f"the front matter has a bad value: {LONG_NUMBER}"
        raise ContentError(located(path, line, what, "mend it, or quote it to keep it as text")) from error
    except RecursionError as error:
        raise ContentError(located(path, first_line, "the front matter is nested too deep", "flatten it")) from error
    refuse_monsters(values, toml_lines(source.split("\n"), first_line), first_line, path)
    for table in ("params", "taxonomies", "extra"):
        inner = values.get(table)
        if isinstance(inner, dict):
            values = {**inner, **values}
    return values


def refuse_monsters(values: Mapping[str, Any], key_lines: Mapping[str, int], first_line: int, path: str) -> None:
    """Raise ContentError for values that are nested too deep to walk, or for numbers too long to write."""
    for key, whole in values.items():
        line = key_lines.get(key, first_line)
        left = [(whole, 1)]
        while left:
            value, depth = left.pop()
            if depth > MAX_DEPTH:
                raise ContentError(located(path, line, "the front matter is nested too deep", "flatten it"))
            if isinstance(value, int) and value.bit_length() > _MAX_BITS:
                what = f"the front matter has a bad value: {LONG_NUMBER}"
                raise ContentError(located(path, line, what, "mend it, or quote it to keep it as text"))
            if isinstance(value, dict | list):
                inner = value.values() if isinstance(value, dict) else value
                left += [(each, depth + 1) for each in inner]


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
