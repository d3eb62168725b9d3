"""Live updates: the newest value, and the pages that wait for the next, told by Server-Sent Events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

KEEP_ALIVE_S = 20.0
"""How often a page that is told nothing new hears that the server is still there."""


class LiveUpdates(Generic[T]):
    """`value` may be read from any thread; it is published on the event loop's."""

    def __init__(self, value: T, *, is_open: bool = True) -> None:
        self.value = value
        self.is_open = is_open
        self._changed = asyncio.Event()

    def publish(self, value: T) -> None:
        self.value = value
        self._notify()

    def set_open(self, is_open: bool) -> None:
        """Closing ends all waiting, so that the pages' connections end too."""
        self.is_open = is_open
        self._notify()

    async def changed(self, seen: object, timeout_s: float) -> None:
        """Return once the value is no longer the one that was seen, the server stops, or the time is up."""
        if self.is_open and self.value is seen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout_s)

    async def events(self, encode: Callable[[T], str]) -> AsyncIterator[str]:
        """The value as an event, at once and whenever it changes."""
        seen: object = self  # no value
        while self.is_open:
            value = self.value
            if value is seen:
                yield ": still here\n\n"
            else:
                seen = value
                yield f"data: {encode(value)}\n\n"
            await self.changed(seen, KEEP_ALIVE_S)

    def _notify(self) -> None:
        """A fresh event each time: one belongs to the loop that first waited for it, and wakes its waiters once."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
