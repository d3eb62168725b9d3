"""Canary sends: mail a few recipients first, and stop if too many of them are refused."""

from __future__ import annotations

import asyncio

from newsletter.delivery.run_control import RunControl
from newsletter.frozen import frozen
from newsletter.model.delivery import Outcome, State


@frozen
class Canary:
    """Send to this many recipients first, wait for their outcomes, and continue only if at most this share
    was refused.
    """

    count: int
    wait_s: float
    refusals: float


class CanaryGate:
    """The gate behind the canary's recipients: counts them and their outcomes. Without a canary it is open."""

    def __init__(self, canary: Canary | None, control: RunControl) -> None:
        self._canary = canary
        self._control = control
        self._left = canary.count if canary else 0
        self._open = canary is None
        self._seen = self._refused = 0
        self._watching: asyncio.Task[None] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether no further recipient may be taken now."""
        return not self._open and self._left == 0

    def take(self) -> None:
        """Count a recipient who was taken from the queue."""
        if self._left > 0:
            self._left -= 1

    def put_back(self) -> None:
        """Undo `take` for a recipient who was not tried."""
        if not self._open:
            self._left += 1

    def skip(self) -> None:
        """Undo `take` for a recipient who turned out to be suppressed: the canary counts mailed recipients only."""
        if self._watching is None:
            self.put_back()

    def note(self, outcome: Outcome) -> None:
        """Count an outcome; the last one of the canary starts the wait."""
        if self._canary is None or self._watching is not None:
            return
        self._seen += 1
        self._refused += outcome.state is State.REJECTED or outcome.sender_fault
        if self._seen >= self._canary.count:
            self._watching = asyncio.create_task(self._watch(self._canary))

    def check(self) -> None:
        """Raise the error that ended the wait, if any."""
        if self._watching is not None and self._watching.done():
            self._watching.result()

    def cancel(self) -> None:
        """Cancel the wait at the end of the run."""
        if self._watching is not None:
            self._watching.cancel()

    async def _watch(self, canary: Canary) -> None:
        control = self._control
        if self._refused / self._seen > canary.refusals:
            control.stop(f"the canary: {self._refused} of the first {self._seen} were refused")
            return
        control.watcher.news(f"the first {self._seen} are out, {self._refused} refused; waiting {canary.wait_s:g} s")
        control.show_if_noticed("the canary: refusals are waited for", control.clock(), canary.wait_s)
        await control.pause_until_stopped(canary.wait_s)
        self._open, self._left = True, 0
        control.wake()
