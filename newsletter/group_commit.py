"""Group commit: items of many waiters share one transaction and one wait for the disk.

Whoever must not go on before an item is on disk waits for `commit`; what others have added meanwhile goes into the same
transaction, so the number of commits follows the speed of the disk and not the number of items. `note` waits for
nothing: its item goes with the next commit, at the latest `LINGER_S` later. A crash before that loses it.
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
    """The items of one transaction; no task yet while nobody waits for them."""

    __slots__ = ("items", "task")

    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.task: asyncio.Task[_Written] | None = None


class GroupCommit(Generic[_Item, _Written]):
    """`write` is never called twice at once; what it is given is on disk when it returns, and all waiters of a batch
    get what it gives.

    `in_thread`: the event loop goes on while the store works. A store that answers in less time than two threads take
    to hand the work over needs none. `at_most`: items of one transaction, 0 for any number. `ends_with_error`: nothing
    may be written past what could not be; an error ends every later call as well, not its batch alone.
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
        # The batch that takes the next item, and the one begun last, which may be the same.
        self._next: _Batch[_Item, _Written] | None = None
        self._last: asyncio.Task[_Written] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store") if in_thread else None
        self._loop = asyncio.get_running_loop()

    async def commit(self, item: _Item) -> _Written:
        """Return once the item, and all that was added before it, is on disk. Raises what `write` raised."""
        # A waiter that is cancelled must not cancel the batch of the others.
        return await asyncio.shield(self._begin(self._add(item)))

    def note(self, item: _Item) -> None:
        """Write the item with the next commit, or soon."""
        batch = self._add(item)
        if batch.task is None and self._timer is None:
            self._timer = self._loop.call_later(LINGER_S, self._begin_next)

    async def flush(self) -> None:
        """Return once everything added is on disk. Raises what `write` raised."""
        if self._next is not None:
            await asyncio.shield(self._begin(self._next))
        elif self._last is not None and not self._last.done():
            await asyncio.shield(self._last)

    def check(self) -> None:
        """Raise what the last `write` raised, if it did."""
        if self._last is not None and self._last.done():
            self._last.result()

    async def call(self, work: Callable[[], _Result]) -> _Result:
        """Do another piece of the store's work, in its turn."""
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
        """The task that writes this batch, once the one before it has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if batch.task is None:
            batch.task = self._last = self._loop.create_task(self._run(batch, self._last))
            batch.task.add_done_callback(_seen)
        return batch.task

    async def _run(self, batch: _Batch[_Item, _Written], before: asyncio.Task[_Written] | None) -> _Written:
        if before is not None:
            await asyncio.wait({before})
            if self._ends_with_error and before.exception() is not None:
                self._close(batch)
                before.result()
        # Whatever is ready in this round of the loop comes along.
        await asyncio.sleep(0)
        self._close(batch)
        return await self.call(partial(self._write, batch.items))

    def _close(self, batch: _Batch[_Item, _Written]) -> None:
        """Let the batch take no further item."""
        if self._next is batch:
            self._next = None


def _seen(task: asyncio.Task[_Written]) -> None:
    """Retrieve the error, which is raised where it is awaited, so that asyncio does not warn of it."""
    if not task.cancelled():
        task.exception()
