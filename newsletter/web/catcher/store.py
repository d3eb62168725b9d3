"""Store of caught messages, bounded in number and bytes."""

from __future__ import annotations

import threading
from dataclasses import field
from datetime import datetime

from newsletter.frozen import frozen
from newsletter.web.live_updates import LiveUpdates

# The limit of all kept mail: 10,000 messages of half Gmail's clipping limit (102 KB).
MAX_TOTAL_BYTES = 512 * 1024 * 1024


@frozen
class Caught:
    """One received message. `data` is the content after DATA: dots unstuffed, CRLF line ends, otherwise unchanged.

    `number` counts from 1 in order of arrival and is unique per catcher. `mail_from` and `rcpt_to` are the envelope's;
    the null sender `<>` is the empty string.
    """

    number: int
    received: datetime
    mail_from: str
    rcpt_to: tuple[str, ...]
    data: bytes = field(repr=False)


class Store:
    """The caught mail. It is added on the event loop's thread and read from any.

    `updates` has the store's revision, a number that grows with every change.
    """

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._messages: dict[int, Caught] = {}
        self._bytes = 0
        self._arrival = threading.Condition()
        self.arrived = 0
        self.dropped = 0
        self.updates = LiveUpdates(0, is_open=False)

    def add(self, received: datetime, mail_from: str, rcpt_to: tuple[str, ...], data: bytes) -> Caught:
        """Store one message. The oldest are dropped beyond the limits; the newest always stays."""
        with self._arrival:
            self.arrived += 1
            caught = Caught(self.arrived, received, mail_from, rcpt_to, data)
            self._messages[caught.number] = caught
            self._bytes += len(data)
            while len(self._messages) > 1 and self._is_full():
                oldest = self._messages.pop(next(iter(self._messages)))
                self._bytes -= len(oldest.data)
                self.dropped += 1
            self._arrival.notify_all()
        self._publish()
        return caught

    def _is_full(self) -> bool:
        return len(self._messages) > self._max_messages or self._bytes > self._max_bytes

    def messages(self) -> tuple[Caught, ...]:
        with self._arrival:
            return tuple(self._messages.values())

    def find(self, number: int) -> Caught | None:
        with self._arrival:
            return self._messages.get(number)

    def clear(self) -> int:
        """Drop all kept mail; returns how many. Numbering continues."""
        with self._arrival:
            count = len(self._messages)
            self._messages.clear()
            self._bytes = self.dropped = 0
        self._publish()
        return count

    def wait_for(self, count: int, timeout_s: float) -> bool:
        with self._arrival:
            return self._arrival.wait_for(lambda: self.arrived >= count, timeout_s)

    def _publish(self) -> None:
        self.updates.publish(self.updates.value + 1)
