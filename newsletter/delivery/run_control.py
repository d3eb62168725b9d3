"""Controls shared by all parts of a run: stop, wake, report waits and progress."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from newsletter.frozen import frozen
from newsletter.model.delivery import Outcome, Relay
from newsletter.model.subscriber import Subscriber

RECHECK_S = 5.0
"""A waiting worker checks again after this time, so that a clock that was set forward is noticed."""

INTERRUPTED = "interrupted"
"""The stop reason of a run that a signal ended."""

SHOWN_FROM_S = 3.0
"""Shorter waits are not reported: they are over before a line could be read."""


@frozen
class Wait:
    """Why nothing goes out at the moment, and until when, in epoch seconds."""

    reason: str
    until: float


@frozen
class Watcher:
    """Callbacks for the progress of a run."""

    outcome: Callable[[Subscriber, Outcome, Relay], None] = lambda recipient, outcome, relay: None
    news: Callable[[str], None] = lambda text: None
    waiting: Callable[[Wait | None], None] = lambda wait: None
    """Called when a noticeable wait begins, and with None when it is over."""


class RunControl:
    """`stopping` is set once no further message may be begun. Every change calls `wake`, which ends all pauses.

    `clock` returns epoch seconds.
    """

    def __init__(self, watcher: Watcher, clock: Callable[[], float]) -> None:
        self.watcher = watcher
        self.clock = clock
        self.stop_reason = ""
        self.stopping = asyncio.Event()
        self._bell = asyncio.Event()
        self._pauses = 0
        self._shown: Wait | None = None

    def stop(self, reason: str) -> None:
        """Begin no further message; those under way finish. The first reason is kept."""
        self.stop_reason = self.stop_reason or reason
        self.stopping.set()
        self.wake()

    def wake(self) -> None:
        """End all pauses, so that every worker checks again."""
        if self._pauses:
            bell, self._bell = self._bell, asyncio.Event()
            bell.set()

    async def pause(self, seconds: float) -> None:
        """Wait for a change, but no longer than this; `math.inf` sets no limit."""
        self._pauses += 1
        try:
            await _wait(self._bell, seconds)
        finally:
            self._pauses -= 1

    async def pause_until_stopped(self, seconds: float) -> None:
        """Wait this long, or until the run is to stop."""
        await _wait(self.stopping, seconds)

    def show(self, wait: Wait | None) -> None:
        """Report a wait if its reason is new, and None once it is over."""
        if (wait and wait.reason) != (self._shown and self._shown.reason):
            self.watcher.waiting(wait)
            self._shown = wait

    def show_if_noticed(self, reason: str, now: float, wait_s: float) -> None:
        """Report a wait that is long enough to be read and has an end."""
        self.show(Wait(reason, now + wait_s) if SHOWN_FROM_S < wait_s < math.inf else None)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    if seconds == math.inf:
        await event.wait()
        return
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
