"""A message in a mailbox, with a stable name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from newsletter.bounces.truncate import MAX_BYTES


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """`key` is what its mailbox calls it, `place` what a person would; `raw` its beginning, at most `MAX_BYTES`.

    `received` is when it came, where the mailbox knows; the message's own Date is anybody's claim. `fault` is why there
    is nothing to read, as a phrase.
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
        """The message's name by its content: read twice, from wherever, it counts once.

        Of half of what is read, with \\n for a line end: a mailbox that stores \\r\\n has more bytes to say the same.
        """
        text = self.raw.replace(b"\r\n", b"\n")[: MAX_BYTES // 2]
        return hashlib.sha256(text.strip(b"\n")).hexdigest()[:32]
