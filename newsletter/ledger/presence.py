"""Check whether a ledger exists, and whether it ever sent anything. Creates and migrates nothing."""

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
    """Whether there is a ledger at `place`: an empty file or a database without our tables is none."""
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
    """Raises ConfigError if there is no ledger: commands that only read create none."""
    if not has_ledger(place):
        raise ConfigError(located(parse_place(place).name, None, f"there is no ledger, so {why}", remedy))


def require_start(place: Path | str) -> None:
    """Raises LedgerError if there is no ledger: every recipient would be mailed again, with no user to confirm."""
    if not has_issues(place):
        raise LedgerError(located(parse_place(place).name, None, NOTHING_SENT, _REMEDY))


NOTHING_SENT = "there is no ledger here that knows of any issue, so that everyone is mailed as if for the first time"
_REMEDY = (
    "put the ledger back (a cache that was emptied? another folder?); or write --first if this newsletter begins here"
)


def _is_missing(place: Path | str) -> bool:
    file = parse_place(place).file
    return file is not None and is_missing(file)
