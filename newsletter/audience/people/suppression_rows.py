"""Read the suppressions in pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from newsletter.audience.people.records import Reason, Suppression
from newsletter.ledger.database.schema import suppressions
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import time_of

_PAGE = 1_000


def every_suppression(storage: Storage, reasons: Sequence[Reason]) -> Iterator[Suppression]:
    """Every suppression for these reasons, by key."""
    after = ("", "")
    wanted = [reason.value for reason in reasons]
    place = sa.tuple_(suppressions.c.key, suppressions.c.reason)
    while True:
        page = (
            sa.select(suppressions)
            .where(place > after, suppressions.c.reason.in_(wanted))
            .order_by(suppressions.c.key, suppressions.c.reason)
            .limit(_PAGE)
        )
        with storage.read() as db:
            rows = db.execute(page).all()
        yield from map(suppression_of, rows)
        if len(rows) < _PAGE:
            return
        after = (rows[-1].key, rows[-1].reason)


def suppression_of(row: sa.Row[tuple[object, ...]]) -> Suppression:
    return Suppression(row.key, Reason(row.reason), time_of(row.at), row.issue, row.detail)
