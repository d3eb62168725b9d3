"""The digest on its day: composed once, sent once to the readers who want it, and never a daily to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from publishing import SETTINGS, Office, decisions
from smtp_server import SmtpServer

from newsletter.audience.people.records import Preferences
from newsletter.audience.people.store import People
from newsletter.pipeline.due_digest import month_day

DIGEST = '\n[digest]\nday = "sunday"\n'
STORIES = (
    "Ferries cross the bay without a crew",
    "A lighthouse keeper published diaries",
    "The bridge is being painted",
)


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path, server: SmtpServer) -> Office:
    """Three dailies before Sunday, 8 March; ann wants all, bea the digest by the list, cem by the page."""
    made = Office(tmp_path, server.url, settings=SETTINGS + DIGEST, now=datetime(2026, 3, 3, 8, 0, tzinfo=UTC))
    (tmp_path / "list.csv").write_text(
        "email,frequency\nann@example.com,\nbea@example.com,Weekly\ncem@example.com,daily\n", "utf-8"
    )
    with People.open(made.ledger, lambda: made.now) as people:
        people.set_preferences("cem@example.com", Preferences(frequency="weekly"))
    for number, story in enumerate(STORIES):
        made.post(
            f"2026-03-0{number + 3}-day", title=f"Day {number + 3}", body=f"## News\n\n1. {story}, it says here.\n"
        )
    return made


def mailed(server: SmtpServer) -> Counter[tuple[str, str]]:
    return Counter((str(message.mail["To"]), str(message.mail["Subject"])) for message in server.messages)


def days(office: Office, count: int, *, hours: int = 24) -> None:
    for _ in range(count):
        office.publish(first=True)
        office.now += timedelta(hours=hours)


def test_a_week_is_three_dailies_or_one_digest(office: Office, server: SmtpServer) -> None:
    days(office, 10)
    week = "Daily: 2026-03-03 – 2026-03-05"
    assert mailed(server) == {
        **{("ann@example.com", f"Day {day}"): 1 for day in (3, 4, 5)},
        ("bea@example.com", week): 1,
        ("cem@example.com", week): 1,
    }
    text = (office.folder / "digests" / "2026-03-08-weekly.md").read_text("utf-8")
    assert all(text.count(story) == 1 for story in STORIES)


def test_a_run_each_hour_and_a_lost_file_change_nothing(office: Office, server: SmtpServer) -> None:
    days(office, 5)
    office.now = datetime(2026, 3, 8, 1, 0, tzinfo=UTC)
    days(office, 12, hours=1)
    (office.folder / "digests" / "2026-03-08-weekly.md").unlink()  # a runner of CI starts without it
    days(office, 20, hours=1)
    assert mailed(server)["bea@example.com", "Daily: 2026-03-03 – 2026-03-05"] == 1
    assert max(mailed(server).values()) == 1


def test_what_the_author_wrote_before_is_sent_as_it_is(office: Office, server: SmtpServer) -> None:
    days(office, 5)
    own = office.folder / "digests" / "mine.md"
    own.parent.mkdir()
    (office.folder / "digests" / "2026-03-08-weekly.md").write_text(
        "---\ntitle: My own week\ndate: 2026-03-08\nnewsletter:\n  digest: weekly\n---\n\nIt was a good one.\n", "utf-8"
    )
    days(office, 1)
    assert mailed(server)["cem@example.com", "My own week"] == 1
    assert ("ann@example.com", "My own week") not in mailed(server)


def test_a_dry_run_writes_nothing(office: Office) -> None:
    office.now = datetime(2026, 3, 8, 9, 0, tzinfo=UTC)
    office.publish(first=True, dry=True)
    assert not (office.folder / "digests").exists()


def test_a_week_without_issues_has_no_digest(office: Office, server: SmtpServer) -> None:
    office.now = datetime(2026, 3, 22, 9, 0, tzinfo=UTC)
    office.publish(first=True)
    assert not (office.folder / "digests").exists()
    assert server.messages == []


def test_without_readers_who_want_it_nobody_is_mailed_and_nothing_fails(office: Office, server: SmtpServer) -> None:
    (office.folder / "list.csv").write_text("email\nann@example.com\n", "utf-8")
    days(office, 5)
    office.now = datetime(2026, 3, 8, 9, 0, tzinfo=UTC)
    for _ in range(3):
        report = office.publish(first=True)
        assert report.exit_code == 0
    assert decisions(report)["2026-03-08-weekly"] == "sent"
    assert report.is_quiet  # the second run has nothing more to do
    assert all(to == "ann@example.com" for to, _ in mailed(server))


def test_a_month_is_one_mail_beside_the_weeks(office: Office, server: SmtpServer) -> None:
    office.settings += "monthly_day = 8\n"
    with (office.folder / "list.csv").open("a") as file:
        file.write("dan@example.com,monthly\n")
    with People.open(office.ledger, lambda: office.now) as people:
        people.set_preferences("eva@example.com", Preferences(frequency="monthly"))
    with (office.folder / "list.csv").open("a") as file:
        file.write("eva@example.com,weekly\n")
    days(office, 7, hours=24)
    days(office, 40, hours=6)
    month = "Daily: 2026-02-08 – 2026-03-07"
    own = {key: count for key, count in mailed(server).items() if key[0][:3] in ("dan", "eva")}
    assert own == {("dan@example.com", month): 1, ("eva@example.com", month): 1}
    assert mailed(server)["bea@example.com", "Daily: 2026-03-03 – 2026-03-05"] == 1
    assert ("bea@example.com", month) not in mailed(server)
    assert max(mailed(server).values()) == 1


@pytest.mark.parametrize(
    ("number", "today", "day"),
    [(1, "2026-03-01", "2026-03-01"), (28, "2026-03-01", "2026-02-28"), (15, "2026-01-14", "2025-12-15")],
)
def test_the_day_of_a_month(number: int, today: str, day: str) -> None:
    assert month_day(number, date.fromisoformat(today)) == date.fromisoformat(day)
