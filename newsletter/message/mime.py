"""The MIME body: static parts are encoded once, values that differ per subscriber are spliced in.

Pure. A text is a sequence of strings and numbers; a number is a slot, an index into the values.

A text is quoted-printable or base64, whichever is smaller; attachments are base64 (RFC 2045, 6.7 and 6.8). In base64
three bytes become four characters, so a value shifts all that follows by zero, one or two bytes. Each static piece is
therefore kept in all three alignments, and the bytes left over at its end are encoded with the next value. Neither
encoding produces a `.` to stuff or the `=_` of a boundary. Lines may be shorter than 76.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from email.message import MIMEPart
from email.policy import EmailPolicy
from hashlib import sha256

from newsletter.frozen import frozen
from newsletter.message.headers import one_line
from newsletter.model.rendered_email import Attachment
from newsletter.quoted_printable import QuotedText, quote_text, quoted_size

Text = Sequence[str | int]

_POLICY = EmailPolicy(linesep="\r\n", cte_type="7bit", max_line_length=76)
_LINE_BYTES = 57
"""The bytes that 76 characters of base64 hold: RFC 2045, 6.8."""

_WORTH_SPLICING = 512
"""Static text shorter than this, in bytes, is cheaper to encode again than to splice in."""

_TEXT_HEAD = 'Content-Type: text/{}; charset="utf-8"\r\nContent-Transfer-Encoding: {}\r\n\r\n'


@frozen
class _Aligned:
    """A static piece in one alignment: `head` completes a group of three bytes; then lines, and the bytes left over."""

    head: bytes
    lines: bytes
    tail: bytes


@frozen
class Base64Text:
    """A base64 text, encoded but for its slots. `runs` are encoded for each message, one before and one after each of
    `pieces`, which are kept in the three alignments.
    """

    runs: tuple[Text, ...]
    pieces: tuple[tuple[_Aligned, _Aligned, _Aligned], ...]

    def lines(self, values: Sequence[str]) -> Iterator[bytes]:
        """The encoded lines with the slots filled, in order."""
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
    """Encode a text in base64. Line ends become CRLF (RFC 2046, 4.1.1); a missing last one is added."""
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
    """Encode a text in the smaller of the two encodings; returns its name too."""
    data = "".join(part for part in text if isinstance(part, str)).encode()
    if quoted_size(data) < len(data) * 4 // 3:
        return "quoted-printable", quote_text(_canonical(text))
    return "base64", encode_text(text)


def encode_lines(data: bytes) -> bytes:
    """Base64 in lines of at most 76 characters, each with its CRLF; empty for empty data."""
    if len(data) <= _LINE_BYTES:
        return b2a_base64(data, newline=False) + b"\r\n" if data else b""
    starts = range(0, len(data), _LINE_BYTES)
    lines = [b2a_base64(data[start : start + _LINE_BYTES], newline=False) for start in starts]
    lines.append(b"")
    return b"\r\n".join(lines)


def _canonical(text: Text) -> list[str | int]:
    """Merge the strings between two slots, with CRLF line ends."""
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
    """The piece in the alignment where `missing` bytes of it complete the group before."""
    whole = (len(data) - missing) // 3 * 3 + missing
    return _Aligned(data[:missing], encode_lines(data[missing:whole]), data[whole:])


@frozen
class Body:
    """Everything after the per-subscriber headers, from MIME-Version to the last boundary."""

    opening: bytes
    text: Base64Text | QuotedText
    between: bytes
    html: Base64Text | QuotedText
    closing: tuple[bytes, ...]

    def pieces(self, values: Sequence[str]) -> list[bytes]:
        """The parts of the message's bytes, the slots filled with values already escaped for their contexts."""
        return [self.opening, *self.text.lines(values), self.between, *self.html.lines(values), *self.closing]


def build_body(text: Text, html: Text, attachments: Sequence[bytes], *, issue: str) -> Body:
    """multipart/alternative, text before HTML (RFC 2046, 5.1.4), the HTML with its attachments (RFC 2387).

    `attachments` are parts made by `encode_attachment`. The boundaries are derived from the issue's name.
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
    """An inline picture of the HTML, referenced by Content-ID (RFC 2392)."""
    main, _, sub = attachment.media_type.partition("/")
    part = MIMEPart(policy=_POLICY)
    part.set_content(
        attachment.data,
        main,
        sub,
        cid=f"<{attachment.content_id}>",
        # Security: file names are untrusted; see the note in headers.py.
        filename=one_line(attachment.filename).replace("=?", "-"),
        disposition="inline",
    )
    return bytes(part)
