"""Backups of a ledger: taken while a send writes, put back whole, refused where they are damaged or in the way."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.errors import BusyError, ConfigError, LedgerError
from newsletter.ledger.backup import back_up, check_ledger, missing_from, restore, stream_backup
from newsletter.ledger.chores import read_chores
from newsletter.ledger.ledger import Ledger, Move
from newsletter.ledger.prune import compact, prune
from newsletter.model.delivery import State

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class SavedLedger:
    """A ledger at a path, and a clock that goes on a day with each issue."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = NOON

    def open(self) -> Ledger:
        return Ledger.open(self.path, lambda: self.now)

    def send(self, issue: str, *addresses: str) -> None:
        with self.open() as ledger:
            send(ledger, issue, *addresses)
        self.now += timedelta(days=1)

    def sent(self) -> dict[str, int]:
        with self.open() as ledger:
            return {row.issue: row.counts[State.SENT] for row in ledger.issues()}


def send(ledger: Ledger, issue: str, *addresses: str) -> None:
    ledger.plan(issue, addresses, content_hash="1", subject="News")
    run = ledger.begin_run(issue, "test")
    claims = ledger.claim(issue, 1_000)
    ledger.write(issue, [Move(claim.row, State.COMMITTING) for claim in claims])
    ledger.write(issue, [Move(claim.row, State.SENT, stage="dot", code=250) for claim in claims])
    ledger.end_run(run, "")


@pytest.fixture
def saved(tmp_path: Path) -> SavedLedger:
    made = SavedLedger(tmp_path / "newsletter.db")
    made.send("one", "ann@example.com", "bob@example.com")
    return made


@pytest.fixture
def busy(saved: SavedLedger) -> Iterator[Ledger]:
    """The ledger, open in the middle of a send."""
    with saved.open() as ledger, ledger.hold("two"):
        ledger.plan("two", ["ann@example.com"], content_hash="1", subject="News")
        ledger.claim("two", 1)
        yield ledger


def test_a_backup_during_a_send_has_all_that_was_committed(saved: SavedLedger, busy: Ledger, tmp_path: Path) -> None:
    target = tmp_path / "kept" / "backup.db"
    assert back_up(saved.path, target, NOON) == target.stat().st_size
    assert sorted(path.name for path in target.parent.iterdir()) == ["backup.db"]
    assert SavedLedger(target).sent() == {"one": 2, "two": 0}
    send(busy, "three", "cem@example.com")  # the send went on undisturbed
    assert busy.counts("three")[State.SENT] == 1


def test_a_transaction_that_is_open_is_not_in_it(saved: SavedLedger, tmp_path: Path) -> None:
    with saved.open() as ledger, ledger.storage.write() as db:
        db.exec_driver_sql("UPDATE issues SET subject = 'half'")
        back_up(saved.path, tmp_path / "backup.db", NOON)
    with sqlite3.connect(tmp_path / "backup.db") as copy:
        assert copy.execute("SELECT subject FROM issues").fetchall() == [("News",)]
    copy.close()


def test_a_backup_to_a_stream_is_the_same(saved: SavedLedger, tmp_path: Path) -> None:
    out = io.BytesIO()
    size = stream_backup(saved.path, out, NOON)
    (tmp_path / "streamed.db").write_bytes(out.getvalue())
    assert size == len(out.getvalue())
    assert SavedLedger(tmp_path / "streamed.db").sent() == {"one": 2}


def backed_up(path: Path) -> datetime | None:
    with Ledger.open(path, lambda: NOON) as ledger, ledger.storage.read() as db:
        return read_chores(db).backup


def test_the_ledger_and_its_copy_know_when_that_was(saved: SavedLedger, tmp_path: Path) -> None:
    assert backed_up(saved.path) is None
    back_up(saved.path, tmp_path / "backup.db", NOON)
    assert (backed_up(saved.path), backed_up(tmp_path / "backup.db")) == (NOON, NOON)
    stream_backup(saved.path, io.BytesIO(), NOON + timedelta(days=1))
    assert backed_up(saved.path) == NOON + timedelta(days=1)
    back_up(saved.path, tmp_path / "backup.db", NOON)  # a clock that was set back
    assert backed_up(saved.path) == NOON + timedelta(days=1)


def test_an_older_backup_is_replaced_whole_or_not_at_all(saved: SavedLedger, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    target.write_text("the last good one")
    damage(saved.path)
    with pytest.raises(ConfigError):
        back_up(saved.path, target, NOON)
    assert target.read_text() == "the last good one"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_what_is_not_backed_up(saved: SavedLedger, tmp_path: Path) -> None:
    for place, target, words in (
        (tmp_path / "none.db", tmp_path / "b.db", "there is no ledger"),
        (saved.path, saved.path, "this is the ledger itself"),
        ("postgresql://news@db.example.com/news", tmp_path / "b.db", "pg_dump"),
        (saved.path, saved.path / "b.db", "cannot be written"),
    ):
        with pytest.raises(ConfigError) as caught:
            back_up(place, target, NOON)
        assert words in str(caught.value)
    assert not (tmp_path / "b.db").exists()


def test_a_backup_is_put_back_and_the_old_ledger_kept(saved: SavedLedger, tmp_path: Path) -> None:
    back_up(saved.path, tmp_path / "backup.db", NOON)
    saved.send("two", "ann@example.com")
    assert missing_from(tmp_path / "backup.db", saved.path) == ("two",)
    kept = restore(tmp_path / "backup.db", saved.path, NOON)
    assert kept is not None
    assert saved.sent() == {"one": 2}
    assert SavedLedger(kept).sent() == {"one": 2, "two": 1}
    assert missing_from(kept, saved.path) == ()
    saved.send("three", "ann@example.com")  # it is a ledger as any other
    again = restore(tmp_path / "backup.db", saved.path, NOON)
    assert again != kept
    assert SavedLedger(kept).sent() == {"one": 2, "two": 1}


def test_a_ledger_in_use_is_not_replaced(saved: SavedLedger, busy: Ledger, tmp_path: Path) -> None:
    back_up(saved.path, tmp_path / "backup.db", NOON)
    with pytest.raises(BusyError) as caught:
        restore(tmp_path / "backup.db", saved.path, NOON)
    assert "the ledger is in use" in str(caught.value)
    assert busy.counts("two")[State.CLAIMED] == 1
    assert sorted(path.name for path in tmp_path.glob("*.old")) == []


def test_a_lost_ledger_and_a_damaged_one_are_restored(saved: SavedLedger, tmp_path: Path) -> None:
    back_up(saved.path, tmp_path / "backup.db", NOON)
    saved.path.unlink()
    assert restore(tmp_path / "backup.db", saved.path, NOON) is None
    assert saved.sent() == {"one": 2}
    for content in (b"", b"garbage" * 1000, saved.path.read_bytes()[:4096]):
        saved.path.write_bytes(content)
        kept = restore(tmp_path / "backup.db", saved.path, NOON)
        assert kept is not None
        assert kept.read_bytes() == content
        assert saved.sent() == {"one": 2}


def damage(path: Path) -> None:
    """Overwrite the middle of the file, as a bad disk does."""
    data = bytearray(path.read_bytes())
    data[4096 : len(data) - 4096] = b"\xaa" * (len(data) - 8192)
    path.write_bytes(data)


def test_what_is_no_sound_backup_changes_nothing(saved: SavedLedger, tmp_path: Path) -> None:
    back_up(saved.path, tmp_path / "good.db", NOON)
    before = saved.path.read_bytes()
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes((tmp_path / "good.db").read_bytes())
    damage(damaged)
    (tmp_path / "text").write_text("no database")
    (tmp_path / "cut.db").write_bytes((tmp_path / "good.db").read_bytes()[:10_000])
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE songs (title)")
    other.close()
    (tmp_path / "new.db").write_bytes((tmp_path / "good.db").read_bytes())
    with sqlite3.connect(tmp_path / "new.db") as new:
        new.execute("UPDATE ledger_version SET version = 99")
    new.close()
    for name in ("damaged.db", "text", "cut.db", "other.db", "new.db", "none.db", "."):
        with pytest.raises(ConfigError):
            restore(tmp_path / name, saved.path, NOON)
    with pytest.raises(ConfigError):
        restore(saved.path, saved.path, NOON)
    assert saved.path.read_bytes() == before
    assert list(tmp_path.glob("*.old")) == []


def test_the_log_beside_a_copied_ledger_is_restored_with_it(saved: SavedLedger, tmp_path: Path) -> None:
    with saved.open() as ledger:
        send(ledger, "two", "ann@example.com")  # in the log, as long as the ledger is open
        for end in ("", "-wal"):
            (tmp_path / f"copied.db{end}").write_bytes(Path(f"{saved.path}{end}").read_bytes())
    saved.path.unlink()
    restore(tmp_path / "copied.db", saved.path, NOON)
    assert saved.sent() == {"one": 2, "two": 1}


def put_back(backup: Path, place: Path) -> None:
    """As the command does."""
    missing_from(backup, place)
    restore(backup, place, NOON)


ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) AS version FROM c"


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["UPDATE ledger_version SET version = -3"], "does not say of which version"),
        (["DELETE FROM ledger_version"], "does not say of which version"),
        (["DROP TABLE ledger_version", "CREATE TABLE ledger_version (version)"], "does not say of which version"),
        (
            ["DROP TABLE ledger_version", "CREATE TABLE ledger_version AS SELECT 'nine' AS version"],
            "does not say of which version",
        ),
        (["DROP TABLE ledger_version", f"CREATE VIEW ledger_version AS {ENDLESS}"], 'the view "ledger_version"'),
        (["ALTER TABLE issues RENAME TO kept", "CREATE VIEW issues AS SELECT * FROM kept"], 'the view "issues"'),
        (
            ["CREATE TRIGGER forget AFTER INSERT ON deliveries BEGIN DELETE FROM deliveries; END"],
            'the trigger "forget"',
        ),
        (["CREATE VIRTUAL TABLE words USING fts5(word)"], 'the virtual table "words"'),
        (["DROP TABLE deliveries"], "lacks the table deliveries"),
    ],
)
def test_a_backup_made_to_deceive_changes_nothing(
    saved: SavedLedger, tmp_path: Path, statements: list[str], words: str
) -> None:
    back_up(saved.path, tmp_path / "backup.db", NOON)
    with sqlite3.connect(tmp_path / "backup.db") as made:
        made.execute("PRAGMA foreign_keys = OFF")
        made.execute("PRAGMA legacy_alter_table = ON")
        for statement in statements:
            made.execute(statement)
    made.close()
    before = saved.path.read_bytes()
    with pytest.raises(ConfigError) as caught:
        put_back(tmp_path / "backup.db", saved.path)
    assert words in str(caught.value)
    assert saved.path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_view_of_the_operators_own_is_no_fault(saved: SavedLedger, tmp_path: Path) -> None:
    back_up(saved.path, tmp_path / "backup.db", NOON)
    with sqlite3.connect(tmp_path / "backup.db") as made:
        made.execute("CREATE VIEW mine AS SELECT subject FROM issues")
    made.close()
    restore(tmp_path / "backup.db", saved.path, NOON)
    assert saved.sent() == {"one": 2}


def test_a_ledger_whose_version_is_none_is_a_sentence(saved: SavedLedger) -> None:
    with sqlite3.connect(saved.path) as made:
        made.execute("UPDATE ledger_version SET version = -3")
    made.close()
    with pytest.raises(LedgerError, match="of which version"):
        saved.open()


def test_a_check_says_what_a_ledger_knows_and_what_is_wrong(saved: SavedLedger) -> None:
    health = check_ledger(saved.path)
    assert (health.issues, health.last_issue, health.last_sent, health.faults) == (1, "one", NOON, ())
    with sqlite3.connect(saved.path) as db:
        db.execute("DELETE FROM issues")
    db.close()
    assert "a row of deliveries without its issues" in check_ledger(saved.path).faults


def test_what_is_pruned_stays_known_as_sent(saved: SavedLedger) -> None:
    for number in range(12):
        saved.send(f"more-{number}", "ann@example.com")
    with saved.open() as ledger:
        before = NOON + timedelta(days=365)
        looked_at = prune(ledger.storage, before, dry=True)
        assert (looked_at.issues, looked_at.rows) == (("one", "more-0", "more-1"), 4)
        assert ledger.counts("one")[State.SENT] == 2
        with ledger.hold("running"):  # a send at the same time
            assert prune(ledger.storage, before) == looked_at
        assert compact(ledger.storage)
        assert {row.issue for row in ledger.issues()} == {"one", *(f"more-{number}" for number in range(12))}
        assert sum(ledger.counts("one").values()) == 0
        assert ledger.counts("more-2")[State.SENT] == 1
        saved.now += timedelta(days=60)
        plan = ledger.plan(
            "one", ["ann@example.com"], content_hash="1", subject="News", newcomers_for=timedelta(days=30)
        )
        assert (plan.due, plan.newcomers) == (0, 1)  # and so nobody is mailed it again
        assert prune(ledger.storage, NOON).rows == 0


def test_a_pruned_ledger_is_as_sound_as_before(saved: SavedLedger) -> None:
    for number in range(12):
        saved.send(f"more-{number}", "ann@example.com")
    with saved.open() as ledger:
        prune(ledger.storage, NOON + timedelta(days=365))
    assert check_ledger(saved.path).faults == ()
