"""The log of a send: as long as it will become before the first commit, and without a trace in the database."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from newsletter.ledger.database import write_ahead_log
from newsletter.ledger.database.write_ahead_log import MOST_PAGES, grow_log
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

PEOPLE = [f"reader{number}@example.com" for number in range(60)]
ISSUE = "march"


class Place(NamedTuple):
    file: Path

    @property
    def log_bytes(self) -> int:
        return Path(f"{self.file}-wal").stat().st_size


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "newsletter.db")


@pytest.fixture
def database(place: Place) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(place.file, isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
        yield db


def contents(db: sqlite3.Connection) -> list[str]:
    return list(db.iterdump())


def test_no_commit_of_a_send_makes_the_log_longer(place: Place) -> None:
    with Ledger.open(place.file, lambda: datetime(2026, 3, 1, tzinfo=UTC)) as ledger:
        ledger.plan(ISSUE, iter(PEOPLE), content_hash="h", subject="s")
        before = place.log_bytes
        ledger.begin_run(ISSUE, "me", due=len(PEOPLE) * 5)
        ready = place.log_bytes
        assert ready > before
        for claim in ledger.claim(ISSUE, 100):
            ledger.write(ISSUE, [Move(claim.row, State.COMMITTING, "<a@example.com>", relay="relay")])
            ledger.write(ISSUE, [Move(claim.row, State.SENT, stage="dot", code=250, reply="ok")])
        assert place.log_bytes == ready
        assert ledger.counts(ISSUE)[State.SENT] == len(PEOPLE)


def test_the_log_grows_by_the_number_of_recipients_to_its_most(place: Place, database: sqlite3.Connection) -> None:
    sizes = []
    for recipients in (0, 20, 200, 1_000_000):
        grow_log(database, place.file, recipients)
        sizes.append(place.log_bytes)
    assert sizes == sorted(set(sizes))
    assert MOST_PAGES * 4096 <= sizes[-1] < MOST_PAGES * 4096 * 1.1
    grow_log(database, place.file, 1_000_000)
    assert place.log_bytes == sizes[-1]


def test_nothing_of_it_is_in_the_database(place: Place, database: sqlite3.Connection) -> None:
    before, cache = contents(database), database.execute("PRAGMA cache_size").fetchone()
    grow_log(database, place.file, 1_000_000)
    assert contents(database) == before
    assert database.execute("PRAGMA cache_size").fetchone() == cache
    with closing(sqlite3.connect(place.file)) as another:
        assert contents(another) == before
        assert another.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert place.file.stat().st_size < 5 * 4096


def test_a_disk_with_little_room_is_left_as_it_is(
    place: Place, database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = place.log_bytes
    usage = shutil.disk_usage(place.file.parent)
    monkeypatch.setattr(write_ahead_log.shutil, "disk_usage", lambda _folder: usage._replace(free=50_000_000))
    grow_log(database, place.file, 1_000_000)
    assert place.log_bytes == before


def test_a_full_database_goes_on_with_what_room_there_is(place: Place, database: sqlite3.Connection) -> None:
    database.execute("PRAGMA max_page_count = 100")
    grow_log(database, place.file, 1_000_000)
    assert not database.in_transaction
    database.execute("UPDATE t SET a = 2")
    assert database.execute("SELECT a FROM t").fetchone() == (2,)


def test_a_database_that_another_one_writes_to_is_let_be(place: Place, database: sqlite3.Connection) -> None:
    with closing(sqlite3.connect(place.file, isolation_level=None, timeout=0)) as late:
        database.execute("BEGIN IMMEDIATE")
        before = place.log_bytes
        grow_log(late, place.file, 1_000_000)
        assert place.log_bytes == before
        database.execute("COMMIT")


def test_without_a_log_none_is_made(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode = DELETE; CREATE TABLE t (a)")
        grow_log(db, file, 1_000_000)
    assert [path.name for path in tmp_path.iterdir()] == ["other.db"]
    assert file.stat().st_size < 5 * 4096
