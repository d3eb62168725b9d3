"""The suppression check: at planning, at claiming, and before the final dot.

Each function works in the transaction of `db`. A row found here becomes `suppressed`, with the reason as its reply. The
suppressions belong to the subscribers (`people.store`); they are only read here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import sqlalchemy as sa

from newsletter.errors import ConfigError
from newsletter.ledger.database.schema import deliveries, issues, suppressions
from newsletter.tokens import FORGOTTEN, AddressHashes, is_address_hash

STAGE = "list"
"""The `stage` of a suppressed row; other rows have an SMTP stage."""

_SUPPRESSED = f"state = 'suppressed', stage = '{STAGE}', code = 0, due_at = NULL, updated = :now"
_FIRST_REASON = """
    (SELECT s.reason FROM suppressions AS s WHERE s.key = deliveries.recipient_key ORDER BY s.at, s.reason LIMIT 1)
"""

# The queries that suppress recipients of a plan, the most important reason first: later ones skip the rows of earlier
# ones. Each starts from the few suppressed addresses and looks them up in the index of the list: `{join}` keeps SQLite
# from scanning the whole list for them.
_MARKS = (
    f"""
            UPDATE deliveries SET {_SUPPRESSED}, reply = {_FIRST_REASON}
            WHERE id IN (
              SELECT d.id FROM suppressions AS s
              {{join}} deliveries AS d ON d.issue = :issue AND d.recipient_key = s.key
              WHERE d.plan = :plan AND d.state IN ('pending', 'deferred')
            )
        """,  # noqa: S608 - our own words alone
    f"""
            UPDATE deliveries SET {_SUPPRESSED}, reply = 'paused'
            WHERE id IN (
              SELECT d.id FROM preferences AS p
              {{join}} deliveries AS d ON d.issue = :issue AND d.recipient_key = p.key
              WHERE p.paused_until > :now AND d.plan = :plan AND d.state IN ('pending', 'deferred')
            )
        """,  # noqa: S608
)


def mark(db: sa.Connection, issue_id: int, plan: int, now: int) -> None:
    """Suppress all recipients of a plan who must not be mailed."""
    join = "JOIN" if db.dialect.name == "postgresql" else "CROSS JOIN"
    for statement in _MARKS:
        db.execute(sa.text(statement.format(join=join)), {"issue": issue_id, "plan": plan, "now": now})


_TO_SUPPRESS_IN_SQLITE = """
    SELECT d.id FROM json_each(?) AS asked CROSS JOIN deliveries AS d ON d.id = asked.value
    WHERE d.state IN ('pending', 'claimed', 'deferred') AND EXISTS
      (SELECT 1 FROM suppressions AS s WHERE s.key = d.recipient_key)
"""
_TO_SUPPRESS_IN_POSTGRESQL = """
    SELECT d.id FROM deliveries AS d
    WHERE d.id = ANY(%s) AND d.state IN ('pending', 'claimed', 'deferred') AND EXISTS
      (SELECT 1 FROM suppressions AS s WHERE s.key = d.recipient_key)
"""
_SUPPRESS_ROW = sa.text(f"UPDATE deliveries SET {_SUPPRESSED}, reply = {_FIRST_REASON} WHERE id = :row")  # noqa: S608


def suppress_rows(db: sa.Connection, rows: Sequence[int], now: int) -> frozenset[int]:
    """Suppress the rows whose address was suppressed since the plan; returns these rows.

    Two index lookups per row, in SQL text that SQLAlchemy need not compile: it runs before every dot.
    """
    if db.dialect.name == "postgresql":
        found = db.exec_driver_sql(_TO_SUPPRESS_IN_POSTGRESQL, (list(rows),))
    else:
        found = db.exec_driver_sql(_TO_SUPPRESS_IN_SQLITE, (json.dumps(rows),))
    newly = [row for (row,) in found]
    for row in newly:
        db.execute(_SUPPRESS_ROW, {"row": row, "now": now})
    return frozenset(newly)


def already_suppressed(db: sa.Connection, issue_id: int, rows: Sequence[int]) -> frozenset[int]:
    """The rows that are suppressed already: a recipient was erased while a run had claimed them."""
    mine = (deliveries.c.issue == issue_id, deliveries.c.id.in_(rows), deliveries.c.state == "suppressed")
    return frozenset(db.scalars(sa.select(deliveries.c.id).where(*mine)))


# --- erased addresses -----------------------------------------------------------------------------------------------


def lock_listing(db: sa.Connection) -> None:
    """Make `forget` wait for the end of this transaction, which may list the address that it erases."""
    if db.dialect.name == "postgresql":  # SQLite has only one writer at a time
        db.execute(sa.text("LOCK TABLE deliveries IN ROW EXCLUSIVE MODE"))


def erased(db: sa.Connection, address_hashes: AddressHashes) -> frozenset[str]:
    """The hashes of all erased addresses.

    ConfigError if some were made with a secret that is missing: they could not be matched.
    """
    forgotten = sa.select(suppressions.c.key).where(suppressions.c.reason == "forgotten")
    hashes = frozenset(key for key in db.scalars(forgotten) if is_address_hash(key))
    untold = sum(1 for address_hash in hashes if not address_hashes.can_match(address_hash))
    if untold:
        raise ConfigError(
            f"NEWSLETTER_SECRET: {untold:,} of those who must not be mailed are known by a hash alone, made "
            "with a secret that is not set",
            "set it, and after a change write the old one behind the new, a comma between them",
        )
    return hashes


def erased_in(db: sa.Connection, issue_id: int) -> frozenset[str]:
    """The hashes in one issue: of recipients who may have received it and may have signed up again since."""
    mine = (deliveries.c.issue == issue_id, deliveries.c.recipient_key.like(f"%{FORGOTTEN}"))
    return frozenset(db.scalars(sa.select(deliveries.c.recipient_key).where(*mine)))


def with_hashes(people: Mapping[str, str], hashes: frozenset[str], address_hashes: AddressHashes) -> Mapping[str, str]:
    """Replace erased addresses, given by key, by their hash: no list may restore such an address."""
    if not hashes:
        return people
    found: dict[str, str] = {}
    for key, address in people.items():
        address_hash = next((name for name in address_hashes.all(key) if name in hashes), None)
        found[address_hash or key] = address_hash or address
    return found


# --- counts -----------------------------------------------------------------------------------------------------------


def reasons(db: sa.Connection, issue: str, *, planned: bool) -> Mapping[str, int]:
    """The number of suppressed recipients of an issue by reason, the most frequent first."""
    counted = (
        sa.select(deliveries.c.reply, sa.func.count().label("number"))
        .join(issues, issues.c.id == deliveries.c.issue)
        .where(issues.c.issue == issue, deliveries.c.state == "suppressed")
        .group_by(deliveries.c.reply)
    )
    if planned:
        counted = counted.where(deliveries.c.plan == issues.c.plan)
    found = {row.reply: row.number for row in db.execute(counted)}
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: (-item[1], item[0]))))
