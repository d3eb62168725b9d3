"""Consent records of sign-ups: when and where they asked, the wording, and when they confirmed (double opt-in)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.schema import consents
from newsletter.ledger.database.timestamps import time_of


@frozen
class GivenConsent:
    """The last form that was filled in before its link was confirmed. `wording` is the text shown there."""

    asked: datetime | None = None
    page: str = ""
    wording: str = ""
    confirmed: datetime | None = None
    confirmed_on: str = ""


def consents_of(db: sa.Connection, keys: Collection[str]) -> Mapping[str, GivenConsent]:
    """Consents by folded address, without subscribers who never confirmed. A few hundred at a time."""
    steps = (
        sa.select(consents)
        .where(consents.c.key.in_(list(keys)), consents.c.kind.in_(["asked", "confirmed"]))
        .order_by(consents.c.id)
    )
    asked: dict[str, GivenConsent] = {}
    given: dict[str, GivenConsent] = {}
    for row in db.execute(steps):
        if row.kind == "asked":
            asked[row.key] = GivenConsent(time_of(row.at), row.source, row.wording)
        else:
            form = asked.get(row.key, GivenConsent())
            words = form.wording or row.wording
            given[row.key] = replace(form, wording=words, confirmed=time_of(row.at), confirmed_on=row.source)
    return given
