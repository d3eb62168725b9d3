"""Warnings of an unattended run about overdue chores: reading bounces, backing up the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from newsletter.ledger.chores import LATE, read_chores
from newsletter.ledger.database.schema import issues
from newsletter.ledger.database.timestamps import moment_of
from newsletter.text import counted

if TYPE_CHECKING:
    from newsletter.config.config import Config
    from newsletter.ledger.ledger import Ledger


def late_chores(config: Config, ledger: Ledger, now: datetime) -> tuple[str, ...]:
    """A sentence with remedy for each. None in the first week of a newsletter, when neither can be overdue."""
    with ledger.storage.read() as db:
        done = read_chores(db)
        begun = moment_of(db.scalar(sa.select(sa.func.min(issues.c.first_sent))))
    if begun is None or now - begun <= LATE:
        return ()
    found: list[str] = []
    mailbox, place = config.settings.bounces.mailbox, ledger.storage.place
    if mailbox and (done.bounces is None or now - done.bounces > LATE):
        found.append(f"{_since('bounces were', 'read', done.bounces, now)}; run `newsletter bounces`, daily from cron")
    # With a folder of dated backups, what fails is said by itself.
    by_hand = place.file is not None and not config.settings.ledger.backups
    if by_hand and (done.backup is None or now - done.backup > LATE):
        said = _since("the ledger was", "backed up", done.backup, now)
        remedy = (
            'write backups = "backups" under [ledger], or run `newsletter ledger backup FILE` daily, to another disk'
        )
        found.append(f"{said}; {remedy}")
    return tuple(found)


def _since(subject: str, verb: str, then: datetime | None, now: datetime) -> str:
    if then is None:
        return f"{subject} never {verb}"
    return f"{subject} last {verb} {counted((now - then).days, 'day')} ago"
