"""The DNS client against a real server: every kind of answer, each question once, and a limit to waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from dns_server import SERVFAIL, SILENT, DnsServer, Zone, dns_server

from newsletter.doctor.ask.dns import DnsClient, parse_nameserver
from newsletter.doctor.judge.lookups import DnsAnswer, Lookups, Question, RecordType
from newsletter.errors import ConfigError

LONG = "v=DKIM1; p=" + "A" * 3000
ZONE: Zone = {
    ("quill.test", "TXT"): ["v=spf1 -all", 'with "quotes"', "x" * 300],
    ("quill.test", "MX"): ["10 mx.quill.test."],
    ("mx.quill.test", "A"): ["192.0.2.7"],
    ("mx.quill.test", "AAAA"): ["2001:db8::7"],
    ("long.quill.test", "TXT"): [LONG],
    ("broken.test", "TXT"): SERVFAIL,
    ("silent.test", "TXT"): SILENT,
}


def answer(server: DnsServer, name: str, kind: RecordType, timeout_s: float = 20.0) -> DnsAnswer:
    async def run() -> DnsAnswer:
        return await DnsClient(server.place, timeout_s=timeout_s).answer(Question(name, kind))

    return asyncio.run(run())


def test_records_come_as_text() -> None:
    with dns_server(ZONE) as server:
        assert set(answer(server, "quill.test", "TXT").records) == {"v=spf1 -all", 'with "quotes"', "x" * 300}
        assert answer(server, "quill.test", "MX").records == ("10 mx.quill.test.",)
        assert answer(server, "mx.quill.test", "AAAA").records == ("2001:db8::7",)


def test_what_does_not_fit_comes_over_tcp() -> None:
    with dns_server(ZONE) as server:
        assert answer(server, "long.quill.test", "TXT").records == (LONG,)
        assert server.over_tcp == 1


def test_nothing_no_name_and_no_answer_are_told_apart() -> None:
    with dns_server(ZONE) as server:
        assert answer(server, "quill.test", "AAAA").status == "empty"
        assert answer(server, "other.test", "TXT").status == "no such name"
        assert answer(server, "broken.test", "TXT").status == "failed"
        silent = answer(server, "silent.test", "TXT", timeout_s=0.2)
        assert (silent.status, silent.why) == ("failed", "the nameserver did not answer in time")


@pytest.mark.parametrize("name", ["a..b", "x" * 70 + ".test", "." * 3, "x." * 130 + "test"])
def test_what_is_no_name_fails_by_itself(name: str) -> None:
    with dns_server(ZONE) as server:
        assert answer(server, name, "TXT").status == "failed"
        assert server.asked == []


def test_a_question_is_asked_once() -> None:
    question = Question("quill.test", "TXT")

    def judge() -> Lookups[int]:
        first = yield (question, question)
        second = yield (question,)
        return len(first[question].records) + len(second[question].records)

    async def run(server: DnsServer) -> Sequence[int]:
        dns = DnsClient(server.place, timeout_s=20)
        return await asyncio.gather(dns.run(judge()), dns.run(judge()))

    with dns_server(ZONE) as server:
        assert asyncio.run(run(server)) == [6, 6]
        assert server.asked == [("quill.test", "TXT")]


def test_a_host_s_addresses() -> None:
    async def run(server: DnsServer) -> Sequence[str]:
        dns = DnsClient(server.place, timeout_s=20)
        with pytest.raises(OSError, match="has no address"):
            await dns.addresses("nobody.test", 443)
        return await dns.addresses("mx.quill.test", 443)

    with dns_server(ZONE) as server:
        assert asyncio.run(run(server)) == ["192.0.2.7", "2001:db8::7"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("9.9.9.9", ("9.9.9.9", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]:5353", ("::1", 5353)),
        ("[2620:fe::fe]", ("2620:fe::fe", 53)),
    ],
)
def test_a_nameserver_s_place(text: str, place: tuple[str, int]) -> None:
    assert parse_nameserver(text) == place


@pytest.mark.parametrize("text", ["dns.quad9.net", "9.9.9.9:0", "9.9.9.9:port", "9.9.9.9:99999", "1.2.3"])
def test_a_nameserver_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="--nameserver"):
        parse_nameserver(text)
