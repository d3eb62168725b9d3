"""Rate limits per address and network: token buckets in bounded memory."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

MOST_KEYS = 50_000
"""Buckets that are kept, some 10 MB. Beyond it the one that was asked for longest ago goes: it is the fullest."""


class Limit:
    """At most `count` at once, and `count` more in each `per_s` seconds, for each key."""

    def __init__(self, count: int, per_s: float, most_keys: int = MOST_KEYS) -> None:
        self._count = count
        self._step_s = per_s / count
        self._most_keys = most_keys
        # When each bucket is full again, in seconds, the one asked for longest ago first. What is not here is full.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """0 where it is allowed, and counted; else in how many seconds it will be."""
        full_at = max(self._full_at.pop(key, now), now)
        wait_s = full_at + self._step_s - now - self._count * self._step_s
        allowed = wait_s <= 1e-9  # a sum of steps is not always exactly the whole
        self._full_at[key] = full_at + self._step_s if allowed else full_at
        if len(self._full_at) > self._most_keys:
            self._full_at.popitem(last=False)
        return 0.0 if allowed else wait_s

    def is_used_up(self, key: str, now: float) -> bool:
        """Whether `take` would refuse; nothing is counted."""
        return self._full_at.get(key, now) + self._step_s - now - self._count * self._step_s > 1e-9


def network_of(host: str) -> str:
    """The network that an address is in: IPv4's /24, IPv6's /64, which is what one household or host gets (RFC 6177).

    What is no address is its own network.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))
