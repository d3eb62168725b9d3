"""The mail catcher: an SMTP server that delivers nothing, with an inbox page.

Both servers live on one event loop in one thread, so a `with Catcher()` costs a thread and two sockets. Mail is kept
in memory; `write_mbox` and `write_maildir` put it on disk. It listens on loopback unless told otherwise.

aiosmtpd, Starlette and uvicorn are imported when a catcher starts, not with this file: every command of the program
imports it, one or two use it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from newsletter.delivery.smtp.catcher_probe import IDENT
from newsletter.model.delivery import Relay
from newsletter.web.catcher.inbox_page import inbox_app
from newsletter.web.catcher.store import MAX_TOTAL_BYTES, Caught, Store
from newsletter.web.http_server import serve_http
from newsletter.web.sockets import listen

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp

# Announced as SIZE (RFC 1870). Gmail takes 25 MB, Exchange Online up to 150; a newsletter near 50 MB is a mistake.
MAX_MESSAGE_BYTES = 50 * 1024 * 1024
# How long stop() waits for a page that is being sent. Live pages end at once, so only a stalled browser gets here.
GRACE_S = 2


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Handler:
    """What aiosmtpd calls. Everything is accepted: any sender, any recipient, any login."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        mail_from, *rcpt_to = (_address(address) for address in (envelope.mail_from, *envelope.rcpt_tos))
        caught = self._store.add(self._clock(), mail_from, tuple(rcpt_to), envelope.original_content)
        return f"250 2.0.0 OK: caught as message {caught.number}"


def _address(address: str) -> str:
    """An envelope address as proper Unicode: aiosmtpd hides bytes that are not UTF-8 in lone surrogates."""
    if address == "<>":
        return ""
    return address.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Catcher:
    """The mail catcher: `start` or `with`, then point a program at `relay` and read `messages()` or `inbox_url`.

    Port 0 takes a free one; after `start` the two ports are the real ones. Mail stays readable after `stop`.
    Past `max_messages` or `max_bytes` the oldest mail is dropped, and the page says so.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        smtp_port: int = 0,
        web_port: int = 0,
        clock: Callable[[], datetime] = _utc_now,
        max_messages: int = 10_000,
        max_bytes: int = MAX_TOTAL_BYTES,
    ) -> None:
        self.host = host
        self.smtp_port = smtp_port
        self.web_port = web_port
        self._clock = clock
        self._store = Store(max_messages, max_bytes)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._given_up = threading.Event()

    @property
    def relay(self) -> Relay:
        return Relay(host=self._reachable_host, port=self.smtp_port, tls="none")

    @property
    def inbox_url(self) -> str:
        host = self._reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.web_port}/"

    @property
    def _reachable_host(self) -> str:
        """The bound host; where that is "every address", the loopback one."""
        return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    def start(self) -> None:
        """Return once both servers take connections. A port or host that is not to be had raises ConfigError."""
        if self._thread is not None:
            raise RuntimeError("this catcher is already running")

        with contextlib.ExitStack() as opened:
            smtp_socket = opened.enter_context(listen(self.host, self.smtp_port, "--smtp-port"))
            web_socket = opened.enter_context(listen(self.host, self.web_port, "--web-port"))
            smtp_port, web_port = smtp_socket.getsockname()[1], web_socket.getsockname()[1]
            relay = Relay(host=self._reachable_host, port=smtp_port, tls="none")
            app = inbox_app(self._store, smtp_url=str(relay), host=self.host, clock=self._clock)
            ready: Future[None] = Future()
            self._stopping, self._given_up = asyncio.Event(), threading.Event()
            self._loop = None
            thread = threading.Thread(
                target=self._run, args=(smtp_socket, web_socket, app, ready), name="mail catcher", daemon=True
            )
            try:
                thread.start()
                ready.result()
            except BaseException:  # Ctrl-C, too, while the thread is on its way
                self._given_up.set()
                self._ring()
                if thread.ident is not None:
                    thread.join()
                raise
            opened.pop_all()  # the servers own the sockets now
        self._thread, self.smtp_port, self.web_port = thread, smtp_port, web_port

    def stop(self) -> None:
        """Close both servers and every connection. A second call does nothing."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ring()
        thread.join()

    def _ring(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already when the thread died by itself
                self._loop.call_soon_threadsafe(self._stopping.set)

    def __enter__(self) -> Catcher:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def messages(self) -> tuple[Caught, ...]:
        """Everything kept, in order of arrival."""
        return self._store.messages()

    def wait_for(self, count: int, timeout_s: float) -> tuple[Caught, ...]:
        """Block until `count` messages have arrived in all, then `messages()`. TimeoutError when they did not come.

        Mail that was since dropped or emptied counts as arrived.
        """
        if not self._store.wait_for(count, timeout_s):
            raise TimeoutError(f"{self._store.arrived} of {count} messages arrived within {timeout_s:g} s")
        return self._store.messages()

    def _run(self, smtp_socket: socket.socket, web_socket: socket.socket, app: ASGIApp, ready: Future[None]) -> None:
        try:
            asyncio.run(self._serve(smtp_socket, web_socket, app, ready))
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)  # raised again in start(), on the caller's thread

    async def _serve(
        self, smtp_socket: socket.socket, web_socket: socket.socket, app: ASGIApp, ready: Future[None]
    ) -> None:
        from aiosmtpd.smtp import SMTP, AuthResult

        self._loop = asyncio.get_running_loop()
        if self._given_up.is_set():  # before there was a loop to be told
            self._stopping.set()
        handler = _Handler(self._store, self._clock)
        connections: weakref.WeakSet[SMTP] = weakref.WeakSet()

        def accept() -> SMTP:
            connection = SMTP(
                handler,
                data_size_limit=MAX_MESSAGE_BYTES,
                enable_SMTPUTF8=True,
                hostname="localhost",  # the default asks the resolver for our name, once per connection
                ident=IDENT,
                auth_require_tls=False,
                authenticator=lambda *_: AuthResult(success=True),
                loop=self._loop,
            )
            connections.add(connection)
            return connection

        smtp = await self._loop.create_server(accept, sock=smtp_socket)
        self._store.set_open(True)
        web = asyncio.create_task(
            serve_http(
                app,
                web_socket,
                stopping=self._stopping,
                on_ready=lambda: ready.set_result(None),
                grace_s=GRACE_S,
                log_level="error",
            )
        )
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({web, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            smtp.close()
            for connection in list(connections):
                if isinstance(connection.transport, asyncio.Transport):
                    connection.transport.abort()
            self._store.set_open(False)
            await web
