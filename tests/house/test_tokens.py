"""Links and tokens: the same every time, different for everybody, and no one else can make or read them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.addresses import normalize_address
from newsletter.tokens import (
    MAX_ISSUE_BYTES,
    MAX_LINK_CHARS,
    TOKEN_CHARS,
    AddressHashes,
    Link,
    LinkError,
    LinkPurpose,
    Purpose,
    derive_key,
    is_address_hash,
    key_id,
    make_link,
    read_link,
    token,
    verify,
)

SECRET, OLDER = "a secret of the operator", "the secret of last year"
NOW = 1_770_000_000
PURPOSES: tuple[LinkPurpose, ...] = ("unsubscribe", "preferences", "confirm", "undo")
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
addresses = st.builds(lambda local, domain: f"{local}@{domain}.example", texts, texts)


def test_a_token_is_known_for_ever() -> None:
    """Links in mails of years ago have to work: a change of this value breaks all of them."""
    assert token(SECRET, "unsubscribe", "ada@example.com") == "cd7de8f73f38cd2a123d17d759bfb0bbe0a0c5fa"
    assert token(SECRET, "bounce", "ada@example.com", "issue-1") == "2b5b7c4616be02feb8126efba5318d3cd820a3c4"


@given(address=addresses, secret=texts.filter(bool))
def test_a_token_verifies_for_its_own_address_only(address: str, secret: str) -> None:
    made = token(secret, "unsubscribe", address)
    assert re.fullmatch("[0-9a-f]{40}", made)
    assert len(made) == TOKEN_CHARS
    assert verify(secret, "unsubscribe", address, made)
    assert verify(secret, "unsubscribe", address, made.upper())
    assert not verify(secret, "unsubscribe", f"x{address}", made)
    assert not verify(secret, "bounce", address, made)
    assert not verify(f"{secret}x", "unsubscribe", address, made)
    assert not verify(secret, "unsubscribe", address, made, "issue-1")


@pytest.mark.parametrize("given_token", ["", "x", "0" * 40, "０" * 40, "\ud800", "日" * 40])
def test_what_is_no_token_is_refused(given_token: str) -> None:
    assert not verify(SECRET, "unsubscribe", "ada@example.com", given_token)


def test_two_spellings_of_one_person_have_one_token() -> None:
    assert token(SECRET, "unsubscribe", "Ada@Example.com") == token(SECRET, "unsubscribe", "ada@example.com")


@pytest.mark.parametrize("purpose", ["unsubscribe", "bounce"])
def test_there_is_no_token_without_a_secret(purpose: Purpose) -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        token("", purpose, "ada@example.com")
    with pytest.raises(ValueError, match="needs a secret"):
        verify("", purpose, "ada@example.com", "0" * 40)


def test_a_bounce_token_tells_issues_apart() -> None:
    made = {token(SECRET, "bounce", "ada@example.com", issue) for issue in ("", "issue-1", "issue-2")}
    assert len(made) == 3


# --- links ----------------------------------------------------------------------------------------------------------

LASTING = (
    "87ebdZn9u96_U8ratj0X2-sjhIuUW_EUE5CmALmKTel0dvaZn-xF865jnLIvZ-plTsZxS4"
    "pUFu9dpiABNkw-oWzFWw.QppjiNXD13z0QentzsiIlDGdYz_jOjcisf1ywharbxs"
)
ADA = Link("unsubscribe", "Ada@example.com", "2026-03-01-daily")
links = st.builds(
    Link, st.sampled_from(PURPOSES), addresses, texts, st.none() | st.integers(min_value=NOW + 1, max_value=2**40)
)


def test_a_link_is_known_for_ever() -> None:
    """Links in mails of years ago have to work: a change of this value breaks all of them."""
    made = make_link(SECRET, ADA)
    assert made == LASTING
    assert read_link([SECRET], "unsubscribe", made, NOW) == ADA
    assert read_link([SECRET], "unsubscribe", made, NOW * 100) == ADA


@given(link=links, secret=texts.filter(bool))
def test_a_link_says_what_was_put_into_it(link: Link, secret: str) -> None:
    made = make_link(secret, link)
    assert re.fullmatch(r"[0-9a-f]{4}[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", made)
    assert made == make_link(secret, link), "the same every time"
    assert not made.endswith(("-", "_", ".")), "a mail program that finds the link in plain text takes all of it"
    found = read_link([secret], link.purpose, made, NOW)
    named = link.issue if len(link.issue.encode()) <= MAX_ISSUE_BYTES else ""
    assert found == Link(link.purpose, link.address, named, link.expires)


@given(link=links, data=st.data())
def test_a_link_that_was_changed_is_none(link: Link, data: st.DataObject) -> None:
    made = make_link(SECRET, link)
    place = data.draw(st.integers(0, len(made) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda char: char != made[place]))
    for forged in (made[:place] + other + made[place + 1 :], made[:place], made + other, made.upper(), made.lower()):
        with pytest.raises(LinkError, match="not one of our links"):
            read_link([SECRET], link.purpose, forged, NOW)


@given(link=links)
def test_a_link_is_for_its_purpose_alone(link: Link) -> None:
    for purpose in PURPOSES:
        if purpose != link.purpose:
            with pytest.raises(LinkError):
                read_link([SECRET], purpose, make_link(SECRET, link), NOW)


@given(address=addresses)
def test_a_link_says_nothing_of_the_person(address: str) -> None:
    made = make_link(SECRET, Link("unsubscribe", address))
    short, long = (make_link(SECRET, Link("unsubscribe", each)) for each in ("b@c.example", "ada@c.example"))
    assert len(short) == len(long)
    with pytest.raises(LinkError):
        read_link([OLDER], "unsubscribe", made, NOW)
    assert made != make_link(OLDER, Link("unsubscribe", address))


def test_a_link_works_after_a_change_of_secrets_until_the_old_one_is_taken_out() -> None:
    made = make_link(OLDER, ADA)
    assert read_link([SECRET, OLDER], "unsubscribe", made, NOW) == ADA
    for secrets in ([SECRET], []):
        with pytest.raises(LinkError, match="a secret that is no longer there"):
            read_link(secrets, "unsubscribe", made, NOW)


def test_a_link_to_confirm_expires_and_says_so() -> None:
    made = make_link(SECRET, Link("confirm", "ada@example.com", expires=NOW + 60))
    assert read_link([SECRET], "confirm", made, NOW + 59).address == "ada@example.com"
    with pytest.raises(LinkError, match="expired") as caught:
        read_link([SECRET], "confirm", made, NOW + 60)
    assert caught.value.expired
    with pytest.raises(LinkError) as caught:
        read_link([SECRET], "confirm", made[:-1], NOW + 60)
    assert not caught.value.expired, "who cannot make one learns nothing of when it was made"


@pytest.mark.parametrize("given_token", ["", "x", ".", "a.b", "0" * 40, "\ud800", "日" * 40, "A" * 1_000_000, "\0"])
def test_what_is_no_link_is_refused(given_token: str) -> None:
    for text in (given_token, key_id(SECRET) + given_token):
        with pytest.raises(LinkError, match="not one of our links"):
            read_link([SECRET], "unsubscribe", text, NOW)


def test_the_longest_link_keeps_to_its_bound() -> None:
    address = normalize_address("l" * 64 + "@" + ".".join(["d" * 63, "d" * 63, "d" * 57, "com"]))
    assert len(address) == 254
    link = Link("confirm", address, "i" * MAX_ISSUE_BYTES, 2**40)
    assert len(make_link(SECRET, link)) == MAX_LINK_CHARS
    assert read_link([SECRET], "confirm", make_link(SECRET, link), NOW) == link
    assert len(make_link(SECRET, replace(link, expires=None))) == 475


def test_keys_are_of_one_purpose_and_need_a_secret() -> None:
    assert derive_key(SECRET, "a", 32) != derive_key(SECRET, "b", 32)
    with pytest.raises(ValueError, match="needs a secret"):
        make_link("", ADA)
    with pytest.raises(ValueError, match="more than one block"):
        derive_key(SECRET, "a", 65)


# --- the forgotten --------------------------------------------------------------------------------------------------


@given(address=addresses)
def test_a_shadow_is_found_by_who_has_secret_and_address(address: str) -> None:
    key = address.lower()
    shadow = AddressHashes([OLDER]).of(key)
    assert is_address_hash(shadow)
    assert not is_address_hash(key)
    both = AddressHashes([SECRET, OLDER])
    assert shadow in both.all(key)
    assert both.of(key) != shadow
    assert both.can_match(shadow)
    assert not AddressHashes([SECRET]).can_match(shadow)
    assert shadow not in both.all(f"x{key}")


def test_no_list_can_hold_a_shadow() -> None:
    with pytest.raises(ValueError, match="special-use or reserved"):
        normalize_address(AddressHashes([SECRET]).of("ada@example.com"))
    with pytest.raises(ValueError, match="needs a secret"):
        AddressHashes([]).of("ada@example.com")
