"""CSRF check of the public pages: whether another site's page sent a form."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request


def allowed_site(request: Request, sites: Sequence[str]) -> str:
    """The site whose own form made a browser send this, where it is one of `sites`; empty otherwise."""
    origin = request.headers.get("origin", "")
    return origin if origin in sites else ""


def is_foreign(request: Request, own_url: str) -> bool:
    """Whether another site's page made a browser send this. Programs say nothing of where they come from.

    Our own pages name no referrer, so that browsers give their origin as "null"; newer ones say the rest.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return False
    own = urlsplit(own_url)
    return origin not in (f"{own.scheme}://{own.netloc}", f"{request.url.scheme}://{request.headers.get('host', '')}")
