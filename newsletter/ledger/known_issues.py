"""Every issue of a ledger with its numbers and its identity, in three statements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger import queries
from newsletter.ledger.database.schema import identities, issues
from newsletter.ledger.database.timestamps import moment_of
from newsletter.ledger.identity import noted_identity
from newsletter.ledger.list_reference import split_segment
from newsletter.model.delivery import State
from newsletter.model.issue_name import Identity


@frozen
class KnownIssue:
    """An issue, its recipients by state, and what it is beside its name. `first_sent` is None before the first
    acceptance; `lists` and `where` are who it was planned for."""

    issue: str
    subject: str
    first_sent: datetime | None
    counts: Mapping[State, int]
    identity: Identity
    lists: tuple[str, ...] = ()
    where: str = ""

    @property
    def reached(self) -> bool:
        """Whether a recipient has it, or may have it."""
        return any(self.counts[state] for state in (State.SENT, State.UNCERTAIN, State.COMMITTING))

    @property
    def is_erratum(self) -> bool:
        return "+erratum-" in self.issue


def known_issues(db: sa.Connection, *, counted: bool = True) -> tuple[KnownIssue, ...]:
    """In order of their first send; those never sent come last. Not `counted`, every number is 0, and cheap."""
    counts = queries.counts(db) if counted else {}
    found = db.execute(
        sa.select(
            issues.c.id, issues.c.issue, issues.c.subject, issues.c.first_sent, issues.c.post, issues.c.audience,
            identities.c.issue.label("noted"), identities.c.name, identities.c.title, identities.c.day,
            identities.c.newsletter,
        )
        .outerjoin(identities, identities.c.issue == issues.c.id)
        .order_by(issues.c.first_sent.is_(None), issues.c.first_sent, issues.c.id)
    )  # fmt: skip
    return tuple(_known(row, counts.get(row.id, queries.NOBODY)) for row in found)


def _known(row: sa.Row[*tuple[Any, ...]], counts: Mapping[State, int]) -> KnownIssue:
    lists, where = split_segment(row.audience)
    named = tuple(line for line in lists.split("\n") if line and not line.startswith("column "))
    return KnownIssue(row.issue, row.subject, moment_of(row.first_sent), counts, noted_identity(row), named, where)
