"""The reading half of the ledger: counts, rows, versions, and the numbers of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Self

import sqlalchemy as sa

from newsletter.ledger import queries, suppression
from newsletter.ledger.database.schema import issues, runs, versions
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import moment_of, time_of
from newsletter.ledger.feedback import answers_to
from newsletter.ledger.identity import Known, known_identity
from newsletter.ledger.plan import known_issue
from newsletter.ledger.queries import DomainRow, ReplyRow, TimelineRow
from newsletter.ledger.rate_limit_state import rate_limit_state
from newsletter.ledger.records import Delivery, IssueRow, Run, Version
from newsletter.model.delivery import State

_PAGE = 1_000


class LedgerReader:
    """The reading half of an open ledger."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._ids: dict[str, int] = {}

    @property
    def is_far(self) -> bool:
        """Whether the ledger is a server, reached across a network or a socket, and not a file."""
        return self.storage.place.is_postgresql

    def close(self) -> None:
        self.storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- issues and their recipients --------------------------------------------------------------------------------

    def counts(self, issue: str, *, planned: bool = False) -> Mapping[State, int]:
        """The number of recipients by state, every state included.

        `planned`: only those on the current plan, without recipients who have left the list since.
        """
        with self._read() as db:
            issue_id, plan = self._plan_of(db, issue)
            found = queries.counts(db, issue_id, plan if planned else None)
        return found.get(issue_id, queries.NOBODY)

    def suppressed(self, issue: str, *, planned: bool = False) -> Mapping[str, int]:
        """The number of suppressed recipients by reason, the most frequent first."""
        with self._read() as db:
            return suppression.reasons(db, issue, planned=planned)

    def issues(self) -> tuple[IssueRow, ...]:
        """Every issue in order of its first send; those never sent come last."""
        listed = sa.select(issues).order_by(issues.c.first_sent.is_(None), issues.c.first_sent, issues.c.issue)
        with self._read() as db:
            found = db.execute(listed).all()
            counts = queries.counts(db)
        return tuple(
            IssueRow(row.issue, row.subject, moment_of(row.first_sent), counts.get(row.id, queries.NOBODY))
            for row in found
        )

    def answers(self, issue: str) -> Mapping[str, int]:
        """How many readers gave each answer about an issue, "up" and "down"."""
        with self._read() as db:
            return answers_to(db, issue)

    def rows(self, issue: str, *states: State, planned: bool = False) -> Iterator[Delivery]:
        """The rows in these states (default: all), in list order. Read in pages: no lock is held between them.

        `planned`: only those on the current plan.
        """
        last = 0
        while True:
            with self._read() as db:
                issue_id, plan = self._plan_of(db, issue)
                found = queries.page(db, issue_id, states or tuple(State), plan if planned else None, last, _PAGE)
            for row in found:
                yield queries.delivery(issue, row)
            if len(found) < _PAGE:
                return
            last = found[-1].id

    def holders_of_older(self, issue: str) -> Iterator[str]:
        """Addresses that were sent an older version, in list order; read in pages, too."""
        last = 0
        while True:
            with self._read() as db:
                found = queries.holders_of_older(db, self._id_of(db, issue), last, _PAGE)
            for row in found:
                yield row.address
            if len(found) < _PAGE:
                return
            last = found[-1].id

    def versions(self, issue: str) -> tuple[Version, ...]:
        """The versions of the issue's content, in order."""
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
        """The issue's identity beyond its name; None if the ledger does not have it."""
        with self._read() as db:
            return known_identity(db, issue)

    def is_new(self) -> bool:
        """Whether no issue was ever planned here."""
        with self._read() as db:
            return not db.scalar(sa.select(sa.exists().select_from(issues)))

    def paths(self, issue: str) -> tuple[str, str]:
        """The post and the list (`join_segment`) of the current plan, as they were given; empty if they were not."""
        with self._read() as db:
            found = db.execute(sa.select(issues.c.post, issues.c.audience).where(issues.c.issue == issue)).first()
        return (found.post, found.audience) if found else ("", "")

    def latest(self) -> tuple[str, str] | None:
        """The issue that first went out last among those whose post has a path: its name, and that path."""
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
        """The first retry time of the deferred on the current plan, past or future; None without any."""
        with self._read() as db:
            return queries.next_due(db, *self._plan_of(db, issue))

    def timeline(self, issue: str, buckets: int = 60) -> tuple[TimelineRow, ...]:
        """Outcomes over time, from the first to the last, in this many equal spans, empty ones included."""
        with self._read() as db:
            return queries.timeline(db, self._id_of(db, issue), buckets)

    def by_domain(self, issue: str, limit: int = 1_000) -> tuple[DomainRow, ...]:
        """The recipients of each domain by state, the largest domains first."""
        with self._read() as db:
            return queries.by_domain(db, self._id_of(db, issue), limit)

    def by_reply(self, issue: str) -> tuple[ReplyRow, ...]:
        """The relays' replies: one row per state, stage, code and enhanced code, the most frequent first."""
        with self._read() as db:
            return queries.by_reply(db, self._id_of(db, issue))

    def by_relay(self, issue: str) -> Mapping[str, Mapping[State, int]]:
        """The outcomes by relay name, empty for recipients that were given to no relay."""
        with self._read() as db:
            return queries.by_relay(db, self._id_of(db, issue))

    def runs(self, issue: str) -> tuple[Run, ...]:
        """Every send of the issue, in order."""
        with self._read() as db:
            found = db.execute(sa.select(runs).where(runs.c.issue == issue).order_by(runs.c.id)).all()
        return tuple(Run(row.id, row.owner, time_of(row.started), moment_of(row.ended), row.reason) for row in found)

    def rate_limit_state(self) -> Mapping[str, str]:
        """The saved state of the rate limits, by name."""
        with self._read() as db:
            return rate_limit_state(db)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _id_of(self, db: sa.Connection, issue: str) -> int:
        """The issue's row id, which never changes; 0 if the ledger does not know it."""
        if issue not in self._ids:
            known = known_issue(db, issue)
            if known is None:
                return 0
            self._ids[issue] = known.id
        return self._ids[issue]

    def _plan_of(self, db: sa.Connection, issue: str) -> tuple[int, int]:
        known = known_issue(db, issue)
        return (known.id, known.plan) if known else (0, 0)

    def _read(self) -> AbstractContextManager[sa.Connection]:
        return self.storage.read()
