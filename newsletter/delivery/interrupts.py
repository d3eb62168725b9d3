"""SIGINT, SIGTERM and SIGHUP: drain first, stop at the second; wait for every task."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from newsletter.signals import ending_signals


async def wait_for_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for all; when one fails, end the others and raise what it raised."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


@contextmanager
def interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """The first ending signal calls `stop` and lets the messages under way end; a second Ctrl-C is Python's own.

    A closed terminal often sends SIGHUP twice, from the kernel and from the shell: that means no haste.
    """
    loop = asyncio.get_running_loop()
    handled: list[signal.Signals] = []

    def first() -> None:
        stop()
        for number in (signal.SIGINT, signal.SIGTERM):
            if number in handled:
                loop.remove_signal_handler(number)

    for number in ending_signals():
        try:
            loop.add_signal_handler(number, first)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            continue
        handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
