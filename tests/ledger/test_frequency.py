"""Readers who want one mail a week, on both databases: one issue in a week, or the digest and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.audience.people.records import Preferences, Reason
from newsletter.audience.people.store import People
from newsletter.ledger.frequency import NO_DIGESTS, WeeklyReaders
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

ALL = ("daily@a.example", "Weekly@a.example", "listed@a.example", "chose@a.example", "left@a.example")
LISTED = ("listed@a.example", "chose@a.example", "left@a.example")


class Desk:
    """A ledger and preferences: `weekly` chose so on the page, `listed` by the list, `chose` took it back."""

    def __init__(self, place: Path | str) -> None:
        self.now = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
        self.ledger = Ledger.open(place, lambda: self.now)
        people = People(self.ledger.storage, lambda: self.now)
        people.set_preferences("weekly@a.example", Preferences(frequency="weekly"))
        people.set_preferences("chose@a.example", Preferences(frequency="every"))
        people.set_preferences("left@a.example", Preferences(frequency="weekly"))
        people.suppress("left@a.example", Reason.UNSUBSCRIBED)

    def send(self, issue: str, weekly: WeeklyReaders, *, correction: bool = False) -> set[str]:
        """Who gets it."""
        self.ledger.plan(issue, ALL, content_hash=issue, subject=issue, weekly=weekly, correction=correction)
        claims = self.ledger.claim(issue, 100)
        self.ledger.write(issue, [Move(claim.row, State.COMMITTING, message_id="<1@x>") for claim in claims])
        self.ledger.write(issue, [Move(claim.row, State.SENT, stage="dot", code=250, reply="ok") for claim in claims])
        self.now += timedelta(days=1)
        return {claim.address for claim in claims}


@pytest.fixture
def desk(store: Path | str) -> Iterator[Desk]:
    made = Desk(store)
    yield made
    made.ledger.close()


def test_with_digests_a_week_is_one_mail_or_seven(desk: Desk) -> None:
    for number in range(7):
        issue = WeeklyReaders("", LISTED)
        assert desk.send(f"day-{number}", issue) == {"daily@a.example", "chose@a.example"}
    assert desk.ledger.suppressed("day-6") == {"weekly": 2, "unsubscribed": 1}
    assert desk.send("week", WeeklyReaders("weekly", LISTED)) == {"Weekly@a.example", "listed@a.example"}
    assert desk.ledger.suppressed("week") == {"daily": 2, "unsubscribed": 1}


def test_a_second_run_of_a_digest_mails_nobody_else(desk: Desk) -> None:
    assert len(desk.send("week", WeeklyReaders("weekly", LISTED))) == 2
    assert desk.send("week", WeeklyReaders("weekly", LISTED)) == set()
    assert desk.send("week", WeeklyReaders("weekly", ())) == set()


def test_without_digests_weekly_readers_get_the_first_issue_of_a_week(desk: Desk) -> None:
    listed = WeeklyReaders(None, LISTED)
    assert desk.send("day-0", listed) == {*ALL} - {"left@a.example"}
    assert desk.send("day-1", listed) == {"daily@a.example", "chose@a.example"}
    desk.now += timedelta(days=5)
    assert desk.send("day-7", listed) == {*ALL} - {"left@a.example"}
    assert desk.send("day-8", NO_DIGESTS) == {"daily@a.example", "chose@a.example", "listed@a.example"}


def test_a_correction_goes_to_whoever_has_the_issue(desk: Desk) -> None:
    corrected = desk.send("day+erratum-2", WeeklyReaders("", LISTED), correction=True)
    assert corrected == {*ALL} - {"left@a.example"}
