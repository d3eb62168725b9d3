"""ASGI middleware: the home answers whoever has this start's key, which the terminal shows, and no other user.

Loopback is every user's of a machine, and this page mails a list. The address that the command prints has the key; the
first page takes it into a cookie, so that it stands in no address after that.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_REFUSAL = "This page is of the user who started it: open the address that the command printed, with its key.\n"


class KeyMiddleware:
    """Requires the key in the cookie `name`; `/?key=KEY` sets it."""

    def __init__(self, app: ASGIApp, key: str, name: str) -> None:
        self._app, self._key, self._name = app, key, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if scope["type"] == "http" and not self._is_known(Headers(scope=scope).get("cookie", "")):
            app = self._welcome(scope)
        await app(scope, receive, send)

    def _is_known(self, cookies: str) -> bool:
        try:
            found = SimpleCookie(cookies).get(self._name)
        except CookieError:
            return False
        return found is not None and self._is_key(found.value)

    def _welcome(self, scope: Scope) -> Response:
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        if not (scope["path"] == "/" and scope["method"] == "GET" and self._is_key(asked)):
            return PlainTextResponse(_REFUSAL, 403)
        response = RedirectResponse("/", 303)
        # Security: cookies know no port. Strict, so that a link of another site comes without it.
        response.set_cookie(self._name, self._key, httponly=True, samesite="strict")
        return response

    def _is_key(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), self._key.encode())
