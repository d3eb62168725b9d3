"""imaplib's session with limits on the size and time of a response.

imaplib trusts the server: `{99000000000}` makes it read that many bytes, and a line may arrive byte by byte forever,
since each byte restarts the time-out. Here a command has a byte budget and a deadline for its whole response.
"""

from __future__ import annotations

import imaplib
import ssl
import time
from collections.abc import Callable

from newsletter.frozen import frozen

_PIECE = 64 * 1024


@frozen
class ImapLimits:
    """Limits of one command's response. `clock` gives seconds."""

    max_bytes: int
    max_line: int = 1024 * 1024
    """The longest line: imaplib allows 1,000,000."""

    seconds: float = 300.0
    silent_s: float = 60.0
    """The longest time without any data."""

    clock: Callable[[], float] = time.monotonic


class BoundedImap(imaplib.IMAP4_SSL):
    """`allow` begins a command's budget; exceeding it raises `IMAP4.abort`."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, limits: ImapLimits) -> None:
        self._limits = limits
        self._pending = bytearray()
        self.allow()
        super().__init__(host, port, ssl_context=context, timeout=limits.silent_s)

    def allow(self, seconds: float | None = None) -> None:
        """Reset the budget for a new command, which may have less time than the others."""
        self._left = self._limits.max_bytes
        self._until = self._limits.clock() + min(seconds or self._limits.seconds, self._limits.seconds)

    def read(self, size: int) -> bytes:
        if size > self._left + len(self._pending):
            raise self.abort(f"it announces {size:,} bytes, more than were asked for")
        while len(self._pending) < size:
            self._receive()
        return self._taken(size)

    def readline(self) -> bytes:
        searched = 0
        while (end := self._pending.find(b"\n", searched)) < 0:
            searched = len(self._pending)
            if searched > self._limits.max_line:
                raise self.abort(f"it sends a line of more than {self._limits.max_line:,} bytes")
            self._receive()
        return self._taken(end + 1)

    def _taken(self, size: int) -> bytes:
        piece = bytes(self._pending[:size])
        del self._pending[:size]
        return piece

    def _receive(self) -> None:
        remaining = self._until - self._limits.clock()
        late = self.abort(f"it takes more than {self._limits.seconds:.0f} s for one answer")
        if remaining <= 0:
            raise late
        if self._left <= 0:
            raise self.abort(f"it sends more than {self._limits.max_bytes:,} bytes for one answer")
        self.sock.settimeout(min(self._limits.silent_s, remaining))
        try:
            piece = self.sock.recv(min(_PIECE, self._left))
        except TimeoutError as error:
            if remaining > self._limits.silent_s:
                raise
            raise late from error
        if not piece:
            raise self.abort("it closed the connection")
        self._left -= len(piece)
        self._pending += piece
