"""A chore that several machines share: run by one of them when it is due, and by another where that one is silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from newsletter.errors import ConfigError
from newsletter.ledger import shared_chores
from newsletter.ledger.ledger import Ledger
from newsletter.pipeline.rounds import FIRST_RETRY, Failed, Job, Recovered, Round
from newsletter.pipeline.shared_rounds import LEASE_MS, SharedClock, hasten, run_if_due
from newsletter.pipeline.told_failures import REMINDED, ToldByAny, ToldFailures, ToldHere

HOUR = timedelta(hours=1)
LATER = datetime(2026, 3, 1, tzinfo=UTC)


class Machine:
    """Runs the chore `sync`, and counts."""

    def __init__(self, place: str, answer: Callable[[], Round] = lambda: Round(HOUR)) -> None:
        self.place = place
        self.answer = answer
        self.clock = SharedClock()
        self.runs = 0
        self.told: list[Failed | Recovered] = []
        self.is_ending = False
        self.job = Job("sync", self._run)

    def _run(self) -> Round:
        self.runs += 1
        return self.answer()

    def asks(self) -> bool:
        return run_if_due(self.job, self.place, self.clock, self.told.append, is_ending=lambda: self.is_ending)


def set_due(place: str, *, in_s: float = 0.0) -> None:
    """As if that time were left until the chore is due, or its lease over."""
    with psycopg.connect(place) as db:
        db.execute(
            "UPDATE chores SET at = (extract(epoch FROM clock_timestamp()) + %s) * 1000 WHERE name = 'sync, due'",
            (in_s,),
        )


def due_in_s(place: str) -> float:
    with psycopg.connect(place) as db:
        found = db.execute(
            "SELECT at / 1000.0 - extract(epoch FROM clock_timestamp()) FROM chores WHERE name = 'sync, due'"
        ).fetchone()
    assert found is not None
    return float(found[0])


def test_whoever_asks_first_runs_it_and_the_other_does_not(postgres_url: str) -> None:
    first, second = Machine(postgres_url), Machine(postgres_url)
    assert [first.asks(), second.asks(), first.asks()] == [True, False, False]
    assert 3500 < due_in_s(postgres_url) <= 3600
    set_due(postgres_url)
    assert [second.asks(), first.asks()] == [True, False]
    assert (first.runs, second.runs) == (1, 1)


def test_while_one_runs_it_the_other_does_not(postgres_url: str) -> None:
    other = Machine(postgres_url)
    asked: list[bool] = []

    def meanwhile() -> Round:
        asked.append(other.asks())
        return Round(HOUR)

    assert Machine(postgres_url, meanwhile).asks()
    assert asked == [False]


def test_a_machine_that_falls_silent_loses_the_chore_and_moves_nothing_when_it_comes_back(postgres_url: str) -> None:
    other = Machine(postgres_url)

    def stopped_for_long() -> Round:
        set_due(postgres_url)  # its lease is over
        assert other.asks()
        return Round(timedelta(minutes=1))

    assert Machine(postgres_url, stopped_for_long).asks()
    assert 3500 < due_in_s(postgres_url) <= 3600


def test_a_lease_is_renewed_by_who_has_it_alone(postgres_url: str) -> None:
    with Ledger.open(postgres_url, lambda: LATER) as ledger, ledger.storage.write() as db:
        taken = shared_chores.take_chore(db, "sync", LEASE_MS)
        assert taken is not None
        end = shared_chores.keep_chore(db, "sync", taken.until, 2 * LEASE_MS)
        assert end is not None
        assert end > taken.until
        assert shared_chores.keep_chore(db, "sync", taken.until, LEASE_MS) is None
        assert not shared_chores.end_chore(db, "sync", taken.until, 0, 0)
        assert shared_chores.end_chore(db, "sync", end, 0, 0)


def test_failures_in_a_row_are_counted_over_all_machines_and_tried_again_sooner(postgres_url: str) -> None:
    def fails() -> Round:
        raise ConfigError("the source is away", "bring it back")

    first, second = Machine(postgres_url, fails), Machine(postgres_url, fails)
    first.asks()
    assert due_in_s(postgres_url) <= FIRST_RETRY.total_seconds()
    set_due(postgres_url)
    second.asks()
    assert 60 < due_in_s(postgres_url) <= 120
    assert [what.times for what in (*first.told, *second.told)] == [1, 2]
    set_due(postgres_url)
    well = Machine(postgres_url)
    well.asks()
    assert well.told == [Recovered("sync", 2)]
    set_due(postgres_url)
    well.asks()
    assert len(well.told) == 1


def test_a_round_that_was_cut_short_is_due_at_once_and_is_no_failure(postgres_url: str) -> None:
    ending = Machine(postgres_url, lambda: Round(HOUR, failure="3 left"))
    ending.is_ending = True
    ending.asks()
    assert ending.told == []
    other = Machine(postgres_url)
    assert other.asks()
    assert other.told == []


def test_a_backup_is_hastened_where_there_is_one(postgres_url: str) -> None:
    machine = Machine(postgres_url)
    hasten(postgres_url, machine.clock, "sync")
    with psycopg.connect(postgres_url) as db:
        assert db.execute("SELECT count(*) FROM chores").fetchone() == (0,)
    machine.asks()
    hasten(postgres_url, machine.clock, "sync")
    assert machine.asks()


def test_the_clock_is_that_of_the_database(postgres_url: str) -> None:
    clock = SharedClock()
    assert abs(clock() - datetime.now(UTC)) < HOUR
    clock.set_to(int(LATER.timestamp() * 1000))
    assert timedelta(0) <= clock() - LATER < HOUR


@pytest.fixture(params=["here", "by any"])
def memory(request: pytest.FixtureRequest) -> ToldFailures:
    if request.param == "here":
        return ToldHere()
    return ToldByAny(request.getfixturevalue("postgres_url"), lambda: LATER)


def test_a_failure_is_told_once_until_it_changes_or_is_over(memory: ToldFailures) -> None:
    now = datetime.now(UTC)
    assert [memory.is_news("sync", 2, now), memory.is_news("sync", 2, now)] == [True, False]
    assert memory.is_news("sync", 3, now)
    assert [memory.is_failing("sync"), memory.is_failing("bounces")] == [True, False]
    memory.end("sync")
    assert not memory.is_failing("sync")
    assert memory.is_news("sync", 3, now)


def test_what_one_machine_told_no_other_tells_until_a_day_later(postgres_url: str) -> None:
    first, second = (ToldByAny(postgres_url, lambda: LATER) for _ in range(2))
    assert [each.is_news("sync", 2, LATER) for each in (first, second)] == [True, False]
    with psycopg.connect(postgres_url) as db:
        db.execute("UPDATE chores SET at = at - %s", (REMINDED.total_seconds() * 1000,))
    assert [each.is_news("sync", 2, LATER) for each in (first, second)] == [True, False]


def test_an_alert_is_given_while_the_ledger_is_away() -> None:
    told = ToldByAny("postgresql://nobody@127.0.0.1:1/none", lambda: LATER)
    assert [told.is_news("sync", 2, LATER), told.is_news("sync", 2, LATER)] == [True, False]
    assert told.is_failing("sync")
    told.end("sync")
    assert not told.is_failing("sync")
