"""Counted links: where each leads, and how often it was followed. Nothing says by whom.

Each function works in the transaction of `db`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from newsletter.frozen import frozen


@frozen
class KnownLink:
    """Where a code leads. `first_sent` is the stamp of the issue's first mail, None before it; `is_going_out`: a run
    sends the issue now, or did so less than a minute ago."""

    address: str
    first_sent: int | None
    is_going_out: bool


_ADD = sa.text(
    "INSERT INTO links (code, issue, number, section, address) VALUES (:code, :issue, :number, :section, :address)"
    " ON CONFLICT (code) DO NOTHING"
)
_FIND = sa.text(
    """
    SELECT l.address, i.first_sent,
      EXISTS (SELECT 1 FROM runs AS r WHERE r.issue = l.issue AND coalesce(r.ended, :now) > :now - 60000) AS going_out
    FROM links AS l LEFT JOIN issues AS i ON i.issue = l.issue WHERE l.code = :code
    """
)
_COUNT = sa.text("UPDATE links SET clicks = clicks + :number WHERE code = :code")


def register_links(db: sa.Connection, issue: str, found: Iterable[tuple[str, str, str]]) -> None:
    """Keep code, address and section of an issue's links; those that are kept already stay as they are."""
    rows = [
        {"code": code, "issue": issue, "number": number, "section": section, "address": address}
        for number, (code, address, section) in enumerate(found, 1)
    ]
    if rows:
        db.execute(_ADD, rows)


def find_link(db: sa.Connection, code: str, now: int) -> KnownLink | None:
    row = db.execute(_FIND, {"code": code, "now": now}).first()
    return None if row is None else KnownLink(row.address, row.first_sent, bool(row.going_out))


def count_clicks(db: sa.Connection, clicks: Mapping[str, int]) -> None:
    """Add to the totals. In one order always: two servers that wrote the same rows would wait for each other."""
    if clicks:
        db.execute(_COUNT, [{"code": code, "number": clicks[code]} for code in sorted(clicks)])
