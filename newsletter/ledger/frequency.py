"""Readers who want one mail a week or a month: which issue they get. Each function works in the transaction of `db`.

Without digests they get one issue in that time, the first that comes. With them they get the digest of theirs, and no
other issue; and nobody else gets it, since it has nothing new in it. A choice on the page of preferences goes before
the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.model.digest_kinds import DIGESTS

_DAY_MS = 86_400_000
"""An issue dated later than tomorrow comes from a wrong clock, and suppresses nobody."""

WEEK_MS = int(6.5 * _DAY_MS)
"""A week minus half a day: the weekly mail stays on its weekday though an issue goes out somewhat earlier."""

MONTH_MS = int(27.5 * _DAY_MS)
"""The shortest month minus half a day."""

_SPANS_MS = {"weekly": WEEK_MS, "monthly": MONTH_MS}

_LONG_AGO_MS = 30 * _DAY_MS
"""An issue that began longer ago no longer counts."""


@frozen
class RareReaders:
    """Who gets an issue of those who want less mail. `listed` has folded addresses and what their list says of them.

    `digest` is the kind of digest that this issue is, empty for none; `made` are the kinds that are made by themselves.
    """

    digest: str = ""
    made: frozenset[str] = frozenset()
    listed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


NO_DIGESTS = RareReaders()

_OFF = "state = 'suppressed', stage = 'list', code = 0, due_at = NULL, updated = :now"
_UNTRIED = "plan = :plan AND state = 'pending' AND attempts = 0"
_UNSAID = "NOT EXISTS (SELECT 1 FROM preferences AS p WHERE p.key = :key)"
_HAD_ONE = f"""EXISTS (
    SELECT 1 FROM issues AS i {{join}} deliveries AS had ON had.issue = i.id AND had.recipient_key = {{key}}
    WHERE i.id <> :issue AND i.first_sent > :now - {_LONG_AGO_MS}
      AND had.state IN ('sent', 'uncertain') AND had.updated > :now - :span AND had.updated < :now + {_DAY_MS}
)"""  # noqa: S608 - our own words alone

# Those who chose it on the page: begun with the few, who are looked up in the index of the list.
_CHOSE = f"""
    UPDATE deliveries SET {_OFF}, reply = :kind
    WHERE id IN (
      SELECT d.id FROM preferences AS p {{join}} deliveries AS d ON d.issue = :issue AND d.recipient_key = p.key
      WHERE p.frequency = :kind AND d.plan = :plan AND d.state = 'pending' AND d.attempts = 0 AND {{had_one}}
    )
"""  # noqa: S608
_LISTED = f"""
    UPDATE deliveries SET {_OFF}, reply = :kind
    WHERE issue = :issue AND recipient_key = :key AND {_UNTRIED} AND {_UNSAID} AND {{had_one}}
"""  # noqa: S608
# A digest is for those alone who want its kind.
_OTHERS = sa.text(
    f"""
    UPDATE deliveries SET {_OFF}, reply = COALESCE(
      (SELECT p.frequency FROM preferences AS p WHERE p.key = deliveries.recipient_key AND p.frequency <> 'every'),
      'daily'
    )
    WHERE issue = :issue AND {_UNTRIED} AND NOT EXISTS
      (SELECT 1 FROM preferences AS p WHERE p.key = deliveries.recipient_key AND p.frequency = :kind)
    """  # noqa: S608
)
_LISTED_SO = sa.text(
    f"""
    UPDATE deliveries SET state = :state, stage = :stage, reply = :reply
    WHERE issue = :issue AND recipient_key = :key AND plan = :plan AND state = 'suppressed' AND reply = 'daily'
      AND {_UNSAID}
    """  # noqa: S608
)


def mark_rare(db: sa.Connection, issue_id: int, plan: int, now: int, readers: RareReaders) -> None:
    """Suppress those of a plan whose turn this issue is not."""
    values = {"issue": issue_id, "plan": plan}
    if readers.digest and readers.made:
        db.execute(_OTHERS, {**values, "now": now, "kind": readers.digest})
        rows = [{**values, "key": key, **_standing(kind, readers.digest)} for key, kind in readers.listed.items()]
        if rows:
            db.execute(_LISTED_SO, rows)
        return
    join = "JOIN" if db.dialect.name == "postgresql" else "CROSS JOIN"
    for kind in DIGESTS:
        is_made = kind in readers.made
        # A statement has the values that it names, and no others.
        given: dict[str, Any] = {**values, "now": now, "kind": kind} | ({} if is_made else {"span": _SPANS_MS[kind]})
        had = "TRUE" if is_made else _HAD_ONE
        db.execute(sa.text(_CHOSE.format(join=join, had_one=had.format(join=join, key="p.key"))), given)
        listed = [{**given, "key": key} for key, said in readers.listed.items() if said == kind]
        if listed:
            db.execute(sa.text(_LISTED.format(had_one=had.format(join=join, key=":key"))), listed)


def _standing(kind: str, digest: str) -> Mapping[str, str]:
    if kind == digest:
        return {"state": "pending", "stage": "", "reply": ""}
    return {"state": "suppressed", "stage": "list", "reply": kind}
