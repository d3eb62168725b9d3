"""The loop of `publish --watch`, on a clock that only the waits move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.errors import BusyError, ConfigError, DeliveryError
from newsletter.pipeline.rounds import Failed, Job, Recovered, Round, only_watch, run_rounds

BEGIN = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Clock:
    """Goes on by what is waited, until `end`; `jump` sets it in the middle of that wait."""

    def __init__(self, end: timedelta) -> None:
        self.now = BEGIN
        self.end = BEGIN + end
        self.jump: tuple[datetime, timedelta] | None = None
        self.naps: list[timedelta] = []

    def wait(self, nap: timedelta) -> bool:
        self.naps.append(nap)
        self.now += nap
        if self.jump is not None and self.now >= self.jump[0]:
            self.now += self.jump[1]
            self.jump = None
        return self.now >= self.end


class Watched:
    """A job that answers with the next of `rounds`, the last one for ever, and keeps when it was asked."""

    def __init__(self, clock: Clock, *rounds: Round | Exception) -> None:
        self.clock, self.rounds, self.minutes = clock, list(rounds), list[int]()

    def __call__(self) -> Round:
        self.minutes.append((self.clock.now - BEGIN) // MINUTE)
        found = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        if isinstance(found, Exception):
            raise found
        return found


def run(clock: Clock, **jobs: Watched) -> list[Failed | Recovered]:
    told: list[Failed | Recovered] = []
    made = [Job(name, job) for name, job in jobs.items()]
    run_rounds(made, now=lambda: clock.now, wait=clock.wait, tell=told.append)
    return told


def test_each_job_has_its_own_rhythm() -> None:
    clock = Clock(2 * HOUR)
    publish, bounces = Watched(clock, Round(15 * MINUTE)), Watched(clock, Round(HOUR))
    assert run(clock, publish=publish, bounces=bounces) == []
    assert publish.minutes == [0, 15, 30, 45, 60, 75, 90, 105]
    assert bounces.minutes == [0, 60]
    assert max(clock.naps) == MINUTE, "the clock may be set"


def test_a_moment_before_that_is_kept_to_the_minute() -> None:
    clock = Clock(HOUR)
    publish = Watched(clock, Round(30 * MINUTE, BEGIN + 7 * MINUTE), Round(30 * MINUTE))
    run(clock, publish=publish)
    assert publish.minutes == [0, 7, 37]


def test_a_moment_that_is_over_is_no_busy_loop() -> None:
    clock = Clock(MINUTE)
    publish = Watched(clock, Round(30 * MINUTE, BEGIN - HOUR))
    run(clock, publish=publish)
    assert 2 <= len(publish.minutes) <= 61


def test_a_failed_round_is_tried_again_after_a_backoff_and_stops_no_other_job() -> None:
    clock = Clock(5 * HOUR)
    broken = [DeliveryError("the relay is away"), ConfigError("newsletter.toml: wrong"), OSError(28, "No space left")]
    publish = Watched(clock, *broken, *(Round(15 * MINUTE, failure="daily: unfinished") for _ in range(5)), Round(HOUR))
    bounces = Watched(clock, Round(HOUR))
    told = run(clock, publish=publish, bounces=bounces)
    assert publish.minutes == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
    assert bounces.minutes == [0, 60, 120, 180, 240]
    failed = [each for each in told if isinstance(each, Failed)]
    assert [each.times for each in failed] == list(range(1, 9))
    assert [(each.why, each.exit_code, each.raised) for each in failed][:4] == [
        ("the relay is away", 3, True),
        ("newsletter.toml: wrong", 2, True),
        ("No space left", 2, True),
        ("daily: unfinished", 3, False),
    ]
    assert failed[0].next_try == BEGIN + MINUTE
    assert told[-1] == Recovered("publish", 8)


def test_a_failed_round_that_knows_when_to_go_on_is_asked_then() -> None:
    clock = Clock(2 * HOUR)
    publish = Watched(clock, Round(HOUR, BEGIN + 20 * MINUTE, "bob waits"), Round(HOUR))
    run(clock, publish=publish)
    assert publish.minutes == [0, 20, 80]


def test_a_fault_of_the_program_is_not_hidden() -> None:
    clock = Clock(HOUR)
    with pytest.raises(ZeroDivisionError):
        run(clock, publish=Watched(clock, ZeroDivisionError()))


def test_a_clock_that_is_set_back_or_forward_keeps_nobody_waiting() -> None:
    clock = Clock(3 * HOUR)
    clock.jump = (BEGIN + 10 * MINUTE, -5 * HOUR)
    publish = Watched(clock, Round(30 * MINUTE))
    run(clock, publish=publish)
    assert publish.minutes[:3] == [0, -290, -260]
    clock = Clock(24 * HOUR)
    clock.jump = (BEGIN + 10 * MINUTE, 5 * HOUR)
    publish = Watched(clock, Round(30 * MINUTE))
    run(clock, publish=publish)
    assert publish.minutes[:3] == [0, 310, 340]


def test_only_one_watches_a_ledger(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = tmp_path / "newsletter.db" if database == "sqlite" else str(request.getfixturevalue("postgres_url"))
    words = "another `newsletter publish --watch` is running on it"
    with only_watch(place, lambda: BEGIN), pytest.raises(BusyError, match=words), only_watch(place, lambda: BEGIN):
        pass
    with only_watch(place, lambda: BEGIN):
        pass


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)
