"""Logging in to Dovecot by an OAuth 2 access token (XOAUTH2), which it shows to an authorization server."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterator

import pytest
from dovecot import USER, Dovecot, dovecot
from machine import RequireProgram
from reports import hard
from token_server import TokenServer, token_server

from newsletter.bounces.mailboxes.imap import ImapMailbox
from newsletter.config.imap_url import read_imap
from newsletter.errors import ConfigError

TOKEN = "an-access-token.of-some_length~0123456789"


@pytest.fixture(scope="module")
def authorization() -> Iterator[TokenServer]:
    with token_server(USER, TOKEN) as served:
        yield served


@pytest.fixture(scope="module")
def server(require_program: RequireProgram, authorization: TokenServer) -> Iterator[Dovecot]:
    with dovecot(require_program, introspection_url=authorization.url) as started:
        yield started


def opened(server: Dovecot, token: str) -> ImapMailbox:
    trusted = ssl.create_default_context(cafile=server.authority)
    prints = [sys.executable, "-c", f"print({token!r})"]
    return ImapMailbox(read_imap(server.url, {}), "", trusted, token_command=prints)


def test_a_token_of_the_user_opens_the_mailbox(server: Dovecot, authorization: TokenServer) -> None:
    server.put("one", hard("ada@example.net"))
    with opened(server, TOKEN) as mailbox:
        assert [b"ada@example.net" in message.raw for message in mailbox.arrivals()] == [True]
    assert authorization.asked == [TOKEN]


def test_a_token_that_has_expired_is_told_and_not_shown(server: Dovecot, authorization: TokenServer) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(server, "a-token-of-yesterday")
    assert authorization.asked[-1] == "a-token-of-yesterday"
    assert "refuses the login" in str(caught.value)
    assert "see that token_command prints a token of this user" in str(caught.value)
    assert "a-token-of-yesterday" not in str(caught.value)


def test_a_token_of_another_user_opens_nothing(server: Dovecot, authorization: TokenServer) -> None:
    authorization.user = "eve@example.com"
    try:
        with pytest.raises(ConfigError, match="refuses the login"):
            opened(server, TOKEN)
    finally:
        authorization.user = USER
