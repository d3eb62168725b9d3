"""What a run of publish decides about each post, through a real ledger into a real SMTP server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from publishing import SETTINGS, KilledError, Office, decisions, reason, settle
from smtp_server import Rule, SmtpServer

from newsletter.ledger.chores import note_chore
from newsletter.ledger.ledger import Ledger
from newsletter.model.column_rules import read_rule
from newsletter.pipeline.list_reference import ListReference, read_reference

WINDOW = '\n[publish]\nsend_at = "08:00"\nlatest = "12:00"\n'
READERS = ("ann@example.com", "bob@example.com", "cem@example.com")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, server: SmtpServer) -> Office:
    made = Office(tmp_path, server.url)
    made.subscribe(*READERS)
    return made


def test_what_is_due_goes_out_once_and_in_the_order_of_dates(office: Office, server: SmtpServer) -> None:
    office.post("b", "date: 2026-02-28")
    office.post("a", "date: 2026-03-01")
    report = office.publish(first=True)
    assert (decisions(report), report.exit_code) == ({"b": "sent", "a": "sent"}, 0)
    assert [message.mail["Subject"] for message in server.messages] == ["b"] * 3 + ["a"] * 3

    again = office.publish()
    assert (decisions(again), again.exit_code, again.is_quiet) == ({"b": "sent", "a": "sent"}, 0, True)
    assert len(server.messages) == 6


def test_a_resume_reads_the_same_people_as_the_run_that_was_cut_off(office: Office) -> None:
    """The column rules of the run are kept with its lists, or whoever they leave out would be mailed by `resume`."""
    (office.folder / "list.csv").write_text("email,wish\nann@example.com,yes\nbob@example.com,nope\n")
    office.post("news", "date: 2026-03-01")
    rule = read_rule("wish:nope=skip")
    office.publish(first=True, columns=[rule])
    with Ledger.open(office.ledger, lambda: office.now) as ledger:
        _, kept = ledger.paths("news")
    assert read_reference(kept) == ListReference((str(office.folder / "list.csv"),), "", (rule,))


def test_what_is_not_due_is_named_and_left_alone(office: Office, server: SmtpServer) -> None:
    office.post("draft", "date: 2026-03-01", "draft: true")
    office.post("hidden", "date: 2026-03-01", "published: false")
    office.post("_drafts/later", "date: 2026-03-01")
    office.post("tomorrow", "date: 2026-03-02")
    office.post("tonight", "date: 2026-03-01 20:00:00 +0000")
    office.post("week", "date: 2026-02-24")
    office.post("archive", "date: 2020-01-01")
    office.post("2019-01-01-broken").write_text("---\ntitle: [\n---\n")
    office.post("about")
    report = office.publish()
    assert decisions(report) == {
        "draft": "draft",
        "hidden": "draft",
        "later": "draft",
        "tomorrow": "future",
        "tonight": "future",
        "week": "old",
        "about": "undated",
    }
    assert (report.archived, report.exit_code, server.messages) == (2, 0, [])
    assert not office.ledger.exists()


def test_a_bad_post_keeps_no_other_from_going(office: Office, server: SmtpServer) -> None:
    office.post("bad", "date: 2026-03-01").write_bytes(b"---\ntitle: bad\n---\n\xff\n")
    office.post("wrong", "date: 2026-03-01")
    office.post("fine", "date: 2026-03-01")
    office.faults = {"wrong.md": ["posts/wrong.md:5: an image is missing; add it"]}
    report = office.publish(first=True)
    assert decisions(report) == {"fine": "sent", "wrong": "failed", "bad": "failed"}
    assert report.exit_code == 1
    assert "byte 0xff does not fit" in reason(report, "bad")
    assert reason(report, "wrong").startswith("posts/wrong.md:5: an image is missing; add it")
    assert {message.mail["Subject"] for message in server.messages} == {"fine"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no such name")
def test_a_name_that_is_not_utf8_keeps_nobody_from_being_mailed(office: Office, server: SmtpServer) -> None:
    office.post(os.fsdecode(b"caf\xe9"), "date: 2026-03-01", title="Today")
    report = office.publish(first=True)
    assert [each.decision for each in report.posts] == ["sent"]
    assert len(server.messages) == 3
    assert office.publish().is_quiet
    with Ledger.open(office.ledger, lambda: office.now) as ledger:
        assert ledger.paths("caf-udce9")[0] == ""


def test_two_posts_of_one_day_both_go_and_it_is_said(office: Office, server: SmtpServer) -> None:
    office.post("one", "date: 2026-03-01")
    office.post("two", "date: 2026-03-01")
    report = office.publish(first=True)
    assert decisions(report) == {"one": "sent", "two": "sent"}
    assert "one of 2 posts of 2026-03-01" in reason(report, "one")
    assert len(server.messages) == 6


def test_a_renamed_post_and_a_copy_go_out_once(office: Office, server: SmtpServer) -> None:
    path = office.post("first-name", "date: 2026-03-01", title="The news")
    office.publish(first=True)
    path.rename(path.with_name("second-name.md"))
    report = office.publish()
    assert decisions(report) == {"second-name": "renamed"}
    assert "sent as the issue first-name" in reason(report, "second-name")

    office.post("copy", "date: 2026-03-01", title="Twice in the folder")
    office.post("copy-2", "date: 2026-03-01", title="Twice in the folder")
    office.publish()
    assert len(server.messages) == 3 + 3
    told = decisions(office.publish())
    assert sorted(told[name] for name in ("copy", "copy-2")) == ["renamed", "sent"]


def test_a_copy_in_the_same_run_goes_out_once(office: Office, server: SmtpServer) -> None:
    office.post("copy", "date: 2026-03-01", title="Twice in the folder")
    office.post("copy-2", "date: 2026-03-01", title="Twice in the folder")
    report = office.publish(first=True)
    assert sorted(decisions(report).values()) == ["renamed", "sent"]
    assert len(server.messages) == 3


def test_a_title_mended_after_the_send_is_the_same_issue(office: Office, server: SmtpServer) -> None:
    office.post("daily", "date: 2026-03-01", title="Teh news")
    office.publish(first=True)
    office.post("daily", "date: 2026-03-01", title="The news")
    report = office.publish()
    assert (decisions(report), report.exit_code, len(server.messages)) == ({"daily": "sent"}, 0, 3)


def test_another_post_under_the_same_name_is_refused(office: Office, server: SmtpServer) -> None:
    office.post("latest", "date: 2026-02-28", title="Of Saturday")
    office.publish(first=True)
    office.post("latest", "date: 2026-03-01", title="Of Sunday")
    report = office.publish()
    assert (decisions(report), report.exit_code) == ({"latest": "failed"}, 2)
    assert "the ledger has the issue latest as “Of Saturday”" in reason(report, "latest")
    assert len(server.messages) == 3


def test_nobody_is_mailed_without_a_ledger_unless_it_begins_here(office: Office, server: SmtpServer) -> None:
    office.post("daily", "date: 2026-03-01")
    report = office.publish()
    assert (decisions(report), report.exit_code, server.messages) == ({"daily": "failed"}, 2, [])
    assert "--first" in reason(report, "daily")
    assert not office.ledger.exists()


@pytest.mark.parametrize(
    ("now", "decision", "code"),
    [
        ("2026-03-01T07:59", "early", 0),
        ("2026-03-01T08:00", "sent", 0),
        ("2026-03-01T12:00", "sent", 0),
        ("2026-03-01T12:01", "late", 3),
        ("2026-03-02T07:00", "early", 3),  # its own day went by without a run
        ("2026-03-02T08:00", "sent", 0),
    ],
)
def test_an_issue_begins_within_its_window(office: Office, now: str, decision: str, code: int) -> None:
    office.settings += WINDOW
    office.post("daily", "date: 2026-03-01")
    office.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    report = office.publish(first=True)
    assert (decisions(report), report.exit_code) == ({"daily": decision}, code)


def test_a_post_may_have_a_window_of_its_own(office: Office) -> None:
    office.settings += WINDOW
    office.post("evening", "date: 2026-03-01", "newsletter:", "  send_at: 18:00", "  latest: 23:00")
    office.post("wrong", "date: 2026-03-01", "newsletter:", "  send_at: dawn")
    report = office.publish(first=True)
    assert decisions(report) == {"evening": "early", "wrong": "failed"}
    assert 'wrong.md:5: newsletter: send_at is "dawn", not a time of day; write "08:00"' in reason(report, "wrong")
    office.now = office.now.replace(hour=20)
    assert decisions(office.publish(first=True))["evening"] == "sent"


def test_whom_the_relay_put_off_is_mailed_by_a_later_run_after_the_window_too(tmp_path: Path) -> None:
    with SmtpServer(Rule("RCPT", "450 4.2.1 later", about="bob", once=True)) as server:
        office = Office(tmp_path, server.url, settings=SETTINGS + WINDOW)
        office.subscribe(*READERS)
        office.post("daily", "date: 2026-03-01")
        report = office.publish(first=True)
        assert (decisions(report), report.exit_code) == ({"daily": "unfinished"}, 3)
        office.now += timedelta(hours=12)
        report = office.publish()
        assert (decisions(report), report.exit_code) == ({"daily": "sent"}, 0)
    assert sorted(message.recipient for message in server.messages) == sorted(READERS)


def test_a_run_that_was_killed_is_gone_on_with(office: Office, server: SmtpServer) -> None:
    office.post("daily", "date: 2026-03-01")

    def die(number: int) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        office.publish(first=True, on_outcome=die)
    settle(office, "daily", {message.recipient for message in server.messages})
    office.publish()
    assert office.publish().is_quiet
    assert sorted(message.recipient for message in server.messages) == sorted(READERS)


def test_a_second_run_at_the_same_time_is_told_so(office: Office, server: SmtpServer) -> None:
    office.post("daily", "date: 2026-03-01")
    office.post("older", "date: 2026-02-28")
    office.publish(first=True, max_age=timedelta(hours=10))
    office.post("daily-2", "date: 2026-03-01", title="The second")
    with Ledger.open(office.ledger, lambda: office.now) as ledger, ledger.hold("daily-2"):
        report = office.publish()
    assert decisions(report) == {"older": "sent", "daily-2": "failed", "daily": "sent"}
    assert report.exit_code == 4
    assert "another run" in reason(report, "daily-2")


def test_a_dry_run_sends_and_writes_nothing(office: Office, server: SmtpServer) -> None:
    office.post("daily", "date: 2026-03-01")
    before = sorted(office.folder.rglob("*"))
    report = office.publish(dry=True)
    assert (decisions(report), report.exit_code, server.messages) == ({"daily": "due"}, 0, [])
    assert sorted(office.folder.rglob("*")) == sorted({*before, office.folder / "newsletter.toml"})


# --- a ledger that is old, or gone ----------------------------------------------------------------------------------

EXPECT = SETTINGS + '\n[ledger]\nexpect = "sent.json"\n'


def test_an_old_ledger_is_found_out_before_anybody_is_mailed(office: Office, server: SmtpServer) -> None:
    office.settings = EXPECT
    office.post("one", "date: 2026-02-28")
    office.publish(first=True)
    old = office.ledger.read_bytes()
    office.post("two", "date: 2026-03-01")
    office.publish()
    written = (office.folder / "sent.json").read_text()
    assert '"issue": "two"' in written
    assert "@" not in written

    newest = office.ledger.read_bytes()
    office.ledger.write_bytes(old)
    assert "the ledger does not know the issue two, sent on 2026-03-01" in office.refused()
    office.ledger.unlink()
    assert "does not know the issue two" in office.refused(first=True)
    assert len(server.messages) == 6

    office.ledger.write_bytes(newest)
    assert office.publish().is_quiet


def test_a_ledger_of_another_send_of_the_same_issue_is_another(office: Office) -> None:
    office.settings = EXPECT
    office.post("one", "date: 2026-03-01")
    office.publish(first=True)
    file = (office.folder / "sent.json").read_bytes()
    office.ledger.unlink()
    (office.folder / "sent.json").unlink()
    office.now += timedelta(minutes=1)
    office.publish(first=True)
    (office.folder / "sent.json").write_bytes(file)
    assert "another send of the issue one" in office.refused()


def test_a_copy_from_the_middle_of_a_send_is_old(office: Office) -> None:
    office.settings = EXPECT
    office.post("one", "date: 2026-03-01")
    office.publish(first=True)
    with Ledger.open(office.ledger, lambda: office.now) as ledger, ledger.storage.write() as db:
        db.exec_driver_sql("UPDATE runs SET ended = NULL")
    assert "fewer sends of the issue one" in office.refused()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"issues": 3}', '{"issues": [3]}', '{"issues": [{"runs": "x"}]}'])
def test_a_file_that_is_none_of_ours_is_refused(office: Office, text: str) -> None:
    office.settings = EXPECT
    office.post("one", "date: 2026-03-01")
    (office.folder / "sent.json").write_text(text)
    assert "sent.json: not the list of issues that newsletter writes" in office.refused(first=True)


def test_what_nobody_did_for_long_is_said_once_somebody_is_mailed(office: Office, server: SmtpServer) -> None:
    office.settings += '\n[bounces]\nmailbox = "box"\n'
    office.post("one", "date: 2026-03-01")
    office.publish(first=True)
    assert office.warnings == [], "nothing is late in the first week"
    office.now += timedelta(days=9)
    office.post("two", "date: 2026-03-10")
    office.publish()
    assert [each.partition(";")[0] for each in office.warnings] == [
        "bounces were never read",
        "the ledger was never backed up",
    ]
    office.warnings.clear()
    office.publish()
    assert office.warnings == [], "nobody was mailed"

    with Ledger.open(office.ledger, lambda: office.now) as ledger:
        note_chore(ledger.storage, "bounces", office.now)
        note_chore(ledger.storage, "backup", office.now - timedelta(days=10))
    office.post("three", "date: 2026-03-10", title="Another of that day")
    office.publish()
    assert [each.partition(";")[0] for each in office.warnings] == ["the ledger was last backed up 10 days ago"]
