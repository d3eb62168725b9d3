"""The sending process is killed, some 20 times, and told to go on: nobody is lost, nobody is mailed twice.

Most deaths come when the server has read a certain command, the others at any moment. `pytest -m soak` runs a thousand.
"""

from __future__ import annotations

import random
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from command_line import DEADLINE_S, finish, newsletter, people, start, write_list, write_post
from invariants import Accounts, Arrived
from smtp_server import CHUNKS, EXTENSIONS, Fault, Point, Rule, SmtpServer

from newsletter.model.delivery import State

ISSUE = "2026-03-01-hello"
KILLS = 8
CONNECTIONS = 4
MOST_A_RUN = 16
AUDIENCE = people(KILLS * (MOST_A_RUN + CONNECTIONS) + 60)
GONE, BUSY = AUDIENCE[7], AUDIENCE[20]
POINTS: tuple[Point, ...] = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "body", "dot")
ONCE_A_CONNECTION: tuple[Point, ...] = ("connect", "EHLO", "BDAT")
STARTUP_S = 0.3


def test_kill_9_at_any_moment_loses_nobody_and_mails_nobody_twice(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(kill_until_done, folders))
    assert_met(done, 2 * KILLS)


def test_kill_9_with_several_under_way(tmp_path: Path) -> None:
    """Four and eight on each connection, by BDAT."""
    windows = (4, 8)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda window: kill_until_done(tmp_path / f"{window}", window, KILLS // 2), windows))
    assert_met(done, KILLS)


def assert_met(done: Sequence[Tally], kills: int) -> None:
    assert sum(tally.kills for tally in done) == kills
    # Both ways of dying were met: before the dot, where the next run sends, and after it, where it must not.
    assert sum(tally.uncertain for tally in done) > 0
    assert sum(tally.sent for tally in done) > sum(tally.kills for tally in done)
    # Both ways of going on as well.
    assert {command for tally in done for command in tally.commands} == {"send", "resume"}


@dataclass(slots=True)
class Tally:
    kills: int
    sent: int
    uncertain: int
    commands: set[str]


def kill_until_done(folder: Path, window: int = 1, kills: int = KILLS) -> Tally:
    chance = random.Random(folder.name)
    folder.mkdir()
    (folder / "newsletter.toml").write_text(f"[delivery]\nwindow = {window}\n")
    points = POINTS if window == 1 else tuple("BDAT" if point == "DATA" else point for point in POINTS)
    write_post(folder)
    write_list(folder, *AUDIENCE)
    ledger = folder / "newsletter.db"
    accounts = Accounts(ledger, ISSUE, AUDIENCE, CONNECTIONS, {GONE, BUSY}, window)
    commands: set[str] = set()
    refusals = (Rule("RCPT", "550 5.1.1 nobody here", about=GONE), Rule("RCPT", "450 4.2.1 later", about=BUSY))
    with SmtpServer(*refusals, extensions=EXTENSIONS if window == 1 else CHUNKS) as server:
        for number in range(kills):
            # The first two deaths are such that every course of the rest is met: after a dot, and of a resume.
            name = ("send", "resume")[number] if number < 2 else chance.choice(("send", "resume"))
            command = (name, *way_of(server))
            commands.add(name)
            with limited(server):
                if number == 0:
                    process = killed_at(server, "dot", chance.randint(1, MOST_A_RUN), folder, call(command))
                else:
                    process = killed(server, chance, folder, call(command), points)
                run = finish(process)
                assert run.code == -signal.SIGKILL, run.err
                assert "Traceback" not in run.err
                server.wait_for(lambda server: not server._open)
            accounts.after_kill(arrived(server))
        last = newsletter(*call(("resume", *way_of(server))), cwd=folder)
        counts = accounts.at_end(arrived(server))
        before = len(server.messages)
        again = newsletter(*call(("send", *way_of(server))), cwd=folder)
        assert len(server.messages) == before
        assert server.violations == []
    # With several under way they are committing before the relay refuses them.
    unsure = accounts.unsure & {GONE, BUSY} if window > 1 else frozenset()
    assert (counts[State.REJECTED], counts[State.DEFERRED]) == (int(GONE not in unsure), int(BUSY not in unsure))
    assert last.json["counts"] == again.json["counts"]
    assert last.json["counts"] == {
        "sent": counts[State.SENT],
        "refused": counts[State.REJECTED],
        "left": counts[State.DEFERRED],
        "uncertain": counts[State.UNCERTAIN],
        "suppressed": 0,
    }
    assert (last.code, again.code, again.json["sent"]) == (3, 3, 0)
    return Tally(kills, counts[State.SENT], counts[State.UNCERTAIN], commands)


def way_of(server: SmtpServer) -> tuple[str, ...]:
    return ("--relay", server.url, "--yes", "--json", "--connections", str(CONNECTIONS))


def call(command: tuple[str, ...]) -> tuple[str, ...]:
    """`send` names the files, `resume` the issue."""
    name, *way = command
    return ("send", f"{ISSUE}.md", "--to", "list.csv", "--first", *way) if name == "send" else ("resume", ISSUE, *way)


def arrived(server: SmtpServer) -> list[Arrived]:
    return [Arrived(message.recipient, message.message_id) for message in server.messages]


# --- ways to die ----------------------------------------------------------------------------------------------------


@contextmanager
def limited(server: SmtpServer) -> Iterator[None]:
    """However late the kill comes, the run in this block gets no further: from some dot on none is answered."""
    first = server.seen("dot") + MOST_A_RUN + 1
    limit = Rule("dot", Fault.SILENCE, times=tuple(range(first, first + CONNECTIONS)))
    server.rules.append(limit)
    yield
    server.rules.remove(limit)


def killed(
    server: SmtpServer, chance: random.Random, folder: Path, command: tuple[str, ...], points: tuple[Point, ...]
) -> subprocess.Popen[bytes]:
    kind = chance.random()
    if kind < 0.7:
        point = chance.choice(points)
        occasion = chance.randint(1, CONNECTIONS if point in ONCE_A_CONNECTION else MOST_A_RUN)
        return killed_at(server, point, occasion, folder, command)
    if kind < 0.85:
        return killed_after(server, 0, chance.uniform(0, STARTUP_S), folder, command)
    return killed_after(server, 1, chance.uniform(0, 0.03), folder, command)


def killed_at(
    server: SmtpServer, point: Point, occasion: int, folder: Path, command: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    """Start the command; kill it when the server has read this point's command so many times."""
    started = threading.Event()
    holder: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        assert started.wait(DEADLINE_S)
        holder[0].kill()
        holder[0].wait(DEADLINE_S)

    rule = Rule(point, kill, times=(server.seen(point) + occasion,))
    server.rules.insert(0, rule)
    holder.append(start(*command, cwd=folder))
    started.set()
    return holder[0]


def killed_after(
    server: SmtpServer, connections: int, seconds: float, folder: Path, command: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    """Start the command; kill it so long after the server has seen so many connections of it."""
    wanted = server.connections + connections
    process = start(*command, cwd=folder)
    server.wait_for(lambda server: server.connections >= wanted)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=seconds)
    process.kill()
    process.wait(DEADLINE_S)
    return process
