"""The database schema.

A database holds one ledger (its version, the issues, one row per issue and recipient, what the reports need) and the
subscribers: sign-ups, consent, preferences, suppressions.
Times are whole milliseconds since 1970 in UTC: a tenth of the size of a formatted date, for a million rows.
"""

from __future__ import annotations

import sqlalchemy as sa

from newsletter.model.delivery import State

VERSION = 11

metadata = sa.MetaData()
_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only INTEGER is an alias of SQLite's row id

ledger_version = sa.Table("ledger_version", metadata, sa.Column("version", sa.Integer, nullable=False))

# `plan` is the last complete plan, which counts; `last_plan` the last one begun, so that an interrupted plan is never
# mistaken for it. `version` numbers the content that is sent now.
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

# The identity of an issue beside its name, to detect another post of that name; `day` is empty if the post has none. No
# row: a version before 4 planned the issue.
identities = sa.Table(
    "identities",
    metadata,
    sa.Column("issue", _id, sa.ForeignKey("issues.id"), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("newsletter", sa.Text, nullable=False),
)

# For a million rows: values that most rows share take no bytes. `address` is NULL if it is spelled like its key; `run`
# is the run that claimed the row last, and the only one that may write it (a fencing token);
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
    sa.Column("run", _id, nullable=False, server_default="0"),
    sa.UniqueConstraint("issue", "recipient_key"),
    sa.CheckConstraint(sa.column("state").in_([state.value for state in State]), name="known_state"),
)
# Recipients of one state in list order, so that the next claim and the start of a page of rows are one lookup. SQLite
# ends every index with the row id, so it is not repeated here.
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

# An issue that workers send: all that they need of it, compressed. Deleted with its rows once nobody is left.
shipments = sa.Table(
    "shipments",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("issue", _id, sa.ForeignKey("issues.id"), nullable=False, unique=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("secrets", sa.Text, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("stopped", sa.Text, nullable=False, server_default=""),
)

# The columns of a recipient that the issue uses, as JSON; no row where it uses none but the address.
shipment_rows = sa.Table(
    "shipment_rows",
    metadata,
    sa.Column("delivery", _id, primary_key=True),
    sa.Column("shipment", _id, sa.ForeignKey("shipments.id"), nullable=False, index=True),
    sa.Column("fields", sa.Text, nullable=False),
)

pace = sa.Table(
    "pace",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("mark", sa.Text, nullable=False),
)

# The last time of each chore: `bounces` read, a `backup` made.
chores = sa.Table(
    "chores",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)


# How many readers answered "up" or "down" about an issue, without their identity.
feedback = sa.Table(
    "feedback",
    metadata,
    sa.Column("issue", sa.Text, primary_key=True),
    sa.Column("answer", sa.Text, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
)


# Links of issues whose clicks are counted: where each leads, and how often it was followed. Nothing says by whom.
links = sa.Table(
    "links",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("issue", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("section", sa.Text, nullable=False, server_default=""),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("clicks", sa.BigInteger, nullable=False, server_default="0"),
)


# --- subscribers ----------------------------------------------------------------------------------------------------

# `key` is the folded address; `address` is NULL if it is spelled like its key, as in `deliveries`.
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

# The history of consent: rows are only added, never changed.
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

# By key, not by person: addresses that are only on a list have preferences, too.
preferences = sa.Table(
    "preferences",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("lists", sa.Text, nullable=False, server_default="[]"),
    sa.Column("paused_until", sa.BigInteger),
    sa.Column("frequency", sa.Text, nullable=False, server_default="every"),
)

# One row per reason that suppresses an address. `key` is the folded address, or after `forget` its keyed hash.
suppressions = sa.Table(
    "suppressions",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("issue", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
)

# `evidence` identifies the message that reported it, so that a message read twice counts once.
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

# Mail queued by the sign-up pages; a row is kept until a month after sending. `address` and the states are as in
# `deliveries`; `fields` are the answers of the form.
letters = sa.Table(
    "letters",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("lang", sa.Text, nullable=False, server_default=""),
    sa.Column("fields", sa.Text, nullable=False, server_default="{}"),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("code", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reply", sa.Text, nullable=False, server_default=""),
    sa.Column("message_id", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint(
        sa.column("kind").in_(["confirm", "already", "welcome", "goodbye"]),
        name="known_kind",
    ),
    sa.CheckConstraint(
        sa.column("state").in_(["pending", "committing", "sent", "rejected", "uncertain"]),
        name="known_letter_state",
    ),
)
sa.Index("letters_due", letters.c.state, letters.c.due_at)

# What the series has met: its steps ("step:01-hello") since `at`, and the lists ("list:/path") that it was compared
# with, as `mark` describes them.
series_seen = sa.Table(
    "series_seen",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("mark", sa.Text, nullable=False, server_default=""),
)

# Whom the series is for. `start` is the moment that its days are counted from; NULL: was on the list before the series.
# `origin` is "list", or "" for a sign-up.
series_members = sa.Table(
    "series_members",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("address", sa.Text),
    sa.Column("start", sa.BigInteger),
    sa.Column("origin", sa.Text, nullable=False, server_default=""),
)
sa.Index("series_members_start", series_members.c.start)

# One row per subscriber and step, kept for good: a step goes out once. The columns are as in `letters`.
series_mails = sa.Table(
    "series_mails",
    metadata,
    sa.Column("id", _id, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("origin", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("updated", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("code", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reply", sa.Text, nullable=False, server_default=""),
    sa.Column("message_id", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("key", "step"),
    sa.CheckConstraint(
        sa.column("state").in_(["pending", "committing", "sent", "rejected", "uncertain"]),
        name="known_series_state",
    ),
)
sa.Index("series_due", series_mails.c.state, series_mails.c.due_at)


# --- migration from version 3 ---------------------------------------------------------------------------------------


# Version 3 identified an issue by its name alone; the table of identities is new.
def from_3(db: sa.Connection) -> None:
    metadata.create_all(db)


# Version 4 did not record chores.
def from_4(db: sa.Connection) -> None:
    metadata.create_all(db)


# Version 5 had no mail queue.
def from_5(db: sa.Connection) -> None:
    metadata.create_all(db)


# Version 6 did not count readers' answers.
def from_6(db: sa.Connection) -> None:
    metadata.create_all(db)


# Version 8 counted no links.
def from_8(db: sa.Connection) -> None:
    metadata.create_all(db)


# Version 9 did not say which run had claimed a recipient, and knew no workers.
def from_9(db: sa.Connection) -> None:
    if "run" not in {column["name"] for column in sa.inspect(db).get_columns("deliveries")}:
        db.exec_driver_sql("ALTER TABLE deliveries ADD COLUMN run BIGINT NOT NULL DEFAULT 0")
    metadata.create_all(db)


# Version 10 had no series.
def from_10(db: sa.Connection) -> None:
    metadata.create_all(db)
