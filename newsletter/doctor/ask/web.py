"""Request a web address once, through the SSRF guard, without following redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import httpx

from newsletter.doctor.judge.one_click import WebAnswer
from newsletter.safe_http import Address, BlockedAddressError, PinnedTransport, Resolve

_PAGE_BYTES = 64 * 1024
_AGENT = "newsletter-doctor"
ONE_CLICK_BODY = b"List-Unsubscribe=One-Click"
"""RFC 8058 3.2."""


async def ask_web(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    timeout_s: float,
    resolve: Resolve,
    allow: Callable[[Address], bool],
    trust: ssl.SSLContext,
) -> WebAnswer:
    """The response's head and the beginning of its body, within the time limit."""
    headers = {"User-Agent": _AGENT, "Accept": "text/html, */*"}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        async with asyncio.timeout(timeout_s), PinnedTransport(resolve, allow, trust) as transport:
            # Security: send a bare request to the transport. A client would add cookies, and credentials from the URL.
            timeouts = {"timeout": httpx.Timeout(timeout_s).as_dict()}
            request = httpx.Request(method, url, headers=headers, content=body, extensions=timeouts)
            response = await transport.handle_async_request(request)
            page = b""
            try:
                async for piece in response.aiter_bytes():
                    page += piece
                    if len(page) >= _PAGE_BYTES:
                        break
            finally:
                await response.aclose()
    except BlockedAddressError as error:
        return WebAnswer(failure=error.what, private=error.private)
    except (TimeoutError, httpx.TimeoutException):
        return WebAnswer(failure=f"no answer within {timeout_s:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return WebAnswer(failure=_why(error))
    return WebAnswer(
        response.status_code,
        response.headers.get("Location", ""),
        page[:_PAGE_BYTES].decode("utf-8", "replace"),
        response.headers.get("Date", ""),
    )


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        if isinstance(cause, ssl.SSLError):
            return "it makes no secure connection"
        cause = cause.__cause__ or cause.__context__
    return "nobody answers there" if isinstance(error, httpx.ConnectError) else "its answer is not HTTP"
