"""Bytes on the wire: dot-stuffing, by the rule and at the cost of one look."""

from __future__ import annotations

import re
import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.smtp.wire import stuffed


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (b"no dots\r\n", b"no dots\r\n"),
        (b"ends. Within. A line.\r\n", b"ends. Within. A line.\r\n"),
        (b".first\r\nsecond\r\n", b"..first\r\nsecond\r\n"),
        (b"first\r\n.second\r\n", b"first\r\n..second\r\n"),
        (b".\r\n.\r\n", b"..\r\n..\r\n"),
        (b"no last line end", b"no last line end\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_a_dot_that_begins_a_line_is_doubled(data: bytes, sent: bytes) -> None:
    assert stuffed(data) == sent


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"a.", b"", b"=2E"]), max_size=12))
def test_the_receiver_gets_what_was_meant(lines: list[bytes]) -> None:
    data = b"".join(line + b"\r\n" for line in lines) or b"\r\n"
    sent = stuffed(data)
    assert b"\r\n.\r\n" not in b"\r\n" + sent
    assert re.sub(rb"(?m)^\.", b"", sent) == data


def test_a_text_full_of_dots_costs_no_look_at_each() -> None:
    """Quoted-printable has as many as its text has sentences; a message is sent a thousand times a second."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "c_call"

    body = b"One sentence. Another one. And one more.\r\n" * 1_000
    sys.setprofile(count)
    try:
        sent = stuffed(body)
    finally:
        sys.setprofile(None)
    assert sent == body
    assert calls < 20
