"""A test mail as it arrived: what Gmail, Outlook and others write, and which of it is believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.doctor.judge.received import judge_received
from newsletter.doctor.verdict import Level, Verdict

AUTHOR = "quill.test"
GOOGLE = """Authentication-Results: mx.google.com;
       dkim=pass header.i=@quill.test header.s=news header.b=AbCd;
       spf=pass (google.com: domain of bounce+1a2b@mail.quill.test designates 192.0.2.7; ok)
        smtp.mailfrom=bounce+1a2b@mail.quill.test;
       dmarc=pass (p=NONE sp=NONE (dis=NONE)) header.from=quill.test
"""
OUTLOOK = """Authentication-Results: spf=fail (sender IP is 192.0.2.7)
 smtp.mailfrom=quill.test; dkim=none (message not signed) header.d=none;dmarc=fail
 action=oreject header.from=quill.test;compauth=fail reason=000
"""
REST = """DKIM-Signature: v=1; a=rsa-sha256; d=quill.test; s=news;
 h=From:From:To:List-Unsubscribe:
 List-Unsubscribe-Post; bh=x; b=y
From: Ada <ada@quill.test>
List-Unsubscribe: <https://quill.test/u/x>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
"""


def judged(*fields: str) -> dict[str, Verdict]:
    verdicts = judge_received("".join((*fields, "\nHello.\n")).replace("\n", "\r\n").encode(), AUTHOR)
    return {verdict.code: verdict for verdict in verdicts}


def levels(*fields: str) -> list[str]:
    return [verdict.level.value for verdict in judged(*fields).values()]


def test_a_mail_that_passes() -> None:
    found = judged(GOOGLE, REST)
    assert {verdict.level for verdict in found.values()} == {Level.GREEN}
    assert found["received-spf"].what == "the receiver says spf=pass for mail.quill.test"
    assert found["received-dkim"].what == "the receiver says dkim=pass for quill.test"
    assert not any("1a2b" in verdict.what for verdict in found.values())


def test_a_mail_that_fails() -> None:
    assert levels(OUTLOOK, REST) == ["red", "red", "red", "green"]
    assert judged(OUTLOOK, REST)["received-dkim"].what == "the receiver says dkim=none"


def test_with_dmarc_passed_the_other_is_a_warning() -> None:
    forwarded = GOOGLE.replace("spf=pass", "spf=softfail")
    assert levels(forwarded, REST) == ["yellow", "green", "green", "green"]
    assert levels(GOOGLE.replace("dkim=pass", "dkim=fail"), REST) == ["green", "yellow", "green", "green"]


def test_one_of_several_signatures_is_enough() -> None:
    both = GOOGLE.replace("dkim=pass", "dkim=fail header.i=@relay.test; dkim=pass")
    assert levels(both, REST) == ["green"] * 4


def test_the_topmost_field_counts() -> None:
    assert levels(OUTLOOK, GOOGLE, REST) == ["red", "red", "red", "green"]
    assert levels("Authentication-Results: quill.test; none\n", GOOGLE, REST) == ["green"] * 4


def test_a_server_that_writes_nothing() -> None:
    assert levels(REST) == ["yellow", "green"]


@pytest.mark.parametrize(
    ("rest", "level"),
    [
        (REST.replace("List-Unsubscribe-Post; bh", "Subject; bh"), Level.YELLOW),
        (REST.partition("From: Ada")[1] + REST.partition("From: Ada")[2], Level.YELLOW),
        (REST.replace("List-Unsubscribe-Post: ", "X-Gone: "), Level.YELLOW),
        ("From: ada@quill.test\n", Level.RED),
    ],
)
def test_one_click_must_arrive_and_be_signed(rest: str, level: Level) -> None:
    assert judged(GOOGLE, rest)["received-unsubscribe"].level is level


@pytest.mark.parametrize("text", ["", "email,name\nada@quill.test,Ada\n", "From: Ada <ada@other.test>\n"])
def test_another_file_is_red(text: str) -> None:
    (verdict,) = judged(text).values()
    assert verdict.level is Level.RED


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_field_is_read(value: bytes) -> None:
    field = b"Authentication-Results: " + value.replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"
    assert judge_received(field + REST.encode() + b"\r\n", AUTHOR)


@pytest.mark.parametrize("value", ["(" * 5000, "(" * 9000 + ")" * 9000, "dkim=" * 900, "spf=pass;" * 5000])
def test_a_field_that_is_made_to_take_long_does_not(value: str) -> None:
    assert judged(f"Authentication-Results: {value}\n", REST)
