"""Truncate an untrusted message to what can be parsed in bounded time.

A report's information is at its beginning: RFC 3464 and RFC 5965 put the machine-readable part second and the returned
message last. So a message is cut at its end, and lines are cut beyond any legitimate length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_BYTES = 256 * 1024
"""How much of a message is read. The reports in flufl.bounce's collection have at most 22 KB."""

MAX_LINES = 4_000
MAX_LINE_BYTES = 1_000
"""RFC 5322, 2.1.1: 998 octets and a line end. This bounds patterns that take quadratic time per line."""

MAX_FOLDS = 60
"""The most lines of one header; further ones are cut, since parsers may scan them several times."""

MAX_PARTS = 60
"""The most `Content-Type` headers. A multipart needs one, so this bounds both depth and breadth."""

_BOUNDARY = re.compile(rb'oundary="?([^"\s;\\]{12,200})')
_SAME = b"=_boundary-%d-of-a-stranger_="

_CONTENT_TYPE = re.compile(rb"content-type[ \t]*:", re.IGNORECASE)


def bounded(raw: bytes) -> bytes:
    """The beginning of a message, line ends as \\n.

    A message within the limits is unchanged but for the names of its boundaries.
    """
    text = raw[:MAX_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = text.split(b"\n", MAX_LINES)[:MAX_LINES]
    within = (
        len(lines) < MAX_LINES
        and max(map(len, lines)) <= MAX_LINE_BYTES
        and text.lower().count(b"content-type") < MAX_PARTS
        and text.count(b"\n ") + text.count(b"\n\t") < MAX_FOLDS
    )
    return _with_same_boundaries(text if within else b"\n".join(_cut(lines)))


def _cut(lines: Iterable[bytes]) -> Iterator[bytes]:
    folds = types = 0
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            folds += 1
            if folds > MAX_FOLDS:
                continue
        else:
            folds = 0
            if line[:1] in (b"c", b"C") and _CONTENT_TYPE.match(line):
                types += 1
                if types > MAX_PARTS:
                    return
        yield line[:MAX_LINE_BYTES]


def _with_same_boundaries(text: bytes) -> bytes:
    """Rename the boundaries to fixed names: the standard library's parser compiles a pattern for each new one, which
    takes as long as the rest of its work (until Python 3.14).
    """
    found = sorted(set(_BOUNDARY.findall(text)), key=lambda each: (-len(each), each))
    for number, boundary in enumerate(found[:MAX_PARTS]):  # the longest first: one may be a prefix of another
        same = _SAME % number
        for before in (b"\n--", b'oundary="', b"oundary="):
            text = text.replace(before + boundary, before + same)
    return text
