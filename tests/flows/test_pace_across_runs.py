"""Rates, quiet hours and a time to begin at, through the real program: what a second run knows of the first.

Nobody waits here for a day: what a day does to the ledger's memory of a rate is done to it by hand.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
from click.testing import CliRunner
from command_line import DEADLINE_S, Run, finish, newsletter, people, spawn, start, wait_until, write_list, write_post
from smtp_server import Rule, SmtpServer

from newsletter.cli import send as cli_send
from newsletter.cli.main import cli
from newsletter.ledger.ledger import Ledger

ISSUE = "2026-03-01-hello"
TWELVE = people(12)
SEND = ("send", f"{ISSUE}.md", "--to", "list.csv", "--first", "--yes")
RESUME = ("resume", ISSUE, "--yes")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_post(tmp_path)
    write_list(tmp_path, *TWELVE)
    return tmp_path


def configure(folder: Path, server: SmtpServer, delivery: str) -> None:
    (folder / "newsletter.toml").write_text(f'[relay]\nurl = "{server.url}"\n\n[delivery]\n{delivery}\n')


def a_day_goes_by(folder: Path) -> None:
    """The marks are of a day before: each limit's clock shows what the clock on the wall showed then."""
    with Ledger.open(folder / "newsletter.db", lambda: datetime.now(UTC)) as ledger:
        marks = dict(ledger.rate_limit_state())
        for name in [name for name in marks if name.endswith("/clock")]:
            latest, wall = json.loads(marks[name])
            marks[name] = json.dumps([latest, wall - timedelta(days=1, minutes=6).total_seconds()])
        ledger.save_rate_limits(marks)


def assert_left(run: Run, count: int) -> None:
    assert run.code == 3, run.err
    assert run.json["counts"]["left"] == count
    assert all("code" not in entry for entry in run.json["left"])  # untried, not put off


# --- a day's rate ---------------------------------------------------------------------------------------------------


def test_a_days_rate_ends_the_run_and_the_next_day_goes_on(folder: Path, server: SmtpServer) -> None:
    configure(folder, server, 'rate = "5/day"')
    first = newsletter(*SEND, "--json", cwd=folder)
    assert first.json["sent"] == 5
    assert_left(first, 7)
    stopped = re.fullmatch(
        r"(\S+): its limit is used up \(5/day\); the next may go at (.{16}) \S+", first.json["stopped"]
    )
    assert stopped, first.json["stopped"]
    assert stopped[1] == server.url
    tomorrow = datetime.strptime(stopped[2], "%Y-%m-%d %H:%M").astimezone() - datetime.now().astimezone()
    assert timedelta(hours=23, minutes=58) < tomorrow < timedelta(hours=24, minutes=7)

    # The same day: neither command has forgotten, and neither bothers the relay.
    begun = server.seen("EHLO")
    for command in (RESUME, SEND):
        again = newsletter(*command, "--json", cwd=folder)
        assert (again.json["sent"], again.json["stopped"]) == (0, first.json["stopped"])
        assert_left(again, 7)
    assert server.seen("EHLO") == begun

    for sent, left in ((5, 2), (2, 0)):
        a_day_goes_by(folder)
        run = newsletter(*RESUME, "--json", cwd=folder)
        assert (run.code, run.json["sent"], run.json["counts"]["left"]) == (3 if left else 0, sent, left)
    assert sorted(server.recipients) == TWELVE


def test_a_run_that_is_killed_has_used_up_what_it_sent(folder: Path, server: SmtpServer) -> None:
    configure(folder, server, 'rate = "5/day"\nconnections = 1')
    holder: list[subprocess.Popen[bytes]] = []
    server.rules.append(Rule("dot", lambda: holder[0].kill(), times=(3,)))
    holder.append(start(*SEND, cwd=folder))
    assert finish(holder[0]).code == -signal.SIGKILL
    assert len(server.recipients) == 3
    second = newsletter(*RESUME, "--json", cwd=folder)
    assert second.json["sent"] <= 2
    assert len(set(server.recipients)) == len(server.recipients) <= 5
    assert "its limit is used up" in second.json["stopped"]


def test_another_issue_shares_the_days_rate(folder: Path, server: SmtpServer) -> None:
    configure(folder, server, 'rate = "5/day"')
    write_list(folder, *TWELVE[:3], name="few.csv")
    first = newsletter("send", f"{ISSUE}.md", "--to", "few.csv", "--yes", "--first", "--json", cwd=folder)
    assert (first.code, first.json["sent"]) == (0, 3)
    write_post(folder, "---\ntitle: Other\n---\n\nAnother one.\n", "2026-03-02-other.md")
    other = newsletter("send", "2026-03-02-other.md", "--to", "list.csv", "--yes", "--first", "--json", cwd=folder)
    assert other.json["sent"] == 2
    assert_left(other, 10)


def test_a_domains_day_is_over_and_the_others_get_their_mail(folder: Path, server: SmtpServer) -> None:
    """Far more of them stand before the others than one look ahead sees."""
    crowd = [f"{name.partition('@')[0]}@qq.example" for name in people(700)]
    write_list(folder, *crowd, *TWELVE)
    configure(folder, server, '[delivery.domains]\n"qq.example" = "5/day"')
    run = newsletter(*SEND, "--json", cwd=folder)
    assert run.json["sent"] == 5 + len(TWELVE)
    assert_left(run, 695)
    assert re.match(r"mail for qq\.example: its limit is used up; the next may go at ", run.json["stopped"])
    assert set(TWELVE) <= set(server.recipients)
    a_day_goes_by(folder)
    second = newsletter(*RESUME, "--json", cwd=folder)
    assert second.json["sent"] == 5
    assert len(set(server.recipients)) == len(server.recipients) == 22


def test_one_relays_day_is_over_and_another_takes_the_rest(folder: Path, server: SmtpServer) -> None:
    with SmtpServer() as other:
        tables = (
            f'[[relays]]\nname = "{name}"\nurl = "{each.url}"\nrate = "{count}/day"\n'
            for name, each, count in (("one", server, 2), ("two", other, 6))
        )
        (folder / "newsletter.toml").write_text("\n".join(tables))
        run = newsletter(*SEND, "--json", cwd=folder)
        assert run.json["sent"] == 8
        assert_left(run, 4)
        assert [len(server.recipients), len(other.recipients)] == [2, 6]
        assert len({*server.recipients, *other.recipients}) == 8
        assert [f"({count}/day)" in run.json["stopped"] for count in (2, 6)] == [True, True]


def test_the_first_day_of_a_warm_up_ends_the_run(folder: Path, server: SmtpServer) -> None:
    configure(folder, server, "warm_up = [2, 4]")
    sent = []
    for _ in range(3):
        run = newsletter(*(RESUME if sent else SEND), "--json", cwd=folder)
        sent.append(run.json["sent"])
        a_day_goes_by(folder)
    assert sent == [2, 4, 6]
    assert sorted(server.recipients) == TWELVE


def test_a_person_at_a_terminal_is_told_and_may_wait(folder: Path, server: SmtpServer) -> None:
    """Nobody said --yes, somebody said yes: it says until when it waits, and Ctrl-C ends it."""
    configure(folder, server, 'rate = "5/day"')
    terminal, inside = pty.openpty()
    process = spawn(*SEND[:-1], cwd=folder, env={"TERM": "dumb"}, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    os.write(terminal, b"y\n")
    assert "used up (5/day); going on at 20" in read_until(terminal, "going on at 20")
    assert process.poll() is None
    assert len(server.recipients) == 5
    process.send_signal(signal.SIGINT)
    told = read_until(terminal, "goes on with those who are left")
    assert "Stopped: interrupted." in told
    assert process.wait(DEADLINE_S) == 3
    os.close(terminal)


def read_until(terminal: int, words: str) -> str:
    """What was shown, one space for any white space: a narrow terminal breaks lines."""
    shown = b""
    deadline = monotonic() + DEADLINE_S
    while words not in " ".join(shown.decode("utf-8", "replace").split()):
        assert select.select([terminal], [], [], max(0, deadline - monotonic()))[0], shown.decode()
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # EIO: the program has ended
            break
    return " ".join(shown.decode("utf-8", "replace").split())


# --- quiet hours, and --at ------------------------------------------------------------------------------------------


def test_in_quiet_hours_nothing_goes_out_and_nothing_is_asked_of_the_relay(folder: Path, server: SmtpServer) -> None:
    now = datetime.now(UTC)
    begin, end = now - timedelta(hours=1), now + timedelta(hours=1)
    configure(folder, server, f'quiet_hours = "{begin:%H:%M}-{end:%H:%M}"\ntime_zone = "UTC"')
    run = newsletter(*SEND, cwd=folder)
    assert run.code == 3
    until = f"{end:%Y-%m-%d %H:%M} UTC"
    assert f"Stopped: quiet hours until {until}." in run.err
    assert (
        f"`newsletter resume {ISSUE}` goes on with those who are left, from {end.astimezone():%Y-%m-%d %H:%M}"
        in run.err
    )
    told = newsletter(*RESUME, "--json", cwd=folder).json
    assert (told["exit_code"], told["meaning"], told["sent"]) == (3, "somebody was not mailed", 0)
    assert told["go_on"]["command"] == f"newsletter resume {ISSUE}"
    assert datetime.fromisoformat(told["go_on"]["at"]) == end.replace(second=0, microsecond=0)
    assert server.seen("EHLO") == 0

    configure(folder, server, f'quiet_hours = "{end:%H:%M}-{begin:%H:%M}"\ntime_zone = "UTC"')
    assert newsletter(*RESUME, cwd=folder).code == 0
    assert sorted(server.recipients) == TWELVE


def test_at_waits_for_its_time_and_sends(folder: Path, server: SmtpServer) -> None:
    configure(folder, server, "")
    moment = datetime.now().astimezone() + timedelta(seconds=3)
    arrived: list[datetime] = []
    server.rules.append(Rule("EHLO", lambda: arrived.append(datetime.now().astimezone())))
    run = newsletter(*SEND, "--at", moment.isoformat(), cwd=folder)
    assert run.code == 0, run.err
    assert arrived[0] >= moment
    assert sorted(server.recipients) == TWELVE


def test_what_goes_at_its_time_is_what_there_is_at_that_time(
    folder: Path, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The post and the list change while it waits; the Date is that of the hour at which the mail goes."""
    configure(folder, server, "")
    moment = datetime.now().astimezone() + timedelta(hours=5)
    clock = [datetime.now(UTC)]

    def change(until: datetime, *, quiet: bool) -> None:
        assert (until, quiet) == (moment, False)
        assert server.connections == 1, "it was only asked whether it is a catcher"
        clock[0] = until
        write_post(folder, "---\ntitle: Hello\n---\n\nMended at the last minute.\n")
        write_list(folder, *TWELVE[1:], "new@example.com")

    monkeypatch.chdir(folder)
    monkeypatch.setattr(cli_send, "wait_until", change)
    monkeypatch.setattr(cli_send, "utc_now", lambda: clock[0])
    done = CliRunner().invoke(cli, [*SEND, "--at", moment.isoformat()])
    assert done.exit_code == 0, done.output
    assert sorted(server.recipients) == sorted([*TWELVE[1:], "new@example.com"])
    for message in server.messages:
        assert "last minute" in message.mail.get_payload(0).get_content()
        assert message.mail["Date"].datetime == moment.replace(microsecond=0)


def test_a_time_that_has_just_passed_is_meant_and_one_of_long_ago_is_tomorrows(
    folder: Path, server: SmtpServer
) -> None:
    configure(folder, server, "at_window_s = 1800")
    now = datetime.now().astimezone()
    run = newsletter(*SEND, "--at", f"{now - timedelta(minutes=20):%Y-%m-%dT%H:%M}", cwd=folder)
    assert run.code == 0, run.err
    assert re.search(r"was (19|20|21) min ago, within at_window_s: it goes at once\.", run.err)
    assert sorted(server.recipients) == TWELVE
    late = newsletter(*SEND, "--at", f"{now - timedelta(minutes=40):%Y-%m-%dT%H:%M}", cwd=folder)
    assert late.code == 2
    assert "which has passed; write a time to come, or none at all to send now" in late.err


def test_at_may_be_given_up_and_nobody_was_mailed(folder: Path, server: SmtpServer) -> None:
    configure(folder, server, "")
    moment = datetime.now().astimezone() + timedelta(hours=1)
    process = start(*SEND, "--at", moment.isoformat(timespec="minutes"), cwd=folder)
    assert "nobody has been mailed yet" in wait_for_line(process, "Waiting until")
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    assert server.seen("EHLO") == 0
    assert newsletter(*SEND, cwd=folder).code == 0
    assert sorted(server.recipients) == TWELVE


def wait_for_line(process: subprocess.Popen[bytes], words: str) -> str:
    """The first line of its errors that begins with these words."""
    assert process.stderr is not None
    descriptor = process.stderr.fileno()
    os.set_blocking(descriptor, False)
    read = b""

    def there() -> bool:
        nonlocal read
        try:
            read += os.read(descriptor, 4096)
        except BlockingIOError:
            return False
        return any(line.startswith(words) for line in read.decode().splitlines()) and read.endswith(b"\n")

    wait_until(process, there, f"it never said {words}")
    os.set_blocking(descriptor, True)
    return next(line for line in read.decode().splitlines() if line.startswith(words))
