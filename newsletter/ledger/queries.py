"""Read the ledger: rows in list order, counts by state, time, domain and reply.

`issue` is the issue's row id; the results are empty if the ledger does not know it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import deliveries
from newsletter.ledger.database.timestamps import moment_of, time_of
from newsletter.ledger.records import Delivery
from newsletter.model.delivery import State

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\S)")  # RFC 3463 2
_OUTCOMES = "('sent', 'deferred', 'rejected', 'uncertain')"


@frozen
class TimelineRow:
    """A span of time that starts at `start` (UTC), and how many rows entered their present state in it."""

    start: datetime
    counts: Mapping[State, int]


@frozen
class DomainRow:
    """A domain and the number of its recipients by state; states with 0 are left out."""

    domain: str
    counts: Mapping[State, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@frozen
class ReplyRow:
    """A reply that `number` recipients got. `enhanced` is RFC 3463's code or empty; `example` one reply verbatim."""

    state: State
    stage: str
    code: int
    enhanced: str
    number: int
    example: str


NOBODY: Mapping[State, int] = MappingProxyType(dict.fromkeys(State, 0))


def counts(db: sa.Connection, issue: int | None = None, plan: int | None = None) -> dict[int, Mapping[State, int]]:
    """The number of recipients by issue and state, with every state; of one issue, or of one plan of it."""
    by_state = sa.select(deliveries.c.issue, deliveries.c.state, sa.func.count().label("number"))
    if issue is not None:
        by_state = by_state.where(deliveries.c.issue == issue)
    if plan is not None:
        by_state = by_state.where(deliveries.c.plan == plan)
    found: dict[int, Mapping[State, int]] = {}
    for row in db.execute(by_state.group_by(deliveries.c.issue, deliveries.c.state)):
        found[row.issue] = MappingProxyType({**found.get(row.issue, NOBODY), State(row.state): row.number})
    return found


def page(
    db: sa.Connection, issue: int, states: Collection[State], plan: int | None, after: int, limit: int
) -> Sequence[sa.Row[Any]]:
    """The next rows in list order.

    One statement, so that a row that moves meanwhile is neither missed nor returned twice; each of its parts is a range
    of the index.
    """
    parts = []
    for state in dict.fromkeys(states):
        part = (
            sa.select(deliveries)
            .where(deliveries.c.issue == issue, deliveries.c.state == state.value, deliveries.c.id > after)
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        if plan is not None:
            part = part.where(deliveries.c.plan == plan)
        parts.append(sa.select(part.subquery()))
    return db.execute(sa.union_all(*parts).order_by("id").limit(limit)).all()


def delivery(issue: str, row: sa.Row[Any]) -> Delivery:
    return Delivery(
        issue=issue,
        address=row.address or row.recipient_key,
        state=State(row.state),
        message_id=row.message_id,
        attempts=row.attempts,
        stage=row.stage,
        code=row.code,
        reply=row.reply,
        updated=time_of(row.updated),
        relay=row.lane,
        version=row.version,
        due_at=moment_of(row.due_at),
    )


_OF_OLDER = sa.text(
    """
    SELECT d.id, coalesce(d.address, d.recipient_key) AS address
    FROM deliveries AS d JOIN issues AS i ON i.id = d.issue
    WHERE d.issue = :issue AND d.state = 'sent' AND d.version <> i.version AND d.id > :after
    ORDER BY d.id LIMIT :limit
    """
)


def holders_of_older(db: sa.Connection, issue: int, after: int, limit: int) -> Sequence[sa.Row[Any]]:
    """Row and address of the next recipients who were sent an older version."""
    return db.execute(_OF_OLDER, {"issue": issue, "after": after, "limit": limit}).all()


def next_due(db: sa.Connection, issue: int, plan: int) -> datetime | None:
    deferred = (deliveries.c.issue == issue, deliveries.c.state == State.DEFERRED.value, deliveries.c.plan == plan)
    return moment_of(db.scalar(sa.select(sa.func.min(deliveries.c.due_at)).where(*deferred)))


_SPAN = sa.text(f"SELECT min(updated), max(updated) FROM deliveries WHERE issue = :issue AND state IN {_OUTCOMES}")  # noqa: S608
_TIMELINE = sa.text(
    f"""
    SELECT (updated - :first) * :buckets / :length AS place, state, count(*) AS number
    FROM deliveries WHERE issue = :issue AND state IN {_OUTCOMES}
    GROUP BY 1, 2
    """  # noqa: S608
)


def timeline(db: sa.Connection, issue: int, buckets: int) -> tuple[TimelineRow, ...]:
    first, last = db.execute(_SPAN, {"issue": issue}).one()
    if first is None:
        return ()
    length = last - first + 1
    counts: list[dict[State, int]] = [{} for _ in range(buckets)]
    for row in db.execute(_TIMELINE, {"issue": issue, "first": first, "length": length, "buckets": buckets}):
        counts[row.place][State(row.state)] = row.number
    return tuple(
        TimelineRow(time_of(first + place * length // buckets), MappingProxyType(number))
        for place, number in enumerate(counts)
    )


# The expression for the part after the last @, in words that both databases accept.
_BY_DOMAIN = sa.text(
    """
    SELECT substr(recipient_key, length(rtrim(recipient_key, replace(recipient_key, '@', ''))) + 1) AS domain,
      state, count(*) AS number
    FROM deliveries WHERE issue = :issue
    GROUP BY 1, 2
    """
)


def by_domain(db: sa.Connection, issue: int, limit: int) -> tuple[DomainRow, ...]:
    found: dict[str, dict[State, int]] = {}
    for row in db.execute(_BY_DOMAIN, {"issue": issue}):
        found.setdefault(row.domain, {})[State(row.state)] = row.number
    rows = (DomainRow(domain, MappingProxyType(counts)) for domain, counts in found.items())
    return tuple(sorted(rows, key=lambda row: (-row.total, row.domain))[:limit])


# The text of an acceptance has a unique queue id; of the other replies the first few words identify them, and contain
# the enhanced code.
_BY_REPLY = sa.text(
    f"""
    SELECT state, stage, code, CASE WHEN state = 'sent' THEN '' ELSE substr(reply, 1, 12) END AS words,
      count(*) AS number, min(reply) AS example
    FROM deliveries WHERE issue = :issue AND state IN {_OUTCOMES}
    GROUP BY 1, 2, 3, 4
    """  # noqa: S608
)


def by_reply(db: sa.Connection, issue: int) -> tuple[ReplyRow, ...]:
    found: dict[tuple[str, str, int, str], ReplyRow] = {}
    for row in db.execute(_BY_REPLY, {"issue": issue}):
        match = _ENHANCED.match(row.words)
        enhanced = match[1] if match else ""
        key = (row.state, row.stage, row.code, enhanced)
        same = found.get(key)
        found[key] = ReplyRow(
            state=State(row.state),
            stage=row.stage,
            code=row.code,
            enhanced=enhanced,
            number=row.number + (same.number if same else 0),
            example=min(row.example, same.example) if same else row.example,
        )
    return tuple(sorted(found.values(), key=lambda row: (-row.number, row.code, row.enhanced, row.state)))


_BY_RELAY = sa.text(
    f"""
    SELECT lane, state, count(*) AS number FROM deliveries
    WHERE issue = :issue AND state IN {_OUTCOMES}
    GROUP BY 1, 2
    """  # noqa: S608
)


def by_relay(db: sa.Connection, issue: int) -> Mapping[str, Mapping[State, int]]:
    """The outcomes by relay name, empty for recipients that were given to no relay."""
    found: dict[str, dict[State, int]] = {}
    for row in db.execute(_BY_RELAY, {"issue": issue}):
        found.setdefault(row.lane, {})[State(row.state)] = row.number
    return MappingProxyType(found)
