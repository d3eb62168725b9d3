"""Values from a person's file or command line: what a fault says of one, and how one is shown without harm."""

from __future__ import annotations

import re

# C0, DEL, C1 and Unicode's line breaks: in a header they would start another one, on a terminal they are commands.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_PART = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s.=#\[\]"']+)"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"

Where = tuple[str | int, ...]
"""The way to a value in a tree of tables and arrays: names, and indexes from 0."""


class FaultError(ValueError):
    """What is wrong with a value, as it follows the key's name, and what to do: by default, to write the example."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def shown(value: object) -> str:
    """A value in double quotes (a number bare), shortened, harmless on a terminal."""
    if not isinstance(value, str):
        return kind(value) if isinstance(value, dict | list) else str(value).lower()
    return f'"{printable(value if len(value) <= 60 else value[:57] + "…")}"'


def shown_url(url: str) -> str:
    """A URL up to its scheme: what follows may hold a password."""
    scheme, separator, _ = url.partition("://")
    if separator:
        return shown(scheme[:20] + "://…")
    return '"…"' if "@" in url else shown(url)


def printable(text: str) -> str:
    """The text with every character that is not printable as Python's escape of it: `\\x1b`, `\\u202e`.

    Security: nothing that came from a file or a server may move the cursor of the operator's terminal.
    """
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def kind(value: object) -> str:
    names: dict[type, str] = {
        bool: "a boolean",
        int: "a whole number",
        float: "a number",
        dict: "a table",
        list: "an array",
    }
    if isinstance(value, str):
        return f"the string {shown(value)}"
    return names.get(type(value), "a date or time")


def line_of(text: str, where: Where) -> int | None:
    """The line of a key, else of what encloses it. TOML: it knows sections, arrays of them (their index, counted from
    0, follows the name in `where`), dotted and quoted keys, multi-line strings."""
    table: Where = ()
    counts: dict[Where, int] = {}
    best: tuple[int, int | None] = (0, None)
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        header = re.match(rf"\s*(?P<array>\[?)\[\s*(?P<name>{_DOTTED})\s*\]", line)
        assignment = re.match(rf"\s*(?P<name>{_DOTTED})\s*=(?P<value>.*)", line)
        if header:
            name = _parts(header["name"])
            table = here = _indexed(name, counts, grown=bool(header["array"]))
        elif assignment:
            here = table + _parts(assignment["name"])
            quotes = re.match(r"\s*(\"\"\"|''')", assignment["value"])
            if quotes and quotes[1] not in assignment["value"][quotes.end() :]:
                closing = quotes[1]
        else:
            continue
        shared = here[: len(where)]
        if shared == where[: len(shared)] and len(shared) > best[0]:
            best = (len(shared), number)
    return best[1]


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _indexed(name: tuple[str, ...], counts: dict[Where, int], *, grown: bool) -> Where:
    """A header's name with the index of each array of tables in it; `grown` where it starts the array's next table."""
    here: Where = ()
    for depth, part in enumerate(name, 1):
        here = (*here, part)
        if grown and depth == len(name):
            counts[here] = counts.get(here, -1) + 1
        if here in counts:
            here = (*here, counts[here])
    return here


LONG_NUMBER = "a number of more than 4,000 digits"
"""Python's own limit is near: reading more costs the square of them, so it refuses."""


def digits_line(text: str) -> int | None:
    """The first line with such a number."""
    found = re.search(r"(?<![0-9_])[0-9_]{4001}", text)
    return text.count("\n", 0, found.start()) + 1 if found else None
