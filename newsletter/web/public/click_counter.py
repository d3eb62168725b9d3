"""Count clicks on links without persons: what a mail scanner does is left out, as far as it can be told.

A click is held for some seconds before it counts, since a scanner shows by what it does next: it opens one link after
the other. Which networks asked is kept for minutes, in memory alone, under a hash whose key is this process's own.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from newsletter.frozen import frozen
from newsletter.web.public.rate_limit import Limit

HOLD_S = 20.0
"""How long a click is held: who reads opens one link and then another, not several within this time."""

MOST_LINKS = 3
"""Links that one network may open within HOLD_S; more are a scanner's. Several readers may be behind one address."""

MOST_WHILE_SENDING = 1
"""The same while the issue goes out, and shortly after: mail is scanned as it comes in."""

TOO_SOON_S = 30.0
"""Nobody reads within this time of an issue's first mail."""

AGAIN_S = 600.0
"""A link that one network opens again within this time counts once."""

PER_HOUR = 60
"""Clicks that one network may add to the totals in an hour: nobody can flood them."""

MOST_HELD = 20_000
"""Clicks that are held at once, some megabytes; further ones are not counted."""

# Names that programs give themselves: crawlers, libraries, security gateways, previews of chat programs. Cubot makes
# telephones.
_PROGRAMS = re.compile(
    r"(?<!cu)bot(?![a-z])|crawl|spider|slurp|scan|check|monitor|preview|fetch|prefetch|validator|headless|phantom|"
    r"curl|wget|python|aiohttp|httpx|okhttp|java/|go-http|libwww|perl|ruby|php|node|axios|postman|"
    r"barracuda|mimecast|proofpoint|cisco|ironport|trendmicro|symantec|fortinet|sophos|zscaler|safelinks|msoffice|"
    r"facebookexternalhit|whatsapp|telegram|slack|discord|skype|linkedin|twitter",
    re.IGNORECASE,
)
MAX_AGENT_CHARS = 400


def is_program(agent: str, purpose: str = "") -> bool:
    """Whether this is no browser that a reader uses: by its name, or because it says that it only looks ahead."""
    return not agent.strip() or "prefetch" in purpose.lower() or _PROGRAMS.search(agent[:MAX_AGENT_CHARS]) is not None


@frozen
class _Click:
    at: float
    network: bytes
    code: str
    while_sending: bool


@dataclass(slots=True)
class ClickCounter:
    """`key` hashes the networks; it lives no longer than this process. Times are in seconds."""

    key: bytes
    _held: deque[_Click] = field(default_factory=deque)
    _again: Limit = field(default_factory=lambda: Limit(1, AGAIN_S))
    _per_hour: Limit = field(default_factory=lambda: Limit(PER_HOUR, 3_600))
    _scanners: Limit = field(default_factory=lambda: Limit(1, AGAIN_S))

    def note(self, code: str, network: str, now: float, *, sent_s_ago: float, while_sending: bool) -> None:
        """Hold a click, made by a browser, on a link of an issue whose first mail went out so long ago."""
        if len(self._held) >= MOST_HELD or sent_s_ago < TOO_SOON_S:
            return
        hashed = hashlib.blake2b(network.encode(), key=self.key, digest_size=16).digest()
        self._held.append(_Click(now, hashed, code, while_sending))

    def take(self, now: float, *, all_held: bool = False) -> Mapping[str, int]:
        """What counts of the clicks that were held for long enough, by code. They are forgotten."""
        due: list[_Click] = []
        scanners = self._scanning()
        while self._held and (all_held or self._held[0].at <= now - HOLD_S):
            due.append(self._held.popleft())
        counted: Counter[str] = Counter()
        for click in due:
            who = click.network.hex()
            if click.network in scanners:
                self._scanners.take(who, click.at)
            elif self._scanners.is_used_up(who, click.at) or self._again.take(f"{who} {click.code}", click.at):
                continue
            elif not self._per_hour.take(who, click.at):
                counted[click.code] += 1
        return counted

    def _scanning(self) -> set[bytes]:
        """The networks that opened too many links within HOLD_S."""
        found: set[bytes] = set()
        recent: dict[bytes, deque[_Click]] = {}
        for click in self._held:
            mine = recent.setdefault(click.network, deque())
            mine.append(click)
            while mine[0].at < click.at - HOLD_S:
                mine.popleft()
            most = MOST_WHILE_SENDING if click.while_sending else MOST_LINKS
            if len({each.code for each in mine}) > most:
                found.add(click.network)
        return found
