"""Run a server on its own event loop in a background thread, and raise its failures to the caller."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any

Serve = Callable[[asyncio.Event, Callable[[], None]], Coroutine[Any, Any, None]]
"""Serves until the event is set; calls the function once it accepts connections."""


class BackgroundServer:
    """Runs one `Serve` at a time. May be started again after it was stopped."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._is_abandoned = threading.Event()

    def require_stopped(self) -> None:
        if self._thread is not None:
            raise RuntimeError(f"the {self._name} is already running")

    def start(self, serve: Serve) -> None:
        """Return once `serve` accepts connections. Raises what it raised before that."""
        self.require_stopped()
        ready: Future[None] = Future()
        self._stopping, self._is_abandoned = asyncio.Event(), threading.Event()
        self._loop = None
        thread = threading.Thread(target=self._run, args=(serve, ready), name=self._name, daemon=True)
        try:
            thread.start()
            ready.result()
        except BaseException:  # Ctrl-C, too, while the thread starts
            self._is_abandoned.set()
            self._ask_to_stop()
            if thread.ident is not None:
                thread.join()
            raise
        self._thread = thread

    def stop(self) -> None:
        """Return once `serve` has ended. A second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ask_to_stop()
        thread.join()

    def _ask_to_stop(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is already closed if the thread ended by itself
                self._loop.call_soon_threadsafe(self._stopping.set)

    def _run(self, serve: Serve, ready: Future[None]) -> None:
        try:
            asyncio.run(self._serve(serve, ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)  # raised again in start(), on the caller's thread

    async def _serve(self, serve: Serve, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        if self._is_abandoned.is_set():  # stopped before the loop existed
            self._stopping.set()
        await serve(self._stopping, lambda: ready.set_result(None))


async def first_to_end(stopping: asyncio.Event, *tasks: asyncio.Task[None]) -> None:
    """Return once one of the tasks has ended, or `stopping` is set."""
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({*tasks, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
