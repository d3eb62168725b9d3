"""`newsletter publish --watch`: the program as a daemon, ended by signals; and a week of it on a clock of our own."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from command_line import finish, newsletter, people, start, write_list
from signals import wait_until_signal_is_taken
from smtp_server import Fault, Rule, SmtpServer

from newsletter.cli.publish_watch import Watcher, keep_publishing
from newsletter.cli.watch_log import WatchLog
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.pipeline.alerts import Alerts
from newsletter.pipeline.find_due import FoundPost
from newsletter.pipeline.rounds import Failed, Recovered
from newsletter.pipeline.run_publication import PublishOrder
from newsletter.signals import Ending


def today() -> date:
    """By the clock as it is now: a run of the tests may go over midnight, and a post of yesterday is due for a day."""
    return datetime.now(UTC).date()


CONFIG = '[newsletter]\nname = "Daily"\nfrom = "daily@example.com"\n\n[delivery]\nconnections = 1\ntime_zone = "UTC"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "posts").mkdir()
    (tmp_path / "newsletter.toml").write_text(CONFIG)
    write_list(tmp_path, *people(3))
    write(tmp_path, "daily", today() - timedelta(days=1))
    return tmp_path


def write(folder: Path, name: str, day: object, *lines: str) -> None:
    head = "\n".join((f"title: The {name}", f"date: {day}", *lines))
    (folder / "posts" / f"{name}.md").write_text(f"---\n{head}\n---\n\nNews of the day.\n")


class Daemon:
    """A `publish --watch` that runs, and the lines that it has printed so far."""

    def __init__(self, folder: Path, url: str, *more: str) -> None:
        self.process = start("publish", "--to", "list.csv", "--relay", url, "--watch", *more, cwd=folder)
        self.lines: list[str] = []

    def until(self, words: str) -> str:
        """The next line with these words in it. The end of the program fails the test."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline().decode():
            self.lines.append(line.rstrip("\n"))
            if words in line:
                return line
        raise AssertionError((self.lines, self.process.communicate()))

    def end(self, number: int = signal.SIGTERM) -> list[str]:
        """Ended by a signal -> everything that it printed."""
        self.process.send_signal(number)
        done = finish(self.process)
        assert (done.code, done.err) == (0, "")
        return [*self.lines, *done.out.splitlines()]


def words(lines: Sequence[str]) -> list[tuple[str, str]]:
    """The job and the event of each line; lines that go on are left out."""
    return [(line[21:29].strip(), line[31:41].strip()) for line in lines if line[:1] != " "]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_it_sends_what_is_due_waits_and_ends_at_a_signal(folder: Path, number: int) -> None:
    write(folder, "later", today() + timedelta(days=3))
    with SmtpServer() as server:
        daemon = Daemon(folder, server.url, "--first")
        daemon.until("the next is due at")
        lines = daemon.end(number)
        assert words(lines) == [
            ("watch", "begins"),
            ("publish", "sending"),
            ("publish", "sent"),
            ("publish", "future"),
            ("publish", "waits"),
            ("watch", "ends"),
        ]
        assert f"posts/daily.md: sent to {3}" in lines[2]
        assert signal.Signals(number).name in lines[-1]
        again = Daemon(folder, server.url, "--json")
        again.until('"waits"')
        events = [json.loads(line) for line in again.end()]
    assert [event["event"] for event in events] == ["begins", "future", "waits", "ends"]
    assert Counter(message.recipient for message in server.messages) == dict.fromkeys(people(3), 1)


def test_a_signal_in_the_middle_of_a_send_drains_it_and_begins_no_other(folder: Path) -> None:
    write(folder, "second", today() - timedelta(days=1))
    reached = threading.Event()
    hold = (Rule("dot", reached.set, times=(2,)), Rule("dot", Fault.HOLD, times=(2,)))
    with SmtpServer(*hold) as server:
        daemon = Daemon(folder, server.url, "--first")
        daemon.until("sending")
        assert reached.wait(60)
        daemon.process.send_signal(signal.SIGTERM)
        wait_until_signal_is_taken(daemon.process)
        server.release()
        done = finish(daemon.process)
        assert done.code == 0
        assert ("publish", "unfinished") in words(done.out.splitlines())
        assert "this run was told to end before it" in done.out
        assert words(done.out.splitlines())[-1] == ("watch", "ends")
        assert len(server.messages) == 2
        assert newsletter("publish", "--to", "list.csv", "--relay", server.url, cwd=folder).code == 0
    assert Counter((each.recipient, each.mail["Subject"]) for each in server.messages) == {
        (address, f"The {name}"): 1 for address in people(3) for name in ("daily", "second")
    }


def test_a_signal_ends_publish_itself_before_the_next_issue(folder: Path) -> None:
    write(folder, "second", today() - timedelta(days=1))
    reached = threading.Event()
    hold = (Rule("dot", reached.set, times=(2,)), Rule("dot", Fault.HOLD, times=(2,)))
    with SmtpServer(*hold) as server:
        process = start("publish", "--to", "list.csv", "--relay", server.url, "--first", "--json", cwd=folder)
        assert reached.wait(60)
        process.send_signal(signal.SIGTERM)
        wait_until_signal_is_taken(process)
        server.release()
        run = finish(process)
    told = {each["issue"]: each for each in run.json["posts"]}
    assert (run.code, told["daily"]["decision"], told["second"]["decision"]) == (3, "unfinished", "due")
    assert {message.mail["Subject"] for message in server.messages} == {"The daily"}


def test_two_at_once_are_one(folder: Path) -> None:
    with SmtpServer() as server:
        daemon = Daemon(folder, server.url, "--first")
        daemon.until("sent to 3")
        second = newsletter("publish", "--to", "list.csv", "--relay", server.url, "--watch", cwd=folder)
        assert (second.code, "another `newsletter publish --watch` is running on it (process" in second.err) == (
            4,
            True,
        )
        (folder / "backup.db").write_bytes((folder / "newsletter.db").read_bytes())
        refused = newsletter("ledger", "restore", "backup.db", "--yes", cwd=folder)
        assert refused.code == 4
        daemon.end()
    assert len(server.messages) == 3


def test_a_relay_that_is_away_is_said_and_tried_again(folder: Path) -> None:
    with SmtpServer(Rule("connect", "554 5.7.1 not you")) as server:
        daemon = Daemon(folder, server.url, "--first", "--json")
        waits = json.loads(daemon.until('"next_try"'))
        events = [json.loads(line) for line in daemon.end()]
    assert (waits["job"], waits["event"], waits["try"], waits["exit_code"]) == ("publish", "waits", 1, 3)
    assert "try 1 failed; the next is at" in waits["text"]
    assert events[-1]["event"] == "ends"
    assert sum("not you" in event["text"] for event in events) == 1, "one failure is told once"


def test_a_configuration_that_breaks_later_is_a_failed_round(folder: Path) -> None:
    """Read anew for each round; here on the first one, whose bounces cannot be read either."""
    settings = folder / "newsletter.toml"
    settings.write_text(f'{CONFIG}\n[bounces]\nmailbox = "nowhere"\n\n[watch]\nbackup = "kept/newsletter.db"\n')
    with SmtpServer() as server:
        daemon = Daemon(folder, server.url, "--first")
        daemon.until("backup    done")
        lines = daemon.end()
    told = words(lines)
    assert ("bounces", "failed") in told
    assert told.index(("bounces", "failed")) < told.index(("backup", "done"))
    assert (folder / "kept" / "newsletter.db").exists()
    assert len(server.messages) == 3


def test_the_command_of_on_event_hears_of_a_send_and_stops_none(folder: Path) -> None:
    (folder / "told.py").write_text(
        "import os, sys\n"
        "open('told.json', 'a').write(sys.stdin.read())\n"
        "open('env.txt', 'w').write(' '.join(sorted(os.environ)))\n"
        "sys.exit(3)\n"
    )
    hook = f'\n[alerts]\non_event = ["{sys.executable}", "told.py"]\n'
    (folder / "newsletter.toml").write_text(CONFIG + hook)
    with SmtpServer() as server:
        run = newsletter(
            *("publish", "--to", "list.csv", "--relay", server.url, "--first"), cwd=folder, NEWSLETTER_SECRET="s" * 40
        )
    assert (run.code, len(server.messages)) == (0, 3)
    assert f"warning: [alerts] on_event: {sys.executable} ended with code 3" in run.err
    event: dict[str, Any] = json.loads((folder / "told.json").read_text())
    assert {key: event[key] for key in ("event", "newsletter", "issue", "count", "complete")} == {
        "event": "sent",
        "newsletter": "Daily",
        "issue": "daily",
        "count": 3,
        "complete": True,
    }
    assert "@" not in json.dumps(event)
    assert "NEWSLETTER_SECRET" not in (folder / "env.txt").read_text()


@pytest.mark.parametrize("option", ["--dry-run", "--wait"])
def test_what_does_not_go_with_it(folder: Path, option: str) -> None:
    run = newsletter("publish", "--to", "list.csv", "--watch", option, cwd=folder)
    assert (run.code, "--watch waits by itself" in run.err) == (2, True)


# --- who hears of a failure -----------------------------------------------------------------------------------------


def test_what_fails_every_job_is_told_to_people_once(tmp_path: Path) -> None:
    log = WatchLog(lambda: datetime(2026, 3, 2, tzinfo=UTC), as_json=True, quiet=False)
    config = load_config(None, {}, tmp_path)
    told: list[tuple[str, str]] = []

    class People(Alerts):
        def tell_people(self, told_of: Mapping[str, Any]) -> tuple[str, ...]:
            told.append((told_of["event"], told_of["job"]))
            return ()

    ending = Ending()
    watcher = Watcher(lambda: (config, None), check, log, None, lambda: datetime(2026, 3, 2, tzinfo=UTC), ending)
    watcher.alerts = People()
    later = datetime(2026, 3, 2, 1, tzinfo=UTC)
    for job in ("publish", "bounces", "backup"):
        for times in (1, 2):
            watcher.tell(Failed(job, "newsletter.db: the disk is full", times, later, raised=True, exit_code=2))
    watcher.tell(Failed("sync", "the worker does not answer", 1, later, raised=True, exit_code=2))
    for job in ("bounces", "sync"):
        watcher.tell(Recovered(job, 2))
    ending.close()
    assert told == [("failure", "publish"), ("failure", "sync"), ("success", "sync")]


# --- a week, on a clock that only the waits move --------------------------------------------------------------------


class Calendar(Ending):
    """A clock that goes on by what is waited, until `end`; what stands in `events` happens when its time has come."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        super().__init__()
        self.now = begin
        self.last = end
        self.events: list[tuple[datetime, Any]] = []

    def wait(self, seconds: float) -> bool:
        self.now += timedelta(seconds=seconds)
        for event in [each for each in self.events if each[0] <= self.now]:
            self.events.remove(event)
            event[1]()
        if self.now >= self.last:
            self.request("SIGTERM")
        return bool(self.signal)


def check(_: Config) -> Any:
    def nothing(_: FoundPost) -> Sequence[str]:
        return ()

    return nothing


@pytest.mark.parametrize(
    ("zone", "monday"),
    [("Europe/Berlin", "2026-03-23"), ("Europe/Berlin", "2026-10-19")],
)
def test_a_week_of_a_daily(tmp_path: Path, capsys: pytest.CaptureFixture[str], zone: str, monday: str) -> None:
    """Seven posts that wait in the folder, over both edges of summer time; a broken configuration on Wednesday."""
    begin = datetime.fromisoformat(f"{monday}T00:30").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    (tmp_path / "posts").mkdir()
    write_list(tmp_path, *people(2))
    settings = tmp_path / "newsletter.toml"
    text = CONFIG.replace('"UTC"', f'"{zone}"') + (
        '\n[publish]\nsend_at = "08:00"\nlatest = "12:00"\n\n[watch]\npublish_minutes = 240\nbackup = "kept.db"\n'
    )
    settings.write_text(text)
    days = [date.fromisoformat(monday) + timedelta(days=number) for number in range(7)]
    for day in days:
        write(tmp_path, f"{day}-daily", day)
    calendar = Calendar(begin, begin + timedelta(days=7, hours=12))
    calendar.events = [
        (begin + timedelta(days=2, hours=3), lambda: settings.write_text("[newsletter\n")),
        (begin + timedelta(days=2, hours=5), lambda: settings.write_text(text)),
    ]
    with SmtpServer() as server:

        def load() -> tuple[Config, PublishOrder]:
            config = load_config(None, {}, tmp_path)
            order = PublishOrder(
                *(tmp_path / "posts", (str(tmp_path / "list.csv"),), tmp_path / "newsletter.db", timedelta(days=2)),
                relay_url=server.url,
                first=True,
            )
            return config, order

        def now() -> datetime:
            return calendar.now

        log = WatchLog(now, as_json=True, quiet=False)
        keep_publishing(load, check, tmp_path / "newsletter.db", log, None, now, calendar)
    calendar.close()
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    sent = [(event["issue"], datetime.fromisoformat(event["at"])) for event in events if event["event"] == "sent"]
    here = [(issue, f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}") for issue, at in sent]
    assert here == [(f"{day}-daily", f"{day} 08:00") for day in days], events
    assert Counter(message.recipient for message in server.messages) == dict.fromkeys(people(2), 7)
    failed = [event for event in events if event["event"] == "failed"]
    assert {event["job"] for event in failed} == {"publish"}
    assert [event["try"] for event in failed] == list(range(1, len(failed) + 1))
    assert [event["tries"] for event in events if event["event"] == "recovered"] == [len(failed)]
    backups = [event["at"][:10] for event in events if event["job"] == "backup"]
    assert len(set(backups)) >= 7
