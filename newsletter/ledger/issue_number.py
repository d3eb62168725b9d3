"""Count the earlier issues for an issue's number; loads as little as possible, since renderings are frequent."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

from newsletter import DISTRIBUTION
from newsletter.errors import ConfigError, LedgerError, located

CONNECT_TIMEOUT_S = 10

_OWN = "SELECT first_sent, id FROM issues WHERE issue = {0}"
_BEFORE = (
    "SELECT count(*) FROM issues WHERE first_sent IS NOT NULL AND issue <> {0} "
    "AND (first_sent < {0} OR (first_sent = {0} AND id < {0}))"
)
_ALL = "SELECT count(*) FROM issues WHERE first_sent IS NOT NULL AND issue <> {0}"


def count_before(place: Path | str, issue: str) -> int:
    """How many issues went out before this one, which may be unknown to the ledger. 0 without a ledger.

    `place` is a file, or the URL of a PostgreSQL database. Raises LedgerError if it cannot be read.
    """
    return _in_database(place, issue) if isinstance(place, str) else _in_file(place, issue)


def _in_file(path: Path, issue: str) -> int:
    if not os.path.exists(path):  # noqa: PTH110 - which raises for no name
        return 0
    import sqlite3

    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'issues'").fetchone() is None:
                return 0
            return _count(db, issue, "?")
    except sqlite3.Error as error:
        raise LedgerError(
            located(str(path), None, f"issues cannot be counted ({error})", "run `newsletter ledger check`")
        ) from error


def _in_database(url: str, issue: str) -> int:
    try:
        import psycopg  # an extra, which may be missing if the ledger is a file
    except ImportError as error:
        what, remedy = (
            "a ledger in PostgreSQL needs the driver psycopg",
            f"run `pip install '{DISTRIBUTION}[postgresql]'`",
        )
        raise ConfigError(located("[ledger] url", None, what, remedy)) from error
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as db:
            row = db.execute("SELECT to_regclass('issues')").fetchone()
            return _count(db, issue, "%s") if row is not None and row[0] is not None else 0
    except psycopg.Error as error:
        what = f"issues cannot be counted ({str(error).strip().splitlines()[0]})"
        raise LedgerError(located("[ledger] url", None, what, "run `newsletter ledger check`")) from error


def _count(db: Any, issue: str, mark: str) -> int:
    own = db.execute(_OWN.format(mark), (issue,)).fetchone()
    if own is None or own[0] is None:
        return int(db.execute(_ALL.format(mark), (issue,)).fetchone()[0])
    first_sent, number = own
    return int(db.execute(_BEFORE.format(mark), (issue, first_sent, first_sent, number)).fetchone()[0])
