"""Parse SMTP replies from the bytes of a connection (RFC 5321, 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from newsletter.delivery.smtp.replies import Reply

MAX_LINE_BYTES = 8 * 1024
"""The longest reply line. RFC 5321, 4.5.3.1.5 allows 512 octets; servers send longer ones."""

MAX_REPLY_BYTES = 32 * 1024


class NotSmtpError(Exception):
    """The bytes are no SMTP reply. The text completes "the relay's answer ..."."""


class ReplyParser:
    """Buffers bytes until a reply is complete. `decode` makes the server's text safe to show, log and store."""

    def __init__(self, decode: Callable[[bytes], str]) -> None:
        self._decode = decode
        self._unfinished = b""
        self._lines: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Parse more bytes; returns the replies they complete. Raises NotSmtpError after all replies before
        the fault.
        """
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        for line in lines:
            reply = self._take_line(line.rstrip(b"\r"))
            if reply is not None:
                yield reply
        if len(self._unfinished) > MAX_LINE_BYTES:
            raise NotSmtpError(f"has a line of over {MAX_LINE_BYTES} bytes")

    def _take_line(self, text: bytes) -> Reply | None:
        """The reply that this line completes; None if another line follows."""
        head, mark = text[:3], text[3:4]
        lines = self._lines
        well_formed = len(head) == 3 and head.isdigit() and head[0] in b"2345" and mark in b" -"
        if not well_formed or (lines and lines[0][:3] != head):
            raise NotSmtpError(f"is no SMTP: {self._decode(text[:200])}")
        lines.append(text)
        if sum(map(len, lines)) > MAX_REPLY_BYTES:
            raise NotSmtpError(f"has over {MAX_REPLY_BYTES} bytes")
        if mark == b"-":
            return None
        self._lines = []
        return Reply(int(head), self._decode(b" ".join([each[4:] for each in lines])))
