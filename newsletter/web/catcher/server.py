"""The mail catcher: an SMTP server that delivers nothing, with an inbox page.

Both servers share one event loop in one thread, so a `with Catcher()` costs a thread and two sockets. Mail is kept in
memory; `write_mbox` and `write_maildir` export it. It listens on loopback by default.

aiosmtpd, Starlette and uvicorn are imported when a catcher starts, not with this module: every command imports it, and
few use it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from newsletter.delivery.smtp.catcher_probe import IDENT
from newsletter.model.delivery import Relay
from newsletter.web.background_server import BackgroundServer, first_to_end
from newsletter.web.catcher.inbox_page import inbox_app
from newsletter.web.catcher.store import MAX_TOTAL_BYTES, Caught, Store
from newsletter.web.http_server import serve_http
from newsletter.web.sockets import http_url, listen, reachable_host

if TYPE_CHECKING:
    from types import TracebackType

    from starlette.types import ASGIApp

# Announced as SIZE (RFC 1870). Gmail takes 25 MB, Exchange Online up to 150; a newsletter near 50 MB is a mistake.
MAX_MESSAGE_BYTES = 50 * 1024 * 1024
# How long stop() waits for a page that is being sent. Live pages end at once, so this only concerns stalled browsers.
GRACE_S = 2


def _utc_now() -> datetime:
    return datetime.now(UTC)


class _Handler:
    """aiosmtpd's handler. It accepts any sender, recipient and login."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802
        mail_from, *rcpt_to = (_address(address) for address in (envelope.mail_from, *envelope.rcpt_tos))
        caught = self._store.add(self._clock(), mail_from, tuple(rcpt_to), envelope.original_content)
        return f"250 2.0.0 OK: caught as message {caught.number}"

    async def handle_exception(self, error: Exception) -> str:
        """An exception of aiosmtpd, such as for an address that crashes its parser: reported as the client's fault."""
        return "500 5.5.2 not understood"


def _address(address: str) -> str:
    """An envelope address as valid Unicode: aiosmtpd decodes bytes that are not UTF-8 to lone surrogates."""
    if address == "<>":
        return ""
    return address.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Catcher:
    """The mail catcher: `start` or `with`, then point a program at `relay` and read `messages()` or `inbox_url`.

    Port 0 selects a free one; `start` sets both ports to the real ones. Mail stays readable after `stop`. Beyond
    `max_messages` or `max_bytes` the oldest mail is dropped, and the page says so.
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
        self._server = BackgroundServer("mail catcher")

    @property
    def relay(self) -> Relay:
        return Relay(host=reachable_host(self.host), port=self.smtp_port, tls="none")

    @property
    def inbox_url(self) -> str:
        return http_url(reachable_host(self.host), self.web_port) + "/"

    def start(self) -> None:
        """Return once both servers accept connections. Raises ConfigError if a port or host is unavailable."""
        self._server.require_stopped()  # before its port is found in use
        with contextlib.ExitStack() as opened:
            smtp_socket = opened.enter_context(listen(self.host, self.smtp_port, "--smtp-port"))
            web_socket = opened.enter_context(listen(self.host, self.web_port, "--web-port"))
            smtp_port, web_port = smtp_socket.getsockname()[1], web_socket.getsockname()[1]
            relay = Relay(host=reachable_host(self.host), port=smtp_port, tls="none")
            app = inbox_app(self._store, smtp_url=str(relay), host=self.host, clock=self._clock)
            self._server.start(partial(self._serve, smtp_socket, web_socket, app))
            opened.pop_all()  # the servers own the sockets now
        self.smtp_port, self.web_port = smtp_port, web_port

    def stop(self) -> None:
        """Close both servers and every connection. A second call does nothing."""
        self._server.stop()

    def __enter__(self) -> Catcher:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def messages(self) -> tuple[Caught, ...]:
        """All kept mail, in order of arrival."""
        return self._store.messages()

    def wait_for(self, count: int, timeout_s: float) -> tuple[Caught, ...]:
        """Block until `count` messages have arrived in total, then return `messages()`. Raises TimeoutError.

        Mail that was dropped or cleared since counts as arrived.
        """
        if not self._store.wait_for(count, timeout_s):
            raise TimeoutError(f"{self._store.arrived} of {count} messages arrived within {timeout_s:g} s")
        return self._store.messages()

    async def _serve(
        self,
        smtp_socket: socket.socket,
        web_socket: socket.socket,
        app: ASGIApp,
        stopping: asyncio.Event,
        on_ready: Callable[[], None],
    ) -> None:
        from aiosmtpd.smtp import SMTP, AuthResult

        # aiosmtpd warns with each login of a name that it uses itself.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        handler = _Handler(self._store, self._clock)
        connections: weakref.WeakSet[SMTP] = weakref.WeakSet()

        def accept() -> SMTP:
            connection = SMTP(
                handler,
                data_size_limit=MAX_MESSAGE_BYTES,
                enable_SMTPUTF8=True,
                hostname="localhost",  # the default resolves our host name for every connection
                ident=IDENT,
                auth_require_tls=False,
                authenticator=lambda *_: AuthResult(success=True),
                loop=loop,
            )
            connections.add(connection)
            return connection

        smtp = await loop.create_server(accept, sock=smtp_socket)
        self._store.updates.set_open(True)
        web = asyncio.create_task(
            serve_http(
                app,
                web_socket,
                stopping=stopping,
                on_ready=on_ready,
                grace_s=GRACE_S,
                log_level="error",
            )
        )
        try:
            await first_to_end(stopping, web)
        finally:
            stopping.set()
            smtp.close()
            for connection in list(connections):
                if isinstance(connection.transport, asyncio.Transport):
                    connection.transport.abort()
            self._store.updates.set_open(False)
            await web
