"""Days of a daily that nobody watches, by the command under another clock: late and double cron, kills, a lost disk.

Three days over the beginning of summer time in the whole, the month in which it ends among the long ones. The default
suite has the cheap month, on a clock that is handed in, in tests/pipeline/test_month.py, and the hours of a day without
02:30 in tests/pipeline/test_send_window.py.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import DEADLINE_S, PROGRAM, Run, environment, people, write_list
from machine import RequireProgram
from smtp_server import Fault, Received, Rule, SmtpServer

CONFIG = """\
[newsletter]
name = "Daily"
from = "daily@example.com"

[delivery]
time_zone = "Europe/Berlin"
connections = 1

[publish]
send_at = "08:00"
latest = "12:00"
max_age_days = 3

[ledger]
expect = "sent.json"
"""
READERS = people(4)
CRON = ("06:20", "07:20")
"""In UTC, as GitHub's is: 8:20 in Berlin is the second in winter, the first in summer, when the second does nothing."""


def library(require_program: RequireProgram) -> str:
    """What the program `faketime` loads into another one. By itself it would stand between us and a signal."""
    place = Path(require_program("faketime")).resolve().parents[1]
    found = sorted(place.glob("lib/*/faketime/libfaketimeMT.so.1"))
    assert found, place
    return str(found[0])


@dataclass
class Desk:
    """The folder of a newsletter, and a clock that each command is started with."""

    folder: Path
    faketime: str
    relay: str
    received: list[Received] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "posts").mkdir()
        (self.folder / "newsletter.toml").write_text(CONFIG)
        write_list(self.folder, *READERS)

    def write(self, day: date) -> None:
        text = f"---\ntitle: The news of {day}\ndate: {day}\n---\n\nNews.\n"
        (self.folder / "posts" / f"{day}-daily.md").write_text(text)

    def start(self, now: datetime, *arguments: str) -> subprocess.Popen[bytes]:
        # The clocks that time-outs are measured with stay real.
        env = environment(
            TZ="UTC",
            LD_PRELOAD=self.faketime,
            FAKETIME=f"@{now:%Y-%m-%d %H:%M:%S}",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            DONT_FAKE_MONOTONIC="1",
        )
        command = [PROGRAM, *arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, now: datetime, *arguments: str) -> Run:
        return ended(self.start(now, *arguments))

    def publishing(self, *, first: bool, relay: str = "") -> tuple[str, ...]:
        more = ("--first",) if first else ()
        return ("publish", "--to", "list.csv", "--relay", relay or self.relay, "--json", *more)

    def publish(self, now: datetime, *, first: bool = False) -> Run:
        run = self.run(now, *self.publishing(first=first))
        self.tell(now, run)
        return run

    def tell(self, now: datetime, run: Run) -> None:
        posts: Sequence[Mapping[str, Any]] = run.json.get("posts", ())
        told = {post["issue"][8:10]: post["decision"] for post in posts if post["decision"] != "left alone"}
        words = ", ".join(f"{day} {decision}" for day, decision in told.items()) or "nothing"
        self.story.append(f"{now:%d %H:%M} exit {run.code}: {words}")

    def twice_at_once(self, now: datetime) -> None:
        """Two runners in one minute: one sends, the other finds it sending, or sent."""
        both = [self.start(now, *self.publishing(first=False)) for _ in range(2)]
        codes = sorted(ended(each).code for each in both)
        assert codes in ([0, 0], [0, 4])
        self.story.append(f"{now:%d %H:%M} twice")

    def killed(self, now: datetime, issue: str) -> None:
        """The runner goes away while the relay has the second message and has not said so; a person settles it."""
        reached = threading.Event()
        rules = (Rule("dot", reached.set, times=(2,)), Rule("dot", Fault.HOLD, times=(2,)))
        with SmtpServer(*rules) as server:
            process = self.start(now, *self.publishing(first=False, relay=server.url))
            assert reached.wait(DEADLINE_S)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            arrived = {message.recipient for message in server.messages}
            self.received += server.messages
        assert len(arrived) == 2
        found = self.run(now, *self.publishing(first=False))
        assert found.code == 3, "the one that nobody knows of is left to a person"
        done = self.run(now, "resolve", issue, "--assume-sent", "--yes")
        assert done.code == 0, done.err
        self.story.append(f"{now:%d %H:%M} killed after {len(arrived)}, the rest sent, one settled")

    def lost(self, now: datetime) -> None:
        """The disk goes, a run finds out before anybody is mailed, the backup of the evening before is put back."""
        for file in self.folder.glob("newsletter.db*"):
            file.unlink()
        before = len(self.received)
        run = self.run(now, *self.publishing(first=True))
        assert run.code == 2
        assert "the ledger does not know the issue" in run.err
        assert len(self.received) == before
        assert self.run(now, "ledger", "restore", "kept/newsletter.db").code == 0
        self.story.append(f"{now:%d %H:%M} lost and restored")


def ended(process: subprocess.Popen[bytes]) -> Run:
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    run = Run(process.returncode, out.decode(), err.decode())
    assert "Traceback" not in run.err, run.err
    return run


@dataclass(frozen=True)
class Calendar:
    """What cron did, by the day of the month; other days have `CRON`."""

    begin: date
    days: int
    cron: Mapping[int, Sequence[str]]
    twice: Sequence[int] = ()
    killed: Mapping[int, str] = field(default_factory=dict)
    lost: Sequence[int] = ()


def live(calendar: Calendar, folder: Path, faketime: str) -> tuple[list[str], list[Received]]:
    """Every day as it comes -> the story, and what arrived."""
    with SmtpServer() as server:
        desk = Desk(folder, faketime, server.url)
        for number in range(calendar.days):
            day = calendar.begin + timedelta(days=number)
            desk.write(day)
            for clock in calendar.cron.get(day.day, CRON):
                now = datetime.combine(day, time.fromisoformat(clock), UTC)
                desk.received[:] = [each for each in desk.received if each not in server.messages] + server.messages
                if day.day in calendar.lost and clock == CRON[0]:
                    desk.lost(now)
                if calendar.killed.get(day.day) == clock:
                    desk.killed(now, f"{day}-daily")
                elif day.day in calendar.twice:
                    desk.twice_at_once(now)
                else:
                    desk.publish(now, first=number == 0)
            if day.day + 1 in calendar.lost:
                desk.run(datetime.combine(day, time(20), UTC), "ledger", "backup", "kept/newsletter.db")
        after = [each for each in desk.received if each not in server.messages]
        return desk.story, [*after, *server.messages]


def once_each(received: Sequence[Received], days: int) -> None:
    """Everyone has every issue, and nothing twice."""
    seen = Counter((message.recipient, str(message.mail["Subject"])) for message in received)
    assert set(seen.values()) == {1}, [key for key, count in seen.items() if count > 1]
    assert Counter(address for address, _ in seen) == dict.fromkeys(READERS, days)


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_three_days_over_the_beginning_of_summer_time(tmp_path: Path, require_program: RequireProgram) -> None:
    """Sunday the 29th of March has no 02:30; from then on the first cron of the day is the one in time."""
    calendar = Calendar(date(2026, 3, 28), 3, {28: CRON, 29: CRON[:1], 30: CRON[:1]}, killed={29: "06:20"}, lost=(30,))
    story, received = live(calendar, tmp_path, library(require_program))
    once_each(received, 3)
    assert story == [
        "28 06:20 exit 0: 28 early",
        "28 07:20 exit 0: 28 sent",
        "29 06:20 killed after 2, the rest sent, one settled",
        "30 06:20 lost and restored",
        "30 06:20 exit 0: 30 sent",
    ]


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_month_in_which_summer_time_ends(tmp_path: Path, require_program: RequireProgram) -> None:
    calendar = Calendar(
        date(2026, 10, 1),
        31,
        {3: ("05:00", "06:20"), 5: ("09:55",), 7: ("12:30",), 10: (), 11: (), 20: ("06:20", "07:20", "08:20", "19:00")},
        twice=(14, 25),
        killed={17: "06:20", 26: "07:20"},
        lost=(23,),
    )
    story, received = live(calendar, tmp_path, library(require_program))
    once_each(received, 31)
    told = "\n".join(story)
    assert "03 05:00 exit 0: 03 early\n03 06:20 exit 0: 03 sent" in told
    assert "05 09:55 exit 0: 05 sent\n06" in told
    assert "07 12:30 exit 3: 07 late\n08 06:20 exit 0: 07 sent, 08 sent" in told
    assert "12 06:20 exit 0: 10 sent, 11 sent, 12 sent" in told
    assert "20 19:00 exit 0: nothing" in told
    assert "23 06:20 lost and restored\n23 06:20 exit 0: 23 sent" in told
    assert "25 06:20 twice" in told
    assert "27 06:20 exit 0: 27 early\n27 07:20 exit 0: 27 sent" in told, "winter: the second cron is the one in time"
