"""What a person sees on a terminal of 80 columns: groups, aligned tables, three examples of a kind, no long lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import newsletter, write_list
from rich.cells import cell_len
from smtp_server import Rule, SmtpServer
from terminal import on_terminal

from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NAME = "2026-03-02-人工智能每日要闻与评论周刊"
SUBJECT = "国产芯片与模型的又一年：价格、能耗与开源社区里的十二个问题，以及编辑部的一封长信，写给所有读者"
FULL = "5.2.2 The email account that you tried to reach is over quota and inactive. Please direct the recipient to 4.7"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger in which many were refused for two reasons, and whose issues have wide names."""
    people = [f"reader{number:03}@example.com" for number in range(60)]
    with Ledger.open(tmp_path / "newsletter.db", lambda: NOW) as ledger:
        for name, subject in ((NAME, SUBJECT), ("hello", "Hello"), ("周刊", "短")):
            ledger.plan(name, people, content_hash="h", subject=subject)
        rows = [claim.row for claim in ledger.claim(NAME, 100)]
        gone = [Move(row, State.REJECTED, stage="RCPT", code=550, reply="5.1.1 no such user") for row in rows[:40]]
        full = [Move(row, State.REJECTED, stage="RCPT", code=552, reply=FULL) for row in rows[40:50]]
        ledger.write(NAME, gone + full)
        ledger.write(NAME, [Move(row, State.COMMITTING, message_id="<1@example.com>") for row in rows[50:]])
        ledger.write(NAME, [Move(row, State.SENT, stage="dot", code=250, reply="ok") for row in rows[50:]])
    return tmp_path


def too_wide(lines: list[str], columns: int = 80) -> list[str]:
    return [line for line in lines if cell_len(line) > columns]


def test_status_is_aligned_by_what_a_terminal_shows(folder: Path) -> None:
    code, lines = on_terminal("status", cwd=folder)
    assert code == 0
    assert too_wide(lines) == []
    assert lines[0].split() == ["Issue", "First", "sent", "Sent", "Refused", "Left", "Uncertain", "Suppressed"]
    assert lines[1].split()[1:] == ["2026-03-02", "10", "50", "0", "0", "0"]
    assert lines[1].split()[0] + lines[2] == NAME, "a name that is too wide goes on below"
    assert len({cell_len(line) for line in (lines[0], lines[1], *lines[3:])}) == 1, lines
    whole = newsletter("status", cwd=folder).out.splitlines()
    assert any(line.startswith(f"{NAME}  2026-03-02 08:00") for line in whole), "in a pipe nothing is broken"
    assert {cell_len(line) for line in whole} == {cell_len(whole[0])}


def test_an_issues_people_are_told_of_by_what_it_means(folder: Path) -> None:
    code, lines = on_terminal("status", NAME, cwd=folder)
    assert code == 0
    assert too_wide(lines) == []
    assert len(lines) < 30
    named = [line for line in lines if line.startswith("  rejected: reader")]
    assert len(named) == 6
    assert "  rejected: 37 more (The address does not exist)" in lines
    assert "  rejected: 7 more (The mailbox is full)" in lines


def test_a_report_fits(folder: Path) -> None:
    for columns in (80, 120):
        code, lines = on_terminal("report", NAME, cwd=folder, columns=columns)
        assert code == 0
        assert too_wide(lines, columns) == []
    assert "The mailbox is full" in " ".join(lines)
    piped = newsletter("report", NAME, cwd=folder).out.splitlines()
    assert SUBJECT in piped


POST = "---\ntitle: 一期\ndate: 2026-03-02\n---\n\n" + "\n\n".join(
    f"![图 {number}](https://example.com/{number}.webp) 正文。" for number in range(7)
)


def test_check_groups_by_file_and_rule_on_a_terminal_alone(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(POST, "utf-8")
    (tmp_path / "b.md").write_text("---\ntitle: B\n---\n\nWords.\n", "utf-8")
    code, lines = on_terminal("check", "--no-spam", "a.md", "b.md", cwd=tmp_path)
    assert code == 0
    assert too_wide(lines) == []
    assert lines[0] == "a.md"
    assert "b.md" in lines
    start = lines.index("  warning 7 image-format")
    group = lines[start + 1 : next(at for at in range(start + 1, len(lines)) if not lines[at].startswith("    "))]
    assert [line.split()[0] for line in group if line[4].isdigit()] == ["6", "8", "10", "12", "14"]
    assert sum("→ use JPEG or PNG" in line for line in group) == 1, "the remedy is said once"
    assert "    … and 2 more; --all names them" in group
    _, everyone = on_terminal("check", "--no-spam", "--all", "a.md", cwd=tmp_path)
    assert sum(line[4:5].isdigit() for line in everyone) > sum(line[4:5].isdigit() for line in lines)

    piped = newsletter("check", "--no-spam", "a.md", "b.md", cwd=tmp_path).out.splitlines()
    assert all(line.startswith(("a.md", "b.md", "2 posts")) for line in piped if line)
    assert sum("[image-format]" in line for line in piped) == 5


def test_errors_come_before_warnings_and_hints(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: A\n---\n\n![](https://example.com/a.webp)\n\n{{ subscriber.x }}\n")
    write_list(tmp_path, "ada@example.com")
    _, lines = on_terminal("check", "--no-spam", "a.md", "--to", "list.csv", cwd=tmp_path)
    order = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert order == sorted(order, key=["error", "warning", "hint"].index)
    assert order[0] == "error"


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer(Rule("RCPT", "550 5.1.1 no such user", about="reader")) as opened:
        yield opened


def test_a_send_that_many_refuse_stays_short(tmp_path: Path, server: SmtpServer) -> None:
    (tmp_path / "hello.md").write_text(f"---\ntitle: {SUBJECT}\ndate: 2026-03-01\n---\n\n一段。\n", "utf-8")
    write_list(tmp_path, *(f"reader{number}@example.com" for number in range(40)), "ada@example.com")
    send = ("send", "hello.md", "--to", "list.csv", "--relay", server.url, "--yes", "--first")
    code, lines = on_terminal(*send, cwd=tmp_path)
    assert code == 0
    assert too_wide([line for line in lines if not line.startswith("warning: ")]) == []
    assert sum("reader" in line for line in lines) <= 2 * 3 + 2, lines
    assert "  refused: 37 more (The address does not exist)" in lines
    assert " ".join(line.strip() for line in lines).replace(" ", "").count(SUBJECT) == 1, "nothing is lost of it"
