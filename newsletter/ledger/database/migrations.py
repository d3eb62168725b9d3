"""Migrate a database of an older version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import sqlalchemy as sa

from newsletter.ledger.database.schema import (
    VERSION,
    deliveries,
    from_3,
    from_4,
    from_5,
    from_6,
    from_8,
    from_9,
    from_10,
    ledger_version,
    letters,
    metadata,
)
from newsletter.model.delivery import State


def found_version(db: sa.Connection) -> int | None:
    """The schema version of the ledger in this database; None if there is no ledger, 0 if what it says is no number."""
    if not sa.inspect(db).has_table(ledger_version.name):
        return None
    version = db.scalar(sa.select(ledger_version.c.version))
    return version if version is None or isinstance(version, int) else 0


_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('newsletter ledger'))")


def bring_up_to_date(db: sa.Connection) -> None:
    """Create the tables, or migrate those of an older version, within the transaction of `db`.

    The caller has made sure that no other process writes, and that the schema is no newer than `VERSION`.
    """
    if db.dialect.name == "postgresql":
        db.execute(_ONE_AT_A_TIME)  # concurrent creation of the same table would fail
    version = found_version(db)
    if version is None:
        metadata.create_all(db)
        db.execute(sa.insert(ledger_version), {"version": VERSION})
        return
    for older in range(version, VERSION):
        _MIGRATIONS[older](db)
    db.execute(sa.update(ledger_version).values(version=VERSION))


# Version 1 was for SQLite alone. It had one content hash per issue and none per row: all recipients who have, or may
# have, the issue count as holders of version 1. All its recipients were on its only list.
_FROM_1_RENAMED = (
    "ALTER TABLE deliveries RENAME TO deliveries_1",
    "ALTER TABLE issues RENAME TO issues_1",
)


_FROM_1_COPIED = (
    """
    INSERT INTO issues (issue, subject, version, plan, last_plan, post, audience, first_sent)
    SELECT issue, subject, 1, 1, 1, '', '', CAST(round((julianday(first_sent) - 2440587.5) * 86400000) AS INTEGER)
    FROM issues_1 ORDER BY first_sent IS NULL, first_sent, issue
    """,
    """
    INSERT INTO versions (issue, version, content_hash, subject, since)
    SELECT now.id, 1, old.content_hash, old.subject, coalesce(now.first_sent, 0)
    FROM issues_1 AS old JOIN issues AS now ON now.issue = old.issue
    """,
    """
    INSERT INTO deliveries
      (id, issue, recipient_key, address, state, plan, version, attempts, updated, code, stage, message_id, reply)
    SELECT
      old.id, now.id, old.recipient_key, nullif(old.address, old.recipient_key), old.state, 1,
      CASE WHEN old.state IN ('sent', 'uncertain', 'committing') THEN 1 ELSE 0 END,
      old.attempts, coalesce(CAST(round((julianday(old.updated) - 2440587.5) * 86400000) AS INTEGER), 0),
      old.code, old.stage, old.message_id, old.reply
    FROM deliveries_1 AS old JOIN issues AS now ON now.issue = old.issue
    ORDER BY old.id
    """,
    "DROP TABLE deliveries_1",
    "DROP TABLE issues_1",
)


def _from_1(db: sa.Connection) -> None:
    for statement in _FROM_1_RENAMED:
        db.exec_driver_sql(statement)
    metadata.create_all(db)
    for statement in _FROM_1_COPIED:
        db.exec_driver_sql(statement)


# Version 2 had no state `suppressed`; SQLite changes a CHECK constraint only by rebuilding the table.
_FROM_2_IN_POSTGRESQL = (
    "ALTER TABLE deliveries DROP CONSTRAINT known_state",
    "ALTER TABLE deliveries ADD CONSTRAINT known_state CHECK (state IN ({states}))",
)


_FROM_2_IN_SQLITE_BEFORE = ("DROP INDEX standing", "ALTER TABLE deliveries RENAME TO deliveries_2")


_FROM_2_IN_SQLITE_AFTER = (
    """
    INSERT INTO deliveries ({columns}) SELECT {columns} FROM deliveries_2 ORDER BY id
    """,
    "DROP TABLE deliveries_2",
)


def _from_2(db: sa.Connection) -> None:
    if db.dialect.name == "postgresql":
        metadata.create_all(db)
        states = ", ".join(f"'{state}'" for state in State)
        for statement in _FROM_2_IN_POSTGRESQL:
            db.exec_driver_sql(statement.format(states=states))
        return
    known = {column["name"] for column in sa.inspect(db).get_columns("deliveries")}
    for statement in _FROM_2_IN_SQLITE_BEFORE:
        db.exec_driver_sql(statement)
    metadata.create_all(db)
    columns = ", ".join(column.name for column in deliveries.columns if column.name in known)
    for statement in _FROM_2_IN_SQLITE_AFTER:
        db.exec_driver_sql(statement.format(columns=columns))


# Version 7 had no letter that says goodbye; its constraint forbids it.
_FROM_7_IN_POSTGRESQL = (
    "ALTER TABLE letters DROP CONSTRAINT known_kind",
    "ALTER TABLE letters ADD CONSTRAINT known_kind CHECK (kind IN ('confirm', 'already', 'welcome', 'goodbye'))",
)


_FROM_7_IN_SQLITE_BEFORE = ("DROP INDEX letters_due", "ALTER TABLE letters RENAME TO letters_7")


_FROM_7_IN_SQLITE_AFTER = (
    """
    INSERT INTO letters ({columns}) SELECT {columns} FROM letters_7 ORDER BY id
    """,
    "DROP TABLE letters_7",
)


def _from_7(db: sa.Connection) -> None:
    if db.dialect.name == "postgresql":
        for statement in _FROM_7_IN_POSTGRESQL:
            db.exec_driver_sql(statement)
        return
    for statement in _FROM_7_IN_SQLITE_BEFORE:
        db.exec_driver_sql(statement)
    metadata.create_all(db)
    columns = ", ".join(column.name for column in letters.columns)
    for statement in _FROM_7_IN_SQLITE_AFTER:
        db.exec_driver_sql(statement.format(columns=columns))


_MIGRATIONS: Mapping[int, Callable[[sa.Connection], None]] = MappingProxyType(
    {1: _from_1, 2: _from_2, 3: from_3, 4: from_4, 5: from_5, 6: from_6, 7: _from_7, 8: from_8, 9: from_9, 10: from_10}
)
