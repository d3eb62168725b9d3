"""CSRF check of the public pages: whether another site's page submitted a form."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request


def allowed_site(request: Request, sites: Sequence[str]) -> str:
    """The origin of the request, if it is one of the allowed `sites`; else empty."""
    origin = request.headers.get("origin", "")
    return origin if origin in sites else ""


def is_foreign(request: Request, own_url: str) -> bool:
    """Whether another site's page made a browser send this. Programs send no origin.

    Our own pages send no referrer, so browsers send the origin "null"; newer ones also send Sec-Fetch-Site.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return False
    own = urlsplit(own_url)
    return origin not in (f"{own.scheme}://{own.netloc}", f"{request.url.scheme}://{request.headers.get('host', '')}")
