"""SSRF guard: an HTTP transport that connects only to public addresses, pinned after the check.

A post may come from an untrusted author, and it names URLs that this machine fetches. So each host name is resolved
here, every one of its addresses is checked, and the connection goes to the checked address. There is no second DNS
lookup, whose answer could differ (DNS rebinding). Each redirect passes the same check.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

    import httpx

    _Transport = httpx.AsyncBaseTransport
else:
    # httpx, asyncio and ssl are imported only where a connection is made: loading them takes a third of a cold render.
    _Transport = object

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

NO_ADDRESS = "it is not, or leads to what is not, a web address (http or https)"


class BlockedAddressError(ValueError):
    """The address is blocked, and why, as a phrase. `private`: it belongs to a private network, and may work there."""

    def __init__(self, what: str, *, private: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.private = private


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052 2.1


def is_public(address: Address) -> bool:
    """Whether an address is globally routable: not loopback, private, multicast or reserved.

    An IPv6 address that embeds an IPv4 address (mapped, 6to4, NAT64) is judged by that address.
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
    """Resolve a host to its addresses, in the system's order of preference."""
    import asyncio
    import socket

    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class PinnedTransport(_Transport):
    """An httpx transport that resolves and checks a host, connects to the checked address, and keeps Host and SNI."""

    def __init__(self, resolve: Resolve, allow: Callable[[Address], bool], context: ssl.SSLContext) -> None:
        import httpx

        self.resolve = resolve
        self.allow = allow
        # Security: connections are not reused, or one host's connection could serve another name at the same address
        # whose certificate was not checked.
        self.inner = httpx.AsyncHTTPTransport(
            verify=context, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        import httpx

        host = request.url.raw_host.decode("ascii")
        if request.url.scheme not in {"http", "https"} or not host or "%" in host:
            raise BlockedAddressError(NO_ADDRESS)
        addresses = await self._checked(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        named = {} if _literal(host) else {"sni_hostname": host}
        failure: httpx.TransportError | None = None
        for address in addresses:
            # The Host header was set from the original URL; SNI and the certificate check follow `sni_hostname`.
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
            raise BlockedAddressError(f"the host {host} is not known") from error
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(text.partition("%")[0]) for text in found))
        for address in addresses:
            # Security: one private address among public ones blocks the host too; we do not choose which one answers.
            if not self.allow(address):
                raise BlockedAddressError(f"it is on a private address ({host} is {address})", private=True)
        return addresses

    async def aclose(self) -> None:
        await self.inner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.aclose()


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def system_trust() -> ssl.SSLContext:
    """An SSL context that trusts the usual roots and the system's, so that a company's own CA works."""
    import httpx

    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
