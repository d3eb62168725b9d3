"""State transitions of recipients: claim, write, recover, resolve.

Each function works in the transaction of `db`; the UPDATE that moves a row checks that the transition is legal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import deliveries, issues
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.plan import KnownIssue
from newsletter.ledger.records import Claim, IllegalMoveError, Move, Turn, storable
from newsletter.ledger.state_machine import MOVES
from newsletter.ledger.suppression import already_suppressed, suppress_rows
from newsletter.model.delivery import State
from newsletter.model.retry_delay import LONGEST_S
from newsletter.tokens import FORGOTTEN

_IN_HAND = (State.CLAIMED, State.COMMITTING)
REOPENED = frozenset({State.DEFERRED, State.REJECTED})


def _written(to: State, values: str) -> sa.TextClause:
    origins = ", ".join(f"'{origin}'" for origin in _IN_HAND if to in MOVES[origin])
    return sa.text(
        f"UPDATE deliveries SET state = '{to}', updated = :now, {values} "  # noqa: S608 - our own words alone
        f"WHERE id = :row AND issue = :issue AND run = :run AND state IN ({origins})"
    )


# If a recipient was erased after the message was sent and before its reply, neither Message-ID nor reply is stored: the
# first is derived from the address, the second may repeat it.
_HIDDEN = f"CASE WHEN recipient_key LIKE '%{FORGOTTEN}' THEN '' ELSE"
_ANSWERED = (
    f"message_id = {_HIDDEN} coalesce(nullif(:message_id, ''), message_id) END, "
    f"lane = coalesce(nullif(:relay, ''), lane), stage = :stage, code = :code, reply = {_HIDDEN} :reply END, "
    "due_at = :due_at"
)
# The transitions that a run may write, in the order in which one batch may take a row through them.
_WRITES: Mapping[State, sa.TextClause] = MappingProxyType(
    {
        State.COMMITTING: _written(State.COMMITTING, "message_id = :message_id, lane = :relay"),
        State.SENT: _written(State.SENT, _ANSWERED),
        State.DEFERRED: _written(State.DEFERRED, _ANSWERED),
        State.REJECTED: _written(State.REJECTED, _ANSWERED),
        State.UNCERTAIN: _written(State.UNCERTAIN, _ANSWERED),
        State.PENDING: _written(State.PENDING, "attempts = attempts - 1, due_at = NULL"),
    }
)
_CLAIM = sa.text(
    """
    UPDATE deliveries SET state = 'claimed', attempts = attempts + 1, version = :version, run = :run, updated = :now
    WHERE id = :row AND state IN ('pending', 'deferred')
    """
)


@frozen
class _Statement:
    """A statement for the driver itself: SQLAlchemy's work per row of a batch costs more than SQLite's."""

    words: str
    order: tuple[str, ...]

    @classmethod
    def of(cls, statement: sa.TextClause, dialect: sa.Dialect) -> _Statement:
        compiled = statement.compile(dialect=dialect)
        return cls(compiled.string, tuple(getattr(compiled, "positiontup", None) or ()))

    def run(self, db: sa.Connection, rows: list[dict[str, Any]]) -> int:
        """Execute it for all of `rows`; returns how many rows of the table it changed."""
        if not self.order:  # this driver takes named parameters
            return db.exec_driver_sql(self.words, rows).rowcount
        order = self.order
        return db.exec_driver_sql(self.words, [tuple([row[name] for name in order]) for row in rows]).rowcount


class Moves:
    """The statements of a run, compiled once per database."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._writes = {to: _Statement.of(statement, dialect) for to, statement in _WRITES.items()}
        self._claim = _Statement.of(_CLAIM, dialect)

    def claim(
        self, db: sa.Connection, issue: KnownIssue, limit: int, turn: Turn, *, after: int, max_attempts: int, now: int
    ) -> list[Claim]:
        due = (
            sa.select(deliveries.c.id, deliveries.c.recipient_key, deliveries.c.address, deliveries.c.attempts)
            .where(deliveries.c.issue == issue.id, deliveries.c.id > after, deliveries.c.plan == issue.plan)
            .order_by(deliveries.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if turn.last:
            due = due.where(deliveries.c.id <= turn.last)
        ready = sa.or_(deliveries.c.due_at.is_(None), deliveries.c.due_at <= now)
        if max_attempts:
            ready = sa.and_(ready, deliveries.c.attempts < max_attempts)
        while True:
            # One after the other: each is then a range of the index, in list order.
            found = [
                *db.execute(due.where(deliveries.c.state == State.PENDING.value)),
                *db.execute(due.where(deliveries.c.state == State.DEFERRED.value, ready)),
            ]
            found.sort()  # by id, which is unique
            del found[limit:]
            left = suppress_rows(db, [row.id for row in found], now) if found else frozenset()
            found = [row for row in found if row.id not in left]
            if found or not left:
                break
        if found:
            claimed = {"version": issue.version, "run": turn.run, "now": now}
            self._claim.run(db, [{"row": row, **claimed} for row, *_ in found])
        return [Claim(row, key, address or key, attempts + 1) for row, key, address, attempts in found]

    def write(self, db: sa.Connection, issue_id: int, moves: Sequence[Move], run: int, now: int) -> frozenset[int]:
        """Write the transitions of rows that `run` claimed. Returns the rows that are suppressed, and were not moved.

        Raises IllegalMoveError, without details, if one of the transitions was illegal.
        """
        rows: dict[State, list[dict[str, Any]]] = {}
        for move in moves:
            row: dict[str, Any] = {"row": move.row, "issue": issue_id, "run": run, "now": now}
            if move.to is not State.PENDING:
                row["message_id"], row["relay"] = move.message_id, move.relay
                if move.to is not State.COMMITTING:
                    row["stage"], row["code"], row["reply"] = storable(move.stage), move.code, storable(move.reply)
                    row["due_at"] = None if move.due_at is None else stamp_of(move.due_at)
            rows.setdefault(move.to, []).append(row)
        if not rows.keys() <= self._writes.keys():
            raise IllegalMoveError
        committing = [row["row"] for row in rows.get(State.COMMITTING, ())]
        if committing:
            suppress_rows(db, committing, now)
        off: frozenset[int] = frozenset()
        for to, statement in self._writes.items():
            if to in rows and (moved := statement.run(db, rows[to])) != len(rows[to]):
                asked = [row["row"] for row in rows[to]]
                here = already_suppressed(db, issue_id, asked)
                if moved + sum(1 for row in asked if row in here) != len(asked):
                    raise IllegalMoveError
                off |= here
        return off


def date_issue(db: sa.Connection, issue_id: int, now: int) -> None:
    """Date the issue by its first acceptance."""
    first = sa.update(issues).where(issues.c.id == issue_id, issues.c.first_sent.is_(None))
    db.execute(first.values(first_sent=now))


def first_refused(db: sa.Connection, issue_id: int, moves: Iterable[Move], run: int) -> str:
    """Describe the first illegal transition of `run`."""
    ranks = {to: rank for rank, to in enumerate(_WRITES)}
    for move in sorted(moves, key=lambda move: ranks.get(move.to, -1)):
        row = db.execute(
            sa.select(deliveries.c.recipient_key, deliveries.c.address, deliveries.c.state, deliveries.c.run).where(
                deliveries.c.issue == issue_id, deliveries.c.id == move.row
            )
        ).one_or_none()
        if row is None:
            return f"row {move.row} is not in the ledger and cannot become {move.to}"
        state = State(row.state)
        if state not in _IN_HAND or move.to not in MOVES[state] or move.to not in _WRITES:
            return f"{row.address or row.recipient_key} is {state} and cannot become {move.to}"
        if row.run != run:
            return f"{row.address or row.recipient_key} belongs to another run by now"
    return "one of these rows was to move twice, or another run moved it"


_LONGEST_WAIT_MS = 2 * LONGEST_S * 1000
"""Twice the longest delay of `retry_delay`: clocks of several machines may differ."""


def recover(db: sa.Connection, issue_id: int, now: int, run: int | None = None) -> int:
    """Release claimed rows; make committing ones uncertain. Returns the number of the latter.

    Those of every run, or of one that is dead. A deferred row whose wait is longer than the longest delay was deferred
    by a clock set in the future: it is due.
    """
    mine = sa.update(deliveries).where(deliveries.c.issue == issue_id)
    deferred = mine.where(deliveries.c.state == State.DEFERRED.value)
    db.execute(deferred.where(deliveries.c.due_at > now + _LONGEST_WAIT_MS).values(due_at=now))
    if run is not None:
        mine = mine.where(deliveries.c.run == run)
    unsent = mine.where(deliveries.c.state == State.CLAIMED.value)
    unknown = mine.where(deliveries.c.state == State.COMMITTING.value)
    before = deliveries.c.attempts - 1
    db.execute(unsent.values(state=State.PENDING.value, attempts=before, due_at=None, updated=now))
    said = {"stage": "dot", "code": 0, "reply": "the run ended before the relay's answer was recorded"}
    return db.execute(unknown.values(state=State.UNCERTAIN.value, updated=now, **said)).rowcount


def runs_with_rows(db: sa.Connection, issue_id: int) -> list[int]:
    """The runs whose recipients of this issue are claimed or committing, dead ones included."""
    found = sa.select(deliveries.c.run).where(deliveries.c.issue == issue_id, deliveries.c.state.in_(_IN_HAND))
    return sorted(db.scalars(found.distinct()))


def settle(db: sa.Connection, issue_id: int, key: str, to: State, now: int) -> str | None:
    """Move an uncertain row, found by its key. Returns None when that was done, else the state it is in."""
    mine = (deliveries.c.issue == issue_id, deliveries.c.recipient_key == key)
    if to in MOVES[State.UNCERTAIN]:
        change = sa.update(deliveries).where(*mine, deliveries.c.state == State.UNCERTAIN.value)
        if db.execute(change.values(state=to.value, updated=now)).rowcount:
            return None
    return db.scalar(sa.select(deliveries.c.state).where(*mine)) or "not in the ledger"


def reopen(db: sa.Connection, issue_id: int, states: Collection[State], now: int) -> int:
    """Make recipients in `states`, a subset of `REOPENED`, due now, with no attempts; returns how many."""
    anew = sa.update(deliveries).where(deliveries.c.issue == issue_id).values(attempts=0, due_at=None, updated=now)
    changed = 0
    if State.DEFERRED in states:
        changed += db.execute(anew.where(deliveries.c.state == State.DEFERRED.value)).rowcount
    if State.REJECTED in states:
        rejected = anew.where(deliveries.c.state == State.REJECTED.value)
        changed += db.execute(rejected.values(state=State.PENDING.value)).rowcount
    return changed
