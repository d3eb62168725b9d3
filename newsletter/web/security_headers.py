"""Security headers of every answer: content policy, framing, referrer, caching."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders

PUBLIC_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For a public page: no script at all."""

LOCAL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""For a page of this machine: its own scripts and styles, its own frames, nothing from elsewhere."""

_ALWAYS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    # Security: a public page's token is in its address, and would go along with every click.
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


def add_security_headers(headers: MutableHeaders, policy: str) -> None:
    """`policy` is the Content-Security-Policy of a page without one of its own. What an answer has already stays."""
    headers.setdefault("content-security-policy", policy)
    for name, value in _ALWAYS.items():
        headers.setdefault(name, value)
    # The older header, which knows no list of sites, only where nobody may frame the page.
    _, named, ancestors = headers["content-security-policy"].partition("frame-ancestors")
    if named and ancestors.split(";")[0].strip() == "'none'":
        headers["x-frame-options"] = "DENY"


def security_headers(policy: str) -> Mapping[str, str]:
    """All of them, for an answer that is made once."""
    headers = MutableHeaders()
    add_security_headers(headers, policy)
    return dict(headers)
