"""HTTP server in bounded memory: uvicorn with limits on heads, pipelined requests, slow clients and connections.

uvicorn alone parses everything it reads and continues to read after each response, so a client that pipelines and never
reads makes the process grow without bound (docs/decisions/0026-bounded-connections.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from newsletter.frozen import frozen
from newsletter.web.background_server import first_to_end

HEAD_WITHIN_S = 10.0
"""Time limit for a complete request head, from the connection or the request's first byte. Browsers preconnect."""

TAKEN_WITHIN_S = 30.0
"""Time limit for the client to read a response."""

KEEP_ALIVE_S = 5

READ_BYTES = 8 * 1024
"""The size of a read, and so the most bytes kept unparsed per connection."""

PARSED_AT_ONCE = 512
"""Bytes passed to the parser while no request waits: at most 28 requests of 18 bytes, the shortest possible."""

MAX_HEAD_BYTES = 16 * 1024
MAX_HEADERS = 100
"""A header of five bytes takes some 200 in memory. Browsers send twenty headers, proxies add ten."""

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Including the parser's own copies; bodies have limits of their own, and get an error response."""

MAX_HEADS_BYTES = 32 * 1024 * 1024
"""For the unfinished heads of all connections together."""

MAX_CONNECTIONS = 20_000
RESERVED_FILES = 64
"""File descriptors that are not connections: the database, the log, the relay."""

LAST_WORDS_S = 1
"""How long cancelled requests have to end.

Clients that do not read are disconnected as long before that, since a request waiting for its reader would not end when
cancelled.
"""

_HEAD_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


@frozen
class ConnectionLimits:
    """`connections` is the most that may be open at once; None for as many as the system allows."""

    head_within_s: float = HEAD_WITHIN_S
    taken_within_s: float = TAKEN_WITHIN_S
    connections: int | None = None


def most_connections() -> int:
    """The system's limit of open files, after raising it to its maximum."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, soft - RESERVED_FILES)


class _Flow(FlowControl):
    """Flow control: reading continues only when everything read before was parsed and begun."""

    def __init__(self, transport: asyncio.Transport, is_full: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._is_full = is_full

    def resume_reading(self) -> None:
        if not self._is_full():
            super().resume_reading()


@dataclass(slots=True)
class _Shared:
    """The state that the connections of one server share. `silent` has those without a complete head, oldest first."""

    limits: ConnectionLimits
    most: int
    silent: dict[Connection, asyncio.TimerHandle] = field(default_factory=dict)
    head_bytes: int = 0
    # One buffer for all: each read is copied or parsed before the loop reads from another connection.
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(READ_BYTES)))

    def make_room(self) -> None:
        while self.head_bytes > MAX_HEADS_BYTES and self.silent:
            next(iter(self.silent)).drop()


class Connection(HttpToolsProtocol, asyncio.BufferedProtocol):
    """uvicorn's protocol with limits on heads, headers, queued requests, idle time, and responses that are not read.

    Beyond the limit of connections, a new one replaces the one that has been idle for longest.
    """

    shared: _Shared  # set on the subclass that `connection_class` makes

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = bytearray()
        self._in_head = True
        self._message_bytes = 0
        self._counted = 0
        self._ending = False
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, lambda: bool(self._unread or self.pipeline))
        # Any byte that the kernel does not accept at once calls `pause_writing`, and so starts the timer.
        transport.set_write_buffer_limits(high=0)
        if len(self.connections) > self.shared.most:
            next(iter(self.shared.silent), self).drop()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        self._stop_stalled()
        self._unread.clear()
        self.pipeline.clear()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close the connection at once, without a response."""
        self._unwatch()
        self.transport.abort()

    # --- reading ----------------------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.shared.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.data_received(bytes(self.shared.buffer[:nbytes]))

    def data_received(self, data: bytes) -> None:
        self._unread += data
        self._parse()

    def _parse(self) -> None:
        """Pass the read bytes to the parser, until a request must wait for the response to the previous one."""
        while self._unread and not self.pipeline and not self.transport.is_closing():
            piece = bytes(self._unread[:PARSED_AT_ONCE])
            del self._unread[:PARSED_AT_ONCE]
            self._message_bytes += len(piece)
            super().data_received(piece)
            most = MAX_HEAD_BYTES if self._in_head else MAX_REQUEST_BYTES
            if self._message_bytes > most or len(self.headers or ()) > MAX_HEADERS:
                self._refuse()
        if self.transport.is_closing():
            self._unread.clear()
        elif self._unread:
            self.flow.pause_reading()
        self._watch()

    def _refuse(self) -> None:
        if self._is_waiting:
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()
        else:
            self.drop()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._message_bytes = 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def _unsupported_upgrade_warning(self) -> None:
        # Security: the parser drops what follows, and later bytes would be parsed from the middle of a request.
        self._unread.clear()
        self.cycle.keep_alive = False

    # --- answering --------------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._ending:
            self.transport.close()
        elif self._unread:
            self._parse()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.shared.limits.taken_within_s, self.drop)

    def resume_writing(self) -> None:
        self._stop_stalled()
        super().resume_writing()

    def _stop_stalled(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def shutdown(self) -> None:
        """End after the current response; queued requests are not begun."""
        self._ending = True
        self._unread.clear()
        queued = bool(self.pipeline)
        self.pipeline.clear()
        self.flow.pause_reading()
        if not queued:
            super().shutdown()

    # --- idle connections -------------------------------------------------------------------------------------------

    @property
    def _is_waiting(self) -> bool:
        """Whether it waits for a complete head, without a request under way."""
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        """Start the timer; further bytes do not extend it."""
        shared = self.shared
        if not self._is_waiting or self.transport.is_closing():
            self._unwatch()
            return
        kept = self._message_bytes if self._in_head else 0
        shared.head_bytes += kept - self._counted
        self._counted = kept
        if self not in shared.silent:
            shared.silent[self] = self.loop.call_later(shared.limits.head_within_s, self.drop)
        shared.make_room()

    def _unwatch(self) -> None:
        self.shared.head_bytes -= self._counted
        self._counted = 0
        timer = self.shared.silent.pop(self, None)
        if timer is not None:
            timer.cancel()


def connection_class(limits: ConnectionLimits) -> type[Connection]:
    """A connection class for one server: its connections share limits, separate from those of other servers."""

    class Limited(Connection):
        shared = _Shared(limits, limits.connections or most_connections())

    return Limited


async def serve_http(
    app: ASGIApp,
    listening: socket.socket,
    *,
    stopping: asyncio.Event,
    on_ready: Callable[[], None] = lambda: None,
    limits: ConnectionLimits | None = None,
    grace_s: int = 5,
    log_level: str = "warning",
) -> None:
    """Serve until `stopping` is set, then end the requests under way within `grace_s`, whatever the clients do."""

    class Web(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            on_ready()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # the command's own signal handlers stay

    web = Web(
        uvicorn.Config(
            app,
            http=connection_class(limits or ConnectionLimits()),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level=log_level,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=grace_s,
        )
    )

    def abort(connections: Iterable[Any]) -> None:
        for connection in list(connections):
            connection.transport.abort()

    serving = asyncio.create_task(web.serve(sockets=[listening]))
    state = web.server_state
    try:
        await first_to_end(stopping, serving)
    finally:
        web.should_exit = True
        ending = asyncio.get_running_loop().call_later(
            max(0, grace_s - LAST_WORDS_S),
            lambda: abort(c for c in state.connections if isinstance(c, Connection) and c.flow.write_paused),
        )
        try:
            await serving
            if state.tasks:
                await asyncio.wait(set(state.tasks), timeout=LAST_WORDS_S)
        finally:
            ending.cancel()
            abort(state.connections)
