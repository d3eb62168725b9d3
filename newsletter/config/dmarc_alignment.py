"""DMARC alignment: whether two domains belong to one organization (relaxed alignment)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


def is_aligned(one: str, other: str) -> bool:
    """Whether two domains, as IDNA A-labels, have the same organizational domain.

    A domain and its subdomain have, unless the upper one is a public suffix. The public suffix list is in the package
    `publicsuffixlist`; RFC 9989 uses DNS queries instead, which this module must not make.
    """
    one, other = one.lower().rstrip("."), other.lower().rstrip(".")
    if one == other:
        return True
    return (mine := organizational_domain(one)) != "" and mine == organizational_domain(other)


@lru_cache(maxsize=64)
def organizational_domain(domain: str) -> str:
    """The public suffix plus one label: example.co.uk of news.example.co.uk. Empty for a public suffix itself."""
    return _public_suffixes().privatesuffix(domain.lower().rstrip(".")) or ""


@lru_cache(maxsize=1)
def _public_suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # parsing the list takes 60 ms

    return PublicSuffixList()
