"""The server of a local page: a free port, an event loop in a thread, the pages beside a watch over files."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import partial
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from newsletter.web.background_server import BackgroundServer, first_to_end
from newsletter.web.http_server import serve_http
from newsletter.web.sockets import http_url, listen_near, reachable_host

GRACE_S = 2
"""How long `stop` waits for a page that is being sent."""


class LocalServer(ABC):
    """`start` or `with`, then open `url`. Listens on the next free port if `port` is in use."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._server = BackgroundServer(name)

    @property
    def url(self) -> str:
        return http_url(reachable_host(self.host), self.port) + "/"

    def start(self) -> None:
        """Return once the page can be opened. ConfigError if no port or address is available."""
        self._server.require_stopped()  # before its port is found in use
        with contextlib.ExitStack() as opened:
            listening = opened.enter_context(listen_near(self.host, self.port, "--port"))
            self._server.start(partial(self._serve, listening))
            self.port = listening.getsockname()[1]
            opened.pop_all()  # the server owns the socket now

    def stop(self) -> None:
        """Close every connection and stop watching. A second call does nothing."""
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @abstractmethod
    async def _serve(self, listening: socket.socket, stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Serve the pages until `stopping` is set, by `serve_and_watch`."""


async def serve_and_watch(
    app: ASGIApp,
    listening: socket.socket,
    stopping: asyncio.Event,
    on_ready: Callable[[], None],
    watch: Coroutine[None, None, None],
    close: Callable[[], Coroutine[None, None, None]],
) -> None:
    """Serve `app` and run `watch` until one of them ends or `stopping` is set; then `close`, and wait for both."""
    serving = asyncio.create_task(
        serve_http(app, listening, stopping=stopping, on_ready=on_ready, grace_s=GRACE_S, log_level="critical")
    )
    watching = asyncio.create_task(watch)
    try:
        await first_to_end(stopping, serving, watching)
    finally:
        stopping.set()
        await close()
        await asyncio.gather(serving, watching)
