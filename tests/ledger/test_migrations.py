"""A ledger of version 1 or 2, as it was written, becomes one of today's with everyone in it, or stays what it was."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.audience.people.rehearsal import copy_suppressions
from newsletter.audience.people.store import People
from newsletter.ledger.database.schema import VERSION
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.ledger import Delivery, Ledger, Plan, Version
from newsletter.model.delivery import State

NOW = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)
SENT_AT = datetime(2026, 3, 1, 6, 0, 0, 250_000, tzinfo=UTC)

# What version 1 wrote, down to its defaults.
VERSION_1 = """
PRAGMA journal_mode = WAL;
CREATE TABLE ledger_version (version INTEGER NOT NULL);
CREATE TABLE issues (
  issue TEXT NOT NULL, content_hash TEXT NOT NULL, subject TEXT NOT NULL, first_sent TEXT, PRIMARY KEY (issue)
);
CREATE TABLE tests (
  id INTEGER NOT NULL, issue TEXT NOT NULL, address TEXT NOT NULL, state TEXT NOT NULL, stage TEXT NOT NULL,
  code INTEGER NOT NULL, reply TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (id)
);
CREATE TABLE deliveries (
  id INTEGER NOT NULL, issue TEXT NOT NULL, recipient_key TEXT NOT NULL, address TEXT NOT NULL, state TEXT NOT NULL,
  message_id TEXT DEFAULT '' NOT NULL, attempts INTEGER DEFAULT '0' NOT NULL, stage TEXT DEFAULT '' NOT NULL,
  code INTEGER DEFAULT '0' NOT NULL, reply TEXT DEFAULT '' NOT NULL, updated TEXT NOT NULL,
  PRIMARY KEY (id), UNIQUE (issue, recipient_key),
  CONSTRAINT known_state CHECK (
    state IN ('pending', 'claimed', 'committing', 'sent', 'deferred', 'rejected', 'uncertain')
  ),
  FOREIGN KEY(issue) REFERENCES issues (issue)
);
INSERT INTO ledger_version VALUES (1);
INSERT INTO issues VALUES ('february', 'h0', 'Februar', '2026-02-01T06:00:00+00:00');
INSERT INTO issues VALUES ('march', 'h1', 'März', '2026-03-01T06:00:00.250000+00:00');
INSERT INTO issues VALUES ('never sent', 'h2', '', NULL);
INSERT INTO tests VALUES (1, 'march', 'me@x.test', 'sent', 'dot', 250, 'ok', '2026-02-28T06:00:00+00:00');
INSERT INTO deliveries VALUES
  (1, 'february', 'ann@x.test', 'ann@x.test', 'sent', '<f>', 1, 'dot', 250, 'ok', '2026-02-01T06:00:00+00:00'),
  (2, 'february', 'gone@x.test', 'gone@x.test', 'sent', '<g>', 1, 'dot', 250, 'ok', '2026-02-01T06:00:00+00:00'),
  (3, 'march', 'pending@x.test', 'pending@x.test', 'pending', '', 0, '', 0, '', '2026-03-01T06:00:00+00:00'),
  (4, 'march', 'ann@x.test', 'Ann@x.test', 'sent', '<1>', 2, 'dot', 250, '2.0.0', '2026-03-01T06:00:00.250000+00:00'),
  (5, 'march', '王@x.test', '王@x.test', 'claimed', '', 1, '', 0, '', '2026-03-01T06:00:00+00:00'),
  (6, 'march', 'dot@x.test', 'dot@x.test', 'committing', '<2>', 1, '', 0, '', '2026-03-01T06:00:00+00:00'),
  (7, 'march', 'deferred@x.test', 'deferred@x.test', 'deferred', '', 3, 'rcpt', 450, 'no', '2026-03-01T06:00:00+00:00'),
  (8, 'march', 'rejected@x.test', 'rejected@x.test', 'rejected', '', 1, 'rcpt', 550, 'no', '2026-03-01T06:00:00+00:00'),
  (9, 'march', 'unsure@x.test', 'unsure@x.test', 'uncertain', '<3>', 1, 'dot', 0, '', '2026-03-01T06:00:00+00:00');
"""
MARCH = {
    "pending@x.test": State.PENDING,
    "Ann@x.test": State.SENT,
    "王@x.test": State.CLAIMED,
    "dot@x.test": State.COMMITTING,
    "deferred@x.test": State.DEFERRED,
    "rejected@x.test": State.REJECTED,
    "unsure@x.test": State.UNCERTAIN,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "newsletter.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
    return path


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        return list(db.iterdump())


def schema(file: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(file)) as db:
        found = db.execute("SELECT name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return sorted((name, re.sub(r"\s", "", made)) for name, made in found)


def test_every_row_of_version_1_comes_along(path: Path) -> None:
    with Ledger.open(path, lambda: NOW) as ledger:
        assert {row.address: row.state for row in ledger.rows("march")} == MARCH
        assert set(MARCH.values()) == set(State) - {State.SUPPRESSED}
        (ann,) = ledger.rows("march", State.SENT)
        assert ann == Delivery("march", "Ann@x.test", State.SENT, "<1>", 2, "dot", 250, "2.0.0", SENT_AT, "", 1, None)
        (deferred,) = ledger.rows("march", State.DEFERRED)
        assert (deferred.attempts, deferred.stage, deferred.code, deferred.reply) == (3, "rcpt", 450, "no")
        assert [row.version for row in ledger.rows("march")] == [0, 1, 0, 1, 0, 0, 1]
        listed = [(row.issue, row.subject, row.first_sent) for row in ledger.issues()]
        assert listed == [
            ("february", "Februar", datetime(2026, 2, 1, 6, tzinfo=UTC)),
            ("march", "März", SENT_AT),
            ("never sent", "", None),
        ]
        assert ledger.versions("march") == (Version(1, "h1", "März", SENT_AT, True),)
    assert "INSERT INTO \"tests\" VALUES(1,'march','me@x.test'" in "\n".join(contents(path))


def test_a_send_that_version_1_began_goes_on(path: Path) -> None:
    with Ledger.open(path, lambda: NOW) as ledger, ledger.hold("march"):
        assert [claim.address for claim in ledger.claim("march", 1)] == ["pending@x.test"], "even before a plan"
        assert ledger.recover("march") == 1
        people = [*MARCH, "new@x.test"]
        found = ledger.plan("march", people, content_hash="h1", subject="März")
        assert found == Plan(audience=8, due=4, sent=1, rejected=1, uncertain=2, added=7, gone=1)
        assert [(claim.address, claim.attempts) for claim in ledger.claim("march", 9)] == [
            ("pending@x.test", 1),
            ("王@x.test", 1),
            ("deferred@x.test", 4),
            ("new@x.test", 1),
        ]
        assert ledger.plan("march", people, content_hash="other", subject="").content_changed


def test_what_was_migrated_is_like_what_is_made_today(path: Path, tmp_path: Path) -> None:
    Ledger.open(path, lambda: NOW).close()
    Ledger.open(tmp_path / "new.db", lambda: NOW).close()
    assert schema(path) == schema(tmp_path / "new.db")
    before = contents(path)
    Ledger.open(path, lambda: NOW).close()
    assert contents(path) == before, "once is enough"


@pytest.mark.parametrize(
    "moment",
    ["CREATE TABLE issues", "INSERT INTO deliveries", "DROP TABLE deliveries_1", "UPDATE ledger_version", "COMMIT"],
)
def test_a_kill_in_the_middle_leaves_version_1(path: Path, moment: str) -> None:
    before = contents(path)
    code = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import sqlalchemy as sa
from newsletter.ledger.ledger import Ledger

def die():
    os.kill(os.getpid(), signal.SIGKILL)

@sa.event.listens_for(sa.Engine, "before_cursor_execute")
def watch(connection, cursor, statement, *rest):
    if sys.argv[2] in " ".join(statement.split()):
        die()

if sys.argv[2] == "COMMIT":
    sa.event.listen(sa.Engine, "commit", lambda connection: die())
Ledger.open(Path(sys.argv[1]), lambda: datetime.now(UTC))
"""
    done = subprocess.run([sys.executable, "-c", code, path, moment], check=False)
    assert done.returncode == -signal.SIGKILL
    assert contents(path) == before
    with Ledger.open(path, lambda: NOW) as ledger:
        assert {row.address: row.state for row in ledger.rows("march")} == MARCH


def test_two_processes_may_find_an_old_ledger_at_once(path: Path) -> None:
    code = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from newsletter.ledger.ledger import Ledger
sys.stdin.readline()
with Ledger.open(Path(sys.argv[1]), lambda: datetime.now(UTC)) as ledger:
    print(sum(ledger.counts("march").values()))
"""
    command = [sys.executable, "-c", code, str(path)]
    runs = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    assert [run.communicate(timeout=600)[0] for run in runs] == ["7\n"] * 3


# --- version 2 ------------------------------------------------------------------------------------------------------

# What version 2 wrote in SQLite, down to its defaults.
VERSION_2 = """
PRAGMA journal_mode = WAL;
CREATE TABLE ledger_version (version INTEGER NOT NULL);
CREATE TABLE issues (
  id INTEGER NOT NULL, issue TEXT NOT NULL, subject TEXT NOT NULL, version INTEGER NOT NULL, "plan" INTEGER NOT NULL,
  last_plan INTEGER NOT NULL, post TEXT NOT NULL, audience TEXT NOT NULL, first_sent BIGINT,
  PRIMARY KEY (id), UNIQUE (issue)
);
CREATE TABLE tests (
  id INTEGER NOT NULL, issue TEXT NOT NULL, address TEXT NOT NULL, state TEXT NOT NULL, stage TEXT NOT NULL,
  code INTEGER NOT NULL, reply TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (id)
);
CREATE TABLE runs (
  id INTEGER NOT NULL, issue TEXT NOT NULL, owner TEXT NOT NULL, started BIGINT NOT NULL, ended BIGINT,
  reason TEXT DEFAULT '' NOT NULL, PRIMARY KEY (id)
);
CREATE TABLE pace (name TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE versions (
  issue INTEGER NOT NULL, version INTEGER NOT NULL, content_hash TEXT NOT NULL, subject TEXT NOT NULL,
  since BIGINT NOT NULL, PRIMARY KEY (issue, version), UNIQUE (issue, content_hash),
  FOREIGN KEY(issue) REFERENCES issues (id)
);
CREATE TABLE deliveries (
  id INTEGER NOT NULL, issue INTEGER NOT NULL, recipient_key TEXT NOT NULL, address TEXT, state TEXT NOT NULL,
  "plan" INTEGER NOT NULL, version INTEGER DEFAULT '0' NOT NULL, attempts INTEGER DEFAULT '0' NOT NULL,
  updated BIGINT NOT NULL, due_at BIGINT, code INTEGER DEFAULT '0' NOT NULL, stage TEXT DEFAULT '' NOT NULL,
  lane TEXT DEFAULT '' NOT NULL, message_id TEXT DEFAULT '' NOT NULL, reply TEXT DEFAULT '' NOT NULL,
  PRIMARY KEY (id), UNIQUE (issue, recipient_key),
  CONSTRAINT known_state CHECK (
    state IN ('pending', 'claimed', 'committing', 'sent', 'deferred', 'rejected', 'uncertain')
  ),
  FOREIGN KEY(issue) REFERENCES issues (id)
);
CREATE INDEX standing ON deliveries (issue, state);
INSERT INTO ledger_version VALUES (2);
INSERT INTO issues VALUES (7, 'march', 'März', 1, 2, 2, '/posts/march.md', '/lists/all.csv', 1772344800250);
INSERT INTO versions VALUES (7, 1, 'h1', 'März', 1772344800250);
INSERT INTO runs VALUES (1, 'march', '1 host', 1772344800000, NULL, '');
INSERT INTO pace VALUES ('relay/day', '12');
INSERT INTO deliveries VALUES
  (3, 7, 'ann@x.test', 'Ann@x.test', 'sent', 2, 1, 1, 1772344800250, NULL, 250, 'dot', 'relay', '<1>', '2.0.0'),
  (5, 7, '王@x.test', NULL, 'claimed', 2, 1, 1, 1772344800250, NULL, 0, '', '', '', ''),
  (9, 7, 'later@x.test', NULL, 'deferred', 1, 1, 3, 1772344800250, 1772348400000, 450, 'RCPT', 'relay', '<2>', 'no');
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def second(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """A ledger of version 2 in each database that it could be in."""
    if request.param == "sqlite":
        path = tmp_path / "second.db"
        with closing(sqlite3.connect(path)) as db:
            db.executescript(VERSION_2)
        return path
    url: str = request.getfixturevalue("postgres_url")
    with Ledger.open(url, lambda: NOW) as ledger, ledger.storage.write() as db:
        for table in ("people", "consents", "preferences", "suppressions", "bounce_events"):
            db.exec_driver_sql(f"DROP TABLE {table}")
        db.exec_driver_sql("ALTER TABLE deliveries DROP CONSTRAINT known_state")
        states = ", ".join(f"'{state}'" for state in State if state is not State.SUPPRESSED)
        db.exec_driver_sql(f"ALTER TABLE deliveries ADD CONSTRAINT known_state CHECK (state IN ({states}))")
        for statement in VERSION_2[VERSION_2.index("INSERT INTO issues") :].split(";"):
            if statement.strip():
                db.exec_driver_sql(statement)
        db.exec_driver_sql("UPDATE ledger_version SET version = 2")
    return url


def test_every_row_of_version_2_comes_along(second: Path | str) -> None:
    for _ in range(2):  # once is enough
        with Ledger.open(second, lambda: NOW) as ledger:
            assert next(iter(ledger.rows("march"))) == Delivery(
                "march", "Ann@x.test", State.SENT, "<1>", 1, "dot", 250, "2.0.0", SENT_AT, "relay", 1, None
            )
            assert [(row.address, row.state, row.attempts) for row in ledger.rows("march")] == [
                ("Ann@x.test", State.SENT, 1),
                ("王@x.test", State.CLAIMED, 1),
                ("later@x.test", State.DEFERRED, 3),
            ]
            assert ledger.paths("march") == ("/posts/march.md", "/lists/all.csv")
            assert ledger.versions("march") == (Version(1, "h1", "März", SENT_AT, True),)
            assert ledger.rate_limit_state() == {"relay/day": "12"}
            assert len(ledger.runs("march")) == 1
            assert ledger.storage.version() == VERSION


def test_whoever_leaves_a_ledger_of_version_2_is_not_mailed(second: Path | str) -> None:
    with Ledger.open(second, lambda: NOW) as ledger:
        People(ledger.storage, lambda: NOW).leave("later@x.test", "page")
        ledger.recover("march")
        people = ["Ann@x.test", "王@x.test", "later@x.test"]
        found = ledger.plan("march", people, content_hash="h1", subject="März")
        assert found == Plan(audience=3, due=1, sent=1, suppressed=1)
        assert [claim.address for claim in ledger.claim("march", 9)] == ["王@x.test"]


def test_version_2_migrated_is_like_what_is_made_today(tmp_path: Path) -> None:
    path = tmp_path / "second.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_2)
    Ledger.open(path, lambda: NOW).close()
    Ledger.open(tmp_path / "new.db", lambda: NOW).close()
    assert schema(path) == schema(tmp_path / "new.db")


def test_a_ledger_that_is_only_read_stays_of_its_version(second: Path | str) -> None:
    with Ledger.open(None, lambda: NOW) as ledger:
        copy_suppressions(second, ledger.storage)
    with closing(Storage.open(second, read_only=True)) as storage:
        assert storage.version() == 2
