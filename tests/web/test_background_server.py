"""A server in a background thread: failures reach the caller, a stop ends it, another start works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from newsletter.web.background_server import BackgroundServer, first_to_end


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


class Recorder:
    def __init__(self) -> None:
        self.events: list[str] = []

    async def serve(self, stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
        self.events.append("ready")
        on_ready()
        await stopping.wait()
        self.events.append("ended")


def test_start_returns_once_it_serves_and_stop_once_it_has_ended() -> None:
    server, recorder = BackgroundServer("recorder"), Recorder()
    for _ in range(2):
        server.start(recorder.serve)
        assert recorder.events == ["ready"]
        assert "recorder" in threads()
        server.stop()
        assert recorder.events == ["ready", "ended"]
        assert "recorder" not in threads()
        recorder.events.clear()
    server.stop()
    assert recorder.events == []


def test_two_at_once_are_refused() -> None:
    server, recorder = BackgroundServer("recorder"), Recorder()
    server.start(recorder.serve)
    with pytest.raises(RuntimeError, match="the recorder is already running"):
        server.start(recorder.serve)
    server.stop()


def test_what_fails_before_it_serves_is_raised_by_start() -> None:
    async def serve(stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
        raise OSError("no such address")

    server = BackgroundServer("failing")
    with pytest.raises(OSError, match="no such address"):
        server.start(serve)
    assert "failing" not in threads()
    recorder = Recorder()
    server.start(recorder.serve)
    server.stop()
    assert recorder.events == ["ready", "ended"]


def test_the_first_to_end_ends_the_waiting() -> None:
    async def run() -> tuple[bool, bool]:
        stopping = asyncio.Event()
        endless, short = (asyncio.create_task(asyncio.sleep(s)) for s in (3_600, 0))
        await first_to_end(stopping, endless, short)
        one = short.done() and not endless.done()
        stopping.set()
        await first_to_end(stopping, endless)
        two = not endless.done()
        endless.cancel()
        return one, two

    assert asyncio.run(run()) == (True, True)
