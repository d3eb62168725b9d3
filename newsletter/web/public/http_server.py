"""The HTTP server of the public pages: bounded connections, ordered start and stop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from newsletter.web.http_server import HEAD_WITHIN_S, ConnectionLimits, serve_http

GRACE_S = 5


def trusting(app: ASGIApp, proxies: Sequence[str]) -> ASGIApp:
    """Trust X-Forwarded-For and X-Forwarded-Proto only from these proxies."""
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
    """Serve until `stopping` is set, then end the requests under way."""
    limits = ConnectionLimits(head_within_s=head_within_s, connections=most)
    await serve_http(app, listening, stopping=stopping, on_ready=on_ready, limits=limits, grace_s=GRACE_S)
