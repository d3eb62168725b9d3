"""Check whether a ledger exists, and whether anything was ever sent by it. Creates and migrates nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from newsletter.errors import ConfigError, LedgerError, located
from newsletter.files import is_missing
from newsletter.ledger.database.engine import parse_place
from newsletter.ledger.database.schema import VERSION, issues
from newsletter.ledger.database.storage import Storage


def has_ledger(place: Path | str) -> bool:
    """Whether there is a ledger at `place`: an empty file and a database without our tables are none."""
    if _is_missing(place):
        return False
    with closing(Storage.open(place, read_only=True)) as storage:
        return storage.version() is not None


def is_current(place: Path | str) -> bool:
    """Whether the ledger there has the current schema, so that opening it changes nothing."""
    if _is_missing(place):
        return False
    with closing(Storage.open(place, read_only=True)) as storage:
        return storage.version() == VERSION


def has_issues(place: Path | str) -> bool:
    """Whether there is a ledger at `place` in which an issue was ever planned."""
    if _is_missing(place):
        return False
    with closing(Storage.open(place, read_only=True)) as storage:
        if storage.version() is None:
            return False
        with storage.read() as db:
            return bool(db.scalar(sa.select(sa.exists().select_from(issues))))


def require_ledger(
    place: Path | str, why: str = "nothing was sent from here", remedy: str = "run `newsletter send`"
) -> None:
    """ConfigError where there is none: what only reads makes no ledger."""
    if not has_ledger(place):
        raise ConfigError(located(parse_place(place).name, None, f"there is no ledger, so {why}", remedy))


def require_start(place: Path | str) -> None:
    """LedgerError where no ledger says who was mailed, so that everyone would be, and no user is there to confirm."""
    if not has_issues(place):
        raise LedgerError(located(parse_place(place).name, None, NOTHING_SENT, _REMEDY))


NOTHING_SENT = "there is no ledger here that knows of any issue, so that everyone is mailed as if for the first time"
_REMEDY = (
    "put the ledger back (a cache that was emptied? another folder?); or write --first if this newsletter begins here"
)


def _is_missing(place: Path | str) -> bool:
    file = parse_place(place).file
    return file is not None and is_missing(file)
