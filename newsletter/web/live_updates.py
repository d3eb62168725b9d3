"""Live updates: the newest snapshot, and the pages that wait for the next."""

from __future__ import annotations

import asyncio
import contextlib

from newsletter.web.preview.live_rendering import Snapshot


class LiveUpdates:
    """`snapshot` may be read from any thread."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.open = True
        self._bell = asyncio.Event()

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._ring()

    def close(self) -> None:
        """End all waiting, so that the pages' connections end too."""
        self.open = False
        self._ring()

    async def changed(self, told: Snapshot, timeout_s: float) -> None:
        """Return once there is another snapshot, the feed closes, or the time is up."""
        if self.open and self.snapshot is told:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), timeout_s)

    def _ring(self) -> None:
        """A fresh bell each time: whoever waits hears exactly one ring."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()
