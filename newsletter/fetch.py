"""Pictures from the web: bounded in bytes and time, from public addresses only.

A post may come from anyone, and names addresses that this machine then calls. So each name is resolved here, each of
its addresses is checked, and the connection goes to the very address that was checked: the name is not looked up a
second time, when it could lead elsewhere. Each redirect passes through the same gate.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from newsletter.picture import PictureError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_HEADERS = {
    "User-Agent": "newsletter (fetches the pictures of a post once, for an email)",
    # The formats that need no conversion first, for servers that choose by this header.
    "Accept": "image/png, image/jpeg, image/gif, image/*;q=0.8, */*;q=0.1",
    # Security: what is not compressed cannot unpack to more than was counted.
    "Accept-Encoding": "identity",
}
_KEEP_IT = "save the picture beside the post and name it there"
_NO_ADDRESS = "it is not, or leads to what is not, a web address (http or https)"
_CHECK_IT = "check the address, or take the picture out"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may cost. Gmail's own image proxy gives up at similar sizes."""

    max_bytes: int = 10 * 1024 * 1024
    timeout_s: float = 20.0
    redirects: int = 5
    at_once: int = 8
    at_once_per_host: int = 2


# --- the gate -------------------------------------------------------------------------------------------------------

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 2.1


def is_public(address: Address) -> bool:
    """Whether an address is anyone's on the internet: not this machine, its network, a multicast group, or reserved.

    An IPv6 address that carries an IPv4 one (mapped, 6to4, NAT64) is as public as that one is.
    """
    if isinstance(address, ipaddress.IPv6Address):
        carried = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if carried is not None:
            return is_public(carried)
        if address.is_site_local or address.teredo is not None:
            return False
    return address.is_global and not (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_reserved
        or address.is_unspecified
    )


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, in the order in which the system would try them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class _PinnedTransport(httpx.AsyncBaseTransport):
    """Connects to an address that was checked, and speaks to it under the name that was asked for."""

    def __init__(self, resolve: Resolve, allow: Callable[[Address], bool], context: ssl.SSLContext) -> None:
        self.resolve = resolve
        self.allow = allow
        # Security: a connection is never used again, or one host's could serve another name at the same address
        # whose certificate nobody checked.
        self.inner = httpx.AsyncHTTPTransport(
            verify=context, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.raw_host.decode("ascii")
        if request.url.scheme not in {"http", "https"} or not host or "%" in host:
            raise PictureError(_NO_ADDRESS, _CHECK_IT)
        addresses = await self._checked(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        named = {} if _literal(host) else {"sni_hostname": host}
        failure: httpx.TransportError | None = None
        for address in addresses:
            # The header Host was set from the original URL; SNI and the certificate's check follow `sni_hostname`.
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=str(address)),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, **named},
            )
            try:
                return await self.inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure or httpx.ConnectError("no address")

    async def _checked(self, host: str, port: int) -> tuple[Address, ...]:
        literal = _literal(host)
        try:
            found = [str(literal)] if literal else await self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise PictureError(f"the host {host} is not known", _CHECK_IT) from error
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(text.partition("%")[0]) for text in found))
        for address in addresses:
            # Security: one private address among public ones is refused too; which one answers is not ours to choose.
            if not self.allow(address):
                raise PictureError(f"it is on a private address ({host} is {address})", _KEEP_IT)
        return addresses

    async def aclose(self) -> None:
        await self.inner.aclose()


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


# --- fetching -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetcher:
    """How pictures are fetched. `allow` and `resolve` are arguments so that a test can use a server of its own.

    What failed once is not asked for again by the same fetcher: the variants of one issue share it, and its waiting.
    """

    limits: Limits = Limits()
    allow: Callable[[Address], bool] = is_public
    resolve: Resolve = resolve_name
    failed: dict[str, PictureError] = field(default_factory=dict, compare=False)

    def fetch(
        self, urls: Sequence[str], on_progress: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[str, bytes | PictureError]:
        """Each URL's bytes, or why there are none, in the order given. Not for use inside a running event loop."""
        wanted = tuple(url for url in dict.fromkeys(urls) if url not in self.failed)
        fetched = asyncio.run(self._fetch_all(wanted, on_progress)) if wanted else {}
        self.failed.update({url: result for url, result in fetched.items() if isinstance(result, PictureError)})
        return {url: self.failed.get(url) or fetched[url] for url in dict.fromkeys(urls)}

    async def _fetch_all(
        self, urls: Sequence[str], on_progress: Callable[[int, int], None]
    ) -> dict[str, bytes | PictureError]:
        # The usual roots and this machine's own, so that a company's certificates count.
        context = httpx.create_ssl_context(trust_env=False)
        context.load_default_certs()
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
        limits = self.limits
        slow = PictureError(f"the server takes longer than {limits.timeout_s:g} s", f"try again, or {_KEEP_IT}")
        try:
            async with (
                asyncio.timeout(limits.timeout_s),
                httpx.AsyncClient(
                    transport=_PinnedTransport(self.resolve, self.allow, context),
                    headers=_HEADERS,
                    timeout=limits.timeout_s,
                    follow_redirects=True,
                    max_redirects=limits.redirects,
                    trust_env=False,  # no proxy from the environment: it would do the connecting, unchecked
                ) as client,
                client.stream("GET", url) as response,
            ):
                return await self._read(response)
        except PictureError as error:
            return error
        except (TimeoutError, httpx.TimeoutException):
            return slow
        except httpx.TooManyRedirects:
            return PictureError(f"it redirects more than {limits.redirects} times, or in a circle", _CHECK_IT)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError):
            return PictureError(_NO_ADDRESS, _CHECK_IT)
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

    async def _read(self, response: httpx.Response) -> bytes:
        if response.status_code != httpx.codes.OK:
            raise _refusal(response)
        large = PictureError(f"it is larger than {self.limits.max_bytes / 1024 / 1024:g} MB", "use a smaller one")
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced[:20]) > self.limits.max_bytes:
            raise large
        content = bytearray()
        # Raw: an encoding that was not asked for is unpacked later, with a bound.
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > self.limits.max_bytes:
                raise large
        return bytes(content)


def _refusal(response: httpx.Response) -> PictureError:
    code = response.status_code
    words = f"the server answers {code} {httpx.codes.get_reason_phrase(code)}".rstrip()
    if code in {401, 403, 407, 451}:
        return PictureError(words, f"it may not be shown elsewhere; {_KEEP_IT}")
    if code in {408, 429} or code >= 500:
        return PictureError(words, f"try again later, or {_KEEP_IT}")
    return PictureError(words, _CHECK_IT)


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""
