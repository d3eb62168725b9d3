"""What a commit of the ledger waits for, in SQLite and in PostgreSQL, beside a bare fdatasync and bare commits.

    python benchmarks/commit.py [COMMITS] [--url URL]

A commit is as a send makes it: its rows become committing, and those of the commit before sent. All ways take turns,
each on files of its own, and the ledger's also without flushes: what is left is the wait for the disk. PostgreSQL's
server is one of its own in a temporary folder, with the settings that it is installed with; or an empty database whose
URL is given.

"ours" is the time that this thread ran; "waited" leaves out its wait for a free processor. Meanwhile PostgreSQL's
process for it ran: it may have waited for a processor, too, so that its rates want a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psycopg
from figures import ROUNDS, in_turns, machine, print_table

from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from postgres import program, running

GROUPS = (1, 10, 50)
BYTES = 32_768
"""What a group of ten writes to SQLite's log, about."""

UNFLUSHED = ", without flushes"

Commit = Callable[[], object]


def bare_sync(folder: Path) -> Commit:
    file = os.open(folder / "bare", os.O_RDWR | os.O_CREAT)
    os.write(file, bytes(BYTES))

    def commit() -> None:
        os.pwrite(file, os.urandom(64) + bytes(BYTES - 64), 0)
        os.fdatasync(file)

    return commit


def bare_sqlite(file: Path, *, grown: bool) -> Commit:
    """With its log `grown`, as a plan leaves it, each commit overwrites a part of that: SQLite begins anew after each
    thousand pages, and keeps the file. Until then each commit makes it longer, which the file system has to note.
    """
    db = sqlite3.connect(file, isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a); INSERT INTO t VALUES (0)"
    )
    if grown:
        db.executescript("CREATE TABLE filler AS SELECT zeroblob(8000000) AS b; DROP TABLE filler")
        db.execute("PRAGMA wal_checkpoint(RESTART)")
    else:
        db.execute("PRAGMA wal_autocheckpoint = 0")
    return lambda: db.execute("UPDATE t SET a = a + 1")


def bare_postgresql(url: str, opened: ExitStack) -> tuple[Commit, int]:
    db = opened.enter_context(psycopg.connect(url, autocommit=True))
    db.execute("SET synchronous_commit = on")
    db.execute("CREATE TABLE bare (a bigint)")
    db.execute("INSERT INTO bare VALUES (0)")
    return (lambda: db.execute("UPDATE bare SET a = a + 1")), db.info.backend_pid


def of_ledger(ledger: Ledger, group: int, commits: int) -> Commit:
    issue = f"commit-{group}-{os.getpid()}-{id(ledger)}"
    many = group * (commits * ROUNDS + 1)
    ledger.plan(issue, (f"reader{number}@example.com" for number in range(many)), content_hash="h", subject="s")

    def moves() -> Iterator[list[Move]]:
        before: list[int] = []
        last = 0
        while page := ledger.claim(issue, 500, after=last):
            last = page[-1].row
            for first in range(0, len(page), group):
                rows = [claim.row for claim in page[first : first + group]]
                ready = [Move(row, State.COMMITTING, f"<{row:032x}@mail.example.com>", relay="relay") for row in rows]
                yield [*ready, *(Move(row, State.SENT, stage="dot", code=250, reply=f"Ok: {row:x}") for row in before)]
                before = rows

    waiting = moves()
    return lambda: ledger.write(issue, next(waiting))


def unflushed(ledger: Ledger) -> Ledger:
    """What commits take without waiting for the disk. Not for sending: a power failure loses the last ones."""
    with ledger.storage.write() as db:
        connection: Any = db.connection.driver_connection
        if ledger.storage.place.is_postgresql:
            db.exec_driver_sql("SET synchronous_commit = off")
    if not ledger.storage.place.is_postgresql:
        connection.execute("PRAGMA synchronous = OFF")
    return ledger


class Commits(NamedTuple):
    """Seconds of a number of commits."""

    ran: float
    """This thread."""

    waited: float
    """This thread, for all but a processor."""

    served: float
    """PostgreSQL's process ran."""


def timed(commit: Commit, commits: int, backend: int = 0) -> Commits:
    began, served = clocks(), running_s(f"/proc/{backend}")[0]
    for _ in range(commits):
        commit()
    wall, ran, queued = (then - before for then, before in zip(clocks(), began, strict=True))
    return Commits(ran, wall - ran - queued, running_s(f"/proc/{backend}")[0] - served)


def clocks() -> tuple[float, float, float]:
    """Seconds on the wall; those that this thread ran; those that it waited for a processor."""
    ran, queued = running_s("/proc/thread-self")
    return time.perf_counter(), ran or time.process_time(), queued


def running_s(process: str) -> tuple[float, float]:
    """Seconds that it ran, and that it waited for a processor (proc(5), schedstat); 0 where that is not known."""
    try:
        ran, queued, _ = Path(process, "schedstat").read_text().split()
        return int(ran) / 1e9, int(queued) / 1e9
    except OSError:
        return 0.0, 0.0


def backend_of(ledger: Ledger) -> int:
    """The process of a local server that serves it."""
    with ledger.storage.write() as db:
        connection: Any = db.connection.driver_connection
        return int(connection.info.backend_pid)


def postgresql(opened: ExitStack) -> str:
    """The URL of an empty database of a server of our own; empty where PostgreSQL is not installed."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    if initdb is None or pg_ctl is None:
        print("PostgreSQL's server is missing (Debian: postgresql): only SQLite is measured", file=sys.stderr)
        return ""
    return opened.enter_context(running(initdb, pg_ctl, durable=True)).emptied()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commits", nargs="?", type=int, default=500, help="of each way in each round")
    parser.add_argument("--url", help="of an empty PostgreSQL database, in place of one of our own")
    arguments = parser.parse_args()
    commits = arguments.commits
    print(f"{machine()}; {commits} commits, medians of {ROUNDS} in turns, microseconds\n")
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)

        def ledger(place: Path | str) -> Ledger:
            return opened.enter_context(Ledger.open(place, lambda: datetime.now(UTC)))

        ways: dict[str, Callable[[], Commits]] = {}
        groups: dict[str, int] = {}

        def compare(kept: Ledger, loose: Ledger, where: str, *, local: bool = False) -> None:
            for group in GROUPS:
                what = f"the ledger's in {where}, {group} message{'s' * (group > 1)}"
                groups[what] = group
                for name, each in ((what, kept), (f"{what}{UNFLUSHED}", loose)):
                    backend = backend_of(each) if local else 0
                    ways[name] = partial(timed, of_ledger(each, group, commits), commits, backend)

        ways[f"`fdatasync` of {BYTES // 1024} KB"] = partial(timed, bare_sync(folder), commits)
        growing = bare_sqlite(folder / "growing.db", grown=False)
        ways["a bare commit of SQLite, one row, its log growing"] = partial(timed, growing, commits)
        grown = bare_sqlite(folder / "grown.db", grown=True)
        ways["the same, its log written over"] = partial(timed, grown, commits)
        compare(ledger(folder / "kept.db"), unflushed(ledger(folder / "loose.db")), "SQLite")
        if url := arguments.url or postgresql(opened):
            kept, loose = ledger(url), unflushed(ledger(url))  # a ledger's database must be empty at first
            commit, backend = bare_postgresql(url, opened)
            ways["a bare commit of PostgreSQL, one row"] = partial(
                timed, commit, commits, 0 if arguments.url else backend
            )
            compare(kept, loose, "PostgreSQL", local=not arguments.url)
        found = in_turns(ways)
    rows = []
    for what in ways:
        if what.endswith(UNFLUSHED):
            continue
        ran, waited, served = each_us(found[what], commits)
        rate = 1e6 / (ran + waited)
        cells = [f"{ran:,.0f}", f"{waited:,.0f}", f"{served:,.0f}" if served else ""]
        if what in groups:
            loose_us = sum(each_us(found[f"{what}{UNFLUSHED}"], commits)[:2])
            cells += [f"{loose_us:,.0f}", f"{rate:,.0f}", f"{groups[what] * rate:,.0f}"]
        else:
            cells += ["", f"{rate:,.0f}", ""]
        rows.append([what, *cells])
    print_table(["", "ours", "waited", "meanwhile the server", "all, without flushes", "commits/s", "messages/s"], rows)


def each_us(found: list[Commits], commits: int) -> tuple[float, float, float]:
    """Of one commit."""
    ran, waited, served = (median(each[number] for each in found) / commits * 1e6 for number in range(3))
    return ran, waited, served


if __name__ == "__main__":
    main()
