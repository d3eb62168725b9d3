"""Tokens: the same every time, different for everybody, and no one else can make them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.links import TOKEN_CHARS, Purpose, token, verify

SECRET = "a secret of the operator"
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
