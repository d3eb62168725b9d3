"""Quoted-printable (RFC 2045, 6.7), for text that is mostly ASCII.

Pure. Static pieces are encoded once, each from a line's start to a soft line break. The values between them are encoded
for each message, on lines of their own.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterator, Sequence

from newsletter.frozen import frozen

LINE = 76
"""Characters a line at most, the `=` of a soft line break included."""

# `b2a_qp` escapes a blank at a line's end after it has measured the line.
_TOO_LONG = re.compile(rb"^([^\n]{74,})(=20|=09)$", re.MULTILINE)
_DOTS = re.compile(rb"^\.+", re.MULTILINE)
_SOFT = b"=\r\n"


def quoted_size(data: bytes) -> int:
    """The size of a text in quoted-printable, in bytes: three for each byte that is not printable ASCII, plus line
    breaks.
    """
    plain = len(data) - len(data.translate(None, _PLAIN))
    letters = plain + 3 * (len(data) - plain)
    return letters + len(_SOFT) * (letters // (LINE - 1))


_PLAIN = bytes(code for code in range(256) if (32 <= code < 127 and code != ord("=")) or code in b"\t\r\n")


def encode_quoted(text: str, *, goes_on: bool = False) -> bytes:
    """Encode a text with CRLF line ends; the result has them too. No line begins with a dot, so none needs
    dot-stuffing.

    With `goes_on` the result ends with a soft line break.
    """
    encoded = b2a_qp(text.replace("\r\n", "\n").encode(), istext=True)
    # Most values of a list need neither, and a message has several.
    if b"=20" in encoded or b"=09" in encoded:
        encoded = _TOO_LONG.sub(rb"\1=\n\2", encoded)
    if encoded.startswith(b".") or b"\n." in encoded:
        encoded = _DOTS.sub(lambda dots: b"=2E=\n" * len(dots[0]), encoded)
    encoded = encoded.replace(b"\n", b"\r\n")
    if not goes_on:
        return encoded
    if len(encoded) - encoded.rfind(b"\n") - 1 < LINE:
        return encoded + _SOFT
    # The last line is full: move its end to a new line, to make room for the `=`.
    size = 3 if encoded[-3:-2] == b"=" else 1
    moved = b"=2E" if encoded[-size:] == b"." else encoded[-size:]
    return encoded[:-size] + _SOFT + moved + _SOFT


@frozen
class QuotedText:
    """A text with slots, encoded but for them: bytes, and indexes of values."""

    parts: tuple[bytes | int, ...]

    def lines(self, values: Sequence[str]) -> Iterator[bytes]:
        """The encoded lines with the slots filled, in order."""
        for part in self.parts:
            if isinstance(part, bytes):
                yield part
            else:
                value = values[part]
                if "\r" in value or "\n" in value:
                    value = re.sub("\r\n|\r|\n", "\r\n", value)
                yield encode_quoted(value, goes_on=True)


def quote_text(parts: Sequence[str | int]) -> QuotedText:
    """Encode a sequence of strings with CRLF line ends, the last one ending with CRLF, and slots."""
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
