"""Readers who want one mail a week: which issue they get. Each function works in the transaction of `db`.

Without digests they get one issue in a week, the first that comes. With them they get the digest, and no other issue;
and nobody else gets the digest, which has nothing new in it. A choice on the page of preferences goes before the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import sqlalchemy as sa

WEEK_MS = int(6.5 * 86_400_000)
"""A week minus half a day: the weekly mail stays on its weekday though an issue goes out somewhat earlier."""

_DAY_MS = 86_400_000
"""An issue dated later than tomorrow comes from a wrong clock, and suppresses no weekly reader."""

_MONTH_MS = 30 * 86_400_000
"""An issue that began longer ago no longer counts for weekly readers."""


@dataclass(frozen=True, slots=True)
class WeeklyReaders:
    """Who gets an issue of those who want one mail a week. `listed` are the folded addresses whose list says so.

    `digest` is None where no digests are made, empty for an issue beside them, else the kind of digest that this is.
    """

    digest: str | None = None
    listed: tuple[str, ...] = ()


NO_DIGESTS = WeeklyReaders()

_OFF = "state = 'suppressed', stage = 'list', code = 0, due_at = NULL, updated = :now"
_UNTRIED = "plan = :plan AND state = 'pending' AND attempts = 0"
_HAD_ONE = f"""EXISTS (
    SELECT 1 FROM issues AS i {{join}} deliveries AS had ON had.issue = i.id AND had.recipient_key = {{key}}
    WHERE i.id <> :issue AND i.first_sent > :now - {_MONTH_MS}
      AND had.state IN ('sent', 'uncertain') AND had.updated > :now - {WEEK_MS} AND had.updated < :now + {_DAY_MS}
)"""  # noqa: S608 - our own words alone

# Those who chose it on the page: begun with the few, who are looked up in the index of the list.
_CHOSE = f"""
    UPDATE deliveries SET {_OFF}, reply = 'weekly'
    WHERE id IN (
      SELECT d.id FROM preferences AS p {{join}} deliveries AS d ON d.issue = :issue AND d.recipient_key = p.key
      WHERE p.frequency = 'weekly' AND d.plan = :plan AND d.state = 'pending' AND d.attempts = 0 AND {{had_one}}
    )
"""  # noqa: S608
_LISTED = f"""
    UPDATE deliveries SET {_OFF}, reply = 'weekly'
    WHERE issue = :issue AND recipient_key = :key AND {_UNTRIED}
      AND NOT EXISTS (SELECT 1 FROM preferences AS p WHERE p.key = :key) AND {{had_one}}
"""  # noqa: S608
_DAILY = sa.text(
    f"""
    UPDATE deliveries SET {_OFF}, reply = 'daily'
    WHERE issue = :issue AND {_UNTRIED} AND NOT EXISTS
      (SELECT 1 FROM preferences AS p WHERE p.key = deliveries.recipient_key AND p.frequency = 'weekly')
    """  # noqa: S608
)
_LISTED_BACK = sa.text(
    """
    UPDATE deliveries SET state = 'pending', stage = '', reply = ''
    WHERE issue = :issue AND recipient_key = :key AND plan = :plan AND state = 'suppressed' AND reply = 'daily'
      AND NOT EXISTS (SELECT 1 FROM preferences AS p WHERE p.key = :key)
    """
)


def mark_weekly(db: sa.Connection, issue_id: int, plan: int, now: int, readers: WeeklyReaders) -> None:
    """Suppress those of a plan whose turn this issue is not."""
    values = {"issue": issue_id, "plan": plan, "now": now}
    listed = [{**values, "key": key} for key in readers.listed]
    if readers.digest:
        db.execute(_DAILY, values)
        if listed:
            db.execute(_LISTED_BACK, [_without_now(each) for each in listed])
        return
    join = "JOIN" if db.dialect.name == "postgresql" else "CROSS JOIN"
    had = "TRUE" if readers.digest is not None else _HAD_ONE
    db.execute(sa.text(_CHOSE.format(join=join, had_one=had.format(join=join, key="p.key"))), values)
    if listed:
        db.execute(sa.text(_LISTED.format(had_one=had.format(join=join, key=":key"))), listed)


def _without_now(values: Mapping[str, object]) -> Mapping[str, object]:
    return MappingProxyType({name: value for name, value in values.items() if name != "now"})
