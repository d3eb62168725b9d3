"""Readers who want one mail a week, on both databases: one issue in a week, or the digest and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.audience.people.records import Preferences, Reason
from newsletter.audience.people.store import People
from newsletter.ledger.frequency import NO_DIGESTS, RareReaders
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State

ALL = ("daily@a.example", "Weekly@a.example", "listed@a.example", "chose@a.example", "left@a.example")
LISTED = ("listed@a.example", "chose@a.example", "left@a.example")

WEEKLY = frozenset({"weekly"})
BOTH = frozenset({"weekly", "monthly"})


def said(kind: str = "weekly") -> dict[str, str]:
    """What the list says of `LISTED`."""
    return dict.fromkeys(LISTED, kind)


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

    def send(self, issue: str, rare: RareReaders, *, correction: bool = False) -> set[str]:
        """Who gets it."""
        self.ledger.plan(issue, ALL, content_hash=issue, subject=issue, rare=rare, correction=correction)
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
        issue = RareReaders("", WEEKLY, said())
        assert desk.send(f"day-{number}", issue) == {"daily@a.example", "chose@a.example"}
    assert desk.ledger.suppressed("day-6") == {"weekly": 2, "unsubscribed": 1}
    assert desk.send("week", RareReaders("weekly", WEEKLY, said())) == {"Weekly@a.example", "listed@a.example"}
    assert desk.ledger.suppressed("week") == {"daily": 2, "unsubscribed": 1}


def test_a_second_run_of_a_digest_mails_nobody_else(desk: Desk) -> None:
    assert len(desk.send("week", RareReaders("weekly", WEEKLY, said()))) == 2
    assert desk.send("week", RareReaders("weekly", WEEKLY, said())) == set()
    assert desk.send("week", RareReaders("weekly", WEEKLY)) == set()


def test_without_digests_weekly_readers_get_the_first_issue_of_a_week(desk: Desk) -> None:
    listed = RareReaders(listed=said())
    assert desk.send("day-0", listed) == {*ALL} - {"left@a.example"}
    assert desk.send("day-1", listed) == {"daily@a.example", "chose@a.example"}
    desk.now += timedelta(days=5)
    assert desk.send("day-7", listed) == {*ALL} - {"left@a.example"}
    assert desk.send("day-8", NO_DIGESTS) == {"daily@a.example", "chose@a.example", "listed@a.example"}


def test_a_correction_goes_to_whoever_has_the_issue(desk: Desk) -> None:
    corrected = desk.send("day+erratum-2", RareReaders("", WEEKLY, said()), correction=True)
    assert corrected == {*ALL} - {"left@a.example"}


def test_monthly_readers_get_their_digest_and_neither_issues_nor_weekly_ones(desk: Desk) -> None:
    people = People(desk.ledger.storage, lambda: desk.now)
    people.set_preferences("weekly@a.example", Preferences(frequency="monthly"))
    listed = {"listed@a.example": "monthly", "daily@a.example": "weekly"}
    assert desk.send("day", RareReaders("", BOTH, listed)) == {"chose@a.example"}
    assert desk.ledger.suppressed("day") == {"monthly": 2, "unsubscribed": 1, "weekly": 1}
    assert desk.send("week", RareReaders("weekly", BOTH, listed)) == {"daily@a.example"}
    assert desk.ledger.suppressed("week") == {"monthly": 2, "daily": 1, "unsubscribed": 1}
    assert desk.send("month", RareReaders("monthly", BOTH, listed)) == {"Weekly@a.example", "listed@a.example"}
    assert desk.send("month", RareReaders("monthly", BOTH, listed)) == set()
    assert desk.ledger.suppressed("month") == {"daily": 1, "unsubscribed": 1, "weekly": 1}


def test_without_monthly_digests_they_get_the_first_issue_after_four_weeks(desk: Desk) -> None:
    listed = RareReaders("", WEEKLY, {"daily@a.example": "monthly"})
    assert "daily@a.example" in desk.send("day-0", listed)
    desk.now += timedelta(days=20)
    assert "daily@a.example" not in desk.send("day-21", listed)
    desk.now += timedelta(days=6)
    assert "daily@a.example" in desk.send("day-28", listed)
