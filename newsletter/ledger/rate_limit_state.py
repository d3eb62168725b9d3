"""The used part of the relays' rate limits: kept between runs, shared by sends and the mail queue.

Each function works in the transaction of `db`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import sqlalchemy as sa

from newsletter.ledger.database.schema import pace

_KEEP = sa.text(
    "INSERT INTO pace (name, mark) VALUES (:name, :mark) ON CONFLICT (name) DO UPDATE SET mark = excluded.mark"
)


def rate_limit_state(db: sa.Connection) -> Mapping[str, str]:
    return MappingProxyType({row.name: row.mark for row in db.execute(sa.select(pace))})


def save_rate_limits(db: sa.Connection, state: Mapping[str, str]) -> None:
    """Save these; others stay as they are."""
    if state:
        db.execute(_KEEP, [{"name": name, "mark": mark} for name, mark in sorted(state.items())])
