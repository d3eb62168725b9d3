"""The database's tables, the moves a recipient may make, and how an older database becomes one of today's.

A database holds one ledger (its version, the issues, one row per issue and recipient, what the reports need) and the
people it is about: who signed up, what they consented to and prefer, and who must not be mailed.
Times are whole milliseconds since 1970 in UTC: a tenth of the bytes of a written date, a million times over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa

from newsletter.model.delivery import State

VERSION = 4

metadata = sa.MetaData()
_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER is SQLite's own row id

ledger_version = sa.Table("ledger_version", metadata, sa.Column("version", sa.Integer, nullable=False))

# `plan` is the last plan that was finished and counts; `last_plan` the last that was begun, so that one that was cut
# off is never mistaken for it. `version` numbers the content that is sent now.
issues = sa.Table(
    "issues",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("issue", sa.Text, nullable=False, unique=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("plan", sa.Integer, nullable=False),
    sa.Column("last_plan", sa.Integer, nullable=False),
    sa.Column("post", sa.Text, nullable=False),
    sa.Column("audience", sa.Text, nullable=False),
    sa.Column("first_sent", sa.BigInteger),
)

versions = sa.Table(
    "versions",
    metadata,
    sa.Column("issue", _id, sa.ForeignKey("issues.id"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("issue", "content_hash"),
)

# What an issue is beside its name, to tell another post of that name from it; `day` is empty where the post has none.
# No row: the issue was planned by a version before 4.
identities = sa.Table(
    "identities",
    metadata,
    sa.Column("issue", _id, sa.ForeignKey("issues.id"), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("newsletter", sa.Text, nullable=False),
)

# A million rows: what most rows have in common takes no bytes. `address` is NULL where it is spelled like its key;
# `version` and `message_id` are of the last try. `id` is the list's order.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("issue", _id, sa.ForeignKey("issues.id"), nullable=False),
    sa.Column("recipient_key", sa.Text, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("plan", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("code", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stage", sa.Text, nullable=False, server_default=""),
    sa.Column("lane", sa.Text, nullable=False, server_default=""),
    sa.Column("message_id", sa.Text, nullable=False, server_default=""),
    sa.Column("reply", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("issue", "recipient_key"),
    sa.CheckConstraint(sa.column("state").in_([state.value for state in State]), name="known_state"),
)
# Those who stand alike, in list order: what is claimed next and what a page of rows starts with is one step away.
# SQLite ends every index with the row id; written down again it would only take room.
sa.Index("standing", deliveries.c.issue, deliveries.c.state).ddl_if(dialect="sqlite")
sa.Index("standing_in_order", deliveries.c.issue, deliveries.c.state, deliveries.c.id).ddl_if(dialect="postgresql")

tests = sa.Table(
    "tests",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("issue", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("code", sa.Integer, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("issue", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("started", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
)

pace = sa.Table(
    "pace",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("mark", sa.Text, nullable=False),
)


# --- the people -----------------------------------------------------------------------------------------------------

# `key` is the folded address; `address` is NULL where it is spelled like its key, as in `deliveries`.
people = sa.Table(
    "people",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("address", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("confirmed", sa.BigInteger),
    sa.Column("lang", sa.Text, nullable=False, server_default=""),
    sa.Column("fields", sa.Text, nullable=False, server_default="{}"),
    sa.CheckConstraint(sa.column("state").in_(["pending", "confirmed", "left"]), name="known_standing"),
)

# What was asked of somebody, and what they said: never changed, only added to.
consents = sa.Table(
    "consents",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("source", sa.Text, nullable=False, server_default=""),
    sa.Column("wording", sa.Text, nullable=False, server_default=""),
)
sa.Index("consents_of", consents.c.key)

# By key, not by person: who stands on a list alone has them, too.
preferences = sa.Table(
    "preferences",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("lists", sa.Text, nullable=False, server_default="[]"),
    sa.Column("paused_until", sa.BigInteger),
    sa.Column("frequency", sa.Text, nullable=False, server_default="every"),
)

# One row for each reason that keeps somebody from being mailed. `key` is the folded address, or after `forget` the
# keyed hash in its place.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("issue", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
)

# `evidence` names the message that told of it: read twice, it counts once.
bounce_events = sa.Table(
    "bounce_events",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default=""),
    sa.Column("diagnostic", sa.Text, nullable=False, server_default=""),
    sa.Column("issue", sa.Text, nullable=False, server_default=""),
    sa.Column("evidence", sa.Text, nullable=False, unique=True),
    sa.Column("decision", sa.Text, nullable=False, server_default=""),
)
sa.Index("bounces_of", bounce_events.c.key)


# --- times ----------------------------------------------------------------------------------------------------------

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp_of(moment: datetime) -> int:
    """How a time with a zone is stored; what is finer than a millisecond is cut off."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def time_of(stamp: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=stamp)


def moment_of(stamp: int | None) -> datetime | None:
    return None if stamp is None else time_of(stamp)


# --- making and mending ---------------------------------------------------------------------------------------------


def found_version(db: sa.Connection) -> int | None:
    """The version of the ledger in this database; None where there is no ledger."""
    if not sa.inspect(db).has_table(ledger_version.name):
        return None
    version = db.scalar(sa.select(ledger_version.c.version))
    return None if version is None else int(version)


_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtext('newsletter ledger'))")


def bring_up_to_date(db: sa.Connection) -> None:
    """Make the tables, or turn those of an older version into today's, all in the transaction of `db`.

    The caller has made sure that nobody else writes, and that what stands there is no newer than `VERSION`.
    """
    if db.dialect.name == "postgresql":
        db.execute(_ONE_AT_A_TIME)  # two that create the same table at once would trip over each other
    version = found_version(db)
    if version is None:
        metadata.create_all(db)
        db.execute(sa.insert(ledger_version), {"version": VERSION})
        return
    for older in range(version, VERSION):
        _MIGRATIONS[older](db)
    db.execute(sa.update(ledger_version).values(version=VERSION))


# Version 1 was SQLite's alone. It kept one content hash for an issue and none for a row: everybody who has, or may
# have, the issue counts as a holder of version 1. Everybody it knew was on its only list.
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


# Version 2 knew nobody who is suppressed, and said so in a constraint, which SQLite changes with the table alone.
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
    for statement in _FROM_2_IN_SQLITE_BEFORE:
        db.exec_driver_sql(statement)
    metadata.create_all(db)
    columns = ", ".join(column.name for column in deliveries.columns)
    for statement in _FROM_2_IN_SQLITE_AFTER:
        db.exec_driver_sql(statement.format(columns=columns))


# Version 3 knew an issue by its name alone.
def _from_3(db: sa.Connection) -> None:
    metadata.create_all(db)


_MIGRATIONS: Mapping[int, Callable[[sa.Connection], None]] = MappingProxyType({1: _from_1, 2: _from_2, 3: _from_3})
