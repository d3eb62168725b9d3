"""Follow one link through its redirects, and classify the server's response."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from newsletter.check.links.answers import LinkAnswer, State
from newsletter.frozen import frozen
from newsletter.safe_http import NO_ADDRESS, Address, BlockedAddressError, PinnedTransport, Resolve

_HEADERS = {
    "User-Agent": "newsletter (checks the links of a post once, before it is mailed)",
    "Accept": "text/html, */*;q=0.8",
    "Accept-Encoding": "identity",
}


_REDIRECTS = frozenset({301, 302, 303, 307, 308})


_PERMANENT = frozenset({301, 308})


_GONE = frozenset({404, 410})


_BUSY = frozenset({429, 503})


# Statuses that are not believed for HEAD. Many servers support only GET and deny the page, or fail; 410 and 429 are
# deliberate.
_BELIEVED = frozenset({401, 407, 410, 429, 451, 503})


_MAX_TARGET = 2000


@frozen
class LinkLimits:
    """Time limits and rate limits of requests."""

    timeout_s: float = 10.0
    redirects: int = 10
    at_once: int = 8
    at_once_per_host: int = 2
    pause_s: float = 0.2
    """The pause before a further request to a host."""
    longest_wait_s: float = 5.0
    """A Retry-After up to this is obeyed, once; a longer one is the answer."""
    patience: int = 2
    """After this many consecutive links of a host without an answer, or with too many requests, the rest is
    not tried.
    """


@frozen
class RedirectChain:
    """The final answer of a link, and every address on the way there."""

    answer: LinkAnswer
    addresses: tuple[httpx.URL, ...] = ()

    @property
    def is_good(self) -> bool:
        return self.answer.state in {"ok", "moved"}

    @property
    def is_secure(self) -> bool:
        return all(address.scheme == "https" for address in self.addresses)


@frozen
class _Reply:
    code: int
    location: str
    retry_after: str

    @property
    def words(self) -> str:
        """Our own words: a server's reason phrase is untrusted."""
        return f"the server answers {self.code} {httpx.codes.get_reason_phrase(self.code)}".rstrip()


class _NoReplyError(Exception):
    """Why there is no response to a request. `broken`: retry it with GET.

    `mute`: the next link of the host may fail too.
    """

    def __init__(self, what: str, state: State = "unsure", *, broken: bool = False, mute: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.state = state
        self.broken = broken
        self.mute = mute


class Round:
    """One check: the queue, the hosts that are rate-limited, and the hosts that are unknown."""

    def __init__(
        self,
        limits: LinkLimits,
        transport_trust: ssl.SSLContext,
        *,
        allow: Callable[[Address], bool],
        resolve: Resolve,
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self.limits = limits
        self.resolve = resolve
        self.clock = clock
        self.pause = pause
        self.transport = PinnedTransport(self._resolve, allow, transport_trust)
        self.slots = asyncio.Semaphore(self.limits.at_once)
        self.host_slots: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(self.limits.at_once_per_host)
        )
        self.asked: set[str] = set()
        self.fruitless: Counter[str] = Counter()
        self.given_up: dict[str, str] = {}
        self.known_hosts: set[str] = set()
        self.unknown_hosts: set[str] = set()

    async def follow_all(
        self, addresses: Sequence[str], on_progress: Callable[[int, int], None]
    ) -> dict[str, RedirectChain]:
        done = 0

        async def one(address: str) -> RedirectChain:
            nonlocal done
            way = await self.follow(address)
            done += 1
            on_progress(done, len(addresses))
            return way

        async with self.transport:
            ways = await asyncio.gather(*(one(address) for address in addresses))
        # Some systems report an unknown host when they have no network.
        if len(self.unknown_hosts) > 1 and not self.known_hosts:
            ways = [_doubted(way) if _last_host(way) in self.unknown_hosts else way for way in ways]
        return dict(zip(addresses, ways, strict=True))

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self.resolve(host, port)
        except OSError:
            self.unknown_hosts.add(host)
            raise
        self.known_hosts.add(host)
        return addresses

    async def follow(self, address: str) -> RedirectChain:
        """Request an address, and each that it redirects to."""
        try:
            way = [httpx.URL(address)]
        except (httpx.InvalidURL, UnicodeError):
            return RedirectChain(LinkAnswer(address, "dead", what=NO_ADDRESS))
        code, moved_to, still_permanent = 0, "", True

        def end(state: State, what: str) -> RedirectChain:
            return RedirectChain(
                LinkAnswer(address, state, code, what, moved_to if state == "moved" else ""), tuple(way)
            )

        while True:
            try:
                reply = await self._ask(way[-1])
            except _NoReplyError as error:
                # A redirect's target is not the author's text; a browser may be able to open it.
                state = "unsure" if error.what == NO_ADDRESS and len(way) > 1 else error.state
                return end(state, error.what)
            code = reply.code
            if code not in _REDIRECTS:
                return end(*_judged(reply, moved=bool(moved_to)))
            target = _target(way[-1], reply.location)
            if target is None:
                return end("unsure", f"{reply.words}, and not where to")
            still_permanent = still_permanent and code in _PERMANENT and len(str(target)) <= _MAX_TARGET
            if still_permanent:
                moved_to = str(target)
            target = target.copy_with(fragment=None)
            if target in way:
                # Often a site that sets a cookie and requires it: a browser succeeds.
                return end("unsure", "it redirects in a circle")
            if len(way) > self.limits.redirects:
                return end("unsure", f"it redirects more than {self.limits.redirects} times")
            way.append(target)

    async def _ask(self, url: httpx.URL) -> _Reply:
        """The response to HEAD, or to GET if HEAD is not to be believed."""
        try:
            try:
                reply = await self._ask_patiently("HEAD", url)
                believed = reply.code < 400 or reply.code in _BELIEVED
            except _NoReplyError as error:
                if not error.broken:
                    raise
                believed = False
            if not believed:
                reply = await self._ask_patiently("GET", url)
        except _NoReplyError as error:
            self._count(_host(url), error.what if error.mute else "")
            raise
        self._count(_host(url), reply.words if reply.code == httpx.codes.TOO_MANY_REQUESTS else "")
        return reply

    def _count(self, host: str, fruitless: str) -> None:
        self.fruitless[host] = self.fruitless[host] + 1 if fruitless else 0
        if self.fruitless[host] >= self.limits.patience:
            self.given_up.setdefault(host, fruitless)

    async def _ask_patiently(self, method: str, url: httpx.URL) -> _Reply:
        reply = await self._ask_in_turn(method, url)
        wait_s = _wait_asked_for(reply, self.clock())
        if wait_s is None or wait_s > self.limits.longest_wait_s:
            return reply
        await self.pause(wait_s)
        return await self._ask_in_turn(method, url)

    async def _ask_in_turn(self, method: str, url: httpx.URL) -> _Reply:
        host = _host(url)
        async with self.host_slots[host]:
            if host in self.given_up:
                raise _NoReplyError(f"not asked, since other links of {host} fared badly: {self.given_up[host]}")
            if host in self.asked:
                await self.pause(self.limits.pause_s)
            self.asked.add(host)
            async with self.slots:
                return await self._send(method, url)

    async def _send(self, method: str, url: httpx.URL) -> _Reply:
        timeout_s = self.limits.timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                # Security: send a bare request to the transport. A client would add its cookies, and credentials from
                # the URL.
                request = httpx.Request(
                    method, url, headers=_HEADERS, extensions={"timeout": httpx.Timeout(timeout_s).as_dict()}
                )
                response = await self.transport.handle_async_request(request)
                # The head is enough; an endless body is not read.
                await response.aclose()
        except BlockedAddressError as error:
            raise _refused_by_gate(error) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise _NoReplyError(f"the server takes longer than {timeout_s:g} s", mute=True) from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError) as error:
            raise _NoReplyError(NO_ADDRESS, "dead") from error
        except httpx.ConnectError as error:
            raise _unconnected(error) from error
        except httpx.RemoteProtocolError as error:
            what = "broke the connection" if "disconnected" in str(error) else "does not answer as HTTP asks"
            raise _NoReplyError(f"the server {what}", broken=True) from error
        except httpx.NetworkError as error:
            raise _NoReplyError("the server broke the connection", broken=True) from error
        except httpx.HTTPError as error:
            raise _NoReplyError(f"it cannot be asked: {type(error).__name__}") from error
        headers = response.headers
        return _Reply(response.status_code, headers.get("Location", ""), headers.get("Retry-After", ""))


def _judged(reply: _Reply, *, moved: bool) -> tuple[State, str]:
    if reply.code in _GONE:
        return "dead", reply.words
    if 200 <= reply.code < 300:
        return "moved" if moved else "ok", reply.words
    return "unsure", reply.words


def _refused_by_gate(error: BlockedAddressError) -> _NoReplyError:
    if error.private:
        return _NoReplyError(f"{error.what}, which is not asked")
    match error.__cause__:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return _NoReplyError(f"{error.what} just now: the name service does not answer", mute=True)
    return _NoReplyError(error.what, "dead")


def _last_host(way: RedirectChain) -> str:
    """The host as it was resolved, in ASCII."""
    return way.addresses[-1].raw_host.decode("ascii") if way.addresses else ""


def _doubted(way: RedirectChain) -> RedirectChain:
    if way.answer.state != "dead":
        return way
    what = f"{way.answer.what}, nor is any other: this machine seems to be offline"
    return replace(way, answer=replace(way.answer, state="unsure", what=what))


def _unconnected(error: httpx.ConnectError) -> _NoReplyError:
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ssl.SSLCertVerificationError():
                return _NoReplyError(f"its certificate is not trusted: {cause.verify_message}")
            case ssl.SSLError():
                return _NoReplyError("it makes no secure connection with us")
        cause = cause.__cause__ or cause.__context__
    return _NoReplyError("the server cannot be reached", mute=True)


def _host(url: httpx.URL) -> str:
    """The host for display; unchanged if it begins with `xn--` and is no valid Punycode."""
    try:
        return url.host
    except UnicodeError:
        return url.raw_host.decode("ascii")


def _target(base: httpx.URL, location: str) -> httpx.URL | None:
    """The target of a redirect; a fragment is inherited (RFC 9110, 10.2.2), credentials are not."""
    try:
        return base.join(location).copy_with(userinfo=b"") if location else None
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return None


def _wait_asked_for(reply: _Reply, now: datetime) -> float | None:
    """A busy server's Retry-After in seconds: RFC 9110, 10.2.3. None without a valid one."""
    if reply.code not in _BUSY:
        return None
    if re.fullmatch("[0-9]{1,9}", reply.retry_after):
        return float(reply.retry_after)
    try:
        when = parsedate_to_datetime(reply.retry_after)
    except (ValueError, OverflowError):
        return None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
