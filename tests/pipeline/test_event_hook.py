"""[alerts] on_event: the command gets the event and no secret; one that fails, hangs or is missing is a sentence."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsletter.pipeline.event_hook import EventHook

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PATIENT_S = 600.0


def python(folder: Path, code: str) -> tuple[str, ...]:
    program = folder / "hook.py"
    program.write_text(code)
    return (sys.executable, str(program), str(folder / "out.json"))


KEEP = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read() + ' '.join(os.environ))"


def test_it_reads_a_line_of_json_and_no_secret_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEWSLETTER_SECRET", "NEWSLETTER_SMTP_PASSWORD", "PGPASSWORD", "PGPASSFILE"):
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("MINE", "1")
    hook = EventHook(python(tmp_path, KEEP), "日报", PATIENT_S)
    assert hook.tell("left", NOON, count=2, how="mail") == ()
    line, _, names = (tmp_path / "out.json").read_text("utf-8").partition("\n")
    assert json.loads(line) == {
        "event": "left",
        "newsletter": "日报",
        "at": "2026-03-02T12:00:00+00:00",
        "count": 2,
        "how": "mail",
    }
    assert "MINE" in names.split()
    assert not any(name.startswith(("NEWSLETTER_", "PG")) for name in names.split())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(3)", "ended with code 3"),
        ("import os; os.close(0); raise SystemExit(0)", ""),
        ("print('x' * 10_000_000)", ""),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9"),
    ],
)
def test_whatever_it_does_is_at_most_a_sentence(tmp_path: Path, code: str, words: str) -> None:
    told = EventHook(python(tmp_path, code), "Daily", PATIENT_S).tell("sent", NOON)
    assert [words in sentence for sentence in told] == ([True] if words else [])


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Its child would keep a pipe open; both are gone when the call returns."""
    command = ("sh", "-c", f"sleep 600 & echo $! >{tmp_path}/out.json; wait")
    # The child's number is there unless the machine is so busy that even the shell was ended before it could write it.
    (sentence,) = EventHook(command, "Daily", 2.0).tell("sent", NOON)
    assert "took longer than 2 s and was ended" in sentence
    if (tmp_path / "out.json").exists() and (pid := (tmp_path / "out.json").read_text()):
        status = Path(f"/proc/{pid}/stat")
        assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_program_that_is_not_there() -> None:
    (sentence,) = EventHook(("no-such-program",), "Daily").tell("sent", NOON)
    assert sentence.startswith("[alerts] on_event: no-such-program cannot be run (No such file")
    assert EventHook().tell("sent", NOON) == ()


def test_a_command_or_an_event_that_no_program_takes_is_no_traceback(tmp_path: Path) -> None:
    (sentence,) = EventHook(("a\0b",)).tell("left", NOON)
    assert "cannot be run (embedded null byte)" in sentence
    assert EventHook(python(tmp_path, KEEP), "", PATIENT_S).tell("sent", NOON, issue="\udce9") == ()
    assert r"\udce9" in (tmp_path / "out.json").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="no groups of processes there")
def test_a_command_of_another_users_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []

    def refuse(group: int, number: int) -> None:
        """As the system refuses it for a program behind sudo."""
        ended.append(group)
        raise PermissionError

    kill = os.killpg
    monkeypatch.setattr(os, "killpg", refuse)
    (sentence,) = EventHook(python(tmp_path, "import time; time.sleep(600)"), timeout_s=0.1).tell("left", NOON)
    assert "could not be ended, being another user's" in sentence
    kill(ended[0], 9)
