"""ASGI middleware for local pages: rejects foreign Host headers (DNS rebinding), sets security headers.

A page on loopback is reachable by any web site that the user's browser has open. So it answers only to this machine's
names, and every response carries a Content-Security-Policy.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from newsletter.web.security_headers import LOCAL_POLICY, add_security_headers

_NAME_AND_PORT = re.compile(r"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>[0-9a-z._-]+))(?::[0-9]{1,5})?")
"""RFC 9110, 7.2: a host with an optional port; no user, no path."""


class LocalOnlyMiddleware:
    """Rejects requests that are not addressed to this machine, and sets the security headers of every response."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host.lower()
        self._is_public = host in ("", "0.0.0.0", "::")  # noqa: S104

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded_send(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                add_security_headers(MutableHeaders(scope=message), LOCAL_POLICY)
            await send(message)

        app = self._app
        # DNS rebinding: a site whose name resolves to this machine could otherwise read the mail as its own content.
        if scope["type"] == "http" and not self._knows(Headers(scope=scope).get("host", "")):
            app = PlainTextResponse("This page answers to localhost only.\n", 421)
        await app(scope, receive, guarded_send)

    def _knows(self, host: str) -> bool:
        # Security: match the whole value, or `evil@localhost` and `127.0.0.1/../x` would pass for the name inside.
        found = _NAME_AND_PORT.fullmatch(host.lower())
        if found is None:
            return False
        name = found["v6"] or found["name"]
        if name in ("localhost", self._host):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        # An IP address cannot be rebound; one beyond loopback is ours if we listen on all of them.
        return address.is_loopback or self._is_public


def asked_by_own_page(headers: Headers) -> bool:
    """CSRF check: whether a changing request comes from our own page, or from a program.

    A foreign page's script can make a browser send one. Browsers then send its origin; programs send none.
    """
    own = f"http://{headers.get('host', '')}"
    return headers.get("origin", own) == own and headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
