"""README's first command, as somebody types it in a fresh clone, at any hour and in any zone."""

from __future__ import annotations

import mailbox
import re
import shlex
import shutil
import subprocess
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from command_line import DEADLINE_S, PROGRAM, environment, newsletter, people, write_list, write_post
from machine import CHECKOUT, RequireProgram
from smtp_server import Rule, SmtpServer

from newsletter.cli.command_hints import Hints, hints_for
from newsletter.cli.send_output import accounts, print_report
from newsletter.config.config import Config
from newsletter.config.settings import Settings
from newsletter.model.delivery import State
from newsletter.pipeline.send_result import SendResult
from newsletter.web.catcher.server import Catcher

HOURS = ["03:00", "12:00", "23:30"]
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles"]
# Quiet are 22:00 to 07:00 in Shanghai: by the clock of this machine alone, by the newsletter's alone, by both.
TELLING = {("03:00", "Europe/Berlin"), ("12:00", "America/Los_Angeles"), ("23:30", "Asia/Shanghai")}
# The clock that tells the hour is another one; the one that measures waits stays, or nothing would ever time out.
STEADY = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}


def first_command() -> list[str]:
    readme = (CHECKOUT / "README.md").read_text("utf-8")
    found = re.search(r"^python3 -m venv .*?&& \.venv/bin/newsletter (send .*)$", readme, re.MULTILINE)
    assert found, "README's first command"
    return shlex.split(found[1])


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the command reads of a fresh clone: newsletter.toml with its quiet hours and rates among it."""
    shutil.copytree(CHECKOUT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("*.db*"))
    shutil.copy(CHECKOUT / "subscribers.example.csv", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("hour", "zone"),
    [
        pytest.param(hour, zone, marks=() if (hour, zone) in TELLING else pytest.mark.soak)
        for hour in HOURS
        for zone in ZONES
    ],
)
def test_the_first_command_works_at_any_hour(
    clone: Path, require_program: RequireProgram, hour: str, zone: str
) -> None:
    program = require_program("faketime")
    done = subprocess.run(
        [program, f"2026-03-02 {hour}:00", PROGRAM, *first_command()],
        cwd=clone,
        env=environment(TZ=zone, **STEADY),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE_S,
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    assert "quiet hours" not in said
    assert "resume" not in said
    box = mailbox.mbox(clone / "out" / "inbox.mbox")
    dates = [parsedate_to_datetime(message["Date"]) for message in box]
    box.close()
    assert len(dates) == 12
    there = datetime.fromisoformat(f"2026-03-02T{hour}").replace(tzinfo=ZoneInfo(zone))
    assert all(timedelta() <= date - there < timedelta(seconds=DEADLINE_S) for date in dates)


NIGHT_AND_DAY = 'quiet_hours = "00:00-23:59"\nrate = "1/day"\nwarm_up = [1]\n'


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A folder whose newsletter.toml lets one mail out a day, in the last minute of it."""
    write_post(tmp_path)
    write_list(tmp_path, *people(3))
    (tmp_path / "newsletter.toml").write_text(f"[delivery]\n{NIGHT_AND_DAY}", "utf-8")
    return tmp_path


SEND = ("send", "2026-03-01-hello.md", "--to", "list.csv", "--yes", "--first")


@pytest.mark.parametrize("way", ["--relay", "newsletter.toml"])
def test_a_catcher_that_runs_by_itself_is_known_by_its_greeting(held: Path, way: str) -> None:
    with Catcher() as catcher:
        url = f"smtp://127.0.0.1:{catcher.smtp_port}"
        if way == "newsletter.toml":
            (held / "newsletter.toml").write_text(f'[relay]\nurl = "{url}"\n[delivery]\n{NIGHT_AND_DAY}', "utf-8")
        run = newsletter(*SEND, *(("--relay", url) if way == "--relay" else ()), "--at", "23:59", cwd=held)
        assert run.code == 0, run.err
        assert len(catcher.messages()) == 3
    assert "Waiting" not in run.err


def test_a_relay_on_this_machine_that_is_no_catcher_is_held(held: Path) -> None:
    with SmtpServer() as server:
        run = newsletter(*SEND, "--relay", server.url, "--json", cwd=held)
    assert (run.code, run.json["sent"]) == (3, 0)
    assert server.messages == []


def test_a_test_to_oneself_is_held_by_nothing(held: Path) -> None:
    with SmtpServer() as server:
        for _ in range(2):
            run = newsletter(*SEND, "--relay", server.url, "--test", "me@example.com", "--at", "23:59", cwd=held)
            assert run.code == 0, run.err
    assert server.recipients == ["me@example.com"] * 2


@pytest.mark.parametrize("hints", [None, Hints(config_path="a b/newsletter.toml")])
def test_after_a_catch_there_is_nothing_to_resume(hints: Hints | None, capsys: pytest.CaptureFixture[str]) -> None:
    """A catcher's ledger ends with the command, though somebody was left: by Ctrl-C, or a mail that was too large."""
    counts = {state: 3 if state in (State.PENDING, State.UNCERTAIN) else 0 for state in State}
    report = SendResult("one", counts, 0, (), (), (("a@example.com", None),), stopped="interrupted")
    print_report(report, hints)
    said = "".join(capsys.readouterr())
    for command in ("resume one", "resolve one --resend"):
        assert (f"`newsletter {command} --config 'a b/newsletter.toml'`" in said) == (hints is not None)
    assert "newsletter" in said if hints else "newsletter" not in said
    assert (accounts(report, hints)["go_on"] is None) == (hints is None)


def test_the_printed_command_works_in_another_folder(held: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere with a blank")
    ledger = elsewhere / "own.db"
    (held / "newsletter.toml").write_text("[delivery]\nmax_attempts = 9\n", "utf-8")
    with SmtpServer() as server:
        server.rules.append(Rule("RCPT", "450 4.2.1 later", about="002"))
        options = ("--relay", server.url, "--ledger", str(ledger))
        run = newsletter(
            "send",
            *(held / "2026-03-01-hello.md", "--to", held / "list.csv", "--yes", "--first", *options),
            cwd=elsewhere,
        )
        assert run.code == 3, run.err
        printed = re.search(r"`(newsletter resume [^`]*)`", run.err)
        assert printed, run.err
        words = shlex.split(printed[1])[1:]
        assert words[2:] == ["--config", str(held / "newsletter.toml"), *options]
        again = newsletter(*words, "--yes", cwd=elsewhere)
        assert f"`{printed[1]}` goes on" in again.err, "resume keeps them"
        server.rules.clear()
        last = newsletter("retry", *words[1:], "--yes", cwd=elsewhere)
        assert last.code == 0, last.err
    assert sorted(server.recipients) == people(3)


def test_a_printed_ledger_shows_no_password() -> None:
    url = "postgresql://daily:hunter22@db.example.com/news?password=hunter23"
    hints = hints_for(Config(Path(), None, Settings()), None, url)
    assert "hunter" not in hints.resume("one")
    assert hints.resume("one").startswith("newsletter resume one --ledger ")
    assert hints.resolve("one", "--resend").startswith("newsletter resolve one --resend --ledger ")
