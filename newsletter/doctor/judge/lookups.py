"""DNS questions and answers, and the generator protocol: a pure judge yields questions and is sent answers."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Literal, TypeAlias, TypeVar

from newsletter.frozen import frozen

RecordType = Literal["A", "AAAA", "MX", "PTR", "TXT"]


@frozen
class Question:
    name: str
    type: RecordType


@frozen
class DnsAnswer:
    """`empty`: the name has no record of this type. `failed`: the query failed, for the reason `why`.

    A TXT record is its strings joined; an MX record is its preference, a blank and the host.
    """

    status: Literal["found", "empty", "no such name", "failed"]
    records: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_void(self) -> bool:
        """RFC 7208 4.6.4: a void lookup, without a result."""
        return self.status in ("empty", "no such name")


Answers: TypeAlias = Mapping[Question, DnsAnswer]
Result = TypeVar("Result")
Lookups: TypeAlias = Generator[tuple[Question, ...], Answers, Result]
"""A judge of DNS records: yields a batch of questions, and finally returns its result."""


def ask(question: Question) -> Lookups[DnsAnswer]:
    answers = yield (question,)
    return answers[question]


def tags_of(record: str) -> dict[str, str]:
    """Parse a tag list (RFC 6376 3.2), as in DKIM and DMARC records. The first of repeated tags counts."""
    tags: dict[str, str] = {}
    for part in record.split(";"):
        name, sign, value = part.partition("=")
        if sign:
            tags.setdefault(name.strip().lower(), value.strip())
    return tags


ASK_AGAIN = "try again later, check this machine's resolver, or write --nameserver 9.9.9.9"


def ascii_domain(domain: str) -> str:
    """A domain as in the DNS: IDNA A-labels, lower case, without a trailing dot."""
    folded = domain.strip().rstrip(".").lower()
    if folded.isascii():
        return folded
    try:
        return folded.encode("idna").decode("ascii")
    except UnicodeError:
        return folded
