"""Standard streams that are closed, full or without a reader: the command does its work, its code says how it went."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from command_line import DEADLINE_S, PROGRAM, environment, newsletter, people, spawn, write_list, write_post
from smtp_server import SmtpServer

POST = "2026-03-01-hello.md"
SEND = ("send", POST, "--to", "list.csv", "--yes")

# Command and exit code; {relay} is where mail goes.
COMMANDS: dict[str, tuple[tuple[str, ...], int]] = {
    "send": ((*SEND, "--relay", "{relay}"), 0),
    "send --dry-run": ((*SEND, "--dry-run"), 0),
    "send without --yes": ((*SEND[:-1], "--relay", "{relay}"), 2),
    "send --catch": ((*SEND, "--catch", "--mbox", "caught.mbox"), 0),
    "check a bad one": (("check", "bad.md", "--json"), 1),
    "status of none": (("status", "no-such"), 2),
    "report": (("report", "2026-02-01-before"), 0),
    "subscribers suppressed": (("subscribers", "suppressed"), 0),
    "bounces": (("bounces", "maildir"), 2),
    "--help": (("--help",), 0),
    "no such command": (("nonsense",), 2),
    "a post from standard input": (("render", "-"), 1),
}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder from which an issue has been sent."""
    folder = tmp_path_factory.mktemp("sent")
    write_list(folder, *people(3))
    before = write_post(folder, name="2026-02-01-before.md")
    write_post(folder, "---\ntitle: Bad\n---\n\n```\nnever closed\n", "bad.md")
    write_post(folder)
    with SmtpServer() as server:
        run = newsletter("send", before.name, *SEND[2:], "--first", "--relay", server.url, cwd=folder)
    assert run.code == 0, run.err
    return folder


@pytest.fixture
def folder(sent: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sent, tmp_path, dirs_exist_ok=True))


def words_of(command: tuple[str, ...], server: SmtpServer) -> list[str]:
    return [word.replace("{relay}", server.url) for word in command]


def run_shell(
    redirection: str, command: tuple[str, ...], cwd: Path, server: SmtpServer
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", PROGRAM, *words_of(command, server)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_S,
        check=False,
    )


def assert_whole(folder: Path, done: subprocess.CompletedProcess[bytes]) -> None:
    said = done.stdout + done.stderr
    for word in (b"Traceback", b"BrokenPipe", b"Exception", b"Bad file descriptor"):
        assert word not in said, said
    with sqlite3.connect(folder / "newsletter.db") as ledger:
        assert ledger.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    ledger.close()


# One stream alone matters where the other has something to say.
CLOSED = [
    *(((0, 1, 2), name) for name in COMMANDS),
    *((one, name) for one in ((1,), (2,)) for name in ("send", "send --catch", "check a bad one", "status of none")),
]


@pytest.mark.parametrize(("closed", "name"), CLOSED)
def test_a_closed_stream_changes_no_exit_code(folder: Path, closed: tuple[int, ...], name: str) -> None:
    command, code = COMMANDS[name]
    with SmtpServer() as server:
        process = spawn(
            *words_of(command, server), cwd=folder, closed=closed, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, err = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == code, err
        if "{relay}" in command and code == 0:
            assert sorted(server.recipients) == people(3)
    assert_whole(folder, subprocess.CompletedProcess(command, code, out, err))


@pytest.mark.parametrize("redirection", ["<&- >&- 2>&-", ">&-", "2>&-"])
def test_the_interpreter_starts_with_a_closed_stream(folder: Path, redirection: str) -> None:
    command, code = COMMANDS["send"]
    with SmtpServer() as server:
        done = run_shell(redirection, command, folder, server)
        assert done.returncode == code, done.stderr
        assert sorted(server.recipients) == people(3)
    assert_whole(folder, done)


@pytest.mark.parametrize(
    ("stream", "name"),
    [
        *(("stdout", name) for name in COMMANDS),
        *(("stderr", name) for name in ("send", "send --catch", "status of none", "no such command")),
    ],
)
def test_a_reader_that_has_gone_changes_no_exit_code(folder: Path, stream: str, name: str) -> None:
    """Of a command that only prints, a shell hears what it hears of any program: that the pipe broke."""
    command, code = COMMANDS[name]
    with SmtpServer() as server:
        reader, writer = os.pipe()
        os.close(reader)
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
        process = spawn(*words_of(command, server), cwd=folder, **streams)
        os.close(writer)
        out, err = process.communicate(timeout=DEADLINE_S)
        prints = stream == "stdout" and command[0] not in ("send", "resume")
        assert process.returncode in ((code, 141) if prints else (code,)), err
        if "{relay}" in command and code == 0:
            assert sorted(server.recipients) == people(3)
    assert_whole(folder, subprocess.CompletedProcess(command, process.returncode, out or b"", err or b""))


def test_a_full_disk_under_the_account_of_a_send_is_said_and_the_send_is_whole(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is Linux's")
    with SmtpServer() as server:
        done = run_shell("> /dev/full", COMMANDS["send"][0], folder, server)
        assert sorted(server.recipients) == people(3)
    assert done.returncode == 0
    assert b"standard output cannot be written (No space left on device)" in done.stderr
    assert_whole(folder, done)


def test_a_full_disk_under_the_errors_changes_nothing(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full is Linux's")
    with SmtpServer() as server:
        for name in ("send", "status of none", "no such command"):
            assert run_shell("2> /dev/full", COMMANDS[name][0], folder, server).returncode == COMMANDS[name][1]
