"""Connecting to a real server, TLS and login included: every way it can fail is one sentence with a remedy."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import sys
from base64 import b64encode
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

import pytest
import trustme
from smtp_server import EXTENSIONS, Fault, Point, Rule, SmtpServer

from newsletter.delivery.smtp import connect as connecting
from newsletter.delivery.smtp.connect import UnreachableError, connect
from newsletter.errors import DeliveryError
from newsletter.model.delivery import Relay

HASTY_S = 0.2
PATIENT_S = 600.0
PASSWORD = "the-secret-word"
TOKEN = "ya29.a0-fresh_token"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """What the server shows: a certificate for localhost, and for nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """The machine's usual context, and our own authority besides."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(params=["starttls", "implicit"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def offers_of(relay: Relay, timeout_s: float = PATIENT_S, tls: ssl.SSLContext | None = None) -> dict[str, str]:
    """What the relay offers, once connected to."""

    async def run() -> dict[str, str]:
        connection = await connect(relay, timeout_s=timeout_s, tls_context=tls)
        connection.transport.abort()
        await asyncio.sleep(0)
        return dict(connection.offers)

    return asyncio.run(run())


def refusal(relay: Relay, *, passing: bool = False, **options: Any) -> str:
    """The sentence of a connection that cannot be had; `passing`: another try may mend it."""
    with pytest.raises(DeliveryError) as caught:
        offers_of(relay, **options)
    sentence = str(caught.value)
    assert isinstance(caught.value, UnreachableError) == passing
    assert "\n" not in sentence
    assert PASSWORD not in sentence
    assert TOKEN not in sentence
    assert sentence.startswith(f"{relay}: ")
    assert ";" in sentence  # what is wrong; what to do
    del caught
    gc.collect()  # a socket left open would warn here
    return sentence


def over_tls(server: SmtpServer, tls: str, *, host: str = "localhost", user: str = "", **more: Any) -> Relay:
    return Relay(host, server.port, tls, user, PASSWORD if user else "", **more)  # type: ignore[arg-type]


def assert_nothing_leaked(server: SmtpServer) -> None:
    assert not [command for command in server.commands if command.split()[:1] in (["AUTH"], ["MAIL"])]


# --- what is offered ------------------------------------------------------------------------------------------------


def test_offers_are_heard_in_lower_case_with_their_arguments() -> None:
    with SmtpServer(extensions=("Pipelining", "SIZE 5000", "SMTPUTF8")) as server:
        offers = offers_of(server.relay)
    assert offers["size"] == "5000"
    assert {"pipelining", "smtputf8"} <= offers.keys()
    assert "8bitmime" not in offers


def test_what_was_offered_before_tls_counts_for_nothing(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    """RFC 3207, 4.2: asked again, inside."""
    plain = b"250-mail.test\r\n250-SIZE 5\r\n250 STARTTLS\r\n"
    with SmtpServer(Rule("EHLO", plain, times=(1,)), tls=server_tls) as server:
        assert offers_of(over_tls(server, "starttls"), tls=trusting)["size"] == "50000000"
    assert server.seen("EHLO") == 2


@pytest.mark.parametrize("injected", [b"250-mail.test\r\n250 SIZE 5\r\n", b"235 welcome\r\n"])
def test_plaintext_after_starttls_counts_for_nothing(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, injected: bytes
) -> None:
    with SmtpServer(tls=server_tls, injected=injected, login=("daily", PASSWORD)) as server:
        assert offers_of(over_tls(server, "starttls", user="daily"), tls=trusting)["size"] == "50000000"
    assert server.seen("AUTH") == 1


def test_a_relay_of_old_that_knows_only_helo_will_do() -> None:
    with SmtpServer(Rule("EHLO", "502 5.5.1 what")) as server:
        assert offers_of(server.relay) == {}
    assert server.seen("HELO") == 1


def test_answers_may_come_byte_by_byte() -> None:
    with SmtpServer(dribble=True) as server:
        assert "pipelining" in offers_of(server.relay)


# --- the name in EHLO -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fqdn", "said"),
    [
        ("news.example.com", "news.example.com"),
        ("Mail.Example.COM.", "mail.example.com"),
        ("localhost", "[127.0.0.1]"),
        ("localhost.localdomain", "[127.0.0.1]"),
        ("laptop", "[127.0.0.1]"),
        ("laptop.local", "[127.0.0.1]"),
        ("my_host.example.com", "[127.0.0.1]"),
        ("1.0.0.127.in-addr.arpa", "[127.0.0.1]"),
        ("192.0.2.1", "[127.0.0.1]"),
        ("书.example.com", "[127.0.0.1]"),
    ],
)
def test_the_machine_greets_with_its_full_name_or_its_address(
    monkeypatch: pytest.MonkeyPatch, fqdn: str, said: str
) -> None:
    monkeypatch.setattr(socket, "getfqdn", lambda: fqdn)
    with SmtpServer() as server:
        offers_of(server.relay)
    assert server.commands[0] == f"EHLO {said}"


@pytest.mark.parametrize("ehlo", ["news.example.com", "[192.0.2.1]"])
def test_the_name_that_is_set_is_said_each_time(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, ehlo: str
) -> None:
    with SmtpServer(tls=server_tls) as server:
        offers_of(over_tls(server, "starttls", ehlo=ehlo), tls=trusting)
    assert [command for command in server.commands if command.startswith("EHLO")] == [f"EHLO {ehlo}"] * 2


@pytest.mark.parametrize(
    ("sockname", "said"),
    [
        (("192.0.2.1", 5), "[192.0.2.1]"),
        (("2001:db8::1", 5, 0, 0), "[IPv6:2001:db8::1]"),
        (("fe80::1%eth0", 5, 0, 2), "[IPv6:fe80::1]"),
        (("::ffff:192.0.2.1", 5, 0, 0), "[192.0.2.1]"),
        (None, "[127.0.0.1]"),
    ],
)
def test_an_address_as_ehlo_says_it(sockname: object, said: str) -> None:
    assert connecting.address_literal(sockname) == said


@pytest.mark.parametrize(
    "words", ["504 5.5.2 <laptop>: Helo command rejected: need fully-qualified hostname", "550 Invalid HELO name"]
)
def test_a_relay_that_wants_another_name_names_the_key(words: str) -> None:
    with SmtpServer(Rule("EHLO", words), Rule("HELO", words)) as server:
        sentence = refusal(server.relay)
    assert 'set ehlo = "…" in [relay] to the full name' in sentence


# --- a login behind STARTTLS ----------------------------------------------------------------------------------------

BEHIND_TLS = Rule("EHLO", b"250-mail.test\r\n250 STARTTLS\r\n", times=(1,))


@pytest.mark.parametrize("auth", ["auto", "plain", "login"])
def test_on_this_machine_tls_starts_where_the_login_needs_it(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, auth: str
) -> None:
    with SmtpServer(BEHIND_TLS, tls=server_tls, login=("daily", PASSWORD)) as server:
        relay = over_tls(server, "none", user="daily", auth=auth, may_start_tls=True)
        assert "size" in offers_of(relay, tls=trusting)
    commands = [command.split()[0] for command in server.commands]
    assert commands[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


@pytest.mark.parametrize("before", ["AUTH GSSAPI NTLM", "AUTH=NTLM", "AUTH SCRAM-SHA-256-PLUS EXTERNAL"])
@pytest.mark.parametrize("mechanisms", ["LOGIN", "PLAIN"])
def test_on_this_machine_tls_starts_where_no_login_of_ours_is_offered_before_it(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, before: str, mechanisms: str
) -> None:
    """Exchange offers NTLM in the clear, and LOGIN behind STARTTLS."""
    rule = Rule("EHLO", f"250-mail.test\r\n250-{before}\r\n250 STARTTLS\r\n".encode(), times=(1,))
    with SmtpServer(rule, tls=server_tls, login=("daily", PASSWORD), mechanisms=mechanisms) as server:
        offers_of(over_tls(server, "none", user="daily", may_start_tls=True), tls=trusting)
    assert [command.split()[0] for command in server.commands][:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


def test_tls_that_was_ruled_out_is_named_where_no_login_of_ours_is_offered_before_it(
    server_tls: ssl.SSLContext,
) -> None:
    rule = Rule("EHLO", b"250-mail.test\r\n250-AUTH NTLM\r\n250 STARTTLS\r\n", times=(1,))
    with SmtpServer(rule, tls=server_tls, login=("daily", PASSWORD)) as server:
        assert "offers no login before STARTTLS" in refusal(over_tls(server, "none", user="daily"))


def test_a_chosen_login_that_is_offered_behind_tls_alone_starts_it(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    offer = b"250-mail.test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"
    with SmtpServer(Rule("EHLO", offer, times=(1,)), tls=server_tls, login=("daily", PASSWORD)) as server:
        offers_of(over_tls(server, "none", user="daily", auth="login", may_start_tls=True), tls=trusting)
    assert server.seen("STARTTLS")


def test_on_this_machine_a_login_in_the_clear_needs_no_tls(server_tls: ssl.SSLContext) -> None:
    with SmtpServer(tls=server_tls, login=("daily", PASSWORD)) as server:
        offers_of(over_tls(server, "none", user="daily", may_start_tls=True))
    assert not server.seen("STARTTLS")


@pytest.mark.parametrize("tls", ["none", "starttls"])
def test_on_port_465_silence_is_the_wrong_scheme(tls: Literal["none", "starttls"]) -> None:
    """It waits for TLS to begin, and we for its greeting."""
    relay = Relay("127.0.0.1", 465, tls)
    sentence = str(connecting._unreachable(relay, TimeoutError(), (), (), behind_tls=False))
    assert sentence.endswith("no answer in time; write smtps://: on port 465 TLS starts at once")


def test_tls_that_was_ruled_out_is_named_where_the_login_needs_it(server_tls: ssl.SSLContext) -> None:
    with SmtpServer(BEHIND_TLS, tls=server_tls, login=("daily", PASSWORD)) as server:
        sentence = refusal(over_tls(server, "none", user="daily"))
    assert 'offers no login before STARTTLS; write tls = "starttls"' in sentence
    assert_nothing_leaked(server)


@pytest.mark.parametrize(
    "words",
    ["530 5.7.0 Must issue a STARTTLS command first", "538 5.7.11 Encryption required", "503 5.7.10 not in the clear"],
)
def test_a_login_that_is_refused_for_want_of_tls_is_no_wrong_password(words: str) -> None:
    with SmtpServer(Rule("AUTH", words), login=("daily", PASSWORD)) as server:
        sentence = refusal(over_tls(server, "none", host="127.0.0.1", user="daily", may_start_tls=True))
    assert 'write tls = "starttls" in [relay]' in sentence
    assert "NEWSLETTER_SMTP_PASSWORD" not in sentence


def test_a_certificate_that_this_machine_signed_itself_can_be_trusted(server_tls: ssl.SSLContext) -> None:
    with SmtpServer(BEHIND_TLS, tls=server_tls, login=("daily", PASSWORD)) as server:
        sentence = refusal(over_tls(server, "none", user="daily", may_start_tls=True))
    assert "the certificate was refused (" in sentence
    assert_nothing_leaked(server)


# --- silence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ("connect", "has taken the connection and not said a word for"),
        ("EHLO", "has not answered EHLO for"),
        ("AUTH", "has not answered the login for"),
    ],
)
def test_silence_is_told_while_the_wait_goes_on(monkeypatch: pytest.MonkeyPatch, point: Point, words: str) -> None:
    monkeypatch.setattr(connecting, "SILENCE_S", 0.01)
    told: list[str] = []

    def note(what: str) -> None:
        told.append(what)
        if what.startswith(words):
            server.release()

    async def run() -> None:
        connection = await connect(relay, timeout_s=PATIENT_S, on_silence=note)
        connection.transport.abort()
        await asyncio.sleep(0)

    with SmtpServer(Rule(point, Fault.HOLD), login=("daily", PASSWORD)) as server:
        relay = over_tls(server, "none", host="127.0.0.1", user="daily")
        asyncio.run(run())
    assert any(what.startswith(words) for what in told)


# --- TLS and the login ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("auth", "mechanisms"), [("auto", "LOGIN PLAIN"), ("plain", "PLAIN"), ("login", "LOGIN")])
def test_a_verified_connection_carries_the_login(
    kind: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext, auth: str, mechanisms: str
) -> None:
    options = {"tls": server_tls, "implicit": kind == "implicit", "login": ("daily", PASSWORD)}
    with SmtpServer(**options, mechanisms=mechanisms) as server:  # type: ignore[arg-type]
        offers_of(over_tls(server, kind, user="daily", auth=auth), tls=trusting)
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


@pytest.mark.parametrize(
    ("offered", "words", "passing"), [(False, "offers no STARTTLS", False), (True, "454 4.7.0 not now", True)]
)
def test_without_starttls_nothing_is_said(trusting: ssl.SSLContext, offered: bool, words: str, passing: bool) -> None:
    """Someone on the wire may strike STARTTLS from the offer, or refuse it; then there is no mail, and no login."""
    extensions = (*EXTENSIONS, "STARTTLS") if offered else EXTENSIONS
    rule = Rule("STARTTLS", "454 4.7.0 not now")
    with SmtpServer(rule, extensions=extensions, login=("daily", PASSWORD)) as server:
        sentence = refusal(over_tls(server, "starttls", user="daily"), tls=trusting, passing=passing)
    assert words in sentence
    assert_nothing_leaked(server)


def test_tls_against_a_plain_port_says_which_scheme_to_write(trusting: ssl.SSLContext) -> None:
    with SmtpServer() as server:
        sentence = refusal(over_tls(server, "implicit"), tls=trusting)
    assert "no TLS session" in sentence
    assert "write smtps:// for port 465 and smtp:// for 587" in sentence


@pytest.mark.parametrize("point", ["STARTTLS", "EHLO"])
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SILENCE])
def test_a_relay_that_is_lost_on_the_way_to_tls_may_be_there_later(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, point: Point, fault: Fault
) -> None:
    with SmtpServer(Rule(point, fault), tls=server_tls) as server:
        patience = HASTY_S if fault is Fault.SILENCE else PATIENT_S
        refusal(over_tls(server, "starttls"), tls=trusting, passing=True, timeout_s=patience)


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
def test_a_wrong_password_names_the_user_and_the_variable(
    kind: str, server_tls: ssl.SSLContext, trusting: ssl.SSLContext, mechanisms: str
) -> None:
    options = {"tls": server_tls, "implicit": kind == "implicit", "login": ("daily", "another word")}
    with SmtpServer(**options, mechanisms=mechanisms) as server:  # type: ignore[arg-type]
        sentence = refusal(over_tls(server, kind, user="daily"), tls=trusting)
    assert "the login as daily was refused (535 5.7.8 credentials invalid)" in sentence
    assert "NEWSLETTER_SMTP_PASSWORD" in sentence


def test_a_login_that_is_put_off_may_work_later(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    rule = Rule("AUTH", "454 4.7.0 too many login attempts")
    with SmtpServer(rule, tls=server_tls, login=("daily", PASSWORD)) as server:
        sentence = refusal(over_tls(server, "starttls", user="daily"), tls=trusting, passing=True)
    assert "454 4.7.0 too many login attempts" in sentence


@pytest.mark.parametrize(
    "echo",
    [
        PASSWORD,
        PASSWORD.upper(),
        b64encode(PASSWORD.encode()).decode(),
        b64encode(f"\0daily\0{PASSWORD}".encode()).decode(),
        quote(PASSWORD, safe=""),
        PASSWORD.encode().hex(),
        f"{PASSWORD[:5]}\r\n535 {PASSWORD[5:]}",
    ],
)
def test_a_relay_that_repeats_the_password_gets_it_printed_nowhere(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, echo: str
) -> None:
    said = f"bad login: {echo} is not it"
    reply = "".join(f"535-{line}\r\n" for line in said.replace("535 ", "").split("\r\n")) + "535 go away\r\n"
    for code in ("535", "454"):
        rule = Rule("AUTH", reply.replace("535", code).encode())
        with SmtpServer(rule, tls=server_tls, login=("daily", PASSWORD)) as server:
            sentence = refusal(over_tls(server, "starttls", user="daily"), tls=trusting, passing=code != "535")
        assert "bad login: … is not it go away" in sentence
        for form in (PASSWORD, b64encode(PASSWORD.encode()).decode().rstrip("="), PASSWORD.encode().hex()):
            assert form.lower() not in sentence.lower()


def test_a_relay_that_takes_only_ntlm_is_told_as_such(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with SmtpServer(tls=server_tls, login=("daily", PASSWORD), mechanisms="NTLM GSSAPI") as server:
        sentence = refusal(over_tls(server, "starttls", user="daily"), tls=trusting)
    assert "takes logins by NTLM GSSAPI only" in sentence
    assert "PLAIN or LOGIN" in sentence
    assert_nothing_leaked(server)


def test_a_relay_without_logins_says_so(server_tls: ssl.SSLContext, trusting: ssl.SSLContext) -> None:
    with SmtpServer(tls=server_tls) as server:
        sentence = refusal(over_tls(server, "starttls", user="daily"), tls=trusting)
    assert "offers no login" in sentence
    assert_nothing_leaked(server)


# --- access tokens --------------------------------------------------------------------------------------------------


def xoauth2(server: SmtpServer, *command: str) -> Relay:
    return replace(over_tls(server, "starttls", user="daily", auth="xoauth2", token_command=command), password="")


def test_a_token_is_asked_for_each_time(server_tls: ssl.SSLContext, trusting: ssl.SSLContext, tmp_path: Any) -> None:
    """An hour later the first one would be stale."""
    script = "import pathlib, sys; pathlib.Path(sys.argv[1]).open('a').write('asked '); print(sys.argv[2])"
    with SmtpServer(tls=server_tls, login=("daily", TOKEN), mechanisms="XOAUTH2") as server:
        relay = xoauth2(server, sys.executable, "-c", script, str(tmp_path / "log"), TOKEN)
        for _ in range(2):
            offers_of(relay, tls=trusting)
    assert (tmp_path / "log").read_text() == "asked asked "


def test_a_refused_token_is_a_sentence_after_the_challenge(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    """RFC 7628's way as Google and Microsoft go it: 334 with the error, our empty line, 535."""
    with SmtpServer(tls=server_tls, login=("daily", "another"), mechanisms="XOAUTH2") as server:
        sentence = refusal(xoauth2(server, "echo", TOKEN), tls=trusting)
    assert "the login as daily was refused (535 5.7.8" in sentence
    assert "token_command" in sentence
    assert "NEWSLETTER_SMTP_PASSWORD" not in sentence


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/nowhere/print-token",), "token_command cannot be run: /nowhere/print-token: No such file"),
        (("false",), "token_command (false) ended with code 1 and gave no access token"),
        (("true",), "token_command (true) ended with code 0 and gave no access token"),
        (("echo", f"{TOKEN} \n and more"), "token_command (echo) ended with code 0 and gave no access token"),
    ],
)
def test_a_token_command_that_fails_is_a_sentence(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, command: tuple[str, ...], words: str
) -> None:
    with SmtpServer(tls=server_tls, login=("daily", TOKEN), mechanisms="XOAUTH2") as server:
        assert words in refusal(xoauth2(server, *command), tls=trusting)
    assert_nothing_leaked(server)


def test_a_token_command_that_never_ends_is_ended(
    server_tls: ssl.SSLContext, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "TOKEN_TIMEOUT_S", 0.1)
    with SmtpServer(tls=server_tls, login=("daily", TOKEN), mechanisms="XOAUTH2") as server:
        assert "token_command (sleep) printed nothing" in refusal(xoauth2(server, "sleep", "60"), tls=trusting)


# --- no server at all -----------------------------------------------------------------------------------------------


def test_a_closed_port_is_one_sentence() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening
        sentence = refusal(Relay("127.0.0.1", unused.getsockname()[1], "none"), passing=True)
    assert "cannot connect (Connection refused)" in sentence
    assert "check host and port" in sentence


def test_a_host_that_cannot_be_found_is_one_sentence() -> None:
    assert "cannot connect (" in refusal(Relay("no-such-host.invalid", 25, "none"), passing=True)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..b.example", "größe..example"])
def test_a_host_that_is_no_name_is_one_sentence(host: str) -> None:
    assert f"{host} is no host name" in refusal(Relay(host, 25, "none"))


@pytest.mark.parametrize(
    ("fault", "words", "passing"),
    [
        (Fault.SILENCE, "no answer in time", True),
        (Fault.DROP, "cannot connect (", True),
        ((b"220 mail.te", Fault.DROP), "cannot connect (", True),
        ("554 5.3.2 no service here", "the relay turned us away (554 5.3.2 no service here)", True),
        ("421 4.3.2 shutting down", "the relay turned us away (421 4.3.2 shutting down)", True),
        (b"HTTP/1.1 400 Bad Request\r\n", "no SMTP server answers there (", False),
        (b"\xff\xfe\0\r\n", "no SMTP server answers there (", False),
        (b"220-" + b"x" * 100_000 + b"\r\n", "no SMTP server answers there (", False),
        (b"2" * 100_000, "no SMTP server answers there (", False),
    ],
)
def test_a_strange_greeting_is_one_sentence(fault: Any, words: str, passing: bool) -> None:
    with SmtpServer(Rule("connect", fault)) as server:
        sentence = refusal(server.relay, passing=passing, timeout_s=HASTY_S)
    assert words in sentence
    assert len(sentence) < 300
    assert server.seen("MAIL") == 0


def test_a_relay_that_refuses_our_greeting_is_one_sentence() -> None:
    with SmtpServer(Rule("EHLO", "550 5.0.0 not you"), Rule("HELO", "550 5.0.0 nor now")) as server:
        sentence = refusal(server.relay)
    assert "the relay said 550 5.0.0 nor now before any mail" in sentence


def test_whoever_is_called_off_leaves_no_socket() -> None:
    """Ctrl-C while a relay does not answer."""

    async def run(relay: Relay) -> None:
        task = asyncio.ensure_future(connect(relay, timeout_s=PATIENT_S))
        await asyncio.to_thread(server.wait_for, lambda server: server.seen("connect") == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with SmtpServer(Rule("connect", Fault.SILENCE)) as server:
        asyncio.run(run(server.relay))
        gc.collect()
