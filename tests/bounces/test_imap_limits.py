"""An IMAP server that is huge, slow, broken or hostile, and one that wants an access token."""

from __future__ import annotations

import base64
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from imap_server import ImapServer, imap_server
from reports import hard

from newsletter.bounces.mailboxes.imap import ImapMailbox
from newsletter.bounces.mailboxes.imap_session import ImapLimits
from newsletter.bounces.mailboxes.imap_token import access_token
from newsletter.config.imap_url import ImapPlace
from newsletter.errors import ConfigError

MB = 1024 * 1024


def opened(server: ImapServer, limits: ImapLimits | None = None, **how: object) -> ImapMailbox:
    place = ImapPlace("localhost", "bounce@example.com", port=server.port, password="a password")
    return ImapMailbox(place, tls_context=server.trusted, limits=limits, **how)  # type: ignore[arg-type]


def fault_of(server: ImapServer, limits: ImapLimits | None = None) -> str:
    with pytest.raises(ConfigError) as caught, opened(server, limits) as mailbox:
        list(mailbox.arrivals())
    assert f"localhost:{server.port}" in str(caught.value)
    return str(caught.value)


def found(command: str) -> bytes:
    return b"* SEARCH 1 2 3\r\nTAG OK done\r\n" if "SEARCH" in command else b"TAG BAD what\r\n"


def test_a_mailbox_of_150_000_unread_letters_is_searched_in_parts() -> None:
    def answer(command: str) -> bytes:
        part = re.fullmatch(r"UID SEARCH (\d+):(\d+) UNSEEN UNDELETED", command)
        if part:
            numbers = " ".join(str(10**9 + n) for n in range(int(part[1]), int(part[2]) + 1))
            return f"* SEARCH {numbers}\r\nTAG OK done\r\n".encode()
        uids = command.split(" ")[2].split(",")
        items = b"".join(b"* 1 FETCH (UID %s BODY[]<0> {1}\r\nx)\r\n" % uid.encode() for uid in uids)
        return items + b"TAG OK done\r\n"

    with imap_server(answer, messages=150_000) as server, opened(server) as mailbox:
        arrivals = mailbox.arrivals()
        assert [next(arrivals).key for _ in range(50)] == [str(10**9 + n) for n in range(1, 51)]
        searches = [command for command in server.commands if "SEARCH" in command]
    assert searches[0].startswith("UID SEARCH 1:20000 ")
    assert searches[-1].startswith("UID SEARCH 140001:150000 ")
    assert len(searches) == 8


def test_an_empty_mailbox_is_not_searched() -> None:
    with imap_server(found, messages=0) as server, opened(server) as mailbox:
        assert list(mailbox.arrivals()) == []
        assert not any("SEARCH" in command for command in server.commands)


def test_a_literal_of_99_gb_is_not_waited_for() -> None:
    def answer(command: str) -> bytes:
        return found(command) if "SEARCH" in command else b"* 1 FETCH (UID 1 BODY[]<0> {99000000000}\r\nx"

    with imap_server(answer) as server:
        assert "it announces 99,000,000,000 bytes, more than were asked for" in fault_of(server)


def test_answers_without_an_end_meet_the_budget() -> None:
    def answer(command: str) -> bytes | Iterator[bytes]:
        if "SEARCH" in command:
            return found(command)
        return (b"* OK still here\r\n" * 1_000 for _ in range(10_000))

    with imap_server(answer) as server:
        assert "it sends more than 1,048,576 bytes for one answer" in fault_of(server, ImapLimits(MB))


def test_a_line_without_an_end_meets_a_limit() -> None:
    with imap_server(lambda command: (b"x" * 100_000 for _ in range(1_000))) as server:
        assert "it sends a line of more than 1,000 bytes" in fault_of(server, ImapLimits(MB, max_line=1_000))


def test_a_server_that_sends_byte_by_byte_meets_the_time() -> None:
    """The clock goes on by a second whenever it is asked: no test waits."""
    seconds = iter(range(10**9))

    def clock() -> float:
        return next(seconds)

    def answer(command: str) -> Iterator[bytes]:
        return (b"*" for _ in range(100_000))

    with imap_server(answer) as server:
        assert "it takes more than 300 s for one answer" in fault_of(server, ImapLimits(MB, clock=clock))


def test_a_server_that_falls_silent_meets_the_time_and_is_not_waited_for_at_the_end() -> None:
    begun, over = threading.Event(), threading.Event()
    now = 0.0

    def clock() -> float:
        """Nearly the end of a command's time, whenever it is asked after the first byte."""
        nonlocal now
        now += 299.95 if begun.is_set() else 0
        return now

    def answer(command: str) -> Iterator[bytes]:
        begun.set()
        yield b"*"
        over.wait(60)

    with imap_server(answer) as server:
        assert "it takes more than 300 s for one answer" in fault_of(server, ImapLimits(MB, clock=clock))
        over.set()
    assert now < 10 * 299.95  # LOGOUT's answer has seconds, not minutes


def test_a_server_that_closes_the_connection_is_one_sentence() -> None:
    def answer(command: str) -> Iterator[bytes]:
        raise OSError("gone")

    with imap_server(answer) as server:
        assert "it closed the connection" in fault_of(server)


def test_each_command_has_a_budget_of_its_own() -> None:
    def answer(command: str) -> bytes:
        if "SEARCH" in command:
            return found(command)
        body = hard()
        return b"* 1 FETCH (UID 1 BODY[]<0> {%d}\r\n%s)\r\nTAG OK done\r\n" % (len(body), body)

    with imap_server(answer) as server, opened(server, ImapLimits(4_000)) as mailbox:
        for _ in range(5):
            assert [arrival.key for arrival in mailbox.arrivals()] == ["1"]


# --- access tokens --------------------------------------------------------------------------------------------------


def prints(text: str) -> list[str]:
    return [sys.executable, "-c", f"print({text!r})"]


def test_an_access_token_logs_in() -> None:
    def answer(command: str) -> bytes:
        if command == "AUTHENTICATE XOAUTH2":
            return b"+ \r\n"
        said = base64.b64decode(command)
        good = said == b"user=bounce@example.com\x01auth=Bearer the-token\x01\x01"
        return b"TAG OK done\r\n" if good else b"TAG NO wrong\r\n"

    with imap_server(answer, messages=0) as server, opened(server, token_command=prints("the-token")) as mailbox:
        assert list(mailbox.arrivals()) == []
        assert not any(command.startswith("LOGIN") for command in server.commands)


def test_a_token_that_is_refused_is_told_and_not_shown() -> None:
    asked: list[str] = []

    def answer(command: str) -> bytes:
        asked.append(command)
        if command == "AUTHENTICATE XOAUTH2":
            return b"+ \r\n"
        if len(asked) == 2:
            return b"+ " + base64.b64encode(b'{"status":"401"}') + b"\r\n"
        return b"TAG NO AUTHENTICATE failed\r\n"

    with imap_server(answer) as server, pytest.raises(ConfigError) as caught:
        opened(server, token_command=prints("a-secret-token"))
    assert "refuses the login" in str(caught.value)
    assert "see that token_command prints a token of this user" in str(caught.value)
    assert "a-secret-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["/no/such/program"], "token_command cannot be run: /no/such/program"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "ended with code 3 and gave no access token"),
        (prints(""), "ended with code 0 and gave no access token"),
        (prints("two\nlines"), "gave no access token"),
    ],
)
def test_a_command_that_gives_no_token(command: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        access_token(command, "imaps://a@b/INBOX")
    assert words in str(caught.value)
    assert "two" not in str(caught.value)


@pytest.mark.parametrize(
    ("offered", "by_token", "remedy"),
    [
        ((), False, "check the user, and the password in NEWSLETTER_IMAP_PASSWORD"),
        (("AUTH=PLAIN", "AUTH=XOAUTH2"), False, "check the user, and the password in NEWSLETTER_IMAP_PASSWORD"),
        (("AUTH=XOAUTH2",), False, "it wants an access token: write [bounces] token_command"),
        (
            ("AUTH=PLAIN", "AUTH=XOAUTH2", "LOGINDISABLED"),
            False,
            "it wants an access token: write [bounces] token_command",
        ),
        ((), True, "see that token_command prints a token of this user with the right to read mail"),
        (("AUTH=PLAIN", "AUTH=XOAUTH2"), True, "see that token_command prints a token of this user"),
        (("AUTH=PLAIN",), True, "it offers no login by a token: set the password in NEWSLETTER_IMAP_PASSWORD"),
    ],
)
def test_a_refused_login_says_what_the_server_offers(offered: tuple[str, ...], by_token: bool, remedy: str) -> None:
    def answer(command: str) -> bytes:
        if command == "CAPABILITY":
            return f"* CAPABILITY {' '.join(('IMAP4rev1', *offered))}\r\nTAG OK done\r\n".encode()
        return b"TAG NO [AUTHENTICATIONFAILED] not so\r\n"

    with imap_server(answer, own=("CAPABILITY", "LOGIN")) as server, pytest.raises(ConfigError) as caught:
        opened(server, token_command=prints("the-token") if by_token else ())
    assert f"refuses the login: [AUTHENTICATIONFAILED] not so; {remedy}" in str(caught.value)
