"""The ledger's file: who may read it, one sender by whatever path, and what becomes of a send when it goes away."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from command_line import Run, finish, newsletter, people, start, write_list, write_post
from smtp_server import Fault, Rule, SmtpServer

from newsletter.errors import BusyError, ConfigError, LedgerError, LostLedgerError
from newsletter.ledger.database.ledger_file import release_file, take
from newsletter.ledger.database.lock import lock_path, locked
from newsletter.ledger.ledger import IllegalMoveError, Ledger, Move
from newsletter.model.delivery import State

EVERYBODY = people(40)
HALF = "reader020"
ISSUE = "2026-03-01-hello"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *EVERYBODY)
    return tmp_path


def command(server: SmtpServer, *more: str) -> tuple[str, ...]:
    way = ("--relay", server.url, "--connections", "2", "--yes", "--first", "--json")
    return ("send", f"{ISSUE}.md", "--to", "list.csv", *way, *more)


def now() -> datetime:
    return datetime.now(UTC)


# --- permissions ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_new_ledger_is_for_its_owners_eyes(tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db"
    mask = os.umask(0o022)
    try:
        with Ledger.open(place, now) as ledger:
            ledger.plan("i", ["a@x.test"], content_hash="h", subject="s")
            modes = [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()]
            assert set(modes) == {0o600}
            assert len(modes) == 3
    finally:
        os.umask(mask)
    place.chmod(0o640)
    with Ledger.open(place, now):
        pass
    assert stat.S_IMODE(place.stat().st_mode) == 0o640, "what the operator decided stays"


# --- gone in the middle -----------------------------------------------------------------------------------------------


def delete(ledger: Path) -> None:
    ledger.unlink()


def move_away(ledger: Path) -> None:
    ledger.rename(ledger.with_name("elsewhere.db"))


def replace_by_older(ledger: Path) -> None:
    shutil.copyfile(ledger.with_name("older.db"), ledger.with_name("copy.db"))
    ledger.with_name("copy.db").replace(ledger)


def overwrite_with_older(ledger: Path) -> None:
    shutil.copyfile(ledger.with_name("older.db"), ledger)


def empty(ledger: Path) -> None:
    with ledger.open("wb"):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody move an open file")
@pytest.mark.parametrize("change", [delete, move_away, replace_by_older, overwrite_with_older, empty])
def test_a_ledger_that_goes_away_ends_the_send(folder: Path, change: Callable[[Path], None]) -> None:
    ledger = folder / "newsletter.db"
    write_post(folder, name="2026-02-28-before.md", text="---\ntitle: Before\n---\n\nText.\n")
    with SmtpServer() as server:
        before = ("send", "2026-02-28-before.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first")
        assert newsletter(*before, cwd=folder).code == 0
    shutil.copyfile(ledger, folder / "older.db")
    with SmtpServer(Rule("DATA", lambda: change(ledger), about=HALF, once=True)) as server:
        run = newsletter(*command(server), cwd=folder)
        assert run.code == 3, run.err
        assert f"{ledger}: the ledger's file was moved, deleted or replaced" in run.err
        first = len(server.recipients)
        assert 0 < first < len(EVERYBODY)
        assert set(server.copies.values()) == {1}
        if change is move_away:
            assert not ledger.exists(), "no new one in its place"
            folder.joinpath("elsewhere.db").rename(ledger)
            again = newsletter(*command(server), cwd=folder)
            assert again.json["sent"] + again.json["already_sent"] + len(again.json["uncertain"]) == len(EVERYBODY)
            assert set(server.copies.values()) == {1}
    if change is delete:
        assert not ledger.exists()
        with SmtpServer() as server:
            told = newsletter(*(each for each in command(server) if each != "--first"), cwd=folder)
            assert (told.code, server.recipients) == (2, [])


def test_an_open_ledger_makes_no_new_file(tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db"
    with Ledger.open(place, now) as ledger:
        ledger.plan("i", ["a@x.test"], content_hash="h", subject="s")
        place.unlink()
        with pytest.raises(LedgerError, match="moved, deleted or replaced"):
            ledger.claim("i", 1)
        ledger.storage.engine.dispose()
        with pytest.raises(LedgerError):
            ledger.counts("i")
    assert not place.exists()


def test_two_sends_count_into_one_file(tmp_path: Path) -> None:
    """Each begins while the other runs, and neither takes the other's count for an older copy."""
    place = tmp_path / "newsletter.db"
    with Ledger.open(place, now) as one, Ledger.open(place, now) as two:
        for ledger, issue in ((one, "a"), (two, "b"), (one, "a"), (two, "b")):
            ledger.plan(issue, ["a@x.test"], content_hash="h", subject="s")
            ledger.end_run(ledger.begin_run(issue, "me"), "")
    with Ledger.open(place, now) as one:
        one.end_run(one.begin_run("a", "me"), "")
        with closing(sqlite3.connect(place)) as db:
            assert db.execute("PRAGMA user_version").fetchone() == (5,)


def test_a_database_that_is_lost_in_the_middle(folder: Path, postgres_url: str) -> None:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    ours = "pid <> pg_backend_pid() AND datname = current_database()"

    def lose() -> None:
        with engine.connect() as db:
            db.execute(sa.text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"))

    place = url._replace(drivername="postgresql", password=None).render_as_string()
    env = {"PGPASSWORD": str(url.password or "")}
    with SmtpServer(Rule("DATA", lose, about=HALF, once=True)) as server:
        run = newsletter(*command(server, "--ledger", place), cwd=folder, **env)
        assert run.code == 3, run.err
        assert "run the same command again" in run.err
        again = newsletter(*command(server, "--ledger", place), cwd=folder, **env)
        assert again.json["sent"] + again.json["already_sent"] + len(again.json["uncertain"]) == len(EVERYBODY)
        assert set(server.copies.values()) == {1}
    engine.dispose()


# --- one sender, by whatever path -------------------------------------------------------------------------------------


def link(folder: Path) -> Path:
    place = folder / "elsewhere" / "link.db"
    place.parent.mkdir()
    place.symlink_to(folder / "newsletter.db")
    return place


def linked_folder(folder: Path) -> Path:
    (folder / "elsewhere").symlink_to(folder)
    return folder / "elsewhere" / "newsletter.db"


def bound(folder: Path) -> Path:
    """The file itself, mounted at another path."""
    place = folder / "elsewhere" / "bound.db"
    place.parent.mkdir()
    place.touch()
    try:
        subprocess.run(["mount", "--bind", folder / "newsletter.db", place], check=True, capture_output=True)
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("may not mount here")
    return place


def tidied(folder: Path) -> Path:
    for lock in folder.glob("newsletter.db.*.lock"):
        lock.unlink()
    return folder / "newsletter.db"


@pytest.mark.parametrize("other", [link, linked_folder, bound, tidied])
def test_one_sender_by_whatever_path(folder: Path, other: Callable[[Path], Path]) -> None:
    if other in (bound, tidied) and sys.platform != "linux":
        pytest.skip("the lock file is all there is here")
    place: Path | None = None
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        first = start(*command(server), cwd=folder)
        try:
            server.wait_for(lambda server: server.seen("dot") >= 1)
            place = other(folder)
            second: Run = newsletter(*command(server, "--ledger", str(place)), cwd=folder)
            assert second.code == 4, second.err
            assert "another run" in second.err
            server.release(1_000)
            run = finish(first)
        finally:
            first.kill()
            if other is bound and place is not None:
                subprocess.run(["umount", "-l", place], check=False, capture_output=True)
        assert run.code == 0, run.err
        assert sorted(server.recipients) == EVERYBODY


def test_a_second_name_is_refused(folder: Path) -> None:
    with Ledger.open(folder / "newsletter.db", now) as ledger:
        ledger.plan("i", ["a@x.test"], content_hash="h", subject="s")
    os.link(folder / "newsletter.db", folder / "second.db")
    with SmtpServer() as server:
        for name in ("newsletter.db", "second.db"):
            run = newsletter(*command(server, "--ledger", name), cwd=folder)
            assert (run.code, server.recipients) == (2, [])
            assert f"{name}: the ledger has a second name, a hard link" in run.err
        (folder / "second.db").unlink()
        assert newsletter(*command(server), cwd=folder).code == 0


def test_the_file_is_let_go_with_the_last_who_has_it(tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db"
    one, two = take(place, make=True), take(place, make=False)
    assert one is two
    with one.locked("i") as got, two.locked("i") as again, two.locked("j") as other:
        assert (got, again, other) == (True, False, True)
    with one.locked("i") as got:
        assert got, "let go with its block"
    release_file(one)
    with two.locked("i") as got:
        assert got
    release_file(two)
    with pytest.raises(OSError, match="Bad file descriptor"):
        two.head()


# --- sentences --------------------------------------------------------------------------------------------------------


def test_a_full_disk_at_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_path(tmp_path / "newsletter.db", "i")

    def full(self: FileIO, size: int | None = None) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class Full(FileIO):
        truncate = full

    monkeypatch.setattr(Path, "open", lambda self, *_, **__: Full(self, "a+b"))
    with (
        pytest.raises(ConfigError, match="the disk is full; make room, then run the same command again"),
        locked(lock, "i"),
    ):
        raise AssertionError("not reached")
    assert not lock.exists()


def test_a_row_that_another_run_moved_is_a_sentence() -> None:
    with Ledger.open(None, now) as ledger:
        ledger.plan("i", ["a@x.test"], content_hash="h", subject="s")
        (claim,) = ledger.claim("i", 1)
        ledger.write("i", [Move(claim.row, State.PENDING)])
        with pytest.raises(IllegalMoveError) as caught:
            ledger.write("i", [Move(claim.row, State.COMMITTING)])
    assert isinstance(caught.value, BusyError)
    assert caught.value.exit_code == 4


def test_rows_moved_under_a_send_end_it_with_a_sentence(folder: Path) -> None:
    def meddle() -> None:
        with closing(sqlite3.connect(folder / "newsletter.db", timeout=600)) as db:
            db.execute("UPDATE deliveries SET state = 'pending' WHERE state IN ('claimed', 'committing')")
            db.commit()

    with SmtpServer(Rule("DATA", meddle, about=HALF, once=True)) as server:
        run = newsletter(*command(server), cwd=folder)
        assert run.code == 4, run.err
        assert "another run has written to it; see that no other one sends it" in run.err


def test_a_lost_ledger_is_somebody_unmailed() -> None:
    assert LostLedgerError.exit_code == 3
    assert LedgerError.exit_code == 2
