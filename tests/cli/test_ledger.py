"""`newsletter ledger`: backup, restore, check and prune from the command line, a send running beside them."""

from __future__ import annotations

import re
import subprocess
import threading
from pathlib import Path

import pytest
from command_line import PROGRAM, environment, finish, newsletter, people, start, write_list, write_post
from smtp_server import Fault, Rule, SmtpServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *people(3))
    return tmp_path


def send(folder: Path, server: SmtpServer, post: str = "2026-03-01-hello.md") -> None:
    run = newsletter("send", post, "--to", "list.csv", "--relay", server.url, "--yes", "--first", cwd=folder)
    assert run.code == 0, run.err


def test_a_lost_ledger_comes_back_and_nobody_is_mailed_twice(folder: Path) -> None:
    with SmtpServer() as server:
        send(folder, server)
        backup = newsletter("ledger", "backup", "kept/news.db", "--json", cwd=folder)
        assert (backup.code, backup.json["bytes"]) == (0, (folder / "kept" / "news.db").stat().st_size)
        (folder / "newsletter.db").unlink()
        restored = newsletter("ledger", "restore", "kept/news.db", cwd=folder)
        assert restored.code == 0
        assert re.fullmatch(
            r"Restored kept/news\.db\n"
            r"The backup is of \d{4}-\d\d-\d\d \d\d:\d\d \S+: "
            r"who was mailed, joined or left since then it does not know\.\n",
            restored.out,
        )
        send(folder, server)
    assert len(server.messages) == 3


def test_during_a_send_there_is_a_backup_and_no_restore(folder: Path) -> None:
    reached = threading.Event()
    with SmtpServer(Rule("dot", reached.set, times=(2,)), Rule("dot", Fault.HOLD, times=(2,))) as server:
        run = start(
            *("send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first"), cwd=folder
        )
        assert reached.wait(60)
        backup = newsletter("ledger", "backup", "copy.db", cwd=folder)
        check = newsletter("ledger", "check", cwd=folder)
        restore = newsletter("ledger", "restore", "copy.db", "--yes", cwd=folder)
        server.release()
        assert finish(run).code == 0
    assert (backup.code, check.code, restore.code) == (0, 0, 4)
    assert "the ledger is in use" in restore.err
    assert len(server.messages) == 3


def test_a_backup_to_standard_output_is_a_database(folder: Path) -> None:
    with SmtpServer() as server:
        send(folder, server)
    place = ("--ledger", "news.db")
    with (folder / "news.db").open("wb") as file:
        subprocess.run([PROGRAM, "ledger", "backup", "-"], cwd=folder, env=environment(), stdout=file, check=True)
    check = newsletter("ledger", "check", "--json", *place, cwd=folder)
    assert (check.code, check.json["issues"], check.json["last"]["issue"]) == (0, 1, "2026-03-01-hello")


def test_an_older_backup_is_asked_about(folder: Path) -> None:
    write_post(folder, "---\ntitle: Next\n---\n\nMore.\n", "2026-03-02-next.md")
    with SmtpServer() as server:
        send(folder, server)
        newsletter("ledger", "backup", "old.db", cwd=folder)
        send(folder, server, "2026-03-02-next.md")
    refused = newsletter("ledger", "restore", "old.db", cwd=folder)
    assert refused.code == 2
    assert "does not know that 2026-03-02-next went out" in refused.err
    agreed = newsletter("ledger", "restore", "old.db", "--yes", "--json", cwd=folder)
    assert agreed.code == 0
    kept = Path(agreed.json["kept"])
    issues = newsletter("status", "--json", "--ledger", kept, cwd=folder).json["issues"]
    assert [row["issue"] for row in issues] == ["2026-03-01-hello", "2026-03-02-next"]


def test_a_ledger_that_is_not_there_or_damaged(folder: Path) -> None:
    for command in (("backup", "b.db"), ("check",), ("prune", "--older", "2y")):
        run = newsletter("ledger", *command, cwd=folder)
        assert (run.code, "there is no ledger" in run.err) == (2, True), run.err
    (folder / "newsletter.db").write_bytes(b"SQLite format 3\0" + b"\xaa" * 9000)
    run = newsletter("ledger", "check", cwd=folder)
    assert run.code == 2, run.err


def test_prune_says_what_it_would_forget_and_asks(folder: Path) -> None:
    with SmtpServer() as server:
        send(folder, server)
    dry = newsletter("ledger", "prune", "--older", "1h", "--dry-run", "--json", cwd=folder)
    assert (dry.code, dry.json["rows"]) == (0, 0)  # the last issues stay whole
    assert newsletter("ledger", "prune", "--older", "never", cwd=folder).code == 2


def test_postgresql_is_sent_to_its_own_tools(folder: Path) -> None:
    run = newsletter("ledger", "backup", "b.db", "--ledger", "postgresql://news@127.0.0.1/news", cwd=folder)
    assert run.code == 2
    assert "pg_dump" in run.err


def test_dated_backups_by_themselves_and_back(folder: Path) -> None:
    (folder / "newsletter.toml").write_text('[ledger]\nbackups = "kept"\n')
    nothing = newsletter("ledger", "restore", cwd=folder)
    assert (nothing.code, "no FILE is given, and [ledger] backups has none" in nothing.err) == (2, True)
    with SmtpServer() as server:
        send(folder, server)
        (made,) = (folder / "kept").iterdir()
        again = newsletter("ledger", "backup", "--json", cwd=folder)
        assert (again.code, again.json["file"], again.json["removed"]) == (0, str(made), [])
        (folder / "newsletter.db").unlink()
        lost = newsletter(
            *("send", "2026-03-01-hello.md", "--to", "list.csv", "--relay", server.url, "--yes"), cwd=folder
        )
        assert (lost.code, "put it back (newsletter ledger restore)" in lost.err) == (2, True)
        restored = newsletter("ledger", "restore", cwd=folder)
        assert restored.out.startswith(f"Restored kept/{made.name}\n")
        send(folder, server)
    assert len(server.messages) == 3
