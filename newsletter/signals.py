"""The signals that end a command: the first lets what is under way finish, the second ends it at once."""

from __future__ import annotations

import contextlib
import select
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


def ending_signals() -> tuple[signal.Signals, ...]:
    """Ctrl-C, `kill`, and the end of the terminal or the ssh session, unless `nohup` had that one ignored."""
    signals = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        signals.append(hangup)
    return tuple(signals)


class Ending:
    """Whether a long-running command was told to end. `signal` is the name of the signal, empty until one comes."""

    def __init__(self) -> None:
        self.signal = ""
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)

    def request(self, name: str) -> None:
        """May be called from a signal handler: a socket has no lock that the interrupted code could hold."""
        self.signal = self.signal or name
        with contextlib.suppress(BlockingIOError):
            self._writer.send(b"\0")

    def wait(self, seconds: float) -> bool:
        """Sleep so long, or until it is requested -> whether it is."""
        if not self.signal:
            select.select([self._reader], [], [], max(0.0, seconds))
        return bool(self.signal)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


_endings: list[Ending] = []


@contextmanager
def ending_requests() -> Iterator[Ending]:
    """Take the ending signals while the block runs. A send inside of it takes them itself, and tells of them here."""
    ending = Ending()
    _endings.append(ending)

    def handle(number: int, _: FrameType | None) -> None:
        if ending.signal and number in (signal.SIGINT, signal.SIGTERM):
            raise KeyboardInterrupt
        note_ending(signal.Signals(number))

    before = {number: signal.signal(number, handle) for number in ending_signals()}
    try:
        yield ending
    finally:
        _endings.remove(ending)
        for number, handler in before.items():
            signal.signal(number, handler)
        ending.close()


def note_ending(number: signal.Signals) -> None:
    """Tell every block of `ending_requests` of a signal that somebody else took."""
    for ending in _endings:
        ending.request(number.name)


def is_ending() -> bool:
    """Whether one of them was told to end before."""
    return any(ending.signal for ending in _endings)


@contextmanager
def blocked(numbers: Sequence[signal.Signals]) -> Iterator[None]:
    """Hold the signals back while handlers change: for a moment the default would end the process."""
    mask = getattr(signal, "pthread_sigmask", None)  # Windows has none
    if mask is None:
        yield
        return
    before = mask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)
