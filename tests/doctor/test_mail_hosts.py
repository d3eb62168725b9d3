"""MX of the addresses in the settings, PTR of a relay of one's own, BIMI."""

from __future__ import annotations

import pytest
from dns_records import FAILED, Records, judged

from newsletter.doctor.judge.dmarc import TreeWalk
from newsletter.doctor.judge.mail_hosts import judge_bimi, judge_mx, judge_ptr
from newsletter.doctor.verdict import Level

PUBLIC = "1.2.3.4"
REVERSE = "4.3.2.1.in-addr.arpa"


@pytest.mark.parametrize(
    ("records", "level", "said"),
    [
        ({("quill.test", "MX"): ["10 mx.quill.test."], ("mx.quill.test", "A"): [PUBLIC]}, Level.GREEN, "mx.quill"),
        ({("quill.test", "MX"): ["10 mx.quill.test."], ("mx.quill.test", "AAAA"): ["2001:db8::1"]}, Level.GREEN, ""),
        ({("quill.test", "MX"): ["10 gone.test."]}, Level.RED, "none of its mail hosts"),
        (
            {("quill.test", "MX"): ["10 gone.test.", "20 mx.quill.test."], ("mx.quill.test", "A"): [PUBLIC]},
            Level.YELLOW,
            "gone.test",
        ),
        ({("quill.test", "MX"): ["0 ."]}, Level.RED, "null MX"),
        ({("quill.test", "A"): [PUBLIC]}, Level.YELLOW, "no MX record"),
        ({}, Level.RED, "no MX and no address"),
        ({("quill.test", "MX"): FAILED}, Level.YELLOW, "could not be asked"),
        ({("quill.test", "MX"): ["5 m.test."], ("m.test", "A"): FAILED}, Level.YELLOW, "could not be asked"),
    ],
)
def test_mx(records: Records, level: Level, said: str) -> None:
    verdict = judged(judge_mx("quill.test", ["reply_to", "from"]), records)
    assert verdict.level is level
    assert said in verdict.what
    assert "reply_to, from" in verdict.what


@pytest.mark.parametrize(
    ("records", "level", "said"),
    [
        ({(REVERSE, "PTR"): ["mail.quill.test."]}, Level.GREEN, "is called mail.quill.test"),
        ({}, Level.RED, "has no name"),
        ({(REVERSE, "PTR"): ["host-4.isp.test."]}, Level.RED, "is not 1.2.3.4"),
        ({(REVERSE, "PTR"): FAILED}, Level.YELLOW, "could not be asked"),
    ],
)
def test_ptr(records: Records, level: Level, said: str) -> None:
    (verdict,) = judged(judge_ptr("mail.quill.test"), {("mail.quill.test", "A"): [PUBLIC], **records})
    assert verdict.level is level
    assert said in verdict.what


def test_a_private_relay_has_no_name_that_the_world_sees() -> None:
    assert judged(judge_ptr("10.0.0.1"), {}) == ()
    assert judged(judge_ptr("mail.quill.test"), {("mail.quill.test", "A"): ["192.168.1.1"]}) == ()


@pytest.mark.parametrize(
    ("record", "policy", "level"),
    [
        (None, "none", Level.GREEN),
        ("v=BIMI1; l=https://quill.test/logo.svg", "reject", Level.GREEN),
        ("v=BIMI1; l=https://quill.test/logo.svg", "none", Level.YELLOW),
        ("v=BIMI1; l=", "reject", Level.YELLOW),
    ],
)
def test_bimi_is_never_red(record: str | None, policy: str, level: Level) -> None:
    walk = TreeWalk("news.quill.test", (("quill.test", {"v": "DMARC1", "p": policy}),))
    records = {("default._bimi.quill.test", "TXT"): [record]} if record else {}
    assert judged(judge_bimi(walk), records).level is level
