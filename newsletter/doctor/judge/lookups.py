"""Questions to the DNS and their answers, and how a pure function asks: it yields questions and is sent answers."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar

RecordType = Literal["A", "AAAA", "MX", "PTR", "TXT"]


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    type: RecordType


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """`empty`: the name has no record of this type. `failed`: nobody knows, and `why` says for what reason.

    A TXT record is its strings put together; an MX record is its preference, a blank and the host.
    """

    status: Literal["found", "empty", "no such name", "failed"]
    records: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_void(self) -> bool:
        """RFC 7208 4.6.4: a look-up that brings nothing."""
        return self.status in ("empty", "no such name")


Answers: TypeAlias = Mapping[Question, DnsAnswer]
Result = TypeVar("Result")
Lookups: TypeAlias = Generator[tuple[Question, ...], Answers, Result]
"""A judge of DNS records: yields what it must know next, all of it at once, and returns what follows."""


def ask(question: Question) -> Lookups[DnsAnswer]:
    answers = yield (question,)
    return answers[question]


def tags_of(record: str) -> dict[str, str]:
    """A tag list (RFC 6376 3.2), as DKIM and DMARC records have it. Of a tag that stands twice the first counts."""
    tags: dict[str, str] = {}
    for part in record.split(";"):
        name, sign, value = part.partition("=")
        if sign:
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


ASK_AGAIN = "try again later, check this machine's resolver, or write --nameserver 9.9.9.9"


def ascii_domain(domain: str) -> str:
    """A domain as the DNS has it: IDNA for what is not ASCII, small letters, no dot at the end."""
    folded = domain.strip().rstrip(".").lower()
    if folded.isascii():
        return folded
    try:
        return folded.encode("idna").decode("ascii")
    except UnicodeError:
        return folded
