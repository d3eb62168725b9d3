"""What a commit of the ledger waits for: beside a bare fdatasync, a bare commit of SQLite, and one that does not sync.

    python benchmarks/commit.py [COMMITS] [URL]

A commit is as a send makes it: its rows become committing, and those of the commit before sent. All ways take turns,
each on files of its own; medians of 5 rounds. With the URL of an empty PostgreSQL database its ledger as well.
"disk" is the time that this process neither ran nor waited for a free processor; the rates are those of a machine
with nothing else to do. PostgreSQL's own work counts as disk: its server is another process.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

ROUNDS = 5
GROUPS = (1, 10, 50)
BYTES = 32_768
"""What a group of ten writes to SQLite's log, about."""

Commit = Callable[[], object]


def bare_sync(folder: Path) -> Commit:
    file = os.open(folder / "bare", os.O_RDWR | os.O_CREAT)
    os.write(file, bytes(BYTES))

    def commit() -> None:
        os.pwrite(file, os.urandom(64) + bytes(BYTES - 64), 0)
        os.fdatasync(file)

    return commit


def bare_sqlite(folder: Path) -> Commit:
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a); INSERT INTO t VALUES (0)"
    )
    return lambda: db.execute("UPDATE t SET a = a + 1")


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


def unsynced(ledger: Ledger) -> Ledger:
    """What commits take without waiting for the disk. Not for sending: a power failure loses the last ones."""
    with ledger.storage.write() as db:
        connection: Any = db.connection.driver_connection
        if ledger.storage.place.is_postgresql:
            db.exec_driver_sql("SET synchronous_commit = off")
    if not ledger.storage.place.is_postgresql:
        connection.execute("PRAGMA synchronous = OFF")
    return ledger


def clocks() -> tuple[float, float, float]:
    """Seconds on the wall; those that this thread ran; those that it waited for a processor (proc(5), schedstat)."""
    try:
        ran, queued, _ = Path("/proc/thread-self/schedstat").read_text().split()
        return time.perf_counter(), int(ran) / 1e9, int(queued) / 1e9
    except OSError:
        return time.perf_counter(), time.process_time(), 0.0


def main() -> None:
    commits = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    url = sys.argv[2] if len(sys.argv) > 2 else ""
    with tempfile.TemporaryDirectory() as name, ExitStack() as opened:
        folder = Path(name)

        def ledger(place: Path | str) -> Ledger:
            return opened.enter_context(Ledger.open(place, lambda: datetime.now(UTC)))

        kept, loose = ledger(folder / "kept.db"), unsynced(ledger(folder / "loose.db"))
        ways: dict[str, tuple[int, Commit]] = {
            f"fdatasync of {BYTES // 1024} KB": (0, bare_sync(folder)),
            "SQLite, one row": (1, bare_sqlite(folder)),
        }
        for group in GROUPS:
            ways[f"ledger in SQLite, {group}"] = (group, of_ledger(kept, group, commits))
            ways[f"  the same, not synced, {group}"] = (group, of_ledger(loose, group, commits))
        if url:
            far, far_loose = ledger(url), unsynced(ledger(url))
            for group in GROUPS:
                ways[f"ledger in PostgreSQL, {group}"] = (group, of_ledger(far, group, commits))
                ways[f"  the same, not flushed, {group}"] = (group, of_ledger(far_loose, group, commits))
        took: dict[str, list[tuple[float, float]]] = {what: [] for what in ways}
        for _ in range(ROUNDS):
            for what, (_, commit) in ways.items():
                began = clocks()
                for _ in range(commits):
                    commit()
                wall, ran, queued = (then - before for then, before in zip(clocks(), began, strict=True))
                took[what].append((ran, wall - ran - queued))
        for what, (group, _) in ways.items():
            ran, disk = (median(each[number] for each in took[what]) / commits * 1e6 for number in (0, 1))
            rate = 1e6 / (ran + disk)
            messages = f"  {group * rate:>8,.0f} messages/s" if group else ""
            print(f"{what:<34} {ran:>7,.0f} us ours {disk:>7,.0f} us disk {rate:>8,.0f} commits/s{messages}")


if __name__ == "__main__":
    main()
