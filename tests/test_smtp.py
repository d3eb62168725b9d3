"""One connection to a real server that answers as it likes: every reply becomes the outcome that smtp.py promises."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable

import pytest
import trustme
from smtp_server import Fault, Point, Rule, SmtpServer

from newsletter.errors import DeliveryError
from newsletter.model import Message, Outcome, Relay, State
from newsletter.smtp import ConnectionLostError, SenderRefusedError, Session

BODY = b"From: daily@example.com\r\nMessage-ID: <1@example.com>\r\n\r\n" + b"One line of text.\r\n" * 40
SHORT_S = 0.3
LONG_S = 30.0
PASSWORD = "the-secret-word"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """What the server shows: a certificate for localhost, and for nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """The machine's usual context, and our own authority besides."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def message(recipient: str = "ada@example.com", data: bytes = BODY) -> Message:
    return Message("daily@example.com", recipient, "<1@example.com>", data)


def send(
    relay: Relay,
    *messages: Message,
    timeout_s: float = LONG_S,
    tls: ssl.SSLContext | None = None,
    before_body: Callable[[], None] = lambda: None,
) -> list[Outcome]:
    async def run() -> list[Outcome]:
        async with Session(relay, timeout_s=timeout_s, tls_context=tls) as session:
            return [await session.send(each, before_body) for each in messages or (message(),)]

    return asyncio.run(run())


def refusal(relay: Relay, **options: object) -> str:
    with pytest.raises(DeliveryError) as caught:
        send(relay, **options)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert PASSWORD not in sentence
    assert sentence.startswith(f"{relay}: ")
    return sentence


# --- answers --------------------------------------------------------------------------------------------------------


def test_an_accepted_message_is_sent_and_arrives_as_it_was() -> None:
    data = BODY + b".\r\n..two\r\n.one more\r\n"
    with SmtpServer() as server:
        (outcome,) = send(server.relay, message(data=data))
    assert outcome == Outcome(State.SENT, "DATA", 250, "2.0.0 queued")
    (received,) = server.messages
    assert (received.mail_from, received.recipient, received.data) == ("daily@example.com", "ada@example.com", data)
    assert server.commands[-1] == "QUIT"


def test_one_connection_carries_many_messages() -> None:
    with SmtpServer() as server:
        outcomes = send(server.relay, *(message(f"{number}@example.com") for number in range(20)))
    assert [outcome.state for outcome in outcomes] == [State.SENT] * 20
    assert server.connections == 1
    assert server.recipients == [f"{number}@example.com" for number in range(20)]


@pytest.mark.parametrize(
    ("point", "reply", "expected"),
    [
        ("MAIL", "451 4.3.0 busy", Outcome(State.DEFERRED, "MAIL", 451, "4.3.0 busy")),
        ("RCPT", "450 4.2.1 full", Outcome(State.DEFERRED, "RCPT", 450, "4.2.1 full")),
        ("RCPT", "550 5.1.1 nobody", Outcome(State.REJECTED, "RCPT", 550, "5.1.1 nobody")),
        ("DATA", "451 4.3.0 busy", Outcome(State.DEFERRED, "DATA", 451, "4.3.0 busy")),
        ("DATA", "554 5.7.1 spam", Outcome(State.REJECTED, "DATA", 554, "5.7.1 spam")),
        ("dot", "454 4.7.0 throttled", Outcome(State.DEFERRED, "DATA", 454, "4.7.0 throttled")),
        ("dot", "554 5.7.1 spam", Outcome(State.REJECTED, "DATA", 554, "5.7.1 spam")),
        (
            "RCPT",
            "550-5.1.1 no such\r\n550 5.1.1 user",
            Outcome(State.REJECTED, "RCPT", 550, "5.1.1 no such 5.1.1 user"),
        ),
        ("RCPT", b"550 gr\xfc\xdfe\r\n", Outcome(State.REJECTED, "RCPT", 550, "gr\ufffd\ufffde")),
    ],
)
def test_a_refusal_is_an_outcome_in_the_server_s_words(point: Point, reply: str | bytes, expected: Outcome) -> None:
    with SmtpServer(Rule(point, reply, times=(1,))) as server:
        first, second = send(server.relay, message(), message("ben@example.com"))
    assert first == expected
    assert second.state is State.SENT
    assert (server.connections, server.recipients) == (1, ["ben@example.com"])
    assert "RSET" in server.commands


def test_a_sender_refused_for_good_stops_everything() -> None:
    with SmtpServer(Rule("MAIL", "553 5.7.1 not you")) as server, pytest.raises(SenderRefusedError) as caught:
        send(server.relay, message(), message("ben@example.com"))
    assert caught.value.outcome == Outcome(State.DEFERRED, "MAIL", 553, "5.7.1 not you")
    assert server.seen("MAIL") == 1


@pytest.mark.parametrize(
    ("point", "state", "stage"),
    [
        ("MAIL", State.DEFERRED, "MAIL"),
        ("RCPT", State.DEFERRED, "RCPT"),
        ("DATA", State.UNCERTAIN, "DATA"),
        ("body", State.UNCERTAIN, "DATA"),
        ("dot", State.UNCERTAIN, "DATA"),
    ],
)
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SILENCE, b"nonsense\r\n", b"299 what\r\n"])
def test_a_lost_connection_is_told_by_its_stage(point: Point, state: State, stage: str, fault: Fault | bytes) -> None:
    """After the body nobody can know; the library does not tell a drop before the dot from one after it."""
    with SmtpServer(Rule(point, fault)) as server, pytest.raises(ConnectionLostError) as caught:
        send(server.relay, timeout_s=SHORT_S if fault is Fault.SILENCE else LONG_S)
    outcome = caught.value.outcome
    assert (outcome.state, outcome.stage) == (state, stage)
    assert outcome.text
    assert server.seen("MAIL") == 1


@pytest.mark.parametrize(("point", "stage"), [("MAIL", "MAIL"), ("RCPT", "RCPT"), ("DATA", "DATA"), ("dot", "DATA")])
@pytest.mark.parametrize("reply", ["421 4.7.0 too many", b"421 4.7.0 too many\r\n"], ids=["and closes", "and lingers"])
def test_421_ends_the_connection_and_defers(point: Point, stage: str, reply: str | bytes) -> None:
    with SmtpServer(Rule(point, reply)) as server, pytest.raises(ConnectionLostError) as caught:
        send(server.relay)
    assert caught.value.outcome == Outcome(State.DEFERRED, stage, 421, "4.7.0 too many")
    assert server.seen("RSET") == 0


@pytest.mark.parametrize(("point", "noted"), [("MAIL", False), ("RCPT", False), ("DATA", True), ("dot", True)])
def test_before_body_runs_when_the_recipient_was_accepted(point: Point, noted: bool) -> None:
    notes: list[int] = []
    with SmtpServer(Rule(point, "451 4.0.0 later")) as server:
        send(server.relay, before_body=lambda: notes.append(server.seen("DATA")))
    assert notes == ([0] if noted else [])


def test_nothing_of_the_body_goes_out_when_before_body_fails() -> None:
    def fail() -> None:
        raise OSError("disk full")

    with SmtpServer() as server:
        with pytest.raises(OSError, match="disk full"):  # noqa: PT012
            send(server.relay, before_body=fail)
            pytest.fail("the message was sent")
        assert server.seen("DATA") == 0
    assert server.messages == []


@pytest.mark.parametrize("fault", [Fault.DROP, b"what\r\n", "500 5.5.1 no"])
def test_a_relay_that_will_not_say_goodbye_changes_nothing(fault: Fault | bytes | str) -> None:
    with SmtpServer(Rule("QUIT", fault)) as server:
        (outcome,) = send(server.relay)
    assert outcome.state is State.SENT


def test_a_silent_goodbye_is_not_waited_for() -> None:
    with SmtpServer(Rule("QUIT", Fault.SILENCE)) as server:
        (outcome,) = send(server.relay, timeout_s=SHORT_S)
    assert outcome.state is State.SENT


# --- extensions -----------------------------------------------------------------------------------------------------


def test_the_size_is_announced_where_the_relay_asks_for_it() -> None:
    with SmtpServer() as server:
        send(server.relay)
    assert f"MAIL FROM:<daily@example.com> SIZE={len(BODY)}" in server.commands
    with SmtpServer(extensions=()) as server:
        send(server.relay)
    assert "MAIL FROM:<daily@example.com>" in server.commands


def test_smtputf8_is_asked_for_only_where_an_address_needs_it() -> None:
    with SmtpServer() as server:
        send(server.relay, message("größe@example.com"), message())
    assert [command.endswith(" SMTPUTF8") for command in server.commands if command.startswith("MAIL")] == [True, False]
    assert server.recipients == ["größe@example.com", "ada@example.com"]


def test_smtputf8_is_needed_by_a_header_too() -> None:
    data = "Reply-To: größe@example.com\r\n\r\n".encode() + BODY
    with SmtpServer() as server:
        send(server.relay, message(data=data))
    assert any(command.startswith("MAIL") and command.endswith(" SMTPUTF8") for command in server.commands)


def test_a_relay_without_smtputf8_refuses_only_that_address() -> None:
    with SmtpServer(extensions=("8BITMIME",)) as server:
        first, second = send(server.relay, message("größe@example.com"), message())
    assert (first.state, first.stage, "SMTPUTF8" in first.text) == (State.REJECTED, "MAIL", True)
    assert second.state is State.SENT
    assert server.recipients == ["ada@example.com"]


# --- TLS and the login ----------------------------------------------------------------------------------------------


def over_tls(server: SmtpServer, tls: str, *, host: str = "localhost", user: str = "") -> Relay:
    return Relay(host, server.port, tls, user, PASSWORD if user else "")  # type: ignore[arg-type]


@pytest.fixture(params=["starttls", "implicit"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_verified_connection_carries_login_and_mail(
    kind: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with SmtpServer(tls=server_tls, implicit=kind == "implicit", login=("daily", PASSWORD)) as server:
        (outcome,) = send(over_tls(server, kind, user="daily"), tls=trusting)
    assert outcome.state is State.SENT
    commands = [command.split()[0] for command in server.commands]
    assert commands.index("AUTH") > (commands.index("STARTTLS") if kind == "starttls" else 0)


def test_an_untrusted_certificate_is_refused(kind: str, server_tls: ssl.SSLContext) -> None:
    with SmtpServer(tls=server_tls, implicit=kind == "implicit", login=("daily", PASSWORD)) as server:
        sentence = refusal(over_tls(server, kind, user="daily"))
    assert "the certificate was refused (" in sentence
    assert_nothing_leaked(server)


def test_a_certificate_for_another_host_is_refused(
    kind: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with SmtpServer(tls=server_tls, implicit=kind == "implicit", login=("daily", PASSWORD)) as server:
        sentence = refusal(over_tls(server, kind, host="127.0.0.1", user="daily"), tls=trusting)
    assert "the certificate was refused (" in sentence
    assert "use the host name that the certificate is for" in sentence
    assert_nothing_leaked(server)


@pytest.mark.parametrize("point", [None, "STARTTLS"])
def test_without_starttls_nothing_is_said(point: Point | None, trusting: ssl.SSLContext) -> None:
    """Someone on the wire may strike STARTTLS from the offer, or refuse it; then there is no mail, and no login."""
    with SmtpServer(login=("daily", PASSWORD)) as server:
        if point:
            server.rules.append(Rule(point, "454 4.7.0 not now"))
            server._extensions += ("STARTTLS",)
        sentence = refusal(over_tls(server, "starttls", user="daily"), tls=trusting)
    assert ("454 4.7.0 not now" if point else "offers no STARTTLS") in sentence
    assert_nothing_leaked(server)


def test_tls_against_a_plain_port_says_which_scheme_to_write(trusting: ssl.SSLContext) -> None:
    with SmtpServer() as server:
        sentence = refusal(over_tls(server, "implicit"), tls=trusting)
    assert "no TLS session" in sentence
    assert "write smtps:// for port 465 and smtp:// for 587" in sentence


def assert_nothing_leaked(server: SmtpServer) -> None:
    assert not [command for command in server.commands if command.split()[:1] in (["AUTH"], ["MAIL"])]
    assert not server.messages


def test_a_wrong_password_names_the_user_and_the_variable(
    kind: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    with SmtpServer(tls=server_tls, implicit=kind == "implicit", login=("daily", "another word")) as server:
        sentence = refusal(over_tls(server, kind, user="daily"), tls=trusting)
    assert "the login as daily was refused (535 5.7.8 credentials invalid)" in sentence
    assert "NEWSLETTER_SMTP_PASSWORD" in sentence
    assert server.seen("MAIL") == 0


def test_a_relay_without_logins_says_so(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with SmtpServer(tls=server_tls) as server:
        sentence = refusal(over_tls(server, "starttls", user="daily"), tls=trusting)
    assert "offers no login" in sentence
    assert server.seen("MAIL") == 0


# --- no server at all -----------------------------------------------------------------------------------------------


def test_a_closed_port_is_one_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening
        sentence = refusal(Relay("127.0.0.1", unused.getsockname()[1], "none"))
    assert "cannot connect (Connection refused)" in sentence
    assert "check host and port" in sentence


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault.SILENCE, "no answer in time"),
        (Fault.DROP, "cannot connect ("),
        ("554 5.3.2 no service here", "the relay turned us away (554 5.3.2 no service here)"),
        ("421 4.3.2 shutting down", "the relay turned us away (421 4.3.2 shutting down)"),
        (b"HTTP/1.1 400 Bad Request\r\n", "no SMTP server answers there ("),
    ],
)
def test_a_strange_greeting_is_one_sentence(fault: Fault | str | bytes, words: str) -> None:
    with SmtpServer(Rule("connect", fault)) as server:
        sentence = refusal(server.relay, timeout_s=SHORT_S)
    assert words in sentence
    assert server.seen("MAIL") == 0


def test_a_relay_that_refuses_our_greeting_is_one_sentence() -> None:
    with SmtpServer(Rule("EHLO", "550 5.0.0 not you"), Rule("HELO", "550 5.0.0 nor now")) as server:
        sentence = refusal(server.relay)
    assert "the relay said 550 5.0.0 nor now before any mail" in sentence


def test_a_relay_of_old_that_knows_only_helo_will_do() -> None:
    with SmtpServer(Rule("EHLO", "502 5.5.1 what")) as server:
        (outcome,) = send(server.relay)
    assert outcome.state is State.SENT
