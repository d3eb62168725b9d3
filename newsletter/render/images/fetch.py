"""Fetch pictures from the web: bounded in bytes and time, public addresses only.

Every connection passes the SSRF guard `safe_http`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import field
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from newsletter.frozen import frozen
from newsletter.render.images.picture import PictureError
from newsletter.safe_http import (
    NO_ADDRESS,
    Address,
    BlockedAddressError,
    PinnedTransport,
    Resolve,
    is_public,
    resolve_name,
    system_trust,
)

if TYPE_CHECKING:
    import asyncio
    import ssl

    import httpx

_HEADERS = {
    "User-Agent": "newsletter (fetches the pictures of a post once, for an email)",
    # Formats that need no conversion first, for servers that negotiate by this header.
    "Accept": "image/png, image/jpeg, image/gif, image/*;q=0.8, */*;q=0.1",
    # Security: request no compression, so that the counted bytes are all there is.
    "Accept-Encoding": "identity",
}
_KEEP_IT = "save the picture beside the post and name it there"
_CHECK_IT = "check the address, or take the picture out"


@frozen
class Limits:
    """Limits of one picture. Gmail's own image proxy has similar ones."""

    max_bytes: int = 10 * 1024 * 1024
    timeout_s: float = 20.0
    redirects: int = 5
    at_once: int = 8
    at_once_per_host: int = 2


@frozen
class Fetcher:
    """The fetcher's settings. `allow` and `resolve` are injected, so that tests can use a local server.

    A failed URL is not requested again by the same fetcher: the variants of one issue share it.
    """

    limits: Limits = Limits()
    allow: Callable[[Address], bool] = is_public
    resolve: Resolve = resolve_name
    failed: dict[str, PictureError] = field(default_factory=dict, compare=False)

    def fetch(
        self, urls: Sequence[str], on_progress: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[str, bytes | PictureError]:
        """Each URL's bytes, or why there are none, in the given order. Not for use inside a running event loop."""
        import asyncio  # here, and below: most renderings fetch nothing, and what only a fetch needs takes them longer

        wanted = tuple(url for url in dict.fromkeys(urls) if url not in self.failed)
        fetched = asyncio.run(self._fetch_all(wanted, on_progress)) if wanted else {}
        self.failed.update({url: result for url, result in fetched.items() if isinstance(result, PictureError)})
        return {url: self.failed.get(url) or fetched[url] for url in dict.fromkeys(urls)}

    async def _fetch_all(
        self, urls: Sequence[str], on_progress: Callable[[int, int], None]
    ) -> dict[str, bytes | PictureError]:
        import asyncio

        context = system_trust()
        all_slots = asyncio.Semaphore(self.limits.at_once)
        host_slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(self.limits.at_once_per_host))
        done = 0

        async def one(url: str) -> bytes | PictureError:
            nonlocal done
            async with host_slots[_host(url)], all_slots:
                result = await self._fetch(url, context)
            done += 1
            on_progress(done, len(urls))
            return result

        return dict(zip(urls, await asyncio.gather(*(one(url) for url in urls)), strict=True))

    async def _fetch(self, url: str, context: ssl.SSLContext) -> bytes | PictureError:
        import asyncio

        import httpx

        limits = self.limits
        slow = PictureError(f"the server takes longer than {limits.timeout_s:g} s", f"try again, or {_KEEP_IT}")
        try:
            async with (
                asyncio.timeout(limits.timeout_s),
                httpx.AsyncClient(
                    transport=PinnedTransport(self.resolve, self.allow, context),
                    headers=_HEADERS,
                    timeout=limits.timeout_s,
                    trust_env=False,  # no proxy from the environment: it would connect without our check
                ) as client,
            ):
                return await self._follow(client, client.build_request("GET", url))
        except PictureError as error:
            return error
        except BlockedAddressError as error:
            return PictureError(error.what, _KEEP_IT if error.private else _CHECK_IT)
        except (TimeoutError, httpx.TimeoutException):
            return slow
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError):
            return PictureError(NO_ADDRESS, _CHECK_IT)
        except httpx.RemoteProtocolError as error:
            if "complete message body" in str(error) or "incomplete chunked read" in str(error):
                return PictureError("the server sent only a part of it: truncated", f"try again, or {_KEEP_IT}")
            return PictureError("the server does not answer as HTTP asks", f"try again, or {_KEEP_IT}")
        except (httpx.ReadError, httpx.WriteError):
            return PictureError("the server broke the connection", f"try again, or {_KEEP_IT}")
        except httpx.ConnectError as error:
            reason = "its certificate is not trusted" if "CERTIFICATE" in str(error) else "no connection"
            return PictureError(f"the server cannot be reached: {reason}", f"{_CHECK_IT}, or try again")
        except httpx.HTTPError as error:
            return PictureError(f"it cannot be fetched: {type(error).__name__}", _CHECK_IT)

    async def _follow(self, client: httpx.AsyncClient, request: httpx.Request) -> bytes:
        for _ in range(self.limits.redirects + 1):
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                # Security: a redirect's own body is not read, as httpx would: whole, and decompressed.
                if response.next_request is None:
                    return await self._read(response)
                request = response.next_request
            finally:
                await response.aclose()
        raise PictureError(f"it redirects more than {self.limits.redirects} times, or in a circle", _CHECK_IT)

    async def _read(self, response: httpx.Response) -> bytes:
        if response.status_code != 200:
            raise _refusal(response)
        large = PictureError(f"it is larger than {self.limits.max_bytes / 1024 / 1024:g} MB", "use a smaller one")
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced[:20]) > self.limits.max_bytes:
            raise large
        content = bytearray()
        # Raw: an unrequested encoding is decompressed later, with a limit.
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > self.limits.max_bytes:
                raise large
        return bytes(content)


def _refusal(response: httpx.Response) -> PictureError:
    code = response.status_code
    words = f"the server answers {code} {_phrase(code)}".rstrip()
    if code in {401, 403, 407, 451}:
        return PictureError(words, f"it may not be shown elsewhere; {_KEEP_IT}")
    if code in {408, 429} or code >= 500:
        return PictureError(words, f"try again later, or {_KEEP_IT}")
    return PictureError(words, _CHECK_IT)


def _phrase(code: int) -> str:
    return HTTPStatus(code).phrase if code in {status.value for status in HTTPStatus} else ""


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
