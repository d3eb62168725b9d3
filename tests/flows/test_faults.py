"""The fault table: every way in which a send is known to go wrong, one test each, named after it.

Each runs the send loop against a real server and a ledger on disk, over one connection and over three, with
PIPELINING and without, and then once more as the next run would. Three connections without it, and three that may send
in chunks and with a window of one do not, are in the soak.
"""

from __future__ import annotations

import re
import resource
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from command_line import DEADLINE_S, finish, newsletter, people, start, write_list, write_post
from machine import CHECKOUT
from send_fixture import ISSUE, PATIENT, IssueLedger, SkippingLoop, assert_accounted, composer, route
from signals import wait_until_signal_is_taken
from smtp_server import BEYOND_BUFFERS, CHUNKS, EXTENSIONS, PLAIN, Fault, Point, Rule, SmtpServer

from newsletter.delivery.canary import Canary
from newsletter.delivery.deliver import Stopped
from newsletter.delivery.smtp import connect as connecting
from newsletter.delivery.smtp.reply_parser import MAX_LINE_BYTES, MAX_REPLY_BYTES
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.errors import ConfigError, DeliveryError
from newsletter.ledger.database import engine as database
from newsletter.model.delivery import Relay, State
from newsletter.model.schedule import Rate

EVERYBODY = people(24)
"""Enough for three connections."""

VICTIM_AT = 9
VICTIM = EVERYBODY[VICTIM_AT]
OTHERS = [address for address in EVERYBODY if address != VICTIM]
HASTY = Timeouts.capped(0.15, 0.15)


@dataclass(frozen=True, slots=True)
class Transport:
    """How many connections, and what the relay offers."""

    connections: int
    extensions: tuple[str, ...]
    window: int | None = None


WAYS: dict[str, tuple[Any, ...]] = {
    "1": (1, EXTENSIONS),
    "3": (3, EXTENSIONS),
    "1 step": (1, PLAIN),
    "3 step": (3, PLAIN),
    "3 times 1": (3, CHUNKS, 1),
}
# One connection knows nothing of how another writes: what each of the two changes is seen without these.
SOAK = ("3 step", "3 times 1")


def ways(default: str, whole: str = "", soak: Sequence[str] = SOAK) -> list[Any]:
    """The ways in which a fault is met, comma-separated: those of the default suite, and what only the whole has."""
    marked: dict[str, Any] = dict.fromkeys(default.split(", "), ())
    marked |= dict.fromkeys(whole.split(", ") if whole else (), pytest.mark.whole)
    marked |= dict.fromkeys(soak, pytest.mark.soak)
    return [pytest.param(WAYS[way], id=way, marks=marks) for way, marks in marked.items()]


def over(default: str, whole: str = "", soak: Sequence[str] = SOAK) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("transport", ways(default, whole, soak), indirect=True)


@pytest.fixture(params=ways("1, 3, 1 step"))
def transport(request: pytest.FixtureRequest) -> Transport:
    return Transport(*request.param)


# Before the first envelope, or before EHLO: what the relay offers cannot change what becomes of anybody.
before_any_envelope = over("1, 3", soak=())
# The first connection alone finds out; that the others wait for it is seen where there is no answer at all.
by_the_first_connection = over("1", "3", soak=())
# One recipient is answered, and the connection goes on: another one has no part in it.
within_a_connection = over("1, 1 step", "3")
# The connection ends: how a session ends depends on its steps, how the others go on is seen at RCPT and at the dot.
ends_a_connection = over("1 step", "1, 3")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[IssueLedger]:
    made = IssueLedger(tmp_path / "newsletter.db", EVERYBODY)
    yield made
    made.close()


def faulty(transport: Transport, *rules: Rule, **options: Any) -> SmtpServer:
    return SmtpServer(*rules, **{"extensions": transport.extensions, **options})


def send(
    ledger: IssueLedger, server: SmtpServer, transport: Transport, relay: Relay | None = None, **options: Any
) -> Stopped:
    about_route = {name: options.pop(name) for name in ("timeouts", "rates", "tls_context") if name in options}
    return ledger.run(
        route(relay or server.relay, transport.connections, window=transport.window, **about_route), **options
    )


def nobody_is_mailed(ledger: IssueLedger, server: SmtpServer, transport: Transport, **options: Any) -> str:
    """What the send says that cannot even begin; everyone is as if it had never been tried."""
    with pytest.raises(DeliveryError) as caught:
        send(ledger, server, transport, **options)
    assert set(ledger.states.values()) == {"pending"}
    assert server.messages == []
    assert server.seen("MAIL") == 0
    return str(caught.value)


def the_next_run(ledger: IssueLedger, server: SmtpServer, transport: Transport, **options: Any) -> int:
    """A day later, with a relay that has nothing against us any more. How many messages it brought."""
    server.rules.clear()
    before = len(server.messages)
    ledger.clock.jump(days=1)
    assert send(ledger, server, transport, **options) == Stopped()
    assert_accounted(ledger, server)
    assert "pending" not in ledger.states.values()
    return len(server.messages) - before


def assert_connections(server: SmtpServer, transport: Transport, lost: int = 0) -> None:
    """So many were opened anew because of the fault. Three may lose, besides, what the fault cost the others."""
    if transport.connections == 1:
        assert server.connections == 1 + lost
    else:
        assert server.connections <= transport.connections + lost


def assert_states(ledger: IssueLedger, server: SmtpServer, **expected: str) -> None:
    """Everyone is `others`, sent by default; the victim is `victim`."""
    others = expected.get("others", "sent")
    wanted = dict.fromkeys(EVERYBODY, others) | {VICTIM: expected.get("victim", others)}
    assert ledger.states == wanted
    assert_accounted(ledger, server)


# --- before the first message ---------------------------------------------------------------------------------------


@before_any_envelope
def test_connection_refused(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport) as server:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))  # bound, not listening
            nowhere = Relay("127.0.0.1", unused.getsockname()[1], "none")
            assert "Connection refused" in nobody_is_mailed(ledger, server, transport, relay=nowhere)
        assert the_next_run(ledger, server, transport) == 24


@before_any_envelope
def test_no_banner(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("connect", Fault.SILENCE)) as server:
        assert "no answer in time" in nobody_is_mailed(ledger, server, transport, timeouts=HASTY)
        assert server.connections == 1  # the others wait for the first to show that there is a relay
        assert the_next_run(ledger, server, transport) == 24


@by_the_first_connection
@pytest.mark.parametrize("banner", ["421 4.3.2 shutting down", "554 5.3.2 no service here"])
def test_banner_421_or_554(ledger: IssueLedger, transport: Transport, banner: str) -> None:
    with faulty(transport, Rule("connect", banner)) as server:
        assert f"({banner})" in nobody_is_mailed(ledger, server, transport)
        assert server.connections == 1
        assert the_next_run(ledger, server, transport) == 24


@by_the_first_connection
def test_ehlo_rejected(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("EHLO", "550 5.0.0 not you"), Rule("HELO", "550 5.0.0 nor now")) as server:
        assert "550 5.0.0 nor now" in nobody_is_mailed(ledger, server, transport)
        assert the_next_run(ledger, server, transport) == 24


@dataclass(frozen=True, slots=True)
class Tls:
    """What the server shows, a certificate for localhost alone, and a client that trusts its authority."""

    server: ssl.SSLContext
    trusting: ssl.SSLContext


@pytest.fixture(scope="module")
def tls() -> Tls:
    authority = trustme.CA()
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(shown)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return Tls(shown, trusting)


def over_tls(server: SmtpServer, **more: Any) -> Relay:
    return replace(server.relay, host="localhost", tls="starttls", **more)


@by_the_first_connection
def test_starttls_missing(ledger: IssueLedger, transport: Transport, tls: Tls) -> None:
    """Someone on the wire may strike it from the offer: then nothing is said, and no login."""
    with faulty(transport, login=("daily", "secret")) as server:
        relay = over_tls(server, user="daily", password="secret")
        said = nobody_is_mailed(ledger, server, transport, relay=relay, tls_context=tls.trusting)
        assert "offers no STARTTLS" in said
        assert server.seen("AUTH") == 0
        assert the_next_run(ledger, server, transport) == 24


@by_the_first_connection
def test_bad_certificate(ledger: IssueLedger, transport: Transport, tls: Tls) -> None:
    with faulty(transport, tls=tls.server, login=("daily", "secret")) as server:
        relay = over_tls(server, user="daily", password="secret")
        assert "the certificate was refused" in nobody_is_mailed(ledger, server, transport, relay=relay)
        assert server.seen("AUTH") == 0
        assert the_next_run(ledger, server, transport, relay=relay, tls_context=tls.trusting) == 24


@by_the_first_connection
def test_certificate_for_another_host(ledger: IssueLedger, transport: Transport, tls: Tls) -> None:
    with faulty(transport, tls=tls.server, login=("daily", "secret")) as server:
        relay = over_tls(server, user="daily", password="secret")
        wrong = replace(relay, host="127.0.0.1")
        said = nobody_is_mailed(ledger, server, transport, relay=wrong, tls_context=tls.trusting)
        assert "use the host name that the certificate is for" in said
        assert server.seen("AUTH") == 0
        assert the_next_run(ledger, server, transport, relay=relay, tls_context=tls.trusting) == 24


@within_a_connection
def test_plaintext_injected_after_starttls(ledger: IssueLedger, transport: Transport, tls: Tls) -> None:
    """CVE-2011-0411's kind: were it believed, every message would be too large for this relay."""
    injected = b"250-mail.test\r\n250-SIZE 5\r\n250 PIPELINING\r\n"
    with faulty(transport, tls=tls.server, injected=injected) as server:
        assert send(ledger, server, transport, relay=over_tls(server), tls_context=tls.trusting) == Stopped()
        assert_states(ledger, server)
        assert_connections(server, transport)
        assert the_next_run(ledger, server, transport, relay=over_tls(server), tls_context=tls.trusting) == 0


@before_any_envelope
def test_login_refused_with_535(ledger: IssueLedger, transport: Transport, tls: Tls) -> None:
    with faulty(transport, tls=tls.server, login=("daily", "another")) as server:
        relay = over_tls(server, user="daily", password="secret")
        said = nobody_is_mailed(ledger, server, transport, relay=relay, tls_context=tls.trusting)
        assert "535 5.7.8" in said
        assert "secret" not in said
        assert server.connections == 1  # a second wrong password may lock the account
        right = replace(relay, password="another")
        assert the_next_run(ledger, server, transport, relay=right, tls_context=tls.trusting) == 24


@by_the_first_connection
def test_xoauth2_answered_with_334(ledger: IssueLedger, transport: Transport, tls: Tls) -> None:
    """The challenge holds the error; the client owes an empty line before the 535 comes."""
    with faulty(transport, tls=tls.server, login=("daily", "fresh-token"), mechanisms="XOAUTH2") as server:
        relay = over_tls(server, user="daily", auth="xoauth2", token_command=("echo", "stale-token"))
        said = nobody_is_mailed(ledger, server, transport, relay=relay, tls_context=tls.trusting)
        assert "535 5.7.8" in said
        assert "stale-token" not in said
        fresh = replace(relay, token_command=("echo", "fresh-token"))
        assert the_next_run(ledger, server, transport, relay=fresh, tls_context=tls.trusting) == 24


# --- an answer that refuses -----------------------------------------------------------------------------------------


@within_a_connection
def test_mail_refused_with_4xx(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("MAIL", "451 4.3.0 busy", times=(3,))) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)  # tried again, in the same run
        if transport.connections == 1:
            assert (server.connections, server.seen("MAIL")) == (1, 25)
        assert the_next_run(ledger, server, transport) == 0


@over("3, 1 step", "1")
def test_mail_refused_with_5xx(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("MAIL", "550 5.7.1 not you")) as server:
        stopped = send(ledger, server, transport)
        assert "takes no mail from news@example.com (550 5.7.1 not you)" in stopped.reason
        tried = ledger.those(State.DEFERRED)
        assert 1 <= len(tried) == server.seen("MAIL") <= transport.connections
        assert ledger.those(State.PENDING) == set(EVERYBODY) - tried
        assert server.messages == []
        assert the_next_run(ledger, server, transport) == 24


def refused(
    ledger: IssueLedger,
    transport: Transport,
    rule: Rule,
    state: str,
    *,
    sender_fault: bool,
    retried: bool = False,
    **options: Any,
) -> SmtpServer:
    """One recipient is refused as `rule` says; all others have their mail over the same connections."""
    with faulty(transport, rule, **options) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server, victim=state)
        reported = [outcome for address, outcome, _ in ledger.reported if address == VICTIM]
        assert [(outcome.state.value, outcome.sender_fault) for outcome in reported] == [(state, sender_fault)]
        # A throttled relay closes connections of its own accord.
        if transport.connections == 1 or not sender_fault:
            assert_connections(server, transport)
        if not retried:
            assert ledger.rows[VICTIM].attempts == 1
        soon = len(server.commands)
        assert send(ledger, server, transport) == Stopped()
        assert len(server.commands) == soon  # not before its time
        assert the_next_run(ledger, server, transport) == (1 if state == "deferred" else 0)
        assert_states(ledger, server, victim="rejected" if state == "rejected" else "sent")
    return server


@within_a_connection
def test_rcpt_450(ledger: IssueLedger, transport: Transport) -> None:
    refused(ledger, transport, Rule("RCPT", "450 4.2.1 mailbox busy", about=VICTIM), "deferred", sender_fault=False)


@within_a_connection
def test_rcpt_550_5_1_1(ledger: IssueLedger, transport: Transport) -> None:
    refused(ledger, transport, Rule("RCPT", "550 5.1.1 no such user", about=VICTIM), "rejected", sender_fault=False)


@within_a_connection
def test_rcpt_bare_550(ledger: IssueLedger, transport: Transport) -> None:
    refused(ledger, transport, Rule("RCPT", "550 denied", about=VICTIM), "deferred", sender_fault=True)


@within_a_connection
def test_rcpt_frequency_limited(ledger: IssueLedger, transport: Transport) -> None:
    refused(ledger, transport, Rule("RCPT", "550 Ip frequency limited", about=VICTIM), "deferred", sender_fault=True)


@within_a_connection
def test_all_rcpt_refused_but_data_354(ledger: IssueLedger, transport: Transport) -> None:
    """RFC 2920, 3.1: the lone dot."""
    rule = Rule("RCPT", "550 5.1.1 no such user", about=VICTIM)
    server = refused(ledger, transport, rule, "rejected", sender_fault=False, empty_data=True)
    assert server.seen("RSET") == (0 if "PIPELINING" in transport.extensions else 1)


@within_a_connection
@pytest.mark.parametrize("point", ["DATA", "dot"])
def test_454_after_data(ledger: IssueLedger, transport: Transport, point: Point) -> None:
    """As Amazon SES throttles. Slower, and again in the same run."""
    throttled = "454 Throttling failure: Maximum sending rate exceeded."
    with faulty(transport, Rule(point, throttled, about=VICTIM, once=True)) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        assert ledger.rows[VICTIM].attempts == 2
        if transport.connections == 1:
            assert server.connections == 1
        assert the_next_run(ledger, server, transport) == 0


@within_a_connection
def test_554_at_the_dot(ledger: IssueLedger, transport: Transport) -> None:
    """It speaks of us and of what we wrote, not of a dead address."""
    refused(ledger, transport, Rule("dot", "554 5.7.1 looks like spam", about=VICTIM), "deferred", sender_fault=True)


# --- a connection that breaks ---------------------------------------------------------------------------------------


def broken_before_the_dot(ledger: IssueLedger, transport: Transport, rule: Rule, **options: Any) -> None:
    """Provably nothing was delivered: tried again over another connection, in the same run."""
    with faulty(transport, replace(rule, once=True), **options) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        assert_connections(server, transport, lost=1)
        # 1 where its envelope had gone out with the dot before it, and it was not even begun.
        assert max(row.attempts for row in ledger.rows.values()) <= 2
        assert the_next_run(ledger, server, transport) == 0


@ends_a_connection
def test_drop_at_mail(ledger: IssueLedger, transport: Transport) -> None:
    broken_before_the_dot(ledger, transport, Rule("MAIL", Fault.DROP, times=(5,)))


def test_drop_at_rcpt(ledger: IssueLedger, transport: Transport) -> None:
    broken_before_the_dot(ledger, transport, Rule("RCPT", Fault.DROP, about=VICTIM))


@ends_a_connection
def test_drop_at_data(ledger: IssueLedger, transport: Transport) -> None:
    broken_before_the_dot(ledger, transport, Rule("DATA", Fault.DROP, about=VICTIM))


def test_drop_every_time(ledger: IssueLedger, transport: Transport) -> None:
    """Three times in one run, then later: the relay cannot be asked for ever about the same person."""
    with faulty(transport, Rule("DATA", Fault.DROP, about=VICTIM)) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server, victim="deferred")
        assert ledger.rows[VICTIM].attempts == 3
        assert_connections(server, transport, lost=2)  # nobody is left whom the third would have to be opened anew for
        assert the_next_run(ledger, server, transport) == 1


@pytest.fixture
def big(tmp_path: Path) -> Iterator[IssueLedger]:
    """Of messages that no buffer holds: the server bites before their dot can be written."""
    made = IssueLedger(tmp_path / "big.db", EVERYBODY[:2])
    yield made
    made.close()


HUGE = composer("x " * (BEYOND_BUFFERS // 2))


@ends_a_connection
def test_drop_mid_body(big: IssueLedger, transport: Transport) -> None:
    rule = Rule("body", Fault.DROP, times=(2,))
    with faulty(transport, rule, receive_bytes=4096) as server:
        assert send(big, server, transport, compose=HUGE) == Stopped()
        assert set(big.states.values()) == {"sent"}
        assert_accounted(big, server)
        assert server.connections == 2
        assert sorted(row.attempts for row in big.rows.values()) == [1, 2]
        assert the_next_run(big, server, transport) == 0


def uncertain(
    ledger: IssueLedger, transport: Transport, *rules: Rule, arrived: bool, lost: int = 1, **options: Any
) -> None:
    """Nobody can know: named, and left alone until a person decides."""
    first_run = {name: options.pop(name) for name in ("timeouts", "loop") if name in options}
    with faulty(transport, *rules, **options) as server:
        assert send(ledger, server, transport, **first_run) == Stopped()
        server.release(100)
        assert_states(ledger, server, victim="uncertain")
        assert (VICTIM in server.recipients) == arrived
        assert_connections(server, transport, lost=lost)
        assert the_next_run(ledger, server, transport) == 0
        assert_states(ledger, server, victim="uncertain")
        # The person may say so; only then is there a second mail.
        ledger.store.resolve(ISSUE, VICTIM, State.PENDING)
        assert send(ledger, server, transport) == Stopped()
    assert set(ledger.states.values()) == {"sent"}
    assert server.recipients.count(VICTIM) == 1 + arrived


def test_drop_after_the_dot_accepted(ledger: IssueLedger, transport: Transport) -> None:
    uncertain(ledger, transport, Rule("dot", Fault.DROP, about=VICTIM), arrived=True)


@ends_a_connection
def test_drop_after_the_dot_not_accepted(ledger: IssueLedger, transport: Transport) -> None:
    uncertain(ledger, transport, Rule("dot", Fault.LOSE, about=VICTIM), arrived=False)


def test_250_delayed_beyond_the_time_out(ledger: IssueLedger, transport: Transport) -> None:
    """The time is skipped once the victim's answer is all that is waited for: nobody else runs out of time."""
    limits = replace(PATIENT, dot=connecting.SILENCE_S / 2)
    loop = SkippingLoop()
    others = VICTIM_AT if transport.connections == 1 else len(OTHERS)
    due = threading.Semaphore(0)  # released by the victim's dot, and by each of the others

    def skip_when_alone() -> None:
        for _ in range(1 + others):
            assert due.acquire(timeout=DEADLINE_S)
        loop.skip(limits.dot)

    ledger.on_outcome = due.release
    hold = Rule("dot", due.release, about=VICTIM), Rule("dot", Fault.HOLD, about=VICTIM)
    with ThreadPoolExecutor(1) as pool:
        skipped = pool.submit(skip_when_alone)
        uncertain(ledger, transport, *hold, arrived=True, timeouts=limits, loop=loop)
        skipped.result()


@over("3, 1 step", "1")
def test_421_every_n_messages(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, messages_per_connection=5) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        # Five messages each, and perhaps one connection that the end of the list came upon.
        assert server.connections in ([5] if transport.connections == 1 else range(5, 9))
        assert the_next_run(ledger, server, transport) == 0


@over("3, 1 step", "1")
@pytest.mark.parametrize("words", [b"421 4.4.2 idle for too long\r\n", b""], ids=["with a word", "without"])
def test_idle_close(ledger: IssueLedger, transport: Transport, words: bytes) -> None:
    """While the canary is watched nothing is sent, and the relay hangs up."""
    with faulty(transport) as server:
        ledger.on_news = lambda text: server.hang_up(words) if "are out" in text else None
        assert send(ledger, server, transport, canary=Canary(5, 0.1, 0.5)) == Stopped()
        assert_states(ledger, server)
        assert server.connections > 1
        assert [row.attempts for row in ledger.rows.values()] == [1] * 24  # nobody was under way
        assert the_next_run(ledger, server, transport) == 0


# --- strange replies ------------------------------------------------------------------------------------------------


@ends_a_connection
@pytest.mark.parametrize("point", ["RCPT", "dot"])
def test_reply_truncated(ledger: IssueLedger, transport: Transport, point: Point) -> None:
    rule = Rule(point, (b"250 2.1.5 recip", Fault.DROP), about=VICTIM)
    if point == "dot":
        uncertain(ledger, transport, rule, arrived=True)
    else:
        broken_before_the_dot(ledger, transport, rule)


@within_a_connection
def test_reply_multi_line(ledger: IssueLedger, transport: Transport) -> None:
    rules = (
        Rule("RCPT", b"250-2.1.5 ok\r\n250-and more\r\n250\r\n"),
        Rule("dot", b"250-2.0.0 queued\n250-as\n250 number 7\n"),
    )
    with faulty(transport, *rules) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        assert ledger.rows[VICTIM].reply == "2.0.0 queued as number 7"
        assert_connections(server, transport)
        assert the_next_run(ledger, server, transport) == 0


@ends_a_connection
@pytest.mark.parametrize("point", ["RCPT", "dot"])
def test_reply_with_two_codes(ledger: IssueLedger, transport: Transport, point: Point) -> None:
    rule = Rule(point, b"250-2.0.0 yes\r\n550 5.1.1 no\r\n", about=VICTIM)
    if point == "dot":
        uncertain(ledger, transport, rule, arrived=True)
    else:
        broken_before_the_dot(ledger, transport, rule)


@ends_a_connection
@pytest.mark.parametrize("reply", [b"2" * (MAX_LINE_BYTES + 1), b"250-" + b"x" * MAX_REPLY_BYTES + b"\r\n"])
@pytest.mark.parametrize("point", ["RCPT", "dot"])
def test_reply_oversized(ledger: IssueLedger, transport: Transport, point: Point, reply: bytes) -> None:
    rule = Rule(point, (reply, Fault.SILENCE), about=VICTIM)
    if point == "dot":
        uncertain(ledger, transport, rule, arrived=True)
    else:
        broken_before_the_dot(ledger, transport, rule)
    assert all(len(row.reply) < 300 for row in ledger.rows.values())


@within_a_connection
def test_reply_non_utf_8(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("dot", b"250 2.0.0 gr\xfc\xdfe \0\r\n", about=VICTIM)) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        assert ledger.rows[VICTIM].reply == "2.0.0 gr\ufffd\ufffde \\x00"
        assert_connections(server, transport)
        assert the_next_run(ledger, server, transport) == 0


@within_a_connection
@pytest.mark.parametrize("point", ["EHLO", "MAIL"])
def test_reply_unsolicited_before_mail(ledger: IssueLedger, transport: Transport, point: Point) -> None:
    """After EHLO it is dropped. At MAIL it stands for the answer, and every later answer for the one before it."""
    offers = "".join(f"250-{name}\r\n" for name in transport.extensions).encode()
    twice = {
        "EHLO": b"250-mail.test\r\n" + offers + b"250 HELP\r\n250 2.0.0 who asked\r\n",
        "MAIL": b"250 2.0.0 who asked\r\n250 2.1.0 sender ok\r\n",
    }
    with faulty(transport, Rule(point, twice[point], times=(1,) if point == "EHLO" else (5,))) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        assert_connections(server, transport, lost=int(point == "MAIL"))
        assert the_next_run(ledger, server, transport) == 0


@ends_a_connection
def test_reply_unsolicited_amid_the_body(big: IssueLedger, transport: Transport) -> None:
    """Were the dot written after it, it would be taken for the answer to the dot."""
    with faulty(transport, Rule("body", b"250 2.0.0 too early\r\n", times=(2,)), receive_bytes=4096) as server:
        assert send(big, server, transport, compose=HUGE) == Stopped()
        assert set(big.states.values()) == {"sent"}
        assert_accounted(big, server)
        assert server.connections == 2
        assert the_next_run(big, server, transport) == 0


@ends_a_connection
def test_reply_unsolicited_after_the_dot(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("dot", b"250 2.0.0 queued\r\n250 2.0.0 did I say so\r\n", about=VICTIM)) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        assert_connections(server, transport, lost=1)
        assert the_next_run(ledger, server, transport) == 0


@within_a_connection
def test_replies_byte_by_byte(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("RCPT", "550 5.1.1 no such user", about=VICTIM), dribble=True) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server, victim="rejected")
        assert_connections(server, transport)
        assert the_next_run(ledger, server, transport) == 0


# --- what the relay can and cannot take -----------------------------------------------------------------------------


@by_the_first_connection
def test_size_exceeded_as_announced(ledger: IssueLedger, transport: Transport) -> None:
    narrow = tuple(name for name in transport.extensions if not name.startswith("SIZE"))
    with faulty(transport, extensions=(*narrow, "SIZE 100")) as server:
        assert "bytes, the relay takes 100" in send(ledger, server, transport).reason
        assert ledger.counts == {"deferred": 1, "pending": 23}
        assert server.seen("MAIL") == 0
    with faulty(transport) as server:
        assert the_next_run(ledger, server, transport) == 24


@over("3, 1 step", "1")
def test_size_exceeded_as_said_at_mail(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(transport, Rule("MAIL", "552 5.3.4 message too big")) as server:
        assert "552 5.3.4 message too big" in send(ledger, server, transport).reason
        assert 1 <= ledger.counts["deferred"] <= transport.connections
        assert ledger.counts["deferred"] + ledger.counts["pending"] == 24
        assert the_next_run(ledger, server, transport) == 24


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[IssueLedger]:
    """One address is not ASCII, the others are."""
    made = IssueLedger(tmp_path / "foreign.db", [*EVERYBODY[:9], "größe@example.com", *EVERYBODY[9:]])
    yield made
    made.close()


def lacking(foreign: IssueLedger, transport: Transport, extension: str) -> None:
    offered = tuple(name for name in transport.extensions if name != extension)
    with faulty(transport, extensions=offered) as server:
        assert send(foreign, server, transport) == Stopped()
        assert foreign.states == {**dict.fromkeys(EVERYBODY, "sent"), "größe@example.com": "rejected"}
        assert_accounted(foreign, server)
        assert_connections(server, transport)
        assert not any(extension in command for command in server.commands)
        assert the_next_run(foreign, server, transport) == 0


@within_a_connection
def test_no_8bitmime(foreign: IssueLedger, transport: Transport) -> None:
    """Our messages are ASCII; only an address that is not needs it, with SMTPUTF8."""
    lacking(foreign, transport, "8BITMIME")


@within_a_connection
def test_no_smtputf8(foreign: IssueLedger, transport: Transport) -> None:
    lacking(foreign, transport, "SMTPUTF8")


@pytest.mark.parametrize("connections", [1, 3])
def test_no_pipelining(ledger: IssueLedger, connections: int) -> None:
    """Nothing is written before the last answer is read: while one is on hold, no further command comes."""
    transport = Transport(connections, PLAIN)
    with faulty(transport) as server:
        waiting: list[bytes] = []

        def look() -> None:
            waiting.extend(bytes(each.reader._buffer) for each in server._open)  # type: ignore[attr-defined]

        for point in ("MAIL", "RCPT", "DATA", "dot"):
            server.rules.append(Rule(point, look))  # type: ignore[arg-type]
        assert send(ledger, server, transport) == Stopped()
        assert_states(ledger, server)
        assert_connections(server, transport)
        if connections == 1:
            assert set(waiting) == {b""}
        assert the_next_run(ledger, server, transport) == 0


# --- the ledger and the machine -------------------------------------------------------------------------------------


def ledger_fails(
    ledger: IssueLedger, server: SmtpServer, transport: Transport, words: str, *, at_the_dot: bool
) -> None:
    """Before the dot the victim has nothing and is mailed by the next run; after the 250 nobody wrote that down."""
    with pytest.raises(ConfigError, match=words):
        send(ledger, server, transport)
    stuck = ledger.those(State.COMMITTING)
    assert_accounted(ledger, server, ended=False)
    assert len(stuck) <= transport.connections
    assert (VICTIM in stuck) == at_the_dot
    assert (VICTIM in server.recipients) == at_the_dot


@over("3, 1 step", "1")
def test_ledger_locked(ledger: IssueLedger, transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.1)
    ledger.close()
    assert isinstance(ledger.place, Path)
    hasty = IssueLedger(ledger.place, EVERYBODY)
    locked: list[sqlite3.Connection] = []

    def lock() -> None:
        other = sqlite3.connect(hasty.place, check_same_thread=False, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locked.append(other)

    with faulty(transport, Rule("DATA", lock, about=VICTIM, once=True)) as server:
        ledger_fails(hasty, server, transport, "the ledger is locked by another program", at_the_dot=False)
        for other in locked:
            other.close()
        the_next_run(hasty, server, transport)
        assert hasty.states[VICTIM] == "sent"
        assert hasty.counts["sent"] + hasty.counts.get("uncertain", 0) == 24
    hasty.close()


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """`fill` leaves no room on it, `free` gives it back."""

    folder: Path
    fill: Callable[[], None]
    free: Callable[[], None]


@contextmanager
def mounted(folder: Path) -> Iterator[SmallDisk]:
    filler = folder / "filler"

    def fill() -> None:
        with suppress(OSError), filler.open("wb", buffering=0) as out:
            while True:
                out.write(b"\0" * 4096)

    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True, capture_output=True)
    try:
        yield SmallDisk(folder, fill, lambda: filler.unlink(missing_ok=True))
    finally:
        subprocess.run(["umount", "-l", folder], check=True, capture_output=True)


@contextmanager
def limited(folder: Path) -> Iterator[SmallDisk]:
    """Where nothing may be mounted: no file of this process may grow over what the largest one has."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        size = max(path.stat().st_size for path in folder.glob("newsletter.db-wal"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    def free() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    try:
        yield SmallDisk(folder, fill, free)
    finally:
        free()


@pytest.fixture(params=["tmpfs", pytest.param("limit", marks=pytest.mark.whole)])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "limit":
        with limited(folder) as disk:
            yield disk
        return
    try:
        with mounted(folder) as disk:
            yield disk
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        pytest.skip(f"may not mount a tmpfs ({error}); the limit on files stands for it")


def disk_full(disk: SmallDisk, transport: Transport, point: Point) -> None:
    ledger = IssueLedger(disk.folder / "newsletter.db", EVERYBODY)
    with faulty(transport, Rule(point, disk.fill, about=VICTIM, once=True)) as server:
        words = "the disk is full|the disk did not take what was written"
        ledger_fails(ledger, server, transport, words, at_the_dot=point == "dot")
        disk.free()
        the_next_run(ledger, server, transport)
        assert ledger.states[VICTIM] == ("uncertain" if point == "dot" else "sent")
        assert ledger.counts["sent"] + ledger.counts.get("uncertain", 0) == 24
    ledger.close()


def test_disk_full_before_the_dot(small_disk: SmallDisk, transport: Transport) -> None:
    disk_full(small_disk, transport, "DATA")


def test_disk_full_after_the_250(small_disk: SmallDisk, transport: Transport) -> None:
    disk_full(small_disk, transport, "dot")


def clock_jumps(ledger: IssueLedger, transport: Transport, days: int) -> None:
    """In the middle of a run with a rate limit, just when one recipient is put off and the relay pauses.

    The victim comes after the jump, whatever connection is the faster one: its time would be of the day before.
    """
    throttled = EVERYBODY[5]
    with faulty(transport) as server:

        def jump() -> None:
            ledger.clock.jump(days=days)
            server.release()

        server.rules += (
            Rule("RCPT", jump, about=throttled, once=True),
            Rule("RCPT", "454 4.7.0 Throttling failure", about=throttled, once=True),
            Rule("RCPT", Fault.HOLD, about=VICTIM, once=True),
            Rule("RCPT", "450 4.2.1 mailbox busy", about=VICTIM, once=True),
        )
        assert send(ledger, server, transport, rates=(Rate(1000, 1), Rate(100_000, 86_400))) == Stopped()
        assert_states(ledger, server, victim="deferred")
        due = ledger.rows[VICTIM].due_at
        assert due is not None
        assert 0 < (due - ledger.clock.moment()).total_seconds() <= 3600
        assert the_next_run(ledger, server, transport) == 1


@over("3, 1 step", "1")
def test_clock_jumps_back(ledger: IssueLedger, transport: Transport) -> None:
    clock_jumps(ledger, transport, days=-2)


@over("3, 1 step", "1")
def test_clock_jumps_forward(ledger: IssueLedger, transport: Transport) -> None:
    clock_jumps(ledger, transport, days=2)


# --- processes ------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *EVERYBODY)
    return tmp_path


def command(server: SmtpServer, transport: Transport) -> tuple[str, ...]:
    connections = str(transport.connections)
    post = ("send", "2026-03-01-hello.md", "--to", "list.csv", "--yes", "--first", "--json")
    return (*post, "--relay", server.url, "--connections", connections)


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The command, running; killed at the block's end where it still runs."""
    process = start(*arguments, cwd=cwd)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@before_any_envelope
def test_two_senders_for_one_issue(folder: Path, transport: Transport) -> None:
    with faulty(transport, Rule("dot", Fault.HOLD)) as server:
        with started(*command(server, transport), cwd=folder) as first:
            server.wait_for(lambda server: server.seen("dot") >= 1, DEADLINE_S)
            second = newsletter(*command(server, transport), cwd=folder)
            assert second.code == 4
            assert f"process {first.pid}" in second.err
            server.release(100)
            run = finish(first)
        assert (run.code, run.json["sent"]) == (0, 24)
        assert sorted(server.recipients) == EVERYBODY
        assert newsletter(*command(server, transport), cwd=folder).code == 0
        assert len(server.messages) == 24


def ended_by(folder: Path, transport: Transport, number: signal.Signals) -> None:
    """Those under way end, nobody else is begun; the next run mails the rest."""
    with faulty(transport, Rule("dot", Fault.HOLD)) as server:
        with started(*command(server, transport), cwd=folder) as process:
            server.wait_for(lambda server: server.seen("dot") == transport.connections, DEADLINE_S)
            process.send_signal(number)
            wait_until_signal_is_taken(process)
            server.release(100)
            run = finish(process)
        assert (run.code, run.json["sent"], run.json["uncertain"]) == (3, transport.connections, []), run.err
        assert run.json["stopped"] == "interrupted"
        second = newsletter(*command(server, transport), cwd=folder)
        assert (second.code, second.json["sent"]) == (0, 24 - transport.connections)
        assert sorted(server.recipients) == EVERYBODY
        assert set(server.copies.values()) == {1}


@by_the_first_connection  # what is under way is SIGTERM's to show; both are taken by one handler
def test_sigint(folder: Path, transport: Transport) -> None:
    ended_by(folder, transport, signal.SIGINT)


@over("3, 1 step", "1")
def test_sigterm(folder: Path, transport: Transport) -> None:
    ended_by(folder, transport, signal.SIGTERM)


@by_the_first_connection
def test_sighup(folder: Path, transport: Transport) -> None:
    ended_by(folder, transport, signal.SIGHUP)


# --- the table ------------------------------------------------------------------------------------------------------


def test_the_table_has_every_fault(request: pytest.FixtureRequest) -> None:
    """docs/reliability.md, the first column of the fault table, against the names of the tests here."""
    text = (CHECKOUT / "docs" / "reliability.md").read_text("utf-8")
    table = text.split("## The fault table", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    named = [re.sub(r"[^a-z0-9]+", "_", row.split("|")[1].strip().lower()).strip("_") for row in rows]
    tests = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    tests.remove("the_table_has_every_fault")
    assert named == tests
