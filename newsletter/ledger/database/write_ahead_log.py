"""Make SQLite's write-ahead log as long as a send needs, so that its commits overwrite it in place of appending.

SQLite keeps the log's file, and writes it from the start again after each checkpoint, of a thousand pages. Until the
file is that long a commit appends, and each flush makes the file system journal the new length: that takes two to ten
times as long as a flush of blocks that are there.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

MOST_PAGES = 1100
"""The log begins anew after a thousand (`PRAGMA wal_autocheckpoint`), and the last transaction may go beyond."""

PAGES_EACH = 2
"""What the commits of a send write for a recipient, about, where few share one."""

FREE_TIMES = 16
"""So many times the log must be free on the disk: nobody is to meet a full one because of this."""


def grow_log(connection: sqlite3.Connection, file: Path, recipients: int) -> None:
    """Write to the log and roll back: its pages stay, and mean nothing. Best effort; not within a transaction."""
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    size = min(MOST_PAGES, recipients * PAGES_EACH) * page_size
    try:
        if Path(f"{file}-wal").stat().st_size >= size or shutil.disk_usage(file.parent).free < FREE_TIMES * size:
            return
    except OSError:
        return  # no log, where the file system has no shared memory
    (cache_size,) = connection.execute("PRAGMA cache_size").fetchone()
    # Pages of an open transaction go to the log only once the cache has no room for them.
    connection.execute("PRAGMA cache_size = 10")
    try:
        with suppress(sqlite3.OperationalError):  # a full disk, a busy database: commits append, as without this
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE filler (bytes)")
            connection.execute("INSERT INTO filler VALUES (zeroblob(?))", (size,))
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute(f"PRAGMA cache_size = {cache_size}")
