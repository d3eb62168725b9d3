"""Group commit for clicks: many requests share one transaction and one wait for the disk.

One thread does all the store's work, so that the event loop takes the next requests meanwhile. What arrives while a
commit is under way goes into the next one. An answer waits for its commit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from newsletter.audience.people.records import Unsubscription

MOST_AT_ONCE = 500
"""Departures of one transaction: some ten milliseconds of work."""

_Result = TypeVar("_Result")


class GroupCommit:
    """`write` is called in the thread, never twice at once; what it is given is on disk when it returns."""

    def __init__(self, write: Callable[[Sequence[Unsubscription]], object]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._waiting: list[tuple[Unsubscription, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def leave(self, departure: Unsubscription) -> None:
        """Return once it is on disk. Raises what `write` raised."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((departure, done))
        if self._running is None:
            self._running = loop.create_task(self._run())
        await done

    async def call(self, work: Callable[[], _Result]) -> _Result:
        """Any other work of the store, in its turn."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        try:
            await asyncio.sleep(0)  # whatever is ready in this round of the loop comes along
            while self._waiting:
                batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                await self._commit(batch)
        finally:
            self._running = None

    async def _commit(self, batch: Sequence[tuple[Unsubscription, asyncio.Future[None]]]) -> None:
        work = self.call(partial(self._write, [departure for departure, _ in batch]))
        (failure,) = await asyncio.gather(work, return_exceptions=True)
        for _, done in batch:
            if done.done():
                continue
            if isinstance(failure, BaseException):
                done.set_exception(failure)
            else:
                done.set_result(None)
