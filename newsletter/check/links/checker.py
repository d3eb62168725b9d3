"""Check links with HEAD requests, rate-limited per host, to public addresses only.

Sends no cookies or passwords, downloads no pages, and calls only public addresses. A bot sees less than a reader: what
may work in a browser is `unsure`, and `dead` only what no reader can open.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from urllib.parse import urldefrag

from newsletter.check.links.answers import LinkAnswer, without_login
from newsletter.check.links.cache import LinkCache
from newsletter.check.links.follow import LinkLimits, RedirectChain, Round
from newsletter.errors import ConfigError
from newsletter.frozen import frozen
from newsletter.model.findings import Finding
from newsletter.safe_http import (
    Address,
    Resolve,
    is_public,
    resolve_name,
    system_trust,
)


@frozen
class LinkChecker:
    """The link checker's settings. Network access is injected for tests.

    `findings` has faults besides the links, such as a cache that cannot be written.
    """

    limits: LinkLimits = field(default_factory=LinkLimits)
    allow: Callable[[Address], bool] = is_public
    resolve: Resolve = resolve_name
    trust: Callable[[], ssl.SSLContext] = system_trust
    cache: LinkCache | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    findings: list[Finding] = field(default_factory=list, compare=False)

    def check(
        self, urls: Sequence[str], on_progress: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[str, LinkAnswer]:
        """Each web link's answer, in the given order; other links (mailto, tel, relative) are left out.

        `on_progress` counts requests: not cached answers, and links to fragments of one page once. Not for use inside a
        running event loop.
        """
        asked = {url: _address(url) for url in dict.fromkeys(urls) if _is_web(url)}
        known = self.cache.read(self.clock()) if self.cache else {}
        wanted = tuple(address for address in dict.fromkeys(asked.values()) if address not in known)
        ways = self._follow(wanted, on_progress) if wanted else {}
        fresh = {address: way.answer for address, way in ways.items()}
        self._keep(fresh)
        answers = {**known, **fresh}
        return {url: _answer_for(url, answers[address]) for url, address in asked.items()}

    def upgrades(
        self, urls: Sequence[str], on_progress: Callable[[int, int], None] = lambda done, total: None
    ) -> dict[str, bool]:
        """For each http:// URL whether https gives the reader the same page, without leaving https on the way.

        Others are left out. The cache is not used: it has a link's target, not the path of redirects.
        """
        secure = {url: _secured(_address(url)) for url in dict.fromkeys(urls) if url[:7].lower() == "http://"}
        ways = self._follow(tuple(dict.fromkeys(secure.values())), on_progress) if secure else {}
        return {url: ways[address].is_good and ways[address].is_secure for url, address in secure.items()}

    def _follow(self, addresses: Sequence[str], on_progress: Callable[[int, int], None]) -> dict[str, RedirectChain]:
        return asyncio.run(
            Round(
                self.limits,
                self.trust(),
                allow=self.allow,
                resolve=self.resolve,
                clock=self.clock,
                pause=self.pause,
            ).follow_all(addresses, on_progress)
        )

    def _keep(self, answers: dict[str, LinkAnswer]) -> None:
        if self.cache is None or not answers:
            return
        try:
            self.cache.write(answers, self.clock())
        except ConfigError as error:
            self.findings.append(Finding("link-cache", f"links are asked anew each time: {error}", severity="hint"))


def _is_web(url: str) -> bool:
    return url.partition(":")[0].lower() in {"http", "https"}


def _address(url: str) -> str:
    """The URL to request: without its fragment, which only browsers use, and without credentials."""
    try:
        return without_login(urldefrag(url).url)
    except ValueError:
        return url


def _secured(address: str) -> str:
    """The address with https; port 80 is dropped, any other port is kept."""
    return re.sub(r"^[^:]*://([^/?]*?)(?::80)?(?=[/?]|$)", r"https://\1", address, count=1)


def _answer_for(url: str, answer: LinkAnswer) -> LinkAnswer:
    """The answer for its address. The fragment is kept in the new address, unless the redirect has one."""
    place = url.partition("#")[2]
    leads_to = (
        f"{answer.leads_to}#{place}" if answer.leads_to and place and "#" not in answer.leads_to else answer.leads_to
    )
    return replace(answer, url=url, leads_to=leads_to)
