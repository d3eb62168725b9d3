"""ASGI middleware for the public pages: body limits and time-outs, security headers, access log, one-click fast path.

One-click unsubscribes (RFC 8058) are answered here at once: mail providers send them by the thousand after an issue.
The log has no tokens, no addresses and no queries: where a path begins like one of ours, the rest of it is left out.
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
"""Of a form: fifty answers of 300 characters. A one-click POST has 26 bytes, as multipart some 200."""

MAX_HOOK_BYTES = 1024 * 1024
"""Of a mail provider's report; SES' notifications have at most 256 KB."""

BODY_WITHIN_S = 10.0

MAX_BODIES_BYTES = 32 * 1024 * 1024
"""Of all the requests that are under way together. A one-click POST is always taken: see SMALL_BYTES."""

SMALL_BYTES = 1024

ONE_CLICK = "/u/"
_KNOWN = frozenset({"", "u", "p", "c", "r", "l", "join", "health", "hooks", "style.css", "icon.svg", "favicon.ico"})

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
"""The answer to one-click, made once: adding headers to each cost as much as all the rest of it."""


class _TooLargeError(Exception):
    pass


class _BusyError(Exception):
    pass


class _Bodies:
    """The bytes of all bodies that are held. Raises _BusyError where one would be too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """A function that is told the size of one body as it grows."""
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
    """`one_click` takes the token, and returns once whatever it means is on disk."""

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
            # Only the server cancels, when it ends and waited for long enough; raised further it would be logged.
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
            return  # they have hung up
        if scope["method"] == "POST" and path.startswith(ONE_CLICK) and not scope["query_string"]:
            try:
                await self._one_click(path.removeprefix(ONE_CLICK))
            except NewsletterError as error:  # not on disk, so no 200: mail providers ask again
                log.error("%s", printable(str(error)))  # noqa: TRY400 - the sentence says it all
                await _refusal(503, "Please try again in a minute.")(scope, receive, send)
                return
            # Security: the same answer for a subscriber, a stranger and a forged token.
            await send({"type": "http.response.start", "status": 200, "headers": _TAKEN_HEADERS})
            await send({"type": "http.response.body", "body": _TAKEN})
            return
        # Security: a page is begun in each round of the event loop, not hundreds: one-click overtakes them.
        async with self._turn:
            await asyncio.sleep(0)
        await self._app(scope, _replay(body), send)


def _refusal(status: int, words: str) -> Response:
    # What is still to come of the request is not waited for.
    return PlainTextResponse(f"{words}\n", status, headers={"connection": "close"})


async def _read_body(scope: Scope, receive: Receive, most: int, grow: Callable[[int], None]) -> bytes | None:
    """All of it; None where the connection broke. Raises _TooLargeError before more than `most` bytes are kept, and
    what `grow` raises, which is told how many are."""
    names = [(name, value) for name, value in scope["headers"] if name in (b"content-length", b"transfer-encoding")]
    if not names:
        return b""
    # Security: refused by what it says, before anything of it is read.
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
    """Security: what follows the first part of a path may be a token, and any part may be anything."""
    first, slash, _ = path.removeprefix("/").partition("/")
    return f"/{first}{'/…' if slash else ''}" if first in _KNOWN else "/…"
