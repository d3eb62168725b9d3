"""Quoted-printable (RFC 2045, 6.7), for text that is mostly ASCII.

Pure. Each static piece is encoded once, from a line's start to a soft line break; a value between two is encoded for
each message on lines of its own.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LINE = 76
"""Characters at most, the `=` of a soft line break among them."""

# `b2a_qp` encodes a blank at a line's end after it has counted the line.
_TOO_LONG = re.compile(rb"^([^\n]{74,})(=20|=09)$", re.MULTILINE)
_DOTS = re.compile(rb"^\.+", re.MULTILINE)
_SOFT = b"=\r\n"


def quoted_size(data: bytes) -> int:
    """Bytes of a text in quoted-printable: three for each that is not printable ASCII, and its line breaks."""
    plain = len(data) - len(data.translate(None, _PLAIN))
    letters = plain + 3 * (len(data) - plain)
    return letters + len(_SOFT) * (letters // (LINE - 1))


_PLAIN = bytes(code for code in range(256) if (32 <= code < 127 and code != ord("=")) or code in b"\t\r\n")


def encode_quoted(text: str, *, goes_on: bool = False) -> bytes:
    """A text with CRLF for its line ends, encoded with the same. No line begins with a dot, so that none is stuffed.

    A text that goes on ends with a soft line break.
    """
    encoded = b2a_qp(text.replace("\r\n", "\n").encode(), istext=True)
    encoded = _TOO_LONG.sub(rb"\1=\n\2", encoded)
    encoded = _DOTS.sub(lambda dots: b"=2E=\n" * len(dots[0]), encoded).replace(b"\n", b"\r\n")
    if not goes_on:
        return encoded
    if len(encoded) - encoded.rfind(b"\n") - 1 < LINE:
        return encoded + _SOFT
    # The last line is full: what it ends with moves to the next one, to make room for the `=`.
    size = 3 if encoded[-3:-2] == b"=" else 1
    moved = b"=2E" if encoded[-size:] == b"." else encoded[-size:]
    return encoded[:-size] + _SOFT + moved + _SOFT


@dataclass(frozen=True, slots=True)
class QuotedText:
    """A text, encoded but for its slots: bytes, and the numbers of values."""

    parts: tuple[bytes | int, ...]

    def lines(self, values: Sequence[str]) -> Iterator[bytes]:
        """The text with its slots filled: whole lines, which belong one after the other."""
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield encode_quoted(re.sub("\r\n|\r|\n", "\r\n", values[part]), goes_on=True)


def quote_text(parts: Sequence[str | int]) -> QuotedText:
    """A text of strings with CRLF for their line ends, the last one ending with it, and of slots."""
    last = len(parts) - 1
    return QuotedText(
        tuple(
            # The last line end before a boundary belongs to the boundary (RFC 2046, 5.1.1).
            part
            if isinstance(part, int)
            else encode_quoted(part, goes_on=index < last) + (b"" if index < last else b"\r\n")
            for index, part in enumerate(parts)
        )
    )
