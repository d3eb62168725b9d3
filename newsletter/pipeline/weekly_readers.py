"""Which readers of a list want one mail a week, and whether digests are made for them."""

from __future__ import annotations

from newsletter.addresses import fold_address
from newsletter.ledger.frequency import WeeklyReaders
from newsletter.pipeline.plan_send import Sending

COLUMN = "frequency"
WEEKLY = frozenset({"weekly", "once a week", "每周", "每週", "週刊", "周刊", "wöchentlich", "hebdomadaire", "semanal"})
"""What a list's column `frequency` says of readers who want one mail a week; anything else is every issue."""


def weekly_readers(sending: Sending) -> WeeklyReaders:
    """Reads the list once more where it has the column."""
    keys = sending.config.settings.digest
    digest = sending.rendering.issue.digest if keys.day else None
    if COLUMN not in sending.recipients.columns:
        return WeeklyReaders(digest)
    listed = (
        fold_address(person.email)
        for person in sending.recipients
        if person.fields.get(COLUMN, "").strip().casefold() in WEEKLY
    )
    return WeeklyReaders(digest, tuple(listed))
