"""A message in a mailbox, with a stable name."""

from __future__ import annotations

import hashlib
from datetime import datetime

from newsletter.bounces.truncate import MAX_BYTES
from newsletter.frozen import frozen


@frozen
class StoredMessage:
    """`key` identifies it in its mailbox, `place` names it for the operator; `raw` is its beginning, at most
    `MAX_BYTES`.

    `received` is its arrival, if the mailbox knows it; the message's own Date is untrusted. `fault` is why it cannot be
    read, as a phrase.
    """

    key: str
    place: str
    raw: bytes
    received: datetime | None = None
    fault: str = ""

    def __post_init__(self) -> None:
        if len(self.raw) > MAX_BYTES:
            raise ValueError(f"{self.place}: more than {MAX_BYTES} bytes of a message")

    @property
    def evidence(self) -> str:
        """A name derived from the content, so that a message read twice, from any mailbox, counts once.

        Uses the first half of the limit, with \\n line ends: a mailbox that stores \\r\\n has more bytes for the same
        text.
        """
        text = self.raw.replace(b"\r\n", b"\n")[: MAX_BYTES // 2]
        return hashlib.sha256(text.strip(b"\n")).hexdigest()[:32]
