"""Group commit: the steps of several connections share one transaction and one wait for the disk.

A connection waits for `committed` before it writes a final dot. What others have noted meanwhile goes into the same
transaction, so the number of commits follows the speed of the disk and not the number of messages. Outcomes need no
waiting: they go with the next commit, at the latest `LINGER_S` later. A crash before that leaves rows `committing`,
which the next run calls uncertain: one for each connection at most, since a connection's next `committed` takes its
last outcome along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from newsletter.ledger.ledger import Move

LINGER_S = 0.05
_Result = TypeVar("_Result")


class GroupCommit:
    """`write` is never called twice at once, and gives the rows that must not be mailed after all. An error of its
    ends every later call as well.

    `far`: the ledger is across a network, and waiting for it in a thread lets the mail go on meanwhile. A file answers
    in less time than two threads take to hand the work over.
    """

    def __init__(self, write: Callable[[Sequence[Move]], Collection[int]], *, far: bool = False) -> None:
        self._write = write
        self._moves: list[Move] = []
        # The batch that takes what is noted now, and the last one there is, which may be the same.
        self._next: asyncio.Task[Collection[int]] | None = None
        self._last: asyncio.Task[Collection[int]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger") if far else None
        self._loop = asyncio.get_running_loop()

    async def committed(self, move: Move) -> bool:
        """Return once the move, and all that was noted before it, is on disk. Raises what `write` raised.

        False where the row must not be mailed after all: then it was not moved.
        """
        self._moves.append(move)
        # A waiter that is cancelled must not cancel the batch of the others.
        return move.row not in await asyncio.shield(self._batch())

    def note(self, move: Move) -> None:
        """Write the move with the next commit, or soon."""
        self._moves.append(move)
        if self._timer is None and self._next is None:
            self._timer = self._loop.call_later(LINGER_S, self._batch)

    async def flush(self) -> None:
        """Return once everything noted is on disk."""
        if self._moves or (self._last is not None and not self._last.done()):
            await asyncio.shield(self._batch())

    def check(self) -> None:
        """Raise what `write` raised, if it did."""
        if self._last is not None and self._last.done():
            self._last.result()

    async def call(self, work: Callable[[], _Result]) -> _Result:
        """Do another piece of the ledger's work, where `write` does its own."""
        if self._thread is None:
            return work()
        return await self._loop.run_in_executor(self._thread, work)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def _batch(self) -> asyncio.Task[Collection[int]]:
        """The task that writes all that is noted by now; it begins when the one before it has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._next is None:
            self._next = self._last = self._loop.create_task(self._run(self._last))
            self._last.add_done_callback(_seen)
        return self._next

    async def _run(self, before: asyncio.Task[Collection[int]] | None) -> Collection[int]:
        if before is not None:
            await asyncio.wait({before})
            if before.exception() is not None:
                self._next = None
                before.result()  # nothing may be written past what could not be written
        # Whatever is ready in this round of the loop comes along.
        await asyncio.sleep(0)
        moves, self._moves = self._moves, []
        self._next = None
        return await self.call(partial(self._write, moves)) if moves else ()


def _seen(task: asyncio.Task[Collection[int]]) -> None:
    """Retrieve the error, which is raised where it is awaited, so that asyncio does not warn of it."""
    if not task.cancelled():
        task.exception()
