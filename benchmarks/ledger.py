"""What the ledger costs: rows a second of a plan, of claims and of writes, and bytes on disk for each recipient.

    python benchmarks/ledger.py [COUNT] [URL ...]

SQLite in a temporary folder, and every database whose URL is given (an empty one: its issue is called after the
process). A write is as a send makes it: ten rows become committing and ten sent, in one transaction. Beside it stands
what the disk itself asks for a commit, since most of a small write is that.
"""

from __future__ import annotations

import os
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

GROUP = 10
WORDS = ("ann", "bob", "li", "wang", "maria", "jo")
DOMAINS = ("gmail.com", "qq.com", "163.com", "outlook.com", "example.org", "yahoo.co.uk")


def addresses(count: int) -> Iterator[str]:
    chance = random.Random(1)
    for _ in range(count):
        yield f"{chance.choice(WORDS)}.{chance.getrandbits(36):x}@{chance.choice(DOMAINS)}"


def timed(what: str, rows: int, work: Callable[[], object]) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    each = f"{seconds / rows * 1e6:6.1f} us each, {cpu / rows * 1e6:5.1f} of them ours"
    print(f"  {what:<34} {rows / seconds:>9,.0f} rows/s  {each}  ({seconds:.1f} s)", flush=True)


def measure(place: Path | str, count: int) -> None:
    issue, next_issue = (f"{name}-{os.getpid()}" for name in ("march", "april"))
    claimed: list[int] = []

    def plan(name: str) -> None:
        ledger.plan(name, addresses(count), content_hash="h", subject="s")

    def claim() -> None:
        while page := ledger.claim(issue, 500, after=claimed[-1] if claimed else 0):
            claimed.extend(found.row for found in page)

    def write() -> None:
        before: list[int] = []
        for first in range(0, len(claimed) + GROUP, GROUP):
            rows = claimed[first : first + GROUP]
            moves = [Move(row, State.COMMITTING, f"<{row:032x}@mail.example.com>", relay="relay") for row in rows]
            moves += [Move(row, State.SENT, stage="dot", code=250, reply=f"2.0.0 Ok: {row:x}") for row in before]
            ledger.write(issue, moves)
            before = rows

    with Ledger.open(place, lambda: datetime.now(UTC)) as ledger:
        before = size(place)
        timed("plan, all of them new", count, lambda: plan(issue))
        timed("plan, all of them known", count, lambda: plan(issue))
        timed("claim, 500 at once", count, claim)
        timed(f"write, {2 * GROUP} at once", 2 * count, write)
        timed("rows, read back", count, lambda: sum(1 for _ in ledger.rows(issue)))
        bytes_each = (size(place) - before) / count
        timed("plan of the next issue, compared", count, lambda: plan(next_issue))
    print(f"  {bytes_each:.0f} bytes on disk for each recipient")


def size(place: Path | str) -> int:
    """Of the ledger, its log not counted where that is reused."""
    if isinstance(place, Path):
        with sqlite3.connect(place) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return place.stat().st_size
    engine = sa.create_engine(sa.make_url(place).set(drivername="postgresql+psycopg"))
    with engine.connect() as db:
        return int(db.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0)


def bare_commits(folder: Path) -> None:
    with sqlite3.connect(folder / "bare.db", isolation_level=None) as db:
        db.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (a); INSERT INTO t VALUES (0)"
        )
        started = time.perf_counter()
        for number in range(1_000):
            db.execute("UPDATE t SET a = ?", (number + 1,))
        print(f"a bare commit on this disk: {(time.perf_counter() - started) * 1e3:.0f} us")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        bare_commits(Path(folder))
        print(f"SQLite, {count:,} recipients")
        measure(Path(folder) / "newsletter.db", count)
    for url in sys.argv[2:]:
        print(f"{sa.make_url(url).render_as_string(hide_password=True)}, {count:,} recipients")
        measure(url, count)
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
