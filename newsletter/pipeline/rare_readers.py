"""Which readers of a list want one mail a week or a month, and whether digests are made for them."""

from __future__ import annotations

from newsletter.addresses import fold_address
from newsletter.config.config import Config
from newsletter.ledger.frequency import RareReaders
from newsletter.pipeline.plan_send import Sending

COLUMN = "frequency"

WEEKLY = (
    "weekly",
    "once a week",
    "每周",
    "每週",
    "週刊",
    "周刊",
    "wöchentlich",
    "hebdomadaire",
    "semanal",
    "settimanale",
)
MONTHLY = ("monthly", "once a month", "每月", "毎月", "月刊", "monatlich", "mensuel", "mensual", "mensal", "mensile")
SAID = {**dict.fromkeys(WEEKLY, "weekly"), **dict.fromkeys(MONTHLY, "monthly")}
"""What a list's column `frequency` says of readers who want less mail; anything else is every issue."""


def digests_made(config: Config) -> frozenset[str]:
    """The kinds of digests that `publish` makes by itself."""
    keys = config.settings.digest
    return frozenset(kind for kind, day in (("weekly", keys.day), ("monthly", keys.monthly_day)) if day)


def rare_readers(sending: Sending) -> RareReaders:
    """Reads the list once more where it has the column."""
    digest, made = sending.rendering.issue.digest, digests_made(sending.config)
    if COLUMN not in sending.recipients.columns:
        return RareReaders(digest, made)
    said = (
        (fold_address(person.email), SAID.get(person.fields.get(COLUMN, "").strip().casefold(), ""))
        for person in sending.recipients
    )
    return RareReaders(digest, made, {key: kind for key, kind in said if kind})
