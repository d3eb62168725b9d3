"""Rate limits per address and network: token buckets in bounded memory."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

MOST_KEYS = 50_000
"""The most buckets, some 10 MB. Beyond it the least recently used one is dropped: it is the fullest."""


class Limit:
    """At most `count` at once, and `count` more in each `per_s` seconds, per key."""

    def __init__(self, count: int, per_s: float, most_keys: int = MOST_KEYS) -> None:
        self._count = count
        self._step_s = per_s / count
        self._most_keys = most_keys
        # When each bucket is full again, in seconds, the least recently used first. A missing bucket is full.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """Returns 0 if the request is allowed, and counts it; else the seconds until one will be."""
        full_at = max(self._full_at.pop(key, now), now)
        wait_s = full_at + self._step_s - now - self._count * self._step_s
        allowed = wait_s <= 1e-9  # a sum of floats is not always exact
        self._full_at[key] = full_at + self._step_s if allowed else full_at
        if len(self._full_at) > self._most_keys:
            self._full_at.popitem(last=False)
        return 0.0 if allowed else wait_s

    def is_used_up(self, key: str, now: float) -> bool:
        """Whether `take` would refuse; nothing is counted."""
        return self._full_at.get(key, now) + self._step_s - now - self._count * self._step_s > 1e-9


def network_of(host: str) -> str:
    """The network of an address: IPv4's /24, IPv6's /64, which is what one household or host gets (RFC 6177).

    Any other text is its own network.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))
