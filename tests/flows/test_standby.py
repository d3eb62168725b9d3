"""`resume --wait` on a second machine: it takes over from a run that dies, and leaves one alone that ends by itself."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from command_line import Run, finish, newsletter, people, start, write_list, write_post
from invariants import Accounts, Arrived, assert_one_copy_each
from postgres import PASSWORD
from smtp_server import Fault, Rule, SmtpServer
from sqlalchemy import make_url

from newsletter.model.delivery import State

ISSUE = "2026-03-01-hello"
CONNECTIONS = 3
READERS = people(30)


@dataclass(frozen=True, slots=True)
class Place:
    """A ledger, and the folders of two machines that share it: with SQLite they are one."""

    ledger: str
    first: Path
    second: Path

    def start(self, folder: Path, *command: object) -> subprocess.Popen[bytes]:
        url = make_url(self.ledger)
        option = url._replace(password=None).render_as_string() if url.password else self.ledger
        return start(*command, "--ledger", option, "--yes", "--json", cwd=folder, PGPASSWORD=PASSWORD)

    def send(self, server: SmtpServer) -> subprocess.Popen[bytes]:
        return self.start(self.first, "send", f"{ISSUE}.md", "--to", "list.csv", "--first", *through(server))

    def stand_by(self, server: SmtpServer) -> subprocess.Popen[bytes]:
        """`resume --wait`, once it has said that it waits."""
        process = self.start(self.second, "resume", ISSUE, "--wait", *through(server))
        assert process.stderr is not None
        line = process.stderr.readline().decode()
        assert f"{ISSUE}: process " in line, line
        assert f"on {socket.gethostname()} is sending it; standing by" in line, line
        return process


def through(server: SmtpServer) -> tuple[str, ...]:
    return ("--relay", server.url, "--connections", str(CONNECTIONS))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    write_post(tmp_path)
    write_list(tmp_path, *READERS)
    if request.param == "sqlite":
        return Place(f"sqlite:///{tmp_path / 'newsletter.db'}", tmp_path, tmp_path)
    second = tmp_path / "second"
    second.mkdir()
    return Place(request.getfixturevalue("postgres_url"), tmp_path, second)


def accounts_of(place: Place) -> Accounts:
    ledger = place.ledger.removeprefix("sqlite:///")
    return Accounts(Path(ledger) if ledger != place.ledger else ledger, ISSUE, READERS, CONNECTIONS)


def arrived(server: SmtpServer) -> list[Arrived]:
    return [Arrived(message.recipient, message.message_id) for message in server.messages]


def under_way(server: SmtpServer) -> None:
    """Some have it, and each connection waits for the answer to a dot."""
    server.release(2 * CONNECTIONS)
    server.wait_for(lambda server: server.seen("dot") == 3 * CONNECTIONS)


def after(place: Place, server: SmtpServer, end: Callable[[subprocess.Popen[bytes]], None]) -> tuple[Run, Run]:
    """How the two ended: the one that sends, to which `end` happens while the other stands by, and that one."""
    sender = place.send(server)
    under_way(server)
    standby = place.stand_by(server)
    end(sender)
    return finish(sender), finish(standby)


def test_it_takes_over_from_a_run_that_was_killed(place: Place) -> None:
    accounts = accounts_of(place)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:

        def kill(sender: subprocess.Popen[bytes]) -> None:
            sender.kill()
            server.release(2 * len(READERS))

        killed, took_over = after(place, server, kill)
        accounts.unsure = frozenset(took_over.json["uncertain"])
        counts = accounts.at_end(arrived(server))
    assert killed.code == -signal.SIGKILL
    assert took_over.code == 3, took_over.err
    assert counts[State.UNCERTAIN] == CONNECTIONS
    assert counts[State.SENT] == len(READERS) - CONNECTIONS


def test_a_run_that_was_told_to_end_is_not_gone_on_with(place: Place) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:

        def interrupt(sender: subprocess.Popen[bytes]) -> None:
            sender.send_signal(signal.SIGTERM)
            server.release(2 * len(READERS))

        ended, stood_by = after(place, server, interrupt)
        assert_one_copy_each(arrived(server))
    assert (ended.code, stood_by.code) == (3, 3)
    left = len(ended.json["left"])
    assert left == len(READERS) - len(server.messages) > 0
    assert f"{ISSUE}: the other run did not die, it ended (interrupted) with {left} left" in stood_by.err
    assert f"run newsletter resume {ISSUE}" in stood_by.err


def test_a_run_that_mails_everybody_leaves_nothing_to_do(place: Place) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        sent, stood_by = after(place, server, lambda sender: server.release(2 * len(READERS)))
    assert (sent.code, stood_by.code, stood_by.json["sent"]) == (0, 0, 0)
    assert "Nobody is left" in stood_by.err
    assert sorted(server.recipients) == READERS


def test_one_of_several_that_stand_by_takes_over(place: Place) -> None:
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        sender = place.send(server)
        under_way(server)
        waiting = [place.stand_by(server) for _ in range(3)]
        sender.kill()
        server.release(3 * len(READERS))
        finish(sender)
        runs = [finish(process) for process in waiting]
        assert_one_copy_each(arrived(server))
    assert sorted(run.json["sent"] for run in runs) == [0, 0, len(READERS) - 3 * CONNECTIONS]
    assert {run.code for run in runs} <= {0, 3}
    assert len(server.recipients) == len(READERS)


def test_a_sender_that_lost_its_database_while_it_stood_still_finds_that_it_owns_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    """Stopped for longer than the server keeps its connection, then awake again: what it sends next would be a copy."""
    write_post(tmp_path)
    write_list(tmp_path, *READERS)
    place = Place(postgres_url, tmp_path, tmp_path)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:

        def lose(sender: subprocess.Popen[bytes]) -> None:
            sender.send_signal(signal.SIGSTOP)
            end_connections(postgres_url, sender.pid)

        sender = place.send(server)
        under_way(server)
        standby = place.stand_by(server)
        lose(sender)
        server.release(2 * len(READERS))
        took_over = finish(standby)
        sender.send_signal(signal.SIGCONT)
        awake = finish(sender)
        assert_one_copy_each(arrived(server))
    assert took_over.json["sent"] == len(READERS) - 3 * CONNECTIONS, took_over.err
    assert sorted(took_over.json["uncertain"]) == sorted(uncertain_of(server, took_over))
    assert awake.code == 3, awake.err
    assert "Traceback" not in awake.err
    assert sorted(server.recipients) == READERS


def uncertain_of(server: SmtpServer, run: Run) -> Sequence[str]:
    """Whose mail had its dot when the sender stood still: theirs are the last dots that it waited for."""
    return [message.recipient for message in server.messages][2 * CONNECTIONS : 3 * CONNECTIONS]


def end_connections(url: str, process: int) -> None:
    """End those of one process, by the name that it gave to the one which holds the issue, and wait until they are."""
    with psycopg.connect(url, autocommit=True) as db:
        ended = db.execute(
            "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE application_name LIKE %s",
            (f"process {process} on %",),
        ).fetchall()
    assert ended == [(True,)]


def test_without_a_terminal_it_says_at_once_that_it_may_not_ask(tmp_path: Path) -> None:
    run = newsletter("resume", ISSUE, "--wait", cwd=tmp_path)
    assert run.code == 2
    assert "write --yes to take over unasked" in run.err
