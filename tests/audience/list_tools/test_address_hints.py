"""What is odd about a good address: a slip, a throwaway, a role; and that ordinary ones are left in peace."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.audience.list_tools.address_hints import _PROVIDERS, meant_domain, remarks_on, to_look_at
from newsletter.text import is_one_slip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gnail.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.cm", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("gmial.con", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("yaho.com", "yahoo.com"),
        ("outlok.com", "outlook.com"),
        ("iclould.com", "icloud.com"),
        ("qq.con", "qq.com"),
        ("163.con", "163.com"),
        ("foxmial.com", "foxmail.com"),
        ("example.con", "example.com"),
        ("company.ogr", "company.org"),
    ],
)
def test_a_slip_is_seen_and_mended(typed: str, meant: str) -> None:
    assert meant_domain(typed) == meant
    (remark,) = remarks_on(f"Ann.Lee@{typed}", 7)
    assert (remark.code, remark.line) == ("typo", 7)
    assert remark.remedy == f"is it Ann.Lee@{meant}?"


@pytest.mark.parametrize(
    "domain",
    [
        *_PROVIDERS,
        *("example.com", "mail.example.com", "qq.org", "me.co", "live.cn", "five.com", "yahoo.de", "gmx.ch"),
        *("web.dev", "xn--bcher-kva.example", "hotmail.it", "aol.de", "163.net", "company.co"),
    ],
)
def test_ordinary_domains_are_left_in_peace(domain: str) -> None:
    assert meant_domain(domain) == ""
    assert remarks_on(f"ann@{domain}", 1) == ()


@pytest.mark.parametrize("address", ["x@mailinator.com", "x@MAILINATOR.com", "x@inbox.mailinator.com"])
def test_throwaway_addresses_are_flagged(address: str) -> None:
    assert [remark.code for remark in remarks_on(address, 1)] == ["disposable"]


@pytest.mark.parametrize("local", ["admin", "Info", "no-reply", "noreply", "postmaster", "support+news"])
def test_role_addresses_are_flagged(local: str) -> None:
    assert [remark.code for remark in remarks_on(f"{local}@example.com", 1)] == ["role"]


def test_all_that_is_odd_is_said() -> None:
    assert [remark.code for remark in remarks_on("admin@mailinator.con", 1)] == ["typo", "role"]
    assert all(remark.what.isprintable() for remark in remarks_on("noreply@gmial.com", 1))


_words = st.text("abc.", max_size=6)


@given(_words, _words)
def test_one_slip_is_distance_one(typed: str, meant: str) -> None:
    """Against the plain definition: every word that one edit makes of the other."""
    edits = {typed[:n] + c + typed[n:] for n in range(len(typed) + 1) for c in "abc."}
    edits |= {typed[:n] + typed[n + 1 :] for n in range(len(typed))}
    edits |= {typed[:n] + c + typed[n + 1 :] for n in range(len(typed)) for c in "abc."}
    edits |= {typed[:n] + typed[n : n + 2][::-1] + typed[n + 2 :] for n in range(len(typed) - 1)}
    assert is_one_slip(typed, meant) is (meant in edits and meant != typed)


NAMES = st.sampled_from(("ann", "Info", "info+x", "ann+info", "NEWS", "info.x", "é", "+"))
DOMAINS = st.sampled_from(("example.com", "gmial.com", "Gmial.com", "mailinator.com", "x.mailinator.com", "gmail.com"))


@given(st.lists(st.builds("{}@{}".format, NAMES, DOMAINS) | st.just('"a@b"@example.com'), max_size=6))
def test_looking_over_many_misses_none(addresses: list[str]) -> None:
    odd = {place for place, address in enumerate(addresses) if remarks_on(address, None)}
    assert odd <= set(to_look_at(addresses))


def test_looking_over_many_spares_the_ordinary() -> None:
    assert list(to_look_at(["ann@example.com", "bo+x@example.com", "Info+y@example.com"])) == [2]
    assert list(to_look_at(["ann@example.com", "bo@gmial.com"])) == [1]
    assert list(to_look_at(["ann@example.com"] * 3)) == []
