"""The server around the pages: connections that may not be slow nor too many, its parts started and ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN_S = 10.0
"""How long a connection may be open, or a request be begun, without a whole head. Browsers open some ahead of need."""

KEEP_ALIVE_S = 5
MAX_HEAD_BYTES = 16 * 1024
MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""With all that the parser keeps; bodies have limits of their own, and are answered."""

GRACE_S = 5

MAX_CONNECTIONS = 20_000
RESERVED_FILES = 64
"""Files that are not connections: the database, the log, the relay."""


def most_connections() -> int:
    """As many as the system lets us have files, of which we first take all that it allows."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft - RESERVED_FILES)


def connection_class(most: int, head_within_s: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol, which waits for ever for a request, and takes one of any size. Ours are closed in time; when
    there are more than `most`, the one that has been silent for longest goes for the new one."""
    silent: dict[HttpToolsProtocol, asyncio.TimerHandle] = {}

    class Connection(HttpToolsProtocol):
        received = 0
        """Bytes since the last answer."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > most and silent:
                next(iter(silent)).transport.abort()
            self._watch()

        def data_received(self, data: bytes) -> None:
            self.received += len(data)
            if self.received > (MAX_HEAD_BYTES if self._is_waiting else MAX_REQUEST_BYTES) + len(data):
                self.transport.abort()
                return
            super().data_received(data)
            self._watch()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self.received = 0
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            super().connection_lost(exc)

        @property
        def _is_waiting(self) -> bool:
            """For a whole head: no request is under way."""
            return self.cycle is None or self.cycle.response_complete

        def _watch(self) -> None:
            """Another byte gives no more time."""
            if not self._is_waiting:
                self._unwatch()
            elif self not in silent:
                silent[self] = self.loop.call_later(head_within_s, self.transport.abort)

        def _unwatch(self) -> None:
            timer = silent.pop(self, None)
            if timer is not None:
                timer.cancel()

    return Connection


def trusting(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """X-Forwarded-For and X-Forwarded-Proto are read where one of these proxies sent them, and nowhere else."""
    return ProxyHeadersMiddleware(app, list(proxies)) if proxies else app  # type: ignore[arg-type, return-value]


async def serve(
    app: ASGIApp,
    listening: socket.socket,
    *,
    stopping: asyncio.Event,
    on_ready: Callable[[], None] = lambda: None,
    head_within_s: float = HEAD_WITHIN_S,
    most: int | None = None,
) -> None:
    """Answer until `stopping` is set, then end what is under way."""

    class Web(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            on_ready()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # the command's own handlers stay

    web = Web(
        uvicorn.Config(
            app,
            http=connection_class(most or most_connections(), head_within_s),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    serving = asyncio.create_task(web.serve(sockets=[listening]))
    asked = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({serving, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        web.should_exit = True
        await serving
