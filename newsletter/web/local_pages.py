"""The kit of the two local pages: an app behind the Host check, templates, assets, live events, plain errors."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from newsletter.text import valid_unicode
from newsletter.web.live_updates import LiveUpdates
from newsletter.web.local_only import LocalOnlyMiddleware
from newsletter.web.page_templates import page_environment, page_folder

T = TypeVar("T")
Handler = Callable[[Request, Exception], Response]

SHARED_ASSETS = {"base.css": "text/css"}
"""By name, what lies in `templates/local` for the pages that name it among their own."""


def local_app(
    routes: Sequence[BaseRoute],
    host: str,
    handlers: Mapping[Any, Handler],
    guard: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> ASGIApp:
    """An ASGI application that answers only to this machine's names; `host` is the bound host.

    `guard` is one more middleware, behind that check.
    """
    app = Starlette(routes=routes, exception_handlers=handlers)
    app.router.redirect_slashes = False  # Security: the Host header could redirect elsewhere
    return LocalOnlyMiddleware(guard(app), host)


class LocalPages:
    """Templates and assets of one page's folder in `templates/`. `assets` maps names to media types."""

    def __init__(self, folder: str, assets: Mapping[str, str], **filters: Callable[..., Any]) -> None:
        self._folder = page_folder(folder)
        self._assets = assets
        self._jinja = page_environment(self._folder)
        self._jinja.filters.update(filters)

    def render(self, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
        page = self._jinja.get_template(template).render(context)
        return Response(valid_unicode(page), status, media_type="text/html")  # a file's name may be no UTF-8

    def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._assets:
            raise HTTPException(404, "There is no such page.")
        folder = page_folder("local") if name in SHARED_ASSETS else self._folder
        return Response((folder / name).read_bytes(), media_type=self._assets[name])


def json_response(content: object) -> Response:
    """JSON in ASCII: a file's name may have bytes that no other answer can encode."""
    return Response(json.dumps(content), media_type="application/json")


def event_stream(updates: LiveUpdates[T], encode: Callable[[T], str | Awaitable[str]]) -> Response:
    """Server-Sent Events: `encode` of the newest value, at once and after every change."""
    return StreamingResponse(updates.events(encode), media_type="text/event-stream")


def plain_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - how Starlette types a handler
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=error.headers)
