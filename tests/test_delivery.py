"""The send loop against servers that fail at every command, and real processes that die at any moment.

What must hold each time: nobody is lost, nobody is mailed twice, and the ledger says who is where.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from conftest import RequireProgram
from front_door import (
    Run,
    finish,
    free_ports,
    newsletter,
    people,
    start,
    takes_connections,
    wait_until,
    write_list,
    write_post,
)
from smtp_server import Fault, Point, Rule, SmtpServer

from newsletter.catcher import Catcher
from newsletter.delivery import MAX_RECONNECTS, Stopped, deliver
from newsletter.errors import DeliveryError
from newsletter.ledger import Ledger
from newsletter.message import Composer
from newsletter.model import Email, Outcome, Relay, Sender, Slot, Subscriber, Template

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ISSUE = "2026-03-02-ai-daily"
EMAIL = Email(
    subject=Template(("News",)),
    preheader="",
    html=Template(("<p>Dear ", Slot("name", "html"), "</p>")),
    text=Template(("Dear ", Slot("name", "text"), "\n")),
    mjml="",
    lang="en",
)
COMPOSER = Composer(EMAIL, Sender("News", "news@example.com"), issue=ISSUE, when=NOON)
ADA, BEN, CAL, DEE, EVE = (f"{name}@example.com" for name in ("ada", "ben", "cal", "dee", "eve"))
FIVE = (ADA, BEN, CAL, DEE, EVE)


class Book:
    is_far = False
    """A ledger of one issue, and all that `deliver` reported besides."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.ledger = Ledger.open(None, lambda: NOON)
        self.ledger.plan(ISSUE, addresses, content_hash="1", subject="News")
        self.told: list[tuple[str, Outcome]] = []
        self.committed: list[str] = []

    def claim(self, address: str) -> bool:
        return self.ledger.claim(ISSUE, address)

    def commit(self, address: str, message_id: str) -> None:
        self.committed.append(address)
        self.ledger.commit(ISSUE, address, message_id)

    def record(self, address: str, outcome: Outcome) -> None:
        self.ledger.record(ISSUE, address, outcome)

    def run(self, relay: Relay, *addresses: str, timeout_s: float = 30.0) -> Stopped:
        recipients = [Subscriber(address, {"email": address}) for address in addresses or self.addresses]
        return asyncio.run(
            deliver(
                recipients,
                COMPOSER,
                self,
                relay,
                timeout_s=timeout_s,
                on_outcome=lambda person, outcome: self.told.append((person.email, outcome)),
            )
        )

    @property
    def states(self) -> dict[str, str]:
        return {row.address: row.state.value for row in self.ledger.rows(ISSUE)}

    def row(self, address: str) -> tuple[str, str, int, str]:
        (row,) = (row for row in self.ledger.rows(ISSUE) if row.address == address)
        return row.state.value, row.stage, row.code, row.reply


@pytest.fixture
def book() -> Iterator[Book]:
    made = Book(*FIVE)
    with closing(made.ledger):
        yield made


def states(**others: str) -> dict[str, str]:
    """Everyone sent, but for these."""
    return {address: others.get(address.partition("@")[0], "sent") for address in FIVE}


def assert_one_copy_each(server: SmtpServer) -> None:
    assert set(server.copies.values()) <= {1}
    assert set(Counter(server.recipients).values()) <= {1}


# --- one loop, one server -------------------------------------------------------------------------------------------


def test_everyone_gets_one_message_over_one_connection(book: Book) -> None:
    with SmtpServer() as server:
        assert book.run(server.relay) == Stopped()
    assert book.states == states()
    assert server.recipients == list(FIVE)
    assert server.connections == 1
    assert_one_copy_each(server)
    assert [address for address, _ in book.told] == list(FIVE)


def test_a_real_server_gets_the_same() -> None:
    book = Book(*FIVE)
    with closing(book.ledger), Catcher(clock=lambda: NOON) as catcher:
        assert book.run(catcher.relay) == Stopped()
        caught = catcher.messages()
        assert book.states == states()
    assert [message.rcpt_to for message in caught] == [(address,) for address in FIVE]
    assert [message.data for message in caught] == [
        COMPOSER.compose(Subscriber(address, {"email": address})).data for address in FIVE
    ]


@pytest.mark.parametrize(
    ("point", "reply", "state", "code"),
    [
        ("RCPT", "550 5.1.1 no such user", "rejected", 550),
        ("RCPT", "451 4.7.1 greylisted", "deferred", 451),
        ("dot", "554 5.7.1 looks like spam", "rejected", 554),
        ("dot", "452 4.3.1 disk full", "deferred", 452),
        ("DATA", "451 4.3.0 later", "deferred", 451),
    ],
)
def test_one_refused_address_stops_nobody_else(book: Book, point: Point, reply: str, state: str, code: int) -> None:
    with SmtpServer(Rule(point, reply, about="ben")) as server:
        assert book.run(server.relay) == Stopped()
    assert book.states == states(ben=state)
    assert book.row(BEN) == (state, "RCPT" if point == "RCPT" else "DATA", code, reply[4:])
    assert server.recipients == [ADA, CAL, DEE, EVE]
    assert dict(book.told)[BEN].code == code


def test_a_refused_address_is_not_tried_again_and_a_deferred_one_is(book: Book) -> None:
    rules = [Rule("RCPT", "550 5.1.1 nobody", about="ben"), Rule("RCPT", "450 4.2.1 later", about="cal", times=(3,))]
    with SmtpServer(*rules) as server:
        book.run(server.relay)
        book.run(server.relay)
    assert book.states == states(ben="rejected")
    assert server.recipients == [ADA, DEE, EVE, CAL]
    assert server.seen("RCPT") == 6


def test_a_sender_that_the_relay_refuses_leaves_everyone(book: Book) -> None:
    with SmtpServer(Rule("MAIL", "550 5.7.1 not you")) as server:
        stopped = book.run(server.relay)
    assert "takes no mail from news@example.com (5.7.1 not you)" in stopped.reason
    assert book.states == {ADA: "deferred", **dict.fromkeys((BEN, CAL, DEE, EVE), "pending")}
    assert server.seen("MAIL") == 1
    assert server.messages == []


@pytest.mark.parametrize(
    ("point", "state"),
    [("MAIL", "deferred"), ("RCPT", "deferred"), ("DATA", "uncertain"), ("body", "uncertain"), ("dot", "uncertain")],
)
@pytest.mark.parametrize("fault", [Fault.DROP, Fault.SILENCE])
def test_a_lost_connection_costs_one_recipient_at_most(book: Book, point: Point, state: str, fault: Fault) -> None:
    with SmtpServer(Rule(point, fault, times=(2,))) as server:
        assert book.run(server.relay, timeout_s=0.3 if fault is Fault.SILENCE else 30) == Stopped()
        assert server.connections == 2
        # Whoever provably has nothing is tried again over the next connection, and no one else.
        assert book.states == states(ben="sent" if state == "deferred" else "uncertain")
        assert (BEN in server.recipients) == (point == "dot" or state == "deferred")
        book.run(server.relay)
    assert book.states == states(ben="sent" if state == "deferred" else "uncertain")
    assert_one_copy_each(server)


def test_421_means_another_connection(book: Book) -> None:
    with SmtpServer(Rule("RCPT", "421 4.7.0 enough for now", about="ben")) as server:
        assert book.run(server.relay) == Stopped()
    assert book.states == states(ben="deferred")
    assert server.connections == 3  # ben was tried again, once
    assert_one_copy_each(server)


def test_421_after_so_many_messages_leaves_nobody(book: Book) -> None:
    with SmtpServer(Rule("MAIL", "421 4.7.0 too many messages over one connection", times=(3,))) as server:
        assert book.run(server.relay) == Stopped()
    assert book.states == states()
    assert server.connections == 2
    assert_one_copy_each(server)


def test_a_relay_that_always_drops_is_given_up(book: Book) -> None:
    with SmtpServer(Rule("RCPT", Fault.DROP)) as server:
        stopped = book.run(server.relay)
    tried = MAX_RECONNECTS + 1
    assert f"dropped {tried} connections in a row" in stopped.reason
    assert server.connections == tried
    assert list(book.states.values()) == ["deferred"] * 2 + ["pending"] * 3  # each of the first two was tried twice


def test_drops_between_accepted_messages_are_not_in_a_row() -> None:
    addresses = people(12)
    book = Book(*addresses)
    with closing(book.ledger), SmtpServer(Rule("MAIL", Fault.DROP, times=(2, 4, 6, 8, 10))) as server:
        assert book.run(server.relay) == Stopped()
        assert server.connections == 6
        assert set(book.states.values()) == {"sent"}
    assert sorted(server.recipients) == addresses


def test_a_relay_that_goes_away_leaves_the_rest(book: Book) -> None:
    with SmtpServer(Rule("MAIL", Fault.DROP, times=(2,)), Rule("connect", "554 5.3.2 closed", times=(2,))) as server:
        stopped = book.run(server.relay)
    assert "554 5.3.2 closed" in stopped.reason
    assert book.states == {ADA: "sent", BEN: "deferred", CAL: "pending", DEE: "pending", EVE: "pending"}


def test_a_relay_that_was_never_there_is_an_error_and_touches_nobody(book: Book) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(DeliveryError, match="cannot connect"):
            book.run(Relay("127.0.0.1", unused.getsockname()[1], "none"))
    assert set(book.states.values()) == {"pending"}


def test_the_commit_is_on_record_before_the_body_goes_out(book: Book) -> None:
    """At DATA, before its 354, the row already says committing: a crash from here on is `uncertain`."""
    seen: list[tuple[list[str], int]] = []
    with SmtpServer() as server:
        server.rules.append(Rule("DATA", lambda: seen.append((list(book.committed), len(server.messages)))))
        book.run(server.relay)
    assert seen == [(list(FIVE[: number + 1]), number) for number in range(len(FIVE))]


def test_nobody_is_committed_whom_the_relay_refused(book: Book) -> None:
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody", about="ben")) as server:
        book.run(server.relay)
    assert book.committed == [ADA, CAL, DEE, EVE]


def test_whom_another_run_has_is_passed_over(book: Book) -> None:
    book.claim(BEN)
    with SmtpServer() as server:
        assert book.run(server.relay) == Stopped()
    assert server.recipients == [ADA, CAL, DEE, EVE]
    assert book.states == states(ben="claimed")


def test_a_ledger_that_fails_sends_nothing_more(book: Book) -> None:
    def fail(address: str, message_id: str) -> None:
        raise RuntimeError("no ledger")

    book.commit = fail  # type: ignore[method-assign]
    with SmtpServer() as server, pytest.raises(RuntimeError, match="no ledger"):
        book.run(server.relay)
    assert server.messages == []
    assert server.seen("DATA") == 0


# --- real processes -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    return tmp_path


def send_command(server: SmtpServer) -> tuple[str, ...]:
    return ("send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--json")


def test_ctrl_c_ends_the_message_under_way_and_leaves_the_rest(folder: Path) -> None:
    addresses = people(6)
    write_list(folder, *addresses)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        process = start(*send_command(server), cwd=folder)
        server.release()
        server.wait_for(lambda server: server.seen("dot") == 2)
        process.send_signal(signal.SIGINT)
        wait_until_signal_is_taken(process)
        server.release()
        run = finish(process)
        assert run.code == 3, run.err
        assert "Traceback" not in run.err
        assert run.json["sent"] == 2
        assert [entry["address"] for entry in run.json["left"]] == addresses[2:]
        assert run.json["uncertain"] == []
        assert run.json["stopped"] == "interrupted"
        assert server.recipients == addresses[:2]

        server.release(4)
        second = newsletter(*send_command(server), cwd=folder)
        assert (second.code, second.json["sent"], second.json["already_sent"]) == (0, 4, 2)
    assert server.recipients == addresses
    assert_one_copy_each(server)


def wait_until_signal_is_taken(process: subprocess.Popen[bytes]) -> None:
    """Until no signal is pending and the process is asleep again, having handled it: proc(5) shows both."""
    status = Path(f"/proc/{process.pid}")
    if not status.is_dir():
        pytest.skip("needs /proc to see that a signal was delivered")

    def asleep() -> bool:
        lines = (status / "status").read_text().splitlines()
        pending = any(int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd")))
        return not pending and "State:\tS (sleeping)" in lines

    wait_until(process, asleep, "the signal is still pending")


def test_a_second_ctrl_c_ends_at_once_and_the_next_run_calls_it_uncertain(folder: Path) -> None:
    addresses = people(3)
    write_list(folder, *addresses)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        process = start(*send_command(server), cwd=folder)
        server.wait_for(lambda server: server.seen("dot") == 1)
        process.send_signal(signal.SIGINT)
        wait_until_signal_is_taken(process)
        process.send_signal(signal.SIGINT)
        run = finish(process)
        assert run.code == 130
        assert "Traceback" not in run.err
        server.release(3)
        second = newsletter(*send_command(server), cwd=folder)
    assert second.code == 3
    assert second.json["uncertain"] == addresses[:1]
    assert second.json["sent"] == 2
    assert server.recipients == addresses  # the first arrived, and was not sent again
    assert_one_copy_each(server)


KILLS = 15
MOST_A_RUN = 6
POINTS: tuple[Point, ...] = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "body", "dot")


def test_kill_9_at_any_moment_loses_nobody_and_mails_nobody_twice(tmp_path: Path) -> None:
    """30 kills, most at a command that the server has just read, some at no command at all; then on to the end."""
    folders = [tmp_path / name for name in ("first", "second")]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda folder: kill_until_done(folder, random.Random(folder.name)), folders))
    assert sum(kills for kills, _ in done) == 2 * KILLS
    # Both kinds of death were met: before the dot, where the next run sends, and after it, where it must not.
    assert any(uncertain for _, uncertain in done)


def kill_until_done(folder: Path, chance: random.Random) -> tuple[int, int]:
    """The kills that struck, and how many recipients are uncertain in the end."""
    folder.mkdir()
    write_post(folder)
    addresses = people(KILLS * MOST_A_RUN)
    write_list(folder, *addresses)
    refused = addresses[20]
    kills = 0
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody here", about=refused)) as server:
        while kills < KILLS:
            command = send_command(server)
            if chance.random() < 0.8:
                point = chance.choice(POINTS)
                occasion = 1 if point in ("connect", "EHLO") else chance.randint(1, 4)
                process = killed_at(server, point, occasion, folder, command)
            else:
                # However late the kill comes, this run gets no further than here.
                limit = Rule("dot", Fault.HOLD, times=(server.seen("dot") + MOST_A_RUN,))
                server.rules.insert(0, limit)
                process = start(*command, cwd=folder)
                server.wait_for(lambda server, before=server.connections: server.connections > before)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=chance.uniform(0, 0.02))
                process.kill()
                process.wait(30)
                server.rules.remove(limit)
            run = finish(process)
            assert run.code == -signal.SIGKILL, run.err
            assert "Traceback" not in run.err
            kills += 1
            assert_one_copy_each(server)
        last = newsletter(*send_command(server), cwd=folder)
        again = newsletter(*send_command(server), cwd=folder)
    report = last.json
    reported = report["uncertain"]
    assert_accounted(report, addresses, server, refused)
    assert last.code == (3 if reported else 0)
    assert again.json["uncertain"] == reported
    assert again.json["sent"] == 0
    return kills, len(reported)


def killed_at(
    server: SmtpServer, point: Point, occasion: int, folder: Path, command: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    """Start the command; kill it when the server has read this point's command so many times."""
    started = threading.Event()
    holder: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        assert started.wait(30)
        holder[0].kill()
        holder[0].wait(30)

    rule = Rule(point, kill, times=(server.seen(point) + occasion,))
    server.rules.insert(0, rule)
    holder.append(start(*command, cwd=folder))
    started.set()
    return holder[0]


def assert_accounted(report: dict[str, object], addresses: list[str], server: SmtpServer, refused: str) -> None:
    """Nobody lost: everyone is sent, refused, left or uncertain. Nobody twice: one copy, whatever happened."""
    counts = Counter(server.recipients)
    assert set(counts.values()) == {1}
    assert set(server.copies.values()) == {1}
    uncertain = report["uncertain"]
    assert isinstance(uncertain, list)
    assert report["left"] == []
    assert report["refused"] == [
        {"address": refused, "stage": "RCPT", "code": 550, "text": "5.1.1 nobody here"},
    ]
    sent = report["sent"] + report["already_sent"]  # type: ignore[operator]
    assert sent + 1 + len(uncertain) == len(addresses)
    # Whoever has no copy is named: refused, or uncertain.
    assert set(addresses) - set(counts) <= {refused, *uncertain}


# --- Postfix's own sink ---------------------------------------------------------------------------------------------


@contextmanager
def smtp_sink(program: str, *options: str) -> Iterator[tuple[int, Path]]:
    """`smtp-sink` on a free port, and the folder where it keeps each message in a file of its own."""
    (port,) = free_ports(1)
    # Root may not run it as root, and pytest's own folders are closed to anybody else.
    user = ("-u", "nobody") if os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory() as dump:
        Path(dump).chmod(0o777)
        process = subprocess.Popen(
            [program, "-h", "sink.test", *user, *options, "-d", f"{dump}/%M.", f"127.0.0.1:{port}", "100"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            wait_until(process, lambda: takes_connections(port), "smtp-sink did not come up")
            yield port, Path(dump)
        finally:
            process.kill()
            process.communicate()


def dumped(folder: Path) -> list[str]:
    """Who smtp-sink has a message for: the To of each file, in which the envelope stands before the headers."""
    found = []
    for path in sorted(folder.iterdir()):
        mail = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        found += [address.addr_spec for address in mail["To"].addresses]
    return found


@pytest.fixture
def sink_program(require_program: RequireProgram) -> str:
    return os.environ.get("NEWSLETTER_SMTP_SINK") or require_program("smtp-sink")


def test_postfix_takes_every_message(sink_program: str, folder: Path) -> None:
    addresses = people(50)
    write_list(folder, *addresses)
    with smtp_sink(sink_program) as (port, dump):
        run = send_to_sink(folder, port)
        kept = dumped(dump)
    assert (run.code, run.json["sent"]) == (0, 50)
    assert sorted(kept) == addresses


def send_to_sink(folder: Path, port: int) -> Run:
    relay = f"smtp://127.0.0.1:{port}"
    return newsletter(
        "send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", relay, "--yes", "--json", cwd=folder
    )


def test_postfix_hangs_up_after_each_dot_and_nobody_is_resent(sink_program: str, folder: Path) -> None:
    """`-q .`: the message is kept, the connection closed without an answer."""
    addresses = people(6)
    write_list(folder, *addresses)
    with smtp_sink(sink_program, "-q", ".") as (port, dump):
        runs = [send_to_sink(folder, port) for _ in range(3)]
        kept = dumped(dump)
    assert [run.code for run in runs] == [3, 3, 3]
    assert runs[0].json["uncertain"] == addresses[: MAX_RECONNECTS + 1]
    assert [entry["address"] for entry in runs[0].json["left"]] == addresses[MAX_RECONNECTS + 1 :]
    assert runs[1].json["uncertain"] == runs[2].json["uncertain"] == addresses
    assert sorted(kept) == addresses  # all six arrived, once


@pytest.mark.parametrize(("options", "field"), [(("-f", "RCPT"), "refused"), (("-Q", "."), "left")])
def test_postfix_refuses(sink_program: str, folder: Path, options: tuple[str, ...], field: str) -> None:
    write_list(folder, *people(3))
    with smtp_sink(sink_program, *options) as (port, _):
        run = send_to_sink(folder, port)
    assert sorted(entry["address"] for entry in run.json[field]) == people(3)
    assert run.json["uncertain"] == []
    assert run.code == (0 if field == "refused" else 3)
