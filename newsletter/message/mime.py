"""The MIME body: static parts are encoded once, what differs per subscriber is spliced in.

Pure. A text is a sequence of strings and of numbers; a number is a slot, an index into the values.

A text is quoted-printable or base64, whichever is smaller; attachments are base64 (RFC 2045, 6.7 and 6.8). In base64
three bytes become four letters, so that a value shifts all that follows by nothing, one or two bytes: each static piece
is kept encoded for all three, and what is left over at its end goes before the next value. Neither
encoding has a `.` to stuff or a `=_` of a boundary. Lines may be shorter than 76.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import MIMEPart
from email.policy import EmailPolicy
from hashlib import sha256

from newsletter.message.headers import one_line
from newsletter.model.rendered_email import Attachment
from newsletter.quoted_printable import QuotedText, quote_text, quoted_size

Text = Sequence[str | int]

_POLICY = EmailPolicy(linesep="\r\n", cte_type="7bit", max_line_length=76)
_LINE_BYTES = 57
"""What 76 letters of base64 hold: RFC 2045, 6.8."""

_WORTH_SPLICING = 512
"""Bytes of static text below which encoding it again is cheaper than splicing it in."""

_TEXT_HEAD = 'Content-Type: text/{}; charset="utf-8"\r\nContent-Transfer-Encoding: {}\r\n\r\n'


@dataclass(frozen=True, slots=True)
class _Aligned:
    """A static piece after so many bytes that `head` completes three of them: its lines, and what is left over."""

    head: bytes
    lines: bytes
    tail: bytes


@dataclass(frozen=True, slots=True)
class Base64Text:
    """A text, encoded but for its slots. `runs` are what is encoded for each message, one before and one after each
    of `pieces`, which are kept for the three alignments."""

    runs: tuple[Text, ...]
    pieces: tuple[tuple[_Aligned, _Aligned, _Aligned], ...]

    def lines(self, values: Sequence[str]) -> Iterator[bytes]:
        """The text with its slots filled, in base64: whole lines, which belong one after the other."""
        carried = b""
        for run, piece in zip(self.runs, (*self.pieces, None), strict=True):
            filled = "".join([part if isinstance(part, str) else values[part] for part in run])
            data = carried + filled.encode()
            if piece is None:
                yield encode_lines(data)
                return
            aligned = piece[len(data) % 3]
            yield encode_lines(data + aligned.head)
            yield aligned.lines
            carried = aligned.tail


def encode_text(text: Text) -> Base64Text:
    """Line ends become CRLF (RFC 2046, 4.1.1), the last one is added where it is missing."""
    runs: list[list[str | int]] = [[]]
    pieces = []
    for part in _canonical(text):
        if isinstance(part, str) and len(part) >= _WORTH_SPLICING:
            data = part.encode()
            pieces.append((_aligned(data, 0), _aligned(data, 2), _aligned(data, 1)))
            runs.append([])
        else:
            runs[-1].append(part)
    return Base64Text(tuple(map(tuple, runs)), tuple(pieces))


def encode_smaller(text: Text) -> tuple[str, Base64Text | QuotedText]:
    """A text in the smaller of the two encodings, with that one's name."""
    data = "".join(part for part in text if isinstance(part, str)).encode()
    if quoted_size(data) < len(data) * 4 // 3:
        return "quoted-printable", quote_text(_canonical(text))
    return "base64", encode_text(text)


def encode_lines(data: bytes) -> bytes:
    """Base64 in lines of at most 76 letters, each with its CRLF; nothing for nothing."""
    if len(data) <= _LINE_BYTES:
        return b2a_base64(data, newline=False) + b"\r\n" if data else b""
    chunks = [data[start : start + _LINE_BYTES] for start in range(0, len(data), _LINE_BYTES)]
    return b"\r\n".join([*(b2a_base64(chunk, newline=False) for chunk in chunks), b""])


def _canonical(text: Text) -> list[str | int]:
    """Strings between two slots are one string, with CRLF for its line ends."""
    merged: list[str | int] = []
    for part in text:
        if merged and isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    parts = [re.sub("\r\n|\r|\n", "\r\n", part) if isinstance(part, str) else part for part in merged]
    last = parts[-1] if parts else ""
    if isinstance(last, int):
        parts.append("\r\n")
    elif not last.endswith("\r\n"):
        parts[-1:] = [f"{last}\r\n"]
    return parts


def _aligned(data: bytes, missing: int) -> _Aligned:
    """`missing` bytes of the piece complete three of those before it."""
    whole = (len(data) - missing) // 3 * 3 + missing
    return _Aligned(data[:missing], encode_lines(data[missing:whole]), data[whole:])


@dataclass(frozen=True, slots=True)
class Body:
    """All after the headers of one subscriber, from MIME-Version to the last boundary."""

    opening: bytes
    text: Base64Text | QuotedText
    between: bytes
    html: Base64Text | QuotedText
    closing: tuple[bytes, ...]

    def pieces(self, values: Sequence[str]) -> list[bytes]:
        """What the message is joined of, its slots filled with values that are escaped for their contexts."""
        return [self.opening, *self.text.lines(values), self.between, *self.html.lines(values), *self.closing]


def build_body(text: Text, html: Text, attachments: Sequence[bytes], *, issue: str) -> Body:
    """multipart/alternative, text before HTML (RFC 2046, 5.1.4), the HTML with its attachments (RFC 2387).

    `attachments` are parts that `encode_attachment` made. The boundaries come from the issue's name.
    """
    seed = sha256(issue.encode()).hexdigest()[:24]
    outer, inner = f"=_{seed}_0", f"=_{seed}_1"
    (text_encoding, plain), (html_encoding, page) = encode_smaller(text), encode_smaller(html)
    opening = (
        f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{outer}"\r\n\r\n'
        f"--{outer}\r\n{_TEXT_HEAD.format('plain', text_encoding)}"
    )
    between = f"--{outer}\r\n"
    if attachments:
        related = f'multipart/related; type="text/html";\r\n boundary="{inner}"'
        between += f"Content-Type: {related}\r\n\r\n--{inner}\r\n"
    between += _TEXT_HEAD.format("html", html_encoding)
    closing = [piece for part in attachments for piece in (f"--{inner}\r\n".encode(), part)]
    if attachments:
        closing.append(f"--{inner}--\r\n".encode())
    closing.append(f"--{outer}--\r\n".encode())
    return Body(opening.encode(), plain, between.encode(), page, tuple(closing))


def encode_attachment(attachment: Attachment) -> bytes:
    """A picture beside the HTML that it is shown in, referenced by Content-ID (RFC 2392)."""
    main, _, sub = attachment.media_type.partition("/")
    part = MIMEPart(policy=_POLICY)
    part.set_content(
        attachment.data,
        main,
        sub,
        cid=f"<{attachment.content_id}>",
        # Security: a file may be named anything; see the note in headers.py.
        filename=one_line(attachment.filename).replace("=?", "-"),
        disposition="inline",
    )
    return bytes(part)
