"""ASGI middleware for the public pages: body limits and time-outs, security headers, access log, one-click fast path.

One-click unsubscribes (RFC 8058) are answered here at once: mail providers send them by the thousand after an issue.
The log has no tokens, addresses or queries: of a known path only the first part is logged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.errors import NewsletterError
from newsletter.text import printable
from newsletter.web.security_headers import PUBLIC_POLICY, add_security_headers, security_headers

MAX_FORM_BYTES = 16 * 1024
"""The limit of a form: fifty values of 300 characters. A one-click POST has 26 bytes, as multipart some 200."""

MAX_HOOK_BYTES = 1024 * 1024
"""The limit of a provider's webhook; SES's notifications have at most 256 KB."""

BODY_WITHIN_S = 10.0

MAX_BODIES_BYTES = 32 * 1024 * 1024
"""The limit of all request bodies in memory. A one-click POST is always accepted: see SMALL_BYTES."""

SMALL_BYTES = 1024

ONE_CLICK = "/u/"
_KNOWN = frozenset(
    {"", "u", "p", "c", "r", "l", "f", "join", "look", "health", "hooks", "archive"}
    | {"style.css", "icon.svg", "favicon.ico"}
)

log = logging.getLogger("newsletter.web")


_TAKEN = b"Your request was taken.\n"
_TAKEN_HEADERS = [
    (name.encode(), value.encode())
    for name, value in {
        **security_headers(PUBLIC_POLICY),
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(_TAKEN)),
    }.items()
]
"""The response to one-click, built once: adding headers to each took as long as everything else."""


class _TooLargeError(Exception):
    pass


class _BusyError(Exception):
    pass


class _Bodies:
    """The total size of the bodies in memory. Raises _BusyError beyond the limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Yields a function to report the size of one body as it grows."""
        mine = 0

        def grow(size: int) -> None:
            nonlocal mine
            if size > SMALL_BYTES and self._held + size - mine > self._most:
                raise _BusyError
            self._held += size - mine
            mine = size

        try:
            yield grow
        finally:
            self._held -= mine


class GatewayMiddleware:
    """`one_click` takes the token, and returns once its effect is on disk."""

    def __init__(
        self, app: ASGIApp, one_click: Callable[[str], Awaitable[None]], *, body_within_s: float = BODY_WITHIN_S
    ) -> None:
        self._app = app
        self._one_click = one_click
        self._body_within_s = body_within_s
        self._bodies = _Bodies(MAX_BODIES_BYTES)
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        started = perf_counter()
        status = 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if message["headers"] is _TAKEN_HEADERS:
                    await send(message)
                    return
                add_security_headers(MutableHeaders(scope=message), PUBLIC_POLICY)
            await send(message)

        try:
            await self._answer(scope, receive, guarded)
        except asyncio.CancelledError:
            # Only the server cancels, when the shutdown's grace period is over; raised further it would be logged.
            if not status:
                await _refusal(503, "Please try again in a minute.")(scope, receive, guarded)
        finally:
            status = status or 500
            if log.isEnabledFor(logging.INFO):
                took_ms = (perf_counter() - started) * 1000
                log.info("%s %s %d %.1f ms", printable(scope["method"][:10]), _logged(scope["path"]), status, took_ms)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._bodies.holding() as grow:
            await self._answer_body(scope, receive, send, grow)

    async def _answer_body(self, scope: Scope, receive: Receive, send: Send, grow: Callable[[int], None]) -> None:
        path: str = scope["path"]
        most = MAX_HOOK_BYTES if path.startswith("/hooks/") else MAX_FORM_BYTES
        try:
            async with asyncio.timeout(self._body_within_s):
                body = await _read_body(scope, receive, most, grow)
        except _TooLargeError:
            await _refusal(413, "This is more than we take.")(scope, receive, send)
            return
        except _BusyError:
            await _refusal(503, "Please try again in a minute.")(scope, receive, send)
            return
        except TimeoutError:
            await _refusal(408, "This took too long.")(scope, receive, send)
            return
        if body is None:
            return  # the client has disconnected
        if scope["method"] == "POST" and path.startswith(ONE_CLICK) and not scope["query_string"]:
            try:
                await self._one_click(path.removeprefix(ONE_CLICK))
            except NewsletterError as error:  # not on disk, so no 200: mail providers retry
                log.error("%s", printable(str(error)))  # noqa: TRY400 - the sentence is enough
                await _refusal(503, "Please try again in a minute.")(scope, receive, send)
                return
            # Security: the same response for a subscriber, an unknown address and a forged token.
            await send({"type": "http.response.start", "status": 200, "headers": _TAKEN_HEADERS})
            await send({"type": "http.response.body", "body": _TAKEN})
            return
        # Security: begin one page per iteration of the event loop, not hundreds, so that one-click requests overtake
        # them.
        async with self._turn:
            await asyncio.sleep(0)
        await self._app(scope, _replay(body), send)


def _refusal(status: int, words: str) -> Response:
    # The rest of the request is not read.
    return PlainTextResponse(f"{words}\n", status, headers={"connection": "close"})


async def _read_body(scope: Scope, receive: Receive, most: int, grow: Callable[[int], None]) -> bytes | None:
    """The whole body; None if the connection broke.

    Raises _TooLargeError before more than `most` bytes are kept, and what `grow` raises, which is called with the size
    so far.
    """
    names = [(name, value) for name, value in scope["headers"] if name in (b"content-length", b"transfer-encoding")]
    if not names:
        return b""
    # Security: refused by its Content-Length, before it is read.
    if any(name == b"content-length" and (not value.isdigit() or int(value[:20]) > most) for name, value in names):
        raise _TooLargeError
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > most:
            raise _TooLargeError
        grow(len(body))
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive


def _logged(path: str) -> str:
    """Security: the path after its first part may be a token, and any part is untrusted."""
    first, slash, _ = path.removeprefix("/").partition("/")
    return f"/{first}{'/…' if slash else ''}" if first in _KNOWN else "/…"
