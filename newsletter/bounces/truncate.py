"""Truncate a stranger's message to what can be parsed in bounded time.

What a report says stands at its beginning: RFC 3464 and RFC 5965 put the machine's part second and the returned
message last. So a message is cut from behind, and a line is cut where no honest one is as long.
"""

from __future__ import annotations

import re

MAX_BYTES = 256 * 1024
"""How much of a message is read. The reports that flufl.bounce collects have at most 22 KB."""

MAX_LINES = 4_000
MAX_LINE_BYTES = 1_000
"""RFC 5322, 2.1.1: 998 octets and a line end. Patterns that go wrong by the square of a line's length stay cheap."""

MAX_FOLDS = 60
"""Lines that one header may go on for; a header of more is cut, as a parser may read it several times over."""

MAX_PARTS = 60
"""Headers `Content-Type` that are read. A part that has parts needs one, so this bounds depth and breadth alike."""

_CONTENT_TYPE = re.compile(rb"content-type[ \t]*:", re.IGNORECASE)


def bounded(raw: bytes) -> bytes:
    """The beginning of a message, line ends as \\n. One pass; what is within the limits comes back as it was."""
    kept: list[bytes] = []
    folds = types = 0
    for line in raw[:MAX_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n", MAX_LINES)[:MAX_LINES]:
        if line[:1] in (b" ", b"\t"):
            folds += 1
            if folds > MAX_FOLDS:
                continue
        else:
            folds = 0
            if line[:1] in (b"c", b"C") and _CONTENT_TYPE.match(line):
                types += 1
                if types > MAX_PARTS:
                    break
        kept.append(line[:MAX_LINE_BYTES])
    return b"\n".join(kept)
