"""Group commit: items of many waiters share one transaction and one fsync.

A caller that must not continue before its item is on disk awaits `commit`. Items added meanwhile go into the same
transaction, so the disk's speed, and not the number of items, sets the number of commits. `note` does not wait: its
item goes with the next commit, at the latest `LINGER_S` later, and a crash before that loses it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

LINGER_S = 0.05
_Item = TypeVar("_Item")
_Written = TypeVar("_Written")
_Result = TypeVar("_Result")


class _Batch(Generic[_Item, _Written]):
    """The items of one transaction; it has no task until a caller waits for it."""

    __slots__ = ("items", "task", "waiters")

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.waiters: list[asyncio.Future[_Written]] = []
        self.task: asyncio.Task[_Written] | None = None

    def tell(self, task: asyncio.Task[_Written]) -> None:
        """Pass the task's end on to the waiters. Its error counts as retrieved then, and asyncio does not warn."""
        error = None if task.cancelled() else task.exception()
        for waiter in self.waiters:
            if waiter.done():
                continue
            if task.cancelled():
                waiter.cancel()
            elif error is not None:
                waiter.set_exception(error)
            else:
                waiter.set_result(task.result())


class GroupCommit(Generic[_Item, _Written]):
    """Batches calls of `write`, which is never called concurrently and returns once its items are on disk. All waiters
    of a batch get what it returns.

    `in_thread`: run `write` in a thread, so that the event loop goes on. A store that is faster than two thread
    switches needs none. `at_most`: the largest transaction, 0 for no limit. `ends_with_error`: an error ends every
    later call as well, and not its batch alone, since nothing may be written after a lost item.
    """

    def __init__(
        self,
        write: Callable[[Sequence[_Item]], _Written],
        *,
        in_thread: bool,
        at_most: int = 0,
        ends_with_error: bool = False,
    ) -> None:
        self._write = write
        self._at_most = at_most
        self._ends_with_error = ends_with_error
        # The batch that takes the next item, and the last one begun; they may be the same.
        self._next: _Batch[_Item, _Written] | None = None
        self._last: asyncio.Task[_Written] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store") if in_thread else None
        self._loop = asyncio.get_running_loop()

    async def commit(self, item: _Item) -> _Written:
        """Add the item; return once it and all earlier items are on disk. Raises what `write` raised."""
        # Cancelling one waiter must not cancel the batch of the others; asyncio.shield takes twice the time.
        waiter: asyncio.Future[_Written] = self._loop.create_future()
        batch = self._add(item)
        batch.waiters.append(waiter)
        self._begin(batch)
        return await waiter

    def note(self, item: _Item) -> None:
        """Add the item without waiting: it is written with the next commit, or soon."""
        batch = self._add(item)
        if batch.task is None and self._timer is None:
            self._timer = self._loop.call_later(LINGER_S, self._begin_next)

    async def flush(self) -> None:
        """Return once all items are on disk. Raises what `write` raised."""
        if self._next is not None:
            await asyncio.shield(self._begin(self._next))
        elif self._last is not None and not self._last.done():
            await asyncio.shield(self._last)

    def check(self) -> None:
        """Raise the last error of `write`, if any."""
        if self._last is not None and self._last.done():
            self._last.result()

    async def call(self, work: Callable[[], _Result]) -> _Result:
        """Run another call on the store, in turn with the batches."""
        if self._thread is None:
            return work()
        return await self._loop.run_in_executor(self._thread, work)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def _add(self, item: _Item) -> _Batch[_Item, _Written]:
        if self._next is not None and 0 < self._at_most <= len(self._next.items):
            self._begin(self._next)
            self._next = None
        if self._next is None:
            self._next = _Batch()
        self._next.items.append(item)
        return self._next

    def _begin_next(self) -> None:
        if self._next is not None:
            self._begin(self._next)

    def _begin(self, batch: _Batch[_Item, _Written]) -> asyncio.Task[_Written]:
        """Start the task that writes this batch once the one before it has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if batch.task is None:
            batch.task = self._last = self._loop.create_task(self._run(batch, self._last))
            batch.task.add_done_callback(batch.tell)
        return batch.task

    async def _run(self, batch: _Batch[_Item, _Written], before: asyncio.Task[_Written] | None) -> _Written:
        if before is not None:
            await asyncio.wait({before})
            if self._ends_with_error and before.exception() is not None:
                self._close(batch)
                before.result()
        # Items added in this iteration of the event loop join the batch.
        await asyncio.sleep(0)
        self._close(batch)
        return await self.call(partial(self._write, batch.items))

    def _close(self, batch: _Batch[_Item, _Written]) -> None:
        """Close the batch to further items."""
        if self._next is batch:
            self._next = None
