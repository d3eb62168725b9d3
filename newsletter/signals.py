"""The signals that end a command: the first one drains, the second ends it at once."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType


def ending_signals() -> tuple[signal.Signals, ...]:
    """SIGINT, SIGTERM and SIGHUP; without SIGHUP where `nohup` had it ignored."""
    signals = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        signals.append(hangup)
    return tuple(signals)


class Ending:
    """Whether a long-running command was asked to end. `signal` is the signal's name, empty before one arrives."""

    def __init__(self) -> None:
        import socket  # here and below: most commands have nothing to drain

        self.signal = ""
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)

    def request(self, name: str) -> None:
        """Ask for the end. Safe in a signal handler: a socket has no lock that the interrupted code could hold."""
        self.signal = self.signal or name
        with contextlib.suppress(BlockingIOError):
            self._writer.send(b"\0")

    def wait(self, seconds: float) -> bool:
        """Sleep for at most this time, or until the end is requested. Returns whether it is."""
        import select

        if not self.signal:
            select.select([self._reader], [], [], max(0.0, seconds))
        return bool(self.signal)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


class StopRequest:
    """Asks a send on another thread to drain, as a signal does on the main one. `ask` may come from any thread, and
    before the send begins.
    """

    def __init__(self, *, leaves: bool = False) -> None:
        """`leaves`: a send by workers goes on without the process that watches it."""
        self.is_asked = False
        self.leaves = leaves
        self._stop: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def ask(self) -> None:
        with self._lock:
            self.is_asked = True
            if self._stop is not None:
                self._stop()

    @contextmanager
    def calling(self, stop: Callable[[], None]) -> Iterator[None]:
        """`ask` calls `stop`, from its own thread, while the block runs; at once if it came before."""
        with self._lock:
            self._stop = stop
            if self.is_asked:
                stop()
        try:
            yield
        finally:
            with self._lock:
                self._stop = None


@contextmanager
def requested(request: StopRequest | None) -> Iterator[Ending]:
    """As `ending_requests`, but that it is the request which ends the block, where there is one."""
    if request is None:
        with ending_requests() as ending:
            yield ending
        return
    ending = Ending()
    try:
        with request.calling(lambda: ending.request("request")):
            yield ending
    finally:
        ending.close()


_endings: list[Ending] = []


@contextmanager
def ending_requests() -> Iterator[Ending]:
    """Handle the ending signals while the block runs. A send inside it handles them itself and reports them here."""
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
    """Pass a signal that other code handled to every block of `ending_requests`."""
    for ending in _endings:
        ending.request(number.name)


def is_ending() -> bool:
    """Whether an active block has been asked to end."""
    return any(ending.signal for ending in _endings)


@contextmanager
def blocked(numbers: Sequence[signal.Signals]) -> Iterator[None]:
    """Block the signals while handlers change: the default handler, active for a moment, would end the process."""
    mask = getattr(signal, "pthread_sigmask", None)  # Windows has none
    if mask is None:
        yield
        return
    before = mask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)
