"""Parts are what the standard library's own parser makes of the message."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.bounces.mime_parts import parse, sender_of

OUTER = "0123456789ABCDEF.1/mx.example"


def two_levels(outer: str, inner: str, text: str = "words") -> bytes:
    return f"""From: a@example.com
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{outer}"

--{outer}
Content-Type: multipart/alternative; boundary="{inner}"

--{inner}
Content-Type: text/plain

{text}
--{inner}
Content-Type: text/html

<p>{text}
--{inner}--

--{outer}
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; b@example.org
Action: failed
--{outer}
Content-Type: message/rfc822

To: b@example.org
Content-Type: text/plain

Hello
--{outer}--
""".encode()


def tree(mail: Message) -> object:
    payload = mail.get_payload()
    return mail.get_content_type(), [tree(part) for part in payload] if isinstance(payload, list) else payload


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (OUTER, "fedcba9876543210"),
        (OUTER, OUTER + ".2"),  # one begins like the other
        (OUTER + ".2", OUTER),
        ("short", "shorter"),
        ("with a blank in it", "and.another.(of)+'specials'"),
        ("=_boundary-0-of-a-stranger_=", "=_boundary-1-of-a-stranger_="),
        ("=_boundary-1-of-a-stranger_=", "a.boundary.of.some.length"),
    ],
)
def test_parts_are_found_whatever_a_boundary_is_called(outer: str, inner: str) -> None:
    raw = two_levels(outer, inner)
    assert tree(parse(raw)) == tree(message_from_bytes(raw))


def test_a_boundary_stays_what_it_is_within_a_sentence() -> None:
    raw = two_levels(OUTER, "fedcba9876543210", f"the parts are kept apart by {OUTER} and -- {OUTER}")
    assert tree(parse(raw)) == tree(message_from_bytes(raw))


_NAMES = st.text("abcAB01._=-/+", min_size=1, max_size=30)


@given(outer=_NAMES, inner=_NAMES)
def test_no_pair_of_boundaries_breaks_the_parts(outer: str, inner: str) -> None:
    raw = two_levels(outer, inner)
    assert tree(parse(raw)) == tree(message_from_bytes(raw))


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("ada@example.com", "ada@example.com"),
        ("Ada Lovelace <ada+news@example.com>", "ada+news@example.com"),
        ("Mail Delivery System (MTA) <MAILER-DAEMON@mx.example>", "MAILER-DAEMON@mx.example"),
        ('"b@example.org" <ada@example.com>', "ada@example.com"),
        ("=?utf-8?q?Zo=C3=AB?= <zoe@example.com>", "zoe@example.com"),
        ("Ada <ada@example.com>, Bob <bob@example.com>", "ada@example.com"),
        ("MAILER-DAEMON <>", ""),
        ("ada@example.com (Ada)", "ada@example.com"),
    ],
)
def test_the_sender_is_the_first_address_in_from(field: str, address: str) -> None:
    assert sender_of(parse(f"From: {field}\n\nwords".encode())) == address
