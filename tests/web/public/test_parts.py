"""The parts of the public pages that need no server: limits and forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.web.public.forms import MAX_FIELDS, MAX_VALUE_CHARS, Age, FormClock, read_form
from newsletter.web.public.rate_limit import Limit, network_of

# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_limit_gives_back_one_at_a_time() -> None:
    limit = Limit(3, 60)
    assert [limit.take("a", 0) for _ in range(4)] == [0, 0, 0, 20]
    assert limit.take("b", 0) == 0, "each key has its own"
    assert limit.take("a", 15) == 5
    assert limit.take("a", 20) == 0
    assert limit.take("a", 20) == 20
    assert [limit.take("a", 1_000) for _ in range(4)] == [0, 0, 0, 20]


@given(st.integers(1, 20), st.lists(st.floats(0, 50), max_size=80))
def test_no_more_than_twice_the_count_in_any_span(count: int, waits: list[float]) -> None:
    """A bucket that is full gives all at once, and meanwhile fills again: twice, and no more."""
    limit, now, taken = Limit(count, 60), 0.0, []
    for wait in waits:
        now += wait
        if not limit.take("a", now):
            taken.append(now)
    for first in taken:
        assert sum(first <= each < first + 60 for each in taken) <= 2 * count


def test_a_limit_has_a_bounded_memory_and_forgets_the_fullest() -> None:
    limit = Limit(1, 60, most_keys=3)
    for key in "abca":
        limit.take(key, 0)
    limit.take("d", 1)
    assert len(limit) == 3
    assert limit.take("b", 1) == 0, "it was asked for longest ago"
    assert limit.take("a", 1) == 59


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_networks(host: str, network: str) -> None:
    assert network_of(host) == network


# --- forms ----------------------------------------------------------------------------------------------------------


def test_a_form_is_read() -> None:
    form = read_form(b"email=+ada%40example.com%0D%0ABcc%3A+x+&lists=a&lists=b&none=&name=%E5%A8%9C")
    assert form.one("email") == "ada@example.com  Bcc: x"
    assert form.all("lists") == ("a", "b")
    assert (form.one("none"), form.one("missing"), form.all("missing")) == ("", "", ())
    assert form.one("name") == "娜"


def test_a_form_has_bounds() -> None:
    assert len(read_form(b"a=" + b"x" * 9_000).one("a")) == MAX_VALUE_CHARS
    assert read_form(b"a=1&" * (MAX_FIELDS + 1)).values == {}
    assert read_form(b"\xff\xfe").values == {}
    assert read_form(b"a=%ff").one("a") == "\ufffd"


@given(st.binary(max_size=300))
def test_any_body_is_a_form(body: bytes) -> None:
    for values in read_form(body).values.values():
        assert all(value == value.strip() and len(value) <= MAX_VALUE_CHARS for value in values)


def test_a_forms_time_is_signed_for_its_purpose() -> None:
    join, other = FormClock(["a secret of ours"], "join"), FormClock(["a secret of ours"], "other")
    stamp = join.stamp(1_000_000)
    ages = [join.age(stamp, 1_000_000 + later) for later in (-5, 0, 1.9, 2, 86_400, 86_401)]
    assert ages == [Age.QUICK, Age.QUICK, Age.QUICK, Age.GOOD, Age.GOOD, Age.STALE]
    assert other.age(stamp, 1_000_010) is Age.FORGED
    assert FormClock(["a new secret", "a secret of ours"], "join").age(stamp, 1_000_010) is Age.GOOD
    assert FormClock(["a new secret"], "join").age(stamp, 1_000_010) is Age.FORGED


@given(st.text(max_size=60))
def test_no_text_is_a_forms_time(text: str) -> None:
    assert FormClock(["a secret of ours"], "join").age(text, 1_000_000) is Age.FORGED


@given(st.data())
def test_a_forms_time_cannot_be_changed(data: st.DataObject) -> None:
    clock = FormClock(["a secret of ours"], "join")
    stamp = clock.stamp(1_000_000)
    at = data.draw(st.integers(0, len(stamp) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda char: char != stamp[at]))
    assert clock.age(stamp[:at] + other + stamp[at + 1 :], 1_000_010) is Age.FORGED
