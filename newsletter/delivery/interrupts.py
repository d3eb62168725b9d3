"""Graceful shutdown: SIGINT, SIGTERM and SIGHUP drain first, a second one stops; wait for every task."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from newsletter.signals import StopRequest, blocked, ending_signals, is_ending, note_ending


async def wait_for_all(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for all tasks; when one fails, cancel the others and raise its error."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


@contextmanager
def interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """The first ending signal calls `stop` and lets the messages under way finish; a second Ctrl-C raises
    KeyboardInterrupt.

    A closed terminal often sends SIGHUP twice, from the kernel and from the shell; the second one is ignored.
    """
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def first(number: signal.Signals) -> None:
        note_ending(number)
        stop()
        with blocked(tuple(before)):
            for each in (signal.SIGINT, signal.SIGTERM):
                if each in before:
                    loop.remove_signal_handler(each)
                    signal.signal(each, _own(before.pop(each), each))

    for number in ending_signals():
        handler = signal.getsignal(number)
        try:
            loop.add_signal_handler(number, first, number)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            continue
        before[number] = handler
    if is_ending():
        stop()
    try:
        yield
    finally:
        with blocked(tuple(before)):
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, _own(handler, number))


@contextmanager
def interrupts_or(request: StopRequest | None, stop: Callable[[], None]) -> Iterator[None]:
    """The same; the request, of any thread, calls `stop`, too."""
    loop = asyncio.get_running_loop()

    def call() -> None:
        loop.call_soon_threadsafe(stop)

    with interrupts(stop), request.calling(call) if request is not None else nullcontext():
        yield


def _own(handler: Any, number: signal.Signals) -> Any:
    """The previous handler, or Python's default if there was none that Python knows of."""
    if handler is not None:
        return handler
    return signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
