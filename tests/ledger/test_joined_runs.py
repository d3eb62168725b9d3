"""Several runs of one issue: a row belongs to the run that claimed it, and a run is alive as long as its connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from newsletter.errors import BusyError, ConfigError, LedgerError
from newsletter.ledger.ledger import IllegalMoveError, Ledger, Move
from newsletter.ledger.records import Turn
from newsletter.model.delivery import State

ISSUE = "2026-03-01-daily"
START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def opened(place: str | Path) -> Ledger:
    return Ledger.open(place, lambda: START)


@pytest.fixture
def place(postgres_url: str) -> str:
    with opened(postgres_url) as ledger:
        people = [f"p{number}@example.com" for number in range(1, 7)]
        ledger.plan(ISSUE, people, content_hash="h1", subject="Daily")
    return postgres_url


@contextmanager
def joined(place: str) -> Iterator[tuple[Ledger, int]]:
    with opened(place) as ledger:
        run = ledger.begin_run(ISSUE, "a worker")
        with ledger.join(ISSUE, run):
            yield ledger, run


def states(place: str) -> list[str]:
    with opened(place) as ledger:
        return [row.state.value for row in ledger.rows(ISSUE)]


def test_another_runs_rows_are_not_written(place: str) -> None:
    with joined(place) as (first, one), joined(place) as (second, two):
        (claim, *_) = first.claim(ISSUE, 2, turn=Turn(one))
        with pytest.raises(IllegalMoveError, match="belongs to another run by now"):
            second.write(ISSUE, [Move(claim.row, State.COMMITTING)], two)
        assert states(place)[:3] == ["claimed", "claimed", "pending"]
        assert first.write(ISSUE, [Move(claim.row, State.COMMITTING)], one) == frozenset()
        assert first.write(ISSUE, [Move(claim.row, State.SENT, stage="dot", code=250)], one) == frozenset()
    assert states(place)[0] == "sent"


def test_a_turn_ends_at_its_last_row(place: str) -> None:
    with joined(place) as (ledger, run):
        rows = [claim.row for claim in ledger.claim(ISSUE, 2, turn=Turn(run))]
        assert [claim.row for claim in ledger.claim(ISSUE, 9, after=rows[-1], turn=Turn(run, rows[-1] + 1))] == [
            rows[-1] + 1
        ]


def test_runs_that_joined_keep_out_one_that_wants_it_alone(place: str) -> None:
    with opened(place) as alone:
        with joined(place), joined(place), pytest.raises(BusyError), alone.hold(ISSUE):
            pass
        with alone.hold(ISSUE), pytest.raises(BusyError), joined(place):
            pass
        with joined(place):
            pass


def test_a_dead_runs_rows_are_settled_and_a_living_ones_stay(place: str) -> None:
    with ExitStack() as living:
        alive, number = living.enter_context(joined(place))
        kept = alive.claim(ISSUE, 1, turn=Turn(number))
        dying = opened(place)
        dead = dying.begin_run(ISSUE, "dead")
        with dying.join(ISSUE, dead):
            claims = dying.claim(ISSUE, 2, turn=Turn(dead))
            dying.write(ISSUE, [Move(claims[0].row, State.COMMITTING)], dead)
            assert states(place) == ["claimed", "committing", "claimed", "pending", "pending", "pending"]
            with joined(place):  # while it lives, nothing of it is touched
                pass
            assert states(place)[1:3] == ["committing", "claimed"]
            end_connection(place, dying)
            with joined(place):
                assert states(place) == ["claimed", "uncertain", "pending", "pending", "pending", "pending"]
            with pytest.raises(LedgerError):
                dying.write(ISSUE, [Move(claims[1].row, State.COMMITTING)], dead)
            with pytest.raises(LedgerError):
                dying.beat(ISSUE)
        dying.close()
        alive.beat(ISSUE)
        alive.write(ISSUE, [Move(kept[0].row, State.COMMITTING)], number)
    assert states(place)[0] == "committing"


def end_connection(place: str, ledger: Ledger) -> None:
    """End the connection that holds the locks of a run, as when its process was stopped for long."""
    (db,) = ledger._holding.values()
    number = db.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
    with psycopg.connect(place, autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s, 5000)", (number,))


def test_a_run_alone_settles_what_workers_left(place: str) -> None:
    with joined(place) as (ledger, run):
        claims = ledger.claim(ISSUE, 3, turn=Turn(run))
        ledger.write(ISSUE, [Move(claims[0].row, State.COMMITTING)], run)
    with opened(place) as alone, alone.hold(ISSUE):
        assert alone.recover(ISSUE) == 1
        assert [claim.row for claim in alone.claim(ISSUE, 9)] == [claims[1].row, claims[2].row, *range(4, 7)]


def test_the_server_ends_a_run_that_is_silent_for_long(place: str) -> None:
    with joined(place) as (ledger, _):
        (db,) = ledger._holding.values()
        with db.begin():
            assert db.exec_driver_sql("SHOW idle_session_timeout").scalar_one() == "1min"


def test_a_file_has_no_workers(tmp_path: Path) -> None:
    refused = pytest.raises(ConfigError, match="workers need a ledger in PostgreSQL")
    with opened(tmp_path / "newsletter.db") as ledger, refused, ledger.join(ISSUE, 1):
        pass
