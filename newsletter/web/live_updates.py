"""Publish the newest value to waiting pages by Server-Sent Events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

KEEP_ALIVE_S = 20.0
"""The interval of keep-alive comments to pages without news."""


class LiveUpdates(Generic[T]):
    """`value` may be read from any thread; it is published on the event loop's thread. `listeners` pages wait."""

    def __init__(self, value: T, *, is_open: bool = True) -> None:
        self.value = value
        self.is_open = is_open
        self.listeners = 0
        self._changed = asyncio.Event()

    def publish(self, value: T) -> None:
        self.value = value
        self._notify()

    def set_open(self, is_open: bool) -> None:
        """Open or close; closing ends all waits, so that the pages' connections end too."""
        self.is_open = is_open
        self._notify()

    async def changed(self, seen: object, timeout_s: float) -> None:
        """Return once the value differs from `seen`, the server stops, or the time is up."""
        if self.is_open and self.value is seen:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), timeout_s)

    async def events(self, encode: Callable[[T], str | Awaitable[str]]) -> AsyncIterator[str]:
        """The value as an event, at once and after every change."""
        self.listeners += 1
        try:
            seen: object = self  # differs from any value
            while self.is_open:
                value = self.value
                if value is seen:
                    yield ": still here\n\n"
                else:
                    seen = value
                    encoded = encode(value)
                    yield f"data: {encoded if isinstance(encoded, str) else await encoded}\n\n"
                await self.changed(seen, KEEP_ALIVE_S)
        finally:
            self.listeners -= 1

    def _notify(self) -> None:
        """Use a new event each time: an asyncio event belongs to the loop that first waited for it."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
