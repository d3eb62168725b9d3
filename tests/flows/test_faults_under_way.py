"""The fault table where several messages are under way over one connection: one test each, named after its row.

As in test_faults.py: the send loop against a real server, a ledger on disk, and then the next run. docs/reliability.md
says in words what is held to here; the last test compares the two.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from command_line import DEADLINE_S, people
from machine import CHECKOUT
from send_fixture import PATIENT, IssueLedger, SkippingLoop, assert_accounted, composer, route
from smtp_server import BEYOND_BUFFERS, CHUNKS, Fault, Rule, SmtpServer

from newsletter.delivery.deliver import Stopped
from newsletter.delivery.smtp import connect as connecting
from newsletter.errors import ConfigError
from newsletter.ledger.ledger import Move
from newsletter.model.delivery import Outcome, State

EVERYBODY = people(30)
VICTIM_AT = 17
VICTIM = EVERYBODY[VICTIM_AT]
"""By then as many messages are under way as may be."""

ALIKE = b"250 ok\r\n"


@dataclass(frozen=True, slots=True)
class Transport:
    connections: int
    window: int

    @property
    def most(self) -> int:
        """How many may be uncertain after one connection broke."""
        return self.window


@pytest.fixture(
    params=[
        pytest.param((1, 4), id="4", marks=pytest.mark.whole),
        pytest.param((1, 8), id="8"),
        pytest.param((3, 4), id="3 times 4", marks=pytest.mark.soak),
        pytest.param((3, 8), id="3 times 8", marks=pytest.mark.soak),
    ]
)
def transport(request: pytest.FixtureRequest) -> Transport:
    return Transport(*request.param)


# Where the window decides how many are uncertain, or are written to before an answer: the default suite has both.
of_any_window = pytest.mark.parametrize(
    "transport",
    [
        pytest.param((1, 4), id="4"),
        pytest.param((1, 8), id="8"),
        pytest.param((3, 4), id="3 times 4", marks=pytest.mark.soak),
        pytest.param((3, 8), id="3 times 8", marks=pytest.mark.soak),
    ],
    indirect=True,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[IssueLedger]:
    made = IssueLedger(tmp_path / "newsletter.db", EVERYBODY)
    yield made
    made.close()


@pytest.fixture
def long_ledger(tmp_path: Path) -> Iterator[IssueLedger]:
    """More people than three connections can have under way."""
    made = IssueLedger(tmp_path / "newsletter.db", people(90))
    yield made
    made.close()


def faulty(*rules: Rule, **options: Any) -> SmtpServer:
    return SmtpServer(*rules, **{"extensions": CHUNKS, **options})


def send(ledger: IssueLedger, server: SmtpServer, transport: Transport, **options: Any) -> Stopped:
    timeouts = options.pop("timeouts", PATIENT)
    return ledger.run(route(server.relay, transport.connections, window=transport.window, timeouts=timeouts), **options)


def the_next_run(ledger: IssueLedger, server: SmtpServer, transport: Transport) -> int:
    """A day later, with a relay that has nothing against us any more. How many messages it brought."""
    server.rules.clear()
    before = len(server.messages)
    ledger.clock.jump(days=1)
    assert send(ledger, server, transport) == Stopped()
    assert_accounted(ledger, server)
    assert not ledger.those(State.PENDING, State.DEFERRED)
    return len(server.messages) - before


def outcome_of(ledger: IssueLedger, address: str) -> Outcome:
    """The last that was reported."""
    return next(outcome for who, outcome, _ in reversed(ledger.reported) if who == address)


def chunks(server: SmtpServer) -> int:
    """How many messages went ahead as a whole."""
    return sum(bool(re.fullmatch(r"BDAT \d+ LAST", command)) for command in server.commands)


def one_refused(
    ledger: IssueLedger, transport: Transport, *rules: Rule, state: str, later: int, **options: Any
) -> None:
    """One recipient is refused as the rules say; all others have their mail over the same connections."""
    with faulty(*rules, **options) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.states == dict.fromkeys(EVERYBODY, "sent") | {VICTIM: state}
        assert_accounted(ledger, server)
        assert chunks(server) >= len(EVERYBODY) - 1
        assert server.seen("DATA") == 0
        assert the_next_run(ledger, server, transport) == later


def some_uncertain(
    ledger: IssueLedger, transport: Transport, *rules: Rule, victim: str = "uncertain", **options: Any
) -> None:
    """Those that were under way when it happened are uncertain, and no others; the rest goes one by one."""
    run = {name: options.pop(name) for name in ("timeouts", "loop") if name in options}
    with faulty(*rules, **options) as server:
        assert send(ledger, server, transport, **run) == Stopped()
        server.release(100)
        assert_accounted(ledger, server)
        assert ledger.states[VICTIM] == victim
        unsure = ledger.those(State.UNCERTAIN)
        assert 1 <= len(unsure) <= transport.most
        assert ledger.those(State.SENT) == set(EVERYBODY) - unsure
        assert any("one message at a time" in text for text in ledger.news)
        assert the_next_run(ledger, server, transport) == 0
        assert ledger.those(State.UNCERTAIN) == unsure


# --- answers that refuse --------------------------------------------------------------------------------------------


def test_mail_refused_with_4xx(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(Rule("MAIL", "451 4.3.0 busy", times=(VICTIM_AT,))) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY)}
        assert_accounted(ledger, server)
        assert server.seen("MAIL") == len(EVERYBODY) + 1
        assert the_next_run(ledger, server, transport) == 0


@of_any_window
def test_mail_refused_with_5xx(ledger: IssueLedger, transport: Transport) -> None:
    refused = tuple(range(VICTIM_AT, 100))
    with faulty(Rule("MAIL", "550 5.7.1 not you", times=refused)) as server:
        assert "takes no mail from news@example.com (550 5.7.1 not you)" in send(ledger, server, transport).reason
        assert_accounted(ledger, server)
        assert ledger.counts["sent"] == VICTIM_AT - 1
        assert 1 <= ledger.counts["deferred"] <= transport.window * transport.connections
        assert the_next_run(ledger, server, transport) == len(EVERYBODY) - VICTIM_AT + 1


def test_rcpt_450(ledger: IssueLedger, transport: Transport) -> None:
    one_refused(ledger, transport, Rule("RCPT", "450 4.2.1 busy", about=VICTIM), state="deferred", later=1)


def test_rcpt_550_5_1_1(ledger: IssueLedger, transport: Transport) -> None:
    """RFC 3030, 4.2: its octets are sent and read all the same, and answered with 503."""
    one_refused(ledger, transport, Rule("RCPT", "550 5.1.1 no such user", about=VICTIM), state="rejected", later=0)


def test_rcpt_550_of_the_first(ledger: IssueLedger, transport: Transport) -> None:
    with faulty(Rule("RCPT", "550 5.1.1 no such user", about=EVERYBODY[0])) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY) - 1, "rejected": 1}
        assert_accounted(ledger, server)
        assert chunks(server) == len(EVERYBODY) - 1
        assert the_next_run(ledger, server, transport) == 0


def test_454_at_the_last_chunk(ledger: IssueLedger, transport: Transport) -> None:
    rule = Rule("dot", "454 Throttling failure: Maximum sending rate exceeded.", about=VICTIM, once=True)
    one_refused(ledger, transport, rule, state="sent", later=0)
    assert ledger.rows[VICTIM].attempts == 2


def test_554_at_the_last_chunk(ledger: IssueLedger, transport: Transport) -> None:
    one_refused(ledger, transport, Rule("dot", "554 5.7.1 looks like spam", about=VICTIM), state="deferred", later=1)


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_5xx_at_the_last_chunk_of_a_relay_that_took_some(
    long_ledger: IssueLedger, transport: Transport, code: int
) -> None:
    rule = Rule("dot", f"{code} 5.5.1 not now", about=VICTIM, once=True)
    with faulty(rule) as server:
        assert send(long_ledger, server, transport) == Stopped()
        assert_accounted(long_ledger, server)
        assert long_ledger.states == dict.fromkeys(long_ledger.addresses, "sent") | {VICTIM: long_ledger.states[VICTIM]}
        assert long_ledger.states[VICTIM] in ("sent", "deferred")
        assert server.seen("DATA") > 0
        the_next_run(long_ledger, server, transport)


@pytest.mark.parametrize("answer", ["502 5.5.1 not implemented", "503 5.5.1 bad sequence", "451 4.3.0 busy"])
def test_chunks_announced_and_refused(ledger: IssueLedger, transport: Transport, answer: str) -> None:
    """The first chunk delivers nothing: its recipient is mailed by DATA over a new one, and no attempt is lost."""
    with faulty(Rule("BDAT", answer)) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY)}
        assert_accounted(ledger, server)
        assert {row.attempts for row in ledger.rows.values()} == {1}
        assert chunks(server) == 0
        assert server.seen("BDAT") <= transport.connections
        assert the_next_run(ledger, server, transport) == 0


def test_chunks_announced_and_not_known(ledger: IssueLedger, transport: Transport) -> None:
    """It reads one header as a command, and no line of a text."""
    with faulty(knows_chunks=False) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY)}
        assert_accounted(ledger, server)
        strange = [
            line for line in server.commands if not re.match(r"(?i)(EHLO|RSET|MAIL|RCPT|DATA|BDAT|QUIT)\b", line)
        ]
        assert len(strange) <= transport.connections
        assert chunks(server) == 0
        assert the_next_run(ledger, server, transport) == 0


# --- a connection that breaks ---------------------------------------------------------------------------------------


def test_drop_before_the_chunk(ledger: IssueLedger, transport: Transport) -> None:
    some_uncertain(ledger, transport, Rule("RCPT", Fault.DROP, about=VICTIM, once=True))


def test_drop_at_the_first_chunk(ledger: IssueLedger, transport: Transport) -> None:
    """Nobody was under way."""
    with faulty(Rule("BDAT", Fault.DROP, times=(1,))) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY)}
        assert_accounted(ledger, server)
        assert the_next_run(ledger, server, transport) == 0


@pytest.fixture
def big(tmp_path: Path) -> Iterator[IssueLedger]:
    """Of messages that no buffer holds: the server bites before their last octets can be written."""
    made = IssueLedger(tmp_path / "big.db", EVERYBODY[:3])
    yield made
    made.close()


HUGE = composer("x " * (BEYOND_BUFFERS // 2))


def test_drop_in_the_chunk(big: IssueLedger, transport: Transport) -> None:
    with faulty(Rule("body", Fault.DROP, times=(2,)), receive_bytes=4096) as server:
        assert send(big, server, transport, compose=HUGE) == Stopped()
        assert set(big.states.values()) == {"sent"}
        assert_accounted(big, server)
        assert server.connections > 1
        assert the_next_run(big, server, transport) == 0


@of_any_window
def test_drop_after_the_chunk_accepted(ledger: IssueLedger, transport: Transport) -> None:
    some_uncertain(ledger, transport, Rule("dot", Fault.DROP, about=VICTIM))


def test_drop_after_the_chunk_not_accepted(ledger: IssueLedger, transport: Transport) -> None:
    some_uncertain(ledger, transport, Rule("dot", Fault.LOSE, about=VICTIM))


def test_250_delayed_beyond_the_time_out(ledger: IssueLedger, transport: Transport) -> None:
    """The time is skipped once the victim's answer is waited for and nobody else is under way."""
    limits = replace(PATIENT, dot=connecting.SILENCE_S / 2)
    loop = SkippingLoop()
    due = threading.Semaphore(0)

    def skip_when_due() -> None:
        assert due.acquire(timeout=DEADLINE_S)
        loop.skip(limits.dot)

    lonely = Transport(1, transport.window)
    rules = Rule("dot", due.release, about=VICTIM), Rule("dot", Fault.HOLD, about=VICTIM)
    with ThreadPoolExecutor(1) as pool:
        skipped = pool.submit(skip_when_due)
        some_uncertain(ledger, lonely, *rules, timeouts=limits, loop=loop)
        skipped.result()


@pytest.mark.parametrize("point", ["RSET", "MAIL", "RCPT", "dot"])
def test_421_under_way(ledger: IssueLedger, transport: Transport, point: Any) -> None:
    """RFC 5321, 3.8: the relay has read nothing behind it, and those behind are mailed over a new connection."""
    rule = Rule(point, "421 4.3.2 shutting down", times=(VICTIM_AT,))
    with faulty(rule) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY)}
        assert_accounted(ledger, server)
        assert sum(row.attempts == 2 for row in ledger.rows.values()) <= transport.window
        assert the_next_run(ledger, server, transport) == 0


def test_421_under_way_by_a_relay_that_goes_on(ledger: IssueLedger, transport: Transport) -> None:
    """Its answers are read on: who has a yes is sent, and who has none, when it hangs up at last, uncertain."""
    rules = (
        Rule("MAIL", b"421 4.3.2 bye, but not yet\r\n", times=(VICTIM_AT,)),
        Rule("dot", Fault.DROP, times=(VICTIM_AT,)),
    )
    with faulty(*rules) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_accounted(ledger, server)
        assert len(ledger.those(State.UNCERTAIN)) <= transport.window
        assert ledger.those(State.SENT) == set(EVERYBODY) - ledger.those(State.UNCERTAIN)
        assert the_next_run(ledger, server, transport) == 0


@of_any_window
def test_421_every_n_messages(ledger: IssueLedger, transport: Transport) -> None:
    """The number is learnt from the first; those behind it lose no try."""
    with faulty(messages_per_connection=6) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY)}
        assert_accounted(ledger, server)
        assert any("messages_per_connection = 6" in text for text in ledger.news)
        assert chunks(server) >= len(EVERYBODY)
        assert the_next_run(ledger, server, transport) == 0


# --- strange replies ------------------------------------------------------------------------------------------------


def test_replies_merged(ledger: IssueLedger, transport: Transport) -> None:
    one_refused(ledger, transport, Rule("RCPT", "550 5.1.1 no", about=VICTIM), state="rejected", later=0, together=True)


def test_replies_byte_by_byte(ledger: IssueLedger, transport: Transport) -> None:
    one_refused(ledger, transport, Rule("RCPT", "550 5.1.1 no", about=VICTIM), state="rejected", later=0, dribble=True)


def test_reply_with_two_codes(ledger: IssueLedger, transport: Transport) -> None:
    some_uncertain(ledger, transport, Rule("RCPT", b"250-2.0.0 yes\r\n550 5.1.1 no\r\n", about=VICTIM))


@pytest.mark.parametrize(
    ("point", "replies"),
    [
        ("RSET", 2 * b"250 2.0.0 reset\r\n"),
        ("MAIL", 2 * b"250 2.1.0 sender ok\r\n"),
        ("RCPT", 2 * b"250 2.1.5 recipient ok\r\n"),
        ("RCPT", b"250 ok\r\n250 and once more\r\n"),
    ],
    ids=["RSET", "MAIL", "RCPT", "RCPT in other words"],
)
def test_reply_too_many(ledger: IssueLedger, transport: Transport, point: Any, replies: bytes) -> None:
    """Every later answer stands for the one before it: RCPT's, for one, for the message's, which is lost here."""
    doubled = Rule(point, replies, **({"about": VICTIM} if point == "RCPT" else {"times": (VICTIM_AT + 1,)}))
    some_uncertain(ledger, transport, doubled, Rule("dot", Fault.LOSE, about=VICTIM))


@pytest.mark.parametrize("point", ["RSET", "MAIL", "RCPT", "dot"])
def test_reply_too_few(ledger: IssueLedger, transport: Transport, point: Any) -> None:
    """Had the answer to a message been left out, that to the next RSET would stand for it."""
    times = (VICTIM_AT + 1,)
    with faulty(Rule(point, b"", times=times)) as server:
        assert send(ledger, server, transport) == Stopped()
        assert_accounted(ledger, server)
        assert 1 <= len(ledger.those(State.UNCERTAIN)) <= transport.most
        assert ledger.those(State.SENT) == set(EVERYBODY) - ledger.those(State.UNCERTAIN)
        assert the_next_run(ledger, server, transport) == 0


def test_refused_recipient_and_accepted_message(ledger: IssueLedger, transport: Transport) -> None:
    """Nobody can know whom it was given to."""
    some_uncertain(ledger, transport, Rule("RCPT", (b"550 5.1.1 no\r\n", b"250 2.0.0 queued\r\n"), about=VICTIM))


@pytest.mark.parametrize("alike", [{"RCPT": ALIKE, "dot": ALIKE}, {"RCPT": b"250 2.0.0 recipient ok\r\n"}])
def test_answers_that_look_alike(ledger: IssueLedger, transport: Transport, alike: dict[Any, bytes]) -> None:
    """One message after the other, as without CHUNKING."""
    with faulty(*[Rule(point, reply) for point, reply in alike.items()]) as server:
        assert send(ledger, server, transport) == Stopped()
        assert ledger.counts == {"sent": len(EVERYBODY)}
        assert_accounted(ledger, server)
        assert server.seen("DATA") >= len(EVERYBODY) - transport.connections
        assert the_next_run(ledger, server, transport) == 0


# --- the ledger and the machine -------------------------------------------------------------------------------------


@of_any_window
def test_ledger_fails(ledger: IssueLedger, transport: Transport) -> None:
    """Nobody is written to whom it does not have as committing; whose answer it cannot take stays so."""
    writes = iter(range(1000))

    def fail(moves: object) -> None:
        if next(writes) == 6:
            raise ConfigError("the disk is full", "make room")

    ledger.before_write = fail
    with faulty() as server:
        with pytest.raises(ConfigError, match="the disk is full"):
            send(ledger, server, transport)
        assert_accounted(ledger, server, ended=False)
        stuck = ledger.those(State.COMMITTING)
        assert len(stuck) <= transport.window * transport.connections
        ledger.before_write = lambda moves: None
        the_next_run(ledger, server, transport)
        assert ledger.those(State.UNCERTAIN) == stuck


@of_any_window
def test_committing_is_on_disk_before_a_chunk(ledger: IssueLedger, transport: Transport) -> None:
    """And never more than the window, for each connection."""
    known: set[int] = set()
    least: list[int] = []

    def note(moves: list[Move]) -> None:
        for move in moves:
            if move.to is State.COMMITTING:
                known.add(move.row)
        for move in moves:
            if move.to is State.SENT:
                known.discard(move.row)
        least.append(len(known))

    def look() -> None:
        assert server.recipients
        assert chunks(server) <= ledger_committed()

    def ledger_committed() -> int:
        return len(all_committed)

    all_committed: set[int] = set()
    ledger.before_write = lambda moves: (
        note(list(moves)),
        all_committed.update(move.row for move in moves if move.to is State.COMMITTING),
    )
    with faulty() as server:
        server.rules.append(Rule("dot", look))
        assert send(ledger, server, transport) == Stopped()
        assert_accounted(ledger, server)
    assert max(least) == transport.window * transport.connections or transport.connections > 1
    assert max(least) <= transport.window * transport.connections


@of_any_window
def test_sigterm(long_ledger: IssueLedger, transport: Transport) -> None:
    """Those under way end; nobody else is begun."""
    with faulty(Rule("dot", lambda: os.kill(os.getpid(), signal.SIGTERM), about=VICTIM)) as server:
        assert send(long_ledger, server, transport) == Stopped("interrupted")
        assert_accounted(long_ledger, server)
        mailed = len(server.messages)
        assert long_ledger.counts == {"sent": mailed, "pending": len(long_ledger.addresses) - mailed}
        assert mailed > VICTIM_AT
        assert the_next_run(long_ledger, server, transport) == len(long_ledger.addresses) - mailed


# --- the table ------------------------------------------------------------------------------------------------------


def test_the_table_has_every_fault() -> None:
    text = (CHECKOUT / "docs" / "reliability.md").read_text("utf-8")
    table = text.split("## Several messages under way", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][2:]
    named = [re.sub(r"[^a-z0-9]+", "_", row.split("|")[1].strip().lower()).strip("_") for row in rows]
    tests = [name.removeprefix("test_") for name in globals() if name.startswith("test_")]
    tests.remove("the_table_has_every_fault")
    assert named == tests
