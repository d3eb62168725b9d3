"""Bytes on the wire: commands, dot-stuffing, time-outs (RFC 5321 4.5.3.2)."""

from __future__ import annotations

import re

from newsletter.frozen import frozen


@frozen
class Timeouts:
    """How long to wait for each reply, in seconds; the defaults are the minimums of RFC 5321, 4.5.3.2."""

    connect: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0

    @classmethod
    def capped(cls, most: float, dot: float | None = None) -> Timeouts:
        """The time-outs, each at most `most`; the dot's has a limit of its own."""
        usual = cls()
        return cls(
            connect=min(usual.connect, most),
            mail=min(usual.mail, most),
            rcpt=min(usual.rcpt, most),
            data=min(usual.data, most),
            block=min(usual.block, most),
            dot=usual.dot if dot is None else dot,
        )


_LEADING_DOT = re.compile(rb"\n\.")
_UNSAFE = re.compile("[\x00-\x1f\x7f<>]")


def command_bytes(verb: str, address: str, options: str) -> bytes:
    # Security: a control character in an address would end the command and start another one.
    if _UNSAFE.search(address):
        raise ValueError(f"an address with a control character or bracket: {address!r}")
    return f"{verb}:<{address}>{options}\r\n".encode()


def stuffed(data: bytes) -> bytes:
    """A message as sent between DATA and the dot: leading dots doubled (RFC 5321, 4.5.2), CRLF at its end."""
    # A base64 body has no dots, which a search for one byte shows. A quoted-printable body has many, and hardly any at
    # a line's start: the pattern finds none in a third of the time that bytes.find takes.
    if b"." in data and (data.startswith(b".") or _LEADING_DOT.search(data)):
        data = (b"." if data.startswith(b".") else b"") + data.replace(b"\n.", b"\n..")
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def reply_words(text: object) -> str:
    """A server's reply, or an error's text, as one line of text, whatever its bytes."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(words.split()) or ("" if isinstance(text, bytes) else type(text).__name__)


def most_messages(limits: str) -> int:
    """MAILMAX of the LIMITS extension (RFC 9422, 4.1)."""
    found = re.search(r"(?:^|\s)MAILMAX=([1-9][0-9]{0,5})(?:\s|$)", limits, re.IGNORECASE)
    return int(found[1]) if found else 0
