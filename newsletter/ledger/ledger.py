"""The ledger: one durable row per issue and recipient, in SQLite or PostgreSQL.

The ledger is the truth of a send. A run asks it whom to mail, writes each step down before it happens, and after a
crash the rows alone say who is provably unsent and whose mail nobody can know of. Any move that `MOVES` does not list
is refused by the UPDATE itself, so two runs at once cannot both take a recipient.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.ledger import plan as ledger_plan
from newsletter.ledger import queries as ledger_report
from newsletter.ledger import suppression as ledger_suppressed
from newsletter.ledger import transitions as ledger_moves
from newsletter.ledger.database.engine import translate_db_errors
from newsletter.ledger.database.lock import advisory_lock, busy_at, lock_path, locked
from newsletter.ledger.database.schema import issues, pace, runs, tests, versions
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import moment_of, stamp_of, time_of
from newsletter.ledger.identity import Known, known_identity, note_identity
from newsletter.ledger.queries import DomainRow, ReplyRow, TimelineRow
from newsletter.ledger.records import Claim, Delivery, IllegalMoveError, IssueRow, Move, Plan, Run, Version, storable
from newsletter.ledger.states import MOVES
from newsletter.model.delivery import Outcome, State
from newsletter.model.issue_name import Identity
from newsletter.tokens import AddressHashes

__all__ = [
    "MOVES",
    "Claim",
    "Delivery",
    "DomainRow",
    "IllegalMoveError",
    "IssueRow",
    "Ledger",
    "Move",
    "Plan",
    "ReplyRow",
    "Run",
    "TimelineRow",
    "Version",
]

_PAGE = 1_000
_PLANNED_AT_ONCE = 20_000
"""Addresses of one transaction of `plan`. Fewer write the index of a long list more often, more take memory."""


class Ledger:
    """The open ledger. Safe for several processes and threads; what a method writes is on disk when it returns."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        self.storage = storage
        self._holding: dict[str, sa.Connection] = {}
        self._moves = ledger_moves.Moves(storage.dialect)
        self._clock = clock
        self._ids: dict[str, int] = {}
        self._dated: set[str] = set()

    @classmethod
    def open(cls, place: Path | str | None, clock: Callable[[], datetime]) -> Ledger:
        """The ledger at `place`; see `Storage.open`. None keeps it in memory, gone when it is closed."""
        return cls(Storage.open(place), clock)

    @property
    def is_far(self) -> bool:
        """Across a network, or a socket, and not a file of this machine."""
        return self.storage.place.is_postgresql

    def close(self) -> None:
        self.storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- one run at a time ------------------------------------------------------------------------------------------

    @contextmanager
    def hold(self, issue: str) -> Iterator[None]:
        """Keep every other run off this issue while the block runs. BusyError, naming the owner, when one is in it.

        With SQLite on this machine: the operating system drops the lock with the process. With PostgreSQL everywhere:
        the server drops it with the connection, over which the block's writes go, too, so that none can come later.
        """
        place = self.storage.place
        if place.is_postgresql:
            with translate_db_errors(place), self.storage.engine.connect() as db, advisory_lock(db, issue):
                self._holding[issue] = db
                try:
                    yield
                finally:
                    del self._holding[issue]
        elif (file := self.storage.file) is not None:
            with file.locked(issue) as got:
                lock = lock_path(file.path, issue)
                if not got:
                    raise busy_at(lock, issue)
                with locked(lock, issue):
                    yield
        else:
            yield

    def recover(self, issue: str) -> int:
        """Settle what a dead run left behind; call it while holding the issue. How many became uncertain.

        Claimed rows go back to pending: their final dot never went out. Committing rows become uncertain.
        """
        with self._write(issue) as db:
            return ledger_moves.recover(db, self._id_of(db, issue), self._now())

    # --- a send -----------------------------------------------------------------------------------------------------

    def plan(
        self,
        issue: str,
        addresses: Iterable[str],
        *,
        content_hash: str,
        subject: str,
        post: str = "",
        audience: str = "",
        max_attempts: int = 0,
        shadows: AddressHashes | None = None,
        correction: bool = False,
        identity: Identity | None = None,
        newcomers_for: timedelta | None = None,
    ) -> Plan:
        """Add who is new on the list, and count how everyone on it stands. Nobody is taken out of the ledger.

        Reads `addresses` in batches, each its own transaction; the plan counts once it is whole, and one that was cut
        off is made again. Rows keep the order in which they were first listed. `post` and `audience` are what `paths`
        gives back. Deferred rows that were tried `max_attempts` times are exhausted; 0 sets no limit.

        The stored content follows until somebody has, or may have, the issue; then it stays.

        Who must not be mailed is suppressed at once. `shadows` find the forgotten; ConfigError where there are some
        whom they cannot find. A `correction` is for people who have the issue: a weekly mail does not count.

        `identity` is kept beside the name. Whoever is new on the list longer than `newcomers_for` after the first
        acceptance is left out, and counted as a newcomer; None sets no limit.
        """
        shadows = shadows or AddressHashes(())
        with self._write(issue) as db:
            content_changed = ledger_plan.note_content(db, issue, content_hash, subject, self._now())
            self._ids.pop(issue, None)  # another process may have withdrawn it, and we made it anew
            issue_id = self._id_of(db, issue)
            if identity is not None:
                note_identity(db, issue_id, identity)
            number = ledger_plan.begin_plan(db, issue_id)
            closed = ledger_plan.is_closed(db, issue_id, self._now(), newcomers_for)
            hidden_here = ledger_suppressed.hidden_in(db, issue_id)
        newcomers = 0
        listed = iter(addresses)
        while batch := list(islice(listed, _PLANNED_AT_ONCE)):
            listed_here: dict[str, str] = {}
            for address in batch:
                listed_here.setdefault(fold_address(address), address)
            with self._write(issue) as db:
                ledger_suppressed.lock_listing(db)
                hashes = ledger_suppressed.hidden(db, shadows) | hidden_here
                people = ledger_suppressed.with_hashes(listed_here, hashes, shadows)
                if closed:
                    newcomers += ledger_plan.list_known(db, issue_id, number, people)
                else:
                    ledger_plan.list_people(db, issue_id, number, people, self._now())
        with self._write(issue) as db:
            ledger_plan.finish_plan(db, issue_id, number, post, audience)
            ledger_suppressed.mark(db, issue_id, number, self._now(), correction=correction)
        with self._read() as db:
            plan = ledger_plan.standing(
                db,
                issue_id,
                number,
                content_changed=content_changed,
                max_attempts=max_attempts,
                now=self._now(),
            )
        return replace(plan, newcomers=newcomers)

    def withdraw(self, issue: str) -> None:
        """Forget an issue that was planned once and of which nobody was tried: a person said no. Others stay."""
        with self._write(issue) as db:
            ledger_plan.withdraw(db, self._id_of(db, issue))
        self._ids.pop(issue, None)

    def claim(self, issue: str, limit: int, *, after: int = 0, max_attempts: int = 0) -> list[Claim]:
        """Take the next who are due by the current plan, at most `limit`, in list order, from beyond row `after`.

        Nobody else can take them then. Deferred rows that were tried `max_attempts` times stay; 0 sets no limit.
        """
        with self._write(issue) as db:
            known = ledger_plan.known_issue(db, issue)
            if known is None:
                return []
            return self._moves.claim(db, known, limit, after=after, max_attempts=max_attempts, now=self._now())

    def write(self, issue: str, moves: Sequence[Move]) -> frozenset[int]:
        """Write down steps of claimed rows, all of them or none, durably: a dot may go out once this has returned.

        But for the rows that it returns: these are suppressed since the plan, and no dot may go out for them.
        To `committing`; to an outcome, with the relay's words; to `pending`, let go untried and the attempt not
        counted. IllegalMoveError when a row does not stand where `MOVES` allows it.
        """
        if not moves:
            return frozenset()
        now = self._now()
        dating = issue not in self._dated and any(move.to is State.SENT for move in moves)
        try:
            with self._write(issue) as db:
                off = self._moves.write(db, self._id_of(db, issue), moves, now)
                if dating:
                    ledger_moves.date_issue(db, self._id_of(db, issue), now)
        except IllegalMoveError as error:
            with self._read() as db:
                why = ledger_moves.first_refused(db, self._id_of(db, issue), moves)
            raise IllegalMoveError(f"{issue}: {why}") from error
        if dating:
            self._dated.add(issue)
        return off

    # --- decisions of a person --------------------------------------------------------------------------------------

    def resolve(self, issue: str, address: str, state: State) -> None:
        """Settle an uncertain recipient on a person's word: PENDING to mail them again, SENT to assume they have it."""
        with self._write(issue) as db:
            issue_id, now = self._id_of(db, issue), self._now()
            stands = ledger_moves.settle(db, issue_id, fold_address(address), state, now)
            if stands is not None:
                raise IllegalMoveError(f"{issue}: {address} is {stands} and cannot become {state}")
            if state is State.SENT:
                ledger_moves.date_issue(db, issue_id, now)

    def reopen(self, issue: str, states: Collection[State]) -> int:
        """Try some once more on a person's word: the deferred at once, the rejected anew. How many they are.

        Their attempts count from 0 again. IllegalMoveError for any other state.
        """
        if not ledger_moves.REOPENED.issuperset(states):
            words = " and ".join(sorted(ledger_moves.REOPENED))
            raise IllegalMoveError(f"{issue}: only {words} recipients can be tried once more")
        with self._write(issue) as db:
            return ledger_moves.reopen(db, self._id_of(db, issue), states, self._now())

    def accept_content(self, issue: str, content_hash: str, subject: str) -> None:
        """From here on this is the issue, though some have another version: a person said so."""
        with self._write(issue) as db:
            ledger_plan.accept_content(db, self._id_of(db, issue), content_hash, subject, self._now())

    def record_test(self, issue: str, address: str, outcome: Outcome) -> None:
        """Write down a `send --test`, apart from the deliveries: a test mail counts for nobody."""
        row = {
            "issue": issue,
            "address": address,
            "state": outcome.state.value,
            "stage": outcome.stage,
            "code": outcome.code,
            "reply": storable(outcome.text),
            "at": self._clock().astimezone(UTC).isoformat(),
        }
        with self._write(issue) as db:
            db.execute(sa.insert(tests), row)

    # --- reading ----------------------------------------------------------------------------------------------------

    def counts(self, issue: str, *, planned: bool = False) -> Mapping[State, int]:
        """How many recipients stand where; every state is there, with 0 where nobody is.

        `planned`: of those on the current plan alone, without who has left the list since.
        """
        with self._read() as db:
            issue_id, plan = self._plan_of(db, issue)
            found = ledger_report.counts(db, issue_id, plan if planned else None)
        return found.get(issue_id, ledger_report.NOBODY)

    def suppressed(self, issue: str, *, planned: bool = False) -> Mapping[str, int]:
        """How many are suppressed for which reason, in a word each, the most frequent first."""
        with self._read() as db:
            return ledger_suppressed.reasons(db, issue, planned=planned)

    def issues(self) -> tuple[IssueRow, ...]:
        """Every issue, the first sent first, those never sent last."""
        listed = sa.select(issues).order_by(issues.c.first_sent.is_(None), issues.c.first_sent, issues.c.issue)
        with self._read() as db:
            found = db.execute(listed).all()
            counts = ledger_report.counts(db)
        return tuple(
            IssueRow(row.issue, row.subject, moment_of(row.first_sent), counts.get(row.id, ledger_report.NOBODY))
            for row in found
        )

    def rows(self, issue: str, *states: State, planned: bool = False) -> Iterator[Delivery]:
        """The rows in these states (none given: all), in list order. Read in pages: no lock is held between them.

        `planned`: of those on the current plan alone.
        """
        last = 0
        while True:
            with self._read() as db:
                issue_id, plan = self._plan_of(db, issue)
                found = ledger_report.page(db, issue_id, states or tuple(State), plan if planned else None, last, _PAGE)
            for row in found:
                yield ledger_report.delivery(issue, row)
            if len(found) < _PAGE:
                return
            last = found[-1].id

    def holders_of_older(self, issue: str) -> Iterator[str]:
        """Addresses that were sent another version than the current one, in list order; read in pages, too."""
        last = 0
        while True:
            with self._read() as db:
                found = ledger_report.holders_of_older(db, self._id_of(db, issue), last, _PAGE)
            for row in found:
                yield row.address
            if len(found) < _PAGE:
                return
            last = found[-1].id

    def versions(self, issue: str) -> tuple[Version, ...]:
        """What the issue was, and is, the first version first."""
        listed = (
            sa.select(versions, (versions.c.version == issues.c.version).label("current"))
            .join(issues, issues.c.id == versions.c.issue)
            .where(issues.c.issue == issue)
            .order_by(versions.c.version)
        )
        with self._read() as db:
            found = db.execute(listed).all()
        return tuple(
            Version(row.version, row.content_hash, row.subject, time_of(row.since), bool(row.current)) for row in found
        )

    def identity(self, issue: str) -> Known | None:
        """What the issue is beside its name; None where the ledger does not have it."""
        with self._read() as db:
            return known_identity(db, issue)

    def is_new(self) -> bool:
        """Whether no issue was ever planned here."""
        with self._read() as db:
            return not db.scalar(sa.select(sa.exists().select_from(issues)))

    def paths(self, issue: str) -> tuple[str, str]:
        """The post and the list (`join_segment`) of the current plan, as they were given; empty when they were not."""
        with self._read() as db:
            found = db.execute(sa.select(issues.c.post, issues.c.audience).where(issues.c.issue == issue)).first()
        return (found.post, found.audience) if found else ("", "")

    def latest(self) -> tuple[str, str] | None:
        """The issue that first went out last, of those whose post has a path: its name, and that path."""
        newest = (
            sa.select(issues.c.issue, issues.c.post)
            .where(issues.c.first_sent.is_not(None), issues.c.post != "")
            .order_by(issues.c.first_sent.desc(), issues.c.id.desc())
            .limit(1)
        )
        with self._read() as db:
            found = db.execute(newest).first()
        return (found.issue, found.post) if found else None

    def next_due(self, issue: str) -> datetime | None:
        """When the first of the deferred on the current plan may be tried again, past or to come; None without any."""
        with self._read() as db:
            return ledger_report.next_due(db, *self._plan_of(db, issue))

    def timeline(self, issue: str, buckets: int = 60) -> tuple[TimelineRow, ...]:
        """Outcomes over time, from the first to the last, in so many equal spans; those without any are there, too."""
        with self._read() as db:
            return ledger_report.timeline(db, self._id_of(db, issue), buckets)

    def by_domain(self, issue: str, limit: int = 1_000) -> tuple[DomainRow, ...]:
        """How the recipients of each domain stand, the largest domains first."""
        with self._read() as db:
            return ledger_report.by_domain(db, self._id_of(db, issue), limit)

    def by_reply(self, issue: str) -> tuple[ReplyRow, ...]:
        """What the relays said, one row for each state, stage, code and enhanced code, the most frequent first."""
        with self._read() as db:
            return ledger_report.by_reply(db, self._id_of(db, issue))

    def by_relay(self, issue: str) -> Mapping[str, Mapping[State, int]]:
        """The outcomes by the relay's name, which is empty where no relay saw the recipient."""
        with self._read() as db:
            return ledger_report.by_relay(db, self._id_of(db, issue))

    # --- runs and rates ---------------------------------------------------------------------------------------------

    def begin_run(self, issue: str, owner: str) -> int:
        """Note that a send has begun, for the report. The number is for `end_run`."""
        self.storage.count_send()
        row = {"issue": issue, "owner": storable(owner), "started": self._now()}
        with self._write(issue) as db:
            return int(db.execute(sa.insert(runs).returning(runs.c.id), row).scalar_one())

    def end_run(self, run: int, reason: str) -> None:
        """Note that it has ended, and why."""
        change = sa.update(runs).where(runs.c.id == run).values(ended=self._now(), reason=storable(reason))
        with self._write() as db:
            db.execute(change)

    def runs(self, issue: str) -> tuple[Run, ...]:
        """Every send of the issue, in order."""
        with self._read() as db:
            found = db.execute(sa.select(runs).where(runs.c.issue == issue).order_by(runs.c.id)).all()
        return tuple(Run(row.id, row.owner, time_of(row.started), moment_of(row.ended), row.reason) for row in found)

    def pace_marks(self) -> Mapping[str, str]:
        """What the rate limits had used up when they were last kept, by name."""
        with self._read() as db:
            return MappingProxyType({row.name: row.mark for row in db.execute(sa.select(pace))})

    def keep_pace(self, marks: Mapping[str, str]) -> None:
        """Keep these marks for the next run; others stay as they are."""
        if marks:
            with self._write() as db:
                db.execute(_KEEP_PACE, [{"name": name, "mark": mark} for name, mark in sorted(marks.items())])

    # --- inside -----------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return stamp_of(self._clock())

    def _id_of(self, db: sa.Connection, issue: str) -> int:
        """The issue's own number, which never changes; 0 where the ledger does not know it."""
        if issue not in self._ids:
            known = ledger_plan.known_issue(db, issue)
            if known is None:
                return 0
            self._ids[issue] = known.id
        return self._ids[issue]

    def _plan_of(self, db: sa.Connection, issue: str) -> tuple[int, int]:
        known = ledger_plan.known_issue(db, issue)
        return (known.id, known.plan) if known else (0, 0)

    def _write(self, issue: str | None = None) -> AbstractContextManager[sa.Connection]:
        """A transaction, over the connection that holds the issue where there is one."""
        return self.storage.write(self._holding.get(issue or ""))

    def _read(self) -> AbstractContextManager[sa.Connection]:
        return self.storage.read()


_KEEP_PACE = sa.text(
    "INSERT INTO pace (name, mark) VALUES (:name, :mark) ON CONFLICT (name) DO UPDATE SET mark = excluded.mark"
)
