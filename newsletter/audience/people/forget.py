"""Erase a subscriber, keeping only a keyed hash that suppresses the address."""

from __future__ import annotations

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.audience.people.records import Erasure, Reason
from newsletter.errors import ConfigError
from newsletter.ledger.database.schema import (
    bounce_events,
    consents,
    deliveries,
    issues,
    letters,
    people,
    preferences,
    series_mails,
    series_members,
    suppressions,
    tests,
)
from newsletter.ledger.database.storage import Storage
from newsletter.model.delivery import State
from newsletter.tokens import AddressHashes

_NOT_YET_MAILED = (State.PENDING.value, State.CLAIMED.value, State.DEFERRED.value)


def forget(storage: Storage, key: str, address_hashes: AddressHashes, now: int) -> Erasure:
    """Erase in one transaction. Raises ConfigError without a secret for the hash."""
    if not address_hashes:
        raise ConfigError(
            "forgetting somebody needs NEWSLETTER_SECRET, since a plain hash of an address can be guessed",
            "set it to what `openssl rand -hex 32` prints, and keep it",
        )
    address_hash = address_hashes.of(key)
    with storage.write() as db:
        if db.dialect.name == "postgresql":
            # Wait for a running plan that lists the address; a later plan finds the hash.
            db.execute(sa.text("LOCK TABLE deliveries IN SHARE ROW EXCLUSIVE MODE"))
        else:
            db.exec_driver_sql("PRAGMA secure_delete = ON")  # overwrite deleted rows with zeros
        gone = _delete(db, key)
        hidden = _hide(db, key, address_hash, now)
        _keep_suppressed(db, key, address_hash, now)
    if storage.place.file is not None:
        with storage.engine.connect() as db:
            db.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")  # the log still had the rows
    return Erasure(rows=gone, issues=hidden)


def _delete(db: sa.Connection, key: str) -> int:
    gone = 0
    for table in (people, consents, preferences, bounce_events, letters, series_members, series_mails):
        gone += db.execute(sa.delete(table).where(table.c.key == key)).rowcount
    tested = db.execute(sa.select(tests.c.id, tests.c.address)).all()
    mine = [row.id for row in tested if fold_address(row.address) == key]
    return gone + (db.execute(sa.delete(tests).where(tests.c.id.in_(mine))).rowcount if mine else 0)


def _hide(db: sa.Connection, key: str, address_hash: str, now: int) -> int:
    """Replace the address by its hash in the ledger; rows that were not yet mailed become suppressed."""
    # One index lookup per issue: a condition on the key alone would scan the table.
    mine = sa.and_(deliveries.c.issue.in_(sa.select(issues.c.id)), deliveries.c.recipient_key == key)
    waiting = sa.update(deliveries).where(mine, deliveries.c.state.in_(_NOT_YET_MAILED))
    off = {"state": State.SUPPRESSED.value, "stage": "list", "code": 0, "due_at": None, "updated": now}
    db.execute(waiting.values(**off))
    # A server's text often repeats the address, and the Message-ID is derived from it.
    words = sa.case((deliveries.c.state == State.SUPPRESSED.value, Reason.FORGOTTEN.value), else_="")
    return db.execute(
        sa.update(deliveries).where(mine).values(recipient_key=address_hash, address=None, message_id="", reply=words)
    ).rowcount


def _keep_suppressed(db: sa.Connection, key: str, address_hash: str, now: int) -> None:
    mine = suppressions.c.key == key
    reasons = db.scalars(sa.select(suppressions.c.reason).where(mine)).all()
    kept = [{"key": address_hash, "reason": reason, "at": now} for reason in {*reasons, Reason.FORGOTTEN.value}]
    db.execute(sa.delete(suppressions).where(mine))
    for row in kept:
        db.execute(_KEEP, row)


_KEEP = sa.text(
    "INSERT INTO suppressions (key, reason, at, issue, detail) VALUES (:key, :reason, :at, '', '') "
    "ON CONFLICT (key, reason) DO NOTHING"
)
