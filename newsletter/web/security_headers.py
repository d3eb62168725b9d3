"""Security headers of every response: content policy, framing, referrer, caching."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders

PUBLIC_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For public pages: no scripts at all."""

LOCAL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For local pages: only their own scripts, styles and frames."""

_ALWAYS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    # Security: a public page's URL contains a token, which a Referer header would leak with every click.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


def add_security_headers(headers: MutableHeaders, policy: str) -> None:
    """Add the headers; those that a response already has stay. `policy` is the default Content-Security-Policy."""
    headers.setdefault("content-security-policy", policy)
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    # X-Frame-Options has no list of sites: set it only if the page must not be framed at all.
    _, named, ancestors = headers["content-security-policy"].partition("frame-ancestors")
    if named and ancestors.split(";")[0].strip() == "'none'":
        headers["x-frame-options"] = "DENY"


def security_headers(policy: str) -> Mapping[str, str]:
    """All headers for a fixed response."""
    headers = MutableHeaders()
    add_security_headers(headers, policy)
    return dict(headers)
