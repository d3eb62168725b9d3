"""The series: each step once to each who joined, on its day, until they leave."""

from __future__ import annotations

import logging
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from command_line import free_ports, start
from publishing import Office
from smtp_server import Fault, Rule, SmtpServer

from newsletter.audience.people.records import Preferences, Reason
from newsletter.audience.people.series import LIST, Series
from newsletter.audience.people.store import People
from newsletter.config.load import load_config
from newsletter.errors import EXIT_CONTENT, EXIT_OK, EXIT_UNSENT, ContentError
from newsletter.model.delivery import Outcome, State
from newsletter.pipeline.publish import PublishReport
from newsletter.pipeline.series import SeriesReport
from newsletter.pipeline.series_posts import read_steps
from newsletter.web.catcher.server import Catcher

ADA = "ada@example.net"
BO = "bo@example.net"


@dataclass
class Room:
    """A newsletter with a series, whose mails are caught."""

    office: Office
    catcher: Catcher
    seen: int = field(default=0)

    def step(self, name: str, after: str, title: str = "", *lines: str) -> Path:
        folder = self.office.folder / "series"
        folder.mkdir(exist_ok=True)
        head = "\n".join((f"title: {title or name}", f"after: {after}", *lines))
        path = folder / f"{name}.md"
        path.write_text(f"---\n{head}\n---\nGood to have you.\n", "utf-8")
        return path

    def people(self) -> People:
        return People.open(self.office.ledger, lambda: self.office.now, ["a secret"])

    def join(self, address: str, lang: str = "", **fields: str) -> None:
        with self.people() as people:
            people.sign_up(address, source="page", wording="", lang=lang, fields=fields)
            people.confirm(address, source="mail")

    def later(self, **span: float) -> None:
        self.office.now += timedelta(**span)

    def report(self, *, dry: bool = False) -> PublishReport:
        return self.office.publish(dry=dry)

    def run(self) -> list[str]:
        """A run, and what it mailed: subject and reader."""
        self.report()
        mails = self.catcher.messages()[self.seen :]
        self.seen += len(mails)
        return [f"{subject_of(mail.data)} {mail.rcpt_to[0].partition('@')[0]}" for mail in mails]

    def states(self) -> list[str]:
        with closing(sqlite3.connect(self.office.ledger)) as db:
            return [state for (state,) in db.execute("SELECT state FROM series_mails ORDER BY id")]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with Catcher() as catcher:
        office = Office(tmp_path, str(catcher.relay), to=("@signups",))
        room = Room(office, catcher)
        with room.people():
            pass
        yield room


def subject_of(data: bytes) -> str:
    return str(message_from_bytes(data, policy=policy.default)["Subject"])


def series_of(report: PublishReport) -> SeriesReport:
    assert report.series is not None
    return report.series


# --- days -----------------------------------------------------------------------------------------------------------


def test_each_step_comes_on_its_day_and_once(room: Room) -> None:
    room.step("01-hello", "0")
    room.step("02-more", "2d")
    room.step("03-all", "1w")
    room.join(ADA)
    days: dict[int, list[str]] = {}
    for day in range(10):
        if mailed := room.run():
            days[day] = mailed
        assert room.run() == [], "a second run of the day mails nobody"
        room.later(days=1)
    assert days == {0: ["01-hello ada"], 2: ["02-more ada"], 7: ["03-all ada"]}


def test_days_are_counted_from_each_ones_joining(room: Room) -> None:
    room.step("01-hello", "12h")
    room.join(ADA)
    room.later(hours=6)
    room.join(BO)
    room.later(hours=6)
    assert room.run() == ["01-hello ada"]
    room.later(hours=6)
    assert room.run() == ["01-hello bo"]


def test_who_joined_before_the_series_gets_it_only_if_asked(room: Room) -> None:
    room.join(ADA)
    room.later(days=10)
    room.step("01-hello", "0")
    room.step("02-more", "2d")
    assert room.run() == []
    room.join(BO)
    assert room.run() == ["01-hello bo"]
    room.office.settings += '\n[series]\nsince = "2026-02-01"\n'
    assert room.run() == ["01-hello ada"], "from the first step on, and not all at once"
    room.later(days=2)
    assert sorted(room.run()) == ["02-more ada", "02-more bo"]


def test_a_since_in_the_future_leaves_out_who_joined_before_it(room: Room) -> None:
    room.office.settings += "\n[series]\nsince = 2026-03-05\n"
    room.step("01-hello", "0")
    room.join(ADA)
    assert room.run() == []
    room.later(days=5)
    room.join(BO)
    assert room.run() == ["01-hello bo"]


def test_days_without_a_run_do_not_come_all_at_once(room: Room) -> None:
    for number in range(4):
        room.step(f"0{number}", f"{number}d" if number else "0")
    room.run()
    room.join(ADA)
    room.later(days=9)
    found = []
    for _ in range(5):
        found.append(room.run())
        room.later(days=1)
    assert found == [["00 ada"], ["01 ada"], ["02 ada"], ["03 ada"], []]


# --- files that change ----------------------------------------------------------------------------------------------


def test_an_edited_step_does_not_go_out_again(room: Room) -> None:
    room.step("01-hello", "0")
    room.join(ADA)
    assert room.run() == ["01-hello ada"]
    room.step("01-hello", "0", "Hello anew")
    room.later(days=3)
    assert room.run() == []
    room.join(BO)
    assert room.run() == ["Hello anew bo"]


def test_an_inserted_step_goes_only_to_who_has_not_passed_it(room: Room) -> None:
    room.step("01-hello", "0")
    room.step("03-all", "10d")
    room.join(ADA)
    room.run()
    room.later(days=5)
    room.join(BO)
    room.run()
    room.step("02-more", "3d")
    assert room.run() == [], "Ada is past it, and Bo is not there yet"
    room.later(days=3)
    assert room.run() == ["02-more bo"]
    room.later(days=2)
    assert room.run() == ["03-all ada"]


def test_a_step_that_is_gone_is_not_sent(room: Room) -> None:
    room.step("01-hello", "0")
    path = room.step("02-more", "1d")
    room.join(ADA)
    room.run()
    path.unlink()
    room.later(days=2)
    assert room.run() == []


def test_a_draft_waits(room: Room) -> None:
    room.step("01-hello", "0", "", "draft: true")
    room.join(ADA)
    assert room.run() == []
    assert room.report().series is None, "a folder of drafts is no series yet"


@pytest.mark.parametrize(
    ("front", "fault"),
    [
        ("after: soon", '01-x.md:3: `after` is "soon", no age; write after: 3d, 12h or 2w'),
        ("after: -3d", '01-x.md:3: `after` is "-3d", no age; write after: 3d, 12h or 2w'),
        ("tags: []", "01-x.md: has no `after`; write after: 3d, the days after joining"),
    ],
)
def test_a_fault_names_its_line_and_stops_the_series_alone(room: Room, front: str, fault: str) -> None:
    room.join(ADA)
    path = room.step("01-x", "0")
    path.write_text(f"---\ntitle: Hello\n{front}\n---\nText.\n")
    report = room.report()
    assert series_of(report).failure.endswith(fault)
    assert report.exit_code == EXIT_CONTENT
    assert room.catcher.messages() == ()


def test_a_post_that_cannot_be_rendered_stops_the_series(room: Room) -> None:
    room.join(ADA)
    room.step("01-hello", "0")
    broken = room.step("02-more", "1d")
    broken.write_text("---\ntitle: Hello\nafter: 1d\n---\n{% if subscriber.x %}never closed\n")
    report = room.report()
    assert "02-more.md:5" in series_of(report).failure
    assert room.catcher.messages() == ()


def test_languages_of_a_step(room: Room) -> None:
    room.step("01-hello", "0", "Hello")
    room.step("01-hello.zh", "0", "你好")
    room.join(ADA, "zh-CN")
    room.join(BO, "de")
    assert sorted(room.run()) == ["Hello bo", "你好 ada"]
    room.step("01-hello.zh", "1d", "你好")
    with pytest.raises(ContentError, match="another one than in"):
        read_steps(load_config(None, {}, room.office.folder))


def test_the_form_s_answers_and_conditions_are_each_reader_s(room: Room) -> None:
    path = room.step("01-hello", "0", "Hello {{ subscriber.name }}")
    text = path.read_text() + '\n{% if subscriber.plan == "pro" %}For pros.{% else %}For all.{% endif %}\n'
    path.write_text(text)
    room.join(ADA, name="Ada", plan="pro")
    room.join(BO, name="Bo", plan="free")
    assert room.run() == ["Hello Ada ada", "Hello Bo bo"]
    bodies = [mail.data.decode() for mail in room.catcher.messages()]
    assert ["For pros." in body for body in bodies] == [True, False]
    assert ["For all." in body for body in bodies] == [False, True]


# --- leaving --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(Reason)[:5])
def test_leaving_bouncing_and_suppression_end_it(room: Room, reason: Reason) -> None:
    room.step("01-hello", "0")
    room.step("02-more", "1d")
    room.join(ADA)
    room.run()
    with room.people() as people:
        if reason is Reason.UNSUBSCRIBED:
            people.leave(ADA, "page")
        else:
            people.suppress(ADA, reason)
    room.later(days=1)
    assert room.run() == []


def test_who_is_forgotten_leaves_no_trace_in_it(room: Room) -> None:
    room.step("01-hello", "0")
    room.join(ADA)
    room.run()
    with room.people() as people:
        people.forget(ADA)
    room.later(days=1)
    assert room.run() == []
    assert ADA.encode() not in room.office.ledger.read_bytes()


def test_a_pause_is_waited_for(room: Room) -> None:
    room.step("01-hello", "1d")
    room.join(ADA)
    room.run()
    with room.people() as people:
        people.set_preferences(ADA, Preferences(paused_until=room.office.now + timedelta(days=5)))
    room.later(days=2)
    assert room.run() == []
    room.later(days=4)
    assert room.run() == ["01-hello ada"]


def test_who_leaves_while_the_mail_is_on_its_way_does_not_get_it(room: Room) -> None:
    room.step("01-hello", "0")
    room.join(ADA)

    def leave() -> None:
        with room.people() as people:
            people.leave(ADA, "page")

    with SmtpServer(Rule("DATA", leave)) as server:
        room.office.relay_url = str(server.relay)
        room.report()
    assert not server.messages
    assert room.states() == []


def test_a_refusal_ends_it(room: Room) -> None:
    room.step("01-hello", "0")
    room.step("02-more", "1d")
    room.join(ADA)
    with SmtpServer(Rule("RCPT", "550 5.1.1 nobody here")) as server:
        room.office.relay_url = str(server.relay)
        report = room.report()
        assert series_of(report).outcomes == {State.REJECTED: 1}
        assert report.exit_code == EXIT_OK
        room.later(days=2)
        assert series_of(room.report()).is_quiet


# --- lists ----------------------------------------------------------------------------------------------------------


def test_who_is_new_on_a_list_gets_it_and_who_was_there_does_not(room: Room) -> None:
    room.office.to = ("list.csv",)
    room.office.subscribe("old@example.net")
    room.step("01-hello", "0")
    room.step("02-more", "1d")
    assert room.run() == []
    room.office.subscribe("old@example.net", ADA, BO)
    assert sorted(room.run()) == ["01-hello ada", "01-hello bo"]
    room.office.subscribe("old@example.net", BO)
    room.later(days=1)
    assert room.run() == ["02-more bo"], "who is taken from the list gets no further mail"
    room.office.subscribe("old@example.net", BO, ADA)
    room.later(days=1)
    assert room.run() == ["02-more ada"], "and who comes back goes on"


def test_a_column_of_the_list_may_stand_in_it(room: Room) -> None:
    room.office.to = ("list.csv",)
    room.step("01-hello", "0", "Hello {{ subscriber.name }}")
    (room.office.folder / "list.csv").write_text("email,name\nold@example.net,Old\n")
    room.run()
    (room.office.folder / "list.csv").write_text("email,name\nold@example.net,Old\nada@example.net,Ada\n")
    assert room.run() == ["Hello Ada ada"]


# --- hours, dry runs, another process -------------------------------------------------------------------------------


def test_quiet_hours_and_the_window_are_kept(room: Room) -> None:
    room.step("01-hello", "0")
    room.join(ADA)
    room.office.settings += '\n[publish]\nsend_at = "09:00"\nlatest = "12:00"\n'
    report = room.report()
    assert series_of(report).waiting == 1
    assert series_of(report).closed_until == datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    assert report.exit_code == EXIT_OK
    room.later(hours=1)
    assert room.run() == ["01-hello ada"]


def test_a_dry_run_counts_and_sends_nothing(room: Room) -> None:
    room.step("01-hello", "0")
    room.join(ADA)
    assert series_of(room.report(dry=True)).waiting == 0, "nobody is enrolled yet"
    room.step("02-more", "1d")
    room.run()
    room.later(days=1)
    assert series_of(room.report(dry=True)).waiting == 1
    assert room.run() == ["02-more ada"]


def test_a_relay_that_is_away_makes_them_wait(room: Room) -> None:
    room.step("01-hello", "0")
    room.join(ADA)
    room.join(BO)
    (port,) = free_ports(1)
    here, room.office.relay_url = room.office.relay_url, f"smtp://127.0.0.1:{port}"
    report = room.report()
    assert series_of(report).waiting == 2
    assert report.exit_code == EXIT_UNSENT
    room.office.relay_url = here
    room.later(hours=1)
    assert sorted(room.run()) == ["01-hello ada", "01-hello bo"]


def test_two_runs_are_one(room: Room) -> None:
    room.step("01-hello", "0")
    room.join(ADA)
    with room.people() as people, Series(people.storage, lambda: room.office.now).hold():
        report = room.report()
        assert series_of(report).busy
        assert report.exit_code == EXIT_OK
    assert room.run() == ["01-hello ada"]


def test_the_relay_s_pace_is_kept(room: Room) -> None:
    room.office.settings += '\n[relay]\nurl = "smtp://127.0.0.1"\nrate = "1/h"\n'
    room.step("01-hello", "0")
    room.join(ADA)
    room.join(BO)
    with SmtpServer() as server:
        room.office.settings = room.office.settings.replace("smtp://127.0.0.1", str(server.relay))
        room.office.relay_url = ""
        assert series_of(room.report()).outcomes == {State.SENT: 1}
        assert room.report().exit_code == EXIT_UNSENT
        room.later(hours=2)
        assert series_of(room.report()).outcomes == {State.SENT: 1}


# --- exactly once ---------------------------------------------------------------------------------------------------


def test_what_a_killed_run_left_is_not_sent_again(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.step("01-hello", "0")
    room.step("02-more", "1d")
    room.office.now = datetime.now(UTC)  # the command's own clock
    room.join(ADA)
    with SmtpServer(Rule("dot", Fault.HOLD)) as server:
        (room.office.folder / "newsletter.toml").write_text(room.office.settings)
        command = ("publish", "posts", "--to", "@signups", "--relay", str(server.relay))
        process = start(*command, cwd=room.office.folder)
        server.wait_for(lambda server: bool(server.messages))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert room.states() == ["committing"]
    with caplog.at_level(logging.ERROR):
        report = room.report()
    assert series_of(report).outcomes == {State.UNCERTAIN: 1}
    assert report.exit_code == EXIT_UNSENT
    assert room.states() == ["uncertain"]
    room.later(days=1)
    assert room.run() == ["02-more ada"], "the series goes on"


def test_on_both_databases(store: Path | str) -> None:
    now = datetime(2026, 3, 1, 8, tzinfo=UTC)
    with People.open(store, lambda: now, ["a secret"]) as people:
        series = Series(people.storage, lambda: now, lists=True)
        met = series.meet({"b": timedelta(days=1), "a": timedelta(0)}, now)
        assert [step.name for step in met] == ["a", "b"]
        people.sign_up(ADA, source="", wording="")
        people.confirm(ADA, source="")
        series.enrol_list("list", "1", ["old@example.net"])
        series.enrol_list("list", "2", ["old@example.net", BO])
        series.enrol_sign_ups(None)
        series.enrol_sign_ups(None)
        due = series.due_members(met)
        assert sorted((mail.address, mail.step, mail.origin) for mail in due) == [(ADA, "a", ""), (BO, "a", LIST)]
        assert series.put(due) == 2
        assert series.put(due) == 0
        with series.hold():
            mail = series.next().letter
            assert mail is not None
            assert series.commit(mail, "<1@example.net>", {})
            assert not series.commit(mail, "<1@example.net>", {})
            series.settle(mail, Outcome(State.SENT, "dot", 250, "ok"))
        assert series.waiting() == 1
        found = people.find_by_message_ids(["<1@example.net>"])
        assert found["<1@example.net>"].issue == "series/a"
