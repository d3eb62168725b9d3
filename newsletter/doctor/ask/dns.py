"""DNS client with dnspython: each question once, concurrently, with a time limit."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import TypeVar

import dns.asyncresolver
import dns.exception
import dns.rdata
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
import dns.resolver

from newsletter.doctor.judge.lookups import DnsAnswer, Lookups, Question
from newsletter.errors import ConfigError

_AT_ONCE = 16
_ONE_TRY_S = 4.0
_PAYLOAD_BYTES = 1232
"""The largest UDP payload without fragmentation; longer answers are requested again over TCP (DNS flag day 2020)."""

Result = TypeVar("Result")


class DnsClient:
    """Use it within one event loop. `nameserver` is `HOST`, `HOST:PORT` or `[IPv6]:PORT`; by default the system's."""

    def __init__(self, nameserver: str = "", *, timeout_s: float) -> None:
        self.given = bool(nameserver)
        self._resolver, self._unusable = _resolver(nameserver, timeout_s)
        self._asked: dict[Question, asyncio.Task[DnsAnswer]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self, judge: Lookups[Result]) -> Result:
        """Drive a judge: answer the questions it yields until it returns its result."""
        try:
            questions = next(judge)
            while True:
                answers = await asyncio.gather(*(self.answer(question) for question in questions))
                questions = judge.send(dict(zip(questions, answers, strict=True)))
        except StopIteration as end:
            result: Result = end.value
            return result

    async def answer(self, question: Question) -> DnsAnswer:
        if question not in self._asked:
            self._asked[question] = asyncio.create_task(self._ask(question))
        # Shielded: a part that runs out of time must not cancel the answer for the others.
        return await asyncio.shield(self._asked[question])

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """As `safe_http.resolve_name`, by this nameserver. OSError if the host has no address."""
        answers = [await self.answer(Question(host, kind)) for kind in ("A", "AAAA")]
        found = [record for answer in answers for record in answer.records]
        if not found:
            raise OSError(f"{host} has no address")
        return found

    async def _ask(self, question: Question) -> DnsAnswer:
        if self._resolver is None:
            return DnsAnswer("failed", why=self._unusable)
        try:
            async with self._slots:
                found = await self._resolver.resolve(
                    question.name + ".", question.type, raise_on_no_answer=False, search=False
                )
        except dns.resolver.NXDOMAIN:
            return DnsAnswer("no such name")
        except dns.resolver.LifetimeTimeout:
            return DnsAnswer("failed", why="the nameserver did not answer in time")
        except dns.resolver.NoNameservers:
            return DnsAnswer("failed", why="the nameserver failed")
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            return DnsAnswer("failed", why=_words(error))
        if found.rrset is None:
            return DnsAnswer("empty")
        return DnsAnswer("found", tuple(_text(record) for record in found.rrset))


def _text(record: dns.rdata.Rdata) -> str:
    if isinstance(record, dns.rdtypes.ANY.TXT.TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, dns.rdtypes.ANY.MX.MX):
        return f"{record.preference} {record.exchange.to_text()}"
    return record.to_text()


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _resolver(nameserver: str, timeout_s: float) -> tuple[dns.asyncresolver.Resolver | None, str]:
    try:
        resolver = dns.asyncresolver.Resolver(configure=not nameserver)
    except dns.resolver.NoResolverConfiguration:
        return None, "this machine has no nameserver"
    if nameserver:
        host, port = parse_nameserver(nameserver)
        resolver.nameservers = [host]
        resolver.port = port
    resolver.lifetime = timeout_s
    resolver.timeout = min(timeout_s, _ONE_TRY_S)
    resolver.use_edns(0, 0, _PAYLOAD_BYTES)
    return resolver, ""


def parse_nameserver(text: str) -> tuple[str, int]:
    """An address and a port, 53 by default. Raises ConfigError."""
    host, port = text, "53"
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        address = ""
    if not address or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ConfigError(f"--nameserver {text} is no address with a port", "write 9.9.9.9 or 127.0.0.1:5353")
    return address, int(port)
