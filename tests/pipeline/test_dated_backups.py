"""Dated backups of [ledger] `backups`: when one is due, what it replaces, what is removed, who hears of a fault."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alert_listener import Listener, listening

from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.errors import ConfigError, LedgerError
from newsletter.ledger.backup import check_ledger, missing_from
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State
from newsletter.pipeline.alerts import Alerts
from newsletter.pipeline.back_up_after_run import back_up_after_run
from newsletter.pipeline.dated_backups import (
    back_up_dated,
    back_up_if_due,
    backup_folder,
    require_known_start,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Desk:
    """A folder with settings and a ledger."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        (folder / "newsletter.toml").write_text(f'[newsletter]\nname = "Quill"\n[ledger]\nbackups = "kept"\n{more}')
        self.place = folder / "newsletter.db"

    @property
    def config(self) -> Config:
        return load_config(None, {}, self.folder)

    def send(self, issue: str, at: datetime = NOON) -> None:
        with Ledger.open(self.place, lambda: at) as ledger:
            ledger.plan(issue, ["ann@quill.test"], content_hash="1", subject="News")
            run = ledger.begin_run(issue, "test")
            claims = ledger.claim(issue, 10)
            ledger.write(issue, [Move(claim.row, State.COMMITTING) for claim in claims])
            ledger.write(issue, [Move(claim.row, State.SENT, stage="dot", code=250) for claim in claims])
            ledger.end_run(run, "")

    def due(self, at: datetime, *, sent: bool = False) -> str:
        made = back_up_if_due(self.config, self.place, at, sent=sent)
        return made.path.name if made else ""

    def kept(self) -> list[str]:
        folder = backup_folder(self.config, self.place)
        return [path.name for path in folder.files()] if folder is not None else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.send("one")
    return made


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as made:
        yield made


def test_one_of_each_day_and_after_each_send(desk: Desk) -> None:
    assert desk.due(NOON) == "quill-2026-03-02.db"
    assert desk.due(NOON + timedelta(hours=1)) == ""
    desk.send("two", NOON + timedelta(hours=2))
    assert desk.due(NOON + timedelta(hours=2), sent=True) == "quill-2026-03-02.db"
    assert desk.due(NOON + DAY) == "quill-2026-03-03.db"
    assert desk.kept() == ["quill-2026-03-03.db", "quill-2026-03-02.db"]
    for name in desk.kept():
        assert missing_from(desk.folder / "kept" / name, desk.place) == ()


def test_a_run_that_died_behind_its_send_is_made_up_for_by_the_next(desk: Desk) -> None:
    assert desk.due(NOON)
    desk.send("two", NOON + timedelta(hours=2))
    assert desk.due(NOON + timedelta(hours=3)) == "quill-2026-03-02.db"
    assert desk.due(NOON + timedelta(hours=4)) == ""


def test_a_ledger_that_lost_issues_does_not_replace_what_knows_them(desk: Desk) -> None:
    desk.due(NOON)
    desk.place.unlink()
    desk.send("two")
    assert desk.due(NOON, sent=True) == "quill-2026-03-02-2.db"
    assert desk.due(NOON, sent=True) == "quill-2026-03-02-2.db"  # this one it may replace
    assert check_ledger(desk.folder / "kept" / "quill-2026-03-02.db").last_issue == "one"


def test_the_oldest_go_and_nothing_else(tmp_path: Path) -> None:
    desk = Desk(tmp_path, "keep_backups = 2\n")
    desk.send("one")
    kept = tmp_path / "kept"
    kept.mkdir()
    others = ["newsletter.db", "quill-2020-01-01.db.gz", "quill-2020-01-01.txt", "other-2020-01-01.db"]
    for name in others:
        (kept / name).write_text("mine")
    (kept / "quill-2019-01-01.db").mkdir()
    for day in range(4):
        made = back_up_dated(desk.config, desk.place, NOON + day * DAY)
        assert [path.name for path in made.removed] == ([f"quill-2026-03-0{day}.db"] if day > 1 else [])
    assert desk.kept() == ["quill-2026-03-05.db", "quill-2026-03-04.db"]
    assert all((kept / name).read_text() == "mine" for name in others)
    early = back_up_dated(desk.config, desk.place, NOON - DAY)  # a clock that was set back
    assert early.path.is_file()


def test_two_newsletters_may_share_a_folder(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    desks = [Desk(tmp_path / "one"), Desk(tmp_path / "two")]
    for desk, name in zip(desks, ("Quill", "早报"), strict=True):
        text = f'[newsletter]\nname = "{name}"\n[ledger]\nbackups = "../kept"\nkeep_backups = 1\n'
        (desk.folder / "newsletter.toml").write_text(text, "utf-8")
        desk.send(name)
    for day in range(2):
        assert [desk.due(NOON + day * DAY) for desk in desks] == [
            f"quill-2026-03-0{day + 2}.db",
            f"早报-2026-03-0{day + 2}.db",
        ]
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == ["quill-2026-03-03.db", "早报-2026-03-03.db"]
    other = desks[0].folder / "trial.db"
    with Ledger.open(other, lambda: NOON):
        assert back_up_dated(desks[0].config, other, NOON).path.name == "quill-trial-2026-03-02.db"


@pytest.mark.parametrize("begins", [True, False])
def test_a_lost_ledger_begins_nothing_anew_while_a_backup_knows_better(desk: Desk, *, begins: bool) -> None:
    desk.due(NOON)
    require_known_start(desk.config, desk.place, begins=begins)
    desk.place.unlink()
    with pytest.raises(LedgerError, match=r"and a backup that does: .*quill-2026-03-02\.db; put it back"):
        require_known_start(desk.config, desk.place, begins=begins)
    with Ledger.open(desk.place, lambda: NOON), pytest.raises(LedgerError, match="put it back"):
        require_known_start(desk.config, desk.place, begins=begins)  # empty is lost as well
    (desk.folder / "kept").rename(desk.folder / "away")
    if begins:
        require_known_start(desk.config, desk.place, begins=True)


def test_the_day_is_one_everywhere(desk: Desk) -> None:
    east = datetime.fromisoformat("2026-03-03T01:00:00+09:00")
    assert desk.due(east) == "quill-2026-03-02.db"


def test_no_folder_no_ledger_or_a_database_elsewhere_is_no_backup(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.due(NOON, sent=True) == ""
    assert back_up_if_due(desk.config, "postgresql://news@db.quill.test/news", NOON, sent=True) is None
    (tmp_path / "newsletter.toml").write_text("")
    desk.send("one")
    assert desk.due(NOON, sent=True) == ""
    with pytest.raises(ConfigError, match='no folder is set; name a file, or write backups = "backups"'):
        back_up_dated(desk.config, desk.place, NOON)
    (tmp_path / "newsletter.toml").write_text('[ledger]\nurl = "postgresql://n@db.quill.test/n"\nbackups = "kept"\n')
    with pytest.raises(ConfigError, match=r"newsletter.toml:3: \[ledger\] backups stands beside"):
        _ = desk.config


def failing(desk: Desk, alerts: Alerts, at: datetime = NOON) -> list[str]:
    said: list[str] = []
    made = back_up_after_run(desk.config, desk.place, lambda: at, said.extend, sent=True, alerts=alerts)
    assert made is None
    return said


def test_a_fault_is_a_warning_and_alerted_once_a_day(desk: Desk, listener: Listener) -> None:
    (desk.folder / "kept").write_text("no folder")
    alerts = Alerts("", f"{listener.url}/hook", "Quill", allow=lambda address: True)
    (said,) = failing(desk, alerts)
    assert said.startswith("the ledger was not backed up: ")
    assert said.endswith("; choose another place")
    failing(desk, alerts, NOON + timedelta(hours=23))
    failing(desk, alerts, NOON + timedelta(hours=24))
    told = [json.loads(body) for _, _, body in listener.asked]
    assert [(each["event"], each["job"], each["exit_code"]) for each in told] == [("failure", "backup", 2)] * 2
    assert "kept" not in json.dumps(told)


def test_a_damaged_ledger_replaces_no_good_backup(desk: Desk) -> None:
    for number in range(30):
        desk.send(f"issue-{number}")
    assert desk.due(NOON, sent=True)
    good = (desk.folder / "kept" / "quill-2026-03-02.db").read_bytes()
    with closing(sqlite3.connect(desk.place)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(desk.place.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    desk.place.write_bytes(content)
    (said,) = failing(desk, Alerts())
    assert "not backed up" in said
    assert (desk.folder / "kept" / "quill-2026-03-02.db").read_bytes() == good
    assert [path.name for path in (desk.folder / "kept").iterdir()] == ["quill-2026-03-02.db"]
