"""Security headers are the same for the public pages and for those of this machine, but for the content policy."""

from __future__ import annotations

import pytest
from starlette.datastructures import MutableHeaders

from newsletter.web.security_headers import (
    LOCAL_POLICY,
    PUBLIC_POLICY,
    add_security_headers,
    security_headers,
)


@pytest.mark.parametrize("policy", [LOCAL_POLICY, PUBLIC_POLICY])
def test_a_page_is_never_sniffed_framed_kept_or_referred_to(policy: str) -> None:
    headers = security_headers(policy)
    assert headers["content-security-policy"] == policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert set(security_headers(LOCAL_POLICY)) == set(security_headers(PUBLIC_POLICY))


@pytest.mark.parametrize(
    ("policy", "frame_options"),
    [
        ("default-src 'none'; frame-ancestors 'none'", "DENY"),
        ("frame-ancestors 'none'; default-src 'self'", "DENY"),
        ("default-src 'none'; frame-ancestors 'self'", None),
        ("frame-ancestors https://a.example; default-src 'none'", None),
        ("default-src 'none'", None),
    ],
)
def test_the_older_header_says_what_the_policy_says(policy: str, frame_options: str | None) -> None:
    headers = MutableHeaders({"content-security-policy": policy, "cache-control": "private"})
    add_security_headers(headers, PUBLIC_POLICY)
    assert headers["content-security-policy"] == policy
    assert headers["cache-control"] == "private"
    assert headers.get("x-frame-options") == frame_options
