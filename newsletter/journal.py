"""Several connections' steps in one transaction: what they share is the wait for the disk.

A connection waits for `committed` before it writes a final dot. What others have noted meanwhile goes into the same
transaction, so the number of commits follows the speed of the disk and not the number of messages. Outcomes need no
waiting: they go with the next commit, at the latest `LINGER_S` later. A crash before that leaves rows `committing`,
which the next run calls uncertain: one for each connection at most, since a connection's next `committed` takes its
last outcome along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from newsletter.ledger import Move

LINGER_S = 0.05
_Result = TypeVar("_Result")


class Journal:
    """`write` is never called twice at once. An error of its ends every later call as well.

    `far`: the ledger is across a network, and waiting for it in a thread lets the mail go on meanwhile. A file answers
    in less time than two threads take to hand the work over.
    """

    def __init__(self, write: Callable[[Sequence[Move]], None], *, far: bool = False) -> None:
        self._write = write
        self._moves: list[Move] = []
        self._next: asyncio.Future[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger") if far else None
        self._loop = asyncio.get_running_loop()
        self.error: Exception | None = None

    async def committed(self, move: Move) -> None:
        """Return once the move, and all that was noted before it, is on disk. Raises what `write` raised."""
        self._moves.append(move)
        await self._flushed()

    def note(self, move: Move) -> None:
        """Write the move with the next commit, or soon."""
        self._moves.append(move)
        if self._timer is None and self._writing is None:
            self._timer = self._loop.call_later(LINGER_S, self._start)

    async def flush(self) -> None:
        """Return once everything noted is on disk."""
        while self._moves or self._writing is not None:
            await self._flushed()

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

    async def _flushed(self) -> None:
        if self.error is not None:
            raise self.error
        if self._next is None:
            self._next = self._loop.create_future()
        mine = self._next
        if self._writing is None:
            self._start()
        await asyncio.shield(mine)  # whoever stops waiting must not take the others' answer away

    def _start(self) -> None:
        self._timer = None
        if self._writing is None:
            self._writing = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._moves or self._next is not None:
                # Whatever is ready in this round of the loop comes along.
                await asyncio.sleep(0)
                moves, self._moves = self._moves, []
                waiting, self._next = self._next, None
                try:
                    if moves:
                        await self.call(partial(self._write, moves))
                except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                    self.error = error
                    for future in (waiting, self._next):
                        if future is not None and not future.done():
                            future.set_exception(error)
                            future.exception()  # seen: not everyone has to be waiting
                    self._next = None
                    return
                if waiting is not None and not waiting.done():
                    waiting.set_result(None)
        finally:
            self._writing = None
