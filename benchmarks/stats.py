"""What `newsletter stats` takes: a year of a daily newsletter with as many readers as one likes, from both databases.

    python benchmarks/stats.py [ISSUES] [READERS] [URL ...]

SQLite in a temporary folder, and every database whose URL is given (an empty one). The rows are made by the database
itself, so that 365 issues of 50,000 readers are there in minutes. Beside it stands a bare count of the rows by issue
and state, the least that any such page must ask. Processor time is what holds on a busy machine.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.stats.as_page import stats_page
from newsletter.stats.read import read_stats

START = datetime(2025, 3, 1, 7, 0, tzinfo=UTC)
DAY_MS = 86_400_000
DOMAINS = ("gmail.com", "qq.com", "163.com", "outlook.com", "example.org", "yahoo.co.uk", "firm.example")

_DELIVERIES = sa.text(
    """
    INSERT INTO deliveries
      (issue, recipient_key, state, plan, version, attempts, updated, code, stage, message_id, reply)
    SELECT :issue, key,
      CASE WHEN (n * 7919 + :issue * 31) % 1000 < 6 THEN 'rejected'
        WHEN (n * 7919 + :issue * 31) % 1000 < 30 THEN 'suppressed' ELSE 'sent' END,
      1, 1, 1, :at + n, 550, 'RCPT', '<' || n || '.' || :issue || '.aaaaaaaaaaaaaaaa@mail.example.com>',
      CASE WHEN (n * 7919 + :issue * 31) % 1000 < 6 THEN '5.1.1 no such user' ELSE '2.0.0 Ok: queued' END
    FROM made_readers
    """
)
_CONSTRAINTS = sa.text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE conrelid = 'deliveries'::regclass ORDER BY contype DESC"
)
_INDEXES = sa.text(
    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'deliveries' AND indexname NOT IN "
    "(SELECT conname FROM pg_constraint WHERE conrelid = 'deliveries'::regclass)"
)


@contextlib.contextmanager
def in_bulk(storage: Storage) -> Iterator[None]:
    """On PostgreSQL, make the indexes and references of `deliveries` after its rows: a tenth of the time."""
    if not storage.place.is_postgresql:
        yield
        return
    with storage.write() as db:
        made = db.execute(_CONSTRAINTS).all()
        indexes = db.execute(_INDEXES).all()
        for name, _ in made:
            db.execute(sa.text(f"ALTER TABLE deliveries DROP CONSTRAINT {name} CASCADE"))
        for name, _ in indexes:
            db.execute(sa.text(f"DROP INDEX {name}"))
    yield
    with storage.write() as db:
        db.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
        for name, definition in made:
            db.execute(sa.text(f"ALTER TABLE deliveries ADD CONSTRAINT {name} {definition}"))
        for _, definition in indexes:
            db.execute(sa.text(definition))


def fill(storage: Storage, issues: int, readers: int) -> None:
    start = stamp_of(START)
    with storage.write() as db:
        db.execute(sa.text("CREATE TEMPORARY TABLE made_readers (n BIGINT, key TEXT)"))
        rows = [{"n": n, "key": f"reader.{n:x}@{DOMAINS[n * n % len(DOMAINS)]}"} for n in range(readers)]
        db.execute(sa.text("INSERT INTO made_readers VALUES (:n, :key)"), rows)
        db.execute(
            sa.text(
                "INSERT INTO people (key, state, created, confirmed, lang) SELECT key, 'confirmed', at, at, '' "
                f"FROM (SELECT key, :start - (n % 700) * {DAY_MS} AS at FROM made_readers) AS made"
            ),
            {"start": start},
        )
        for kind, share in (("confirmed", 1), ("withdrawn", 5), ("returned", 50)):
            db.execute(
                sa.text(
                    f"INSERT INTO consents (key, kind, at) SELECT key, '{kind}', :start + n * 100000 FROM made_readers "
                    f"WHERE n % {share} = 0"
                ),
                {"start": start},
            )
        for reason, rest in (("unsubscribed", 0), ("hard-bounce", 1), ("complaint", 2)):
            db.execute(
                sa.text(
                    f"INSERT INTO suppressions (key, reason, at, issue) SELECT key, '{reason}', :start + n * 100000, "
                    f"'issue-' || (n % {issues} + 1) FROM made_readers WHERE n % 10 = {rest} AND n % 50 <> 0"
                ),
                {"start": start},
            )
    with in_bulk(storage):
        for number in range(1, issues + 1):
            at = stamp_of(START + timedelta(days=number))
            with storage.write() as db:
                db.execute(
                    sa.text("INSERT INTO issues VALUES (:id, :name, 'The daily', 1, 1, 1, '', '', :at)"),
                    {"id": number, "name": f"issue-{number}", "at": at},
                )
                db.execute(_DELIVERIES, {"issue": number, "at": at})
    if storage.place.is_postgresql:  # as autovacuum leaves it
        with storage.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
            db.execute(sa.text("VACUUM ANALYZE"))


def timed(what: str, work: Callable[[], object]) -> None:
    started, cpu = time.perf_counter(), time.process_time()
    work()
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(f"  {what:<34} {seconds:>7.2f} s, {cpu:.2f} s of it ours", flush=True)


def count(storage: Storage) -> None:
    with storage.read() as db:
        db.execute(sa.text("SELECT issue, state, count(*) FROM deliveries GROUP BY issue, state")).all()


def measure(place: Path | str, issues: int, readers: int) -> None:
    storage = Storage.open(place)
    try:
        started = time.perf_counter()
        fill(storage, issues, readers)
        print(f"  filled in {time.perf_counter() - started:.0f} s")
        now = START + timedelta(days=issues + 1)
        for _ in range(2):
            timed("a bare count by issue and state", lambda: count(storage))
            timed("all numbers", lambda: read_stats(storage, UTC, now))
        stats = read_stats(storage, UTC, now)
        timed("the page", lambda: stats_page(stats, UTC, "The daily"))
        rows = sum(issue.audience for issue in stats.issues)
        print(f"  {rows:,} rows; the page has {len(stats_page(stats, UTC, 'The daily')):,} bytes")
    finally:
        storage.close()


def main() -> None:
    words = sys.argv[1:]
    issues, readers = (int(word) for word in (*words[:2], *("365", "50000")[len(words[:2]) :]))
    with tempfile.TemporaryDirectory() as folder:
        print("SQLite:")
        measure(Path(folder) / "newsletter.db", issues, readers)
    for url in words[2:]:
        print("PostgreSQL:" if url.startswith("postgresql") else url)
        measure(url, issues, readers)
    print(f"  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most")


if __name__ == "__main__":
    main()
