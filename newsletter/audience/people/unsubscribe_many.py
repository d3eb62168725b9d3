"""Unsubscribe many addresses at once, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.audience.people.history import kept
from newsletter.audience.people.letters import add_goodbyes
from newsletter.audience.people.records import Reason, Unsubscription
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.tokens import AddressHashes

_AT_ONCE = 200
"""Parameters in one condition; SQLite allows 32,766, older versions 999, and each secret adds one per address."""


def leave_all(
    db: sa.Connection, unsubscriptions: Sequence[Unsubscription], address_hashes: AddressHashes, now: int
) -> int:
    """Returns how many of them were not unsubscribed before."""
    left = 0
    for start in range(0, len(unsubscriptions), _AT_ONCE):
        left += _leave(db, unsubscriptions[start : start + _AT_ONCE], address_hashes, now)
    return left


def _leave(
    db: sa.Connection, unsubscriptions: Sequence[Unsubscription], address_hashes: AddressHashes, now: int
) -> int:
    dated = {
        fold_address(unsubscription.address) for unsubscription in unsubscriptions if unsubscription.at is not None
    }
    back = _returns(db, list(dated))
    leaving: dict[str, Unsubscription] = {}
    for unsubscription in unsubscriptions:
        key = fold_address(unsubscription.address)
        if unsubscription.at is None or back.get(key, -1) <= stamp_of(unsubscription.at):
            leaving.setdefault(key, unsubscription)
    if not leaving:
        return 0
    db.execute(_LEAVE, {"keys": list(leaving)})
    names = {name: key for key in leaving for name in (key, *address_hashes.all(key))}
    rows = db.execute(_STANDING, {"names": list(names)})
    hidden: dict[str, str] = {}
    gone: set[str] = set()
    unwelcome: set[str] = set()  # a bounce or a complaint, too, says that no letter is to come
    for row in rows:
        key = names[row.key]
        if row.key != key:
            hidden[key] = row.key  # erased before: the row is stored under the hash
        if row.reason == Reason.UNSUBSCRIBED:
            gone.add(key)
        else:
            unwelcome.add(key)
    # In a fixed order: two servers that update the same rows in different orders would deadlock.
    new = sorted(key for key in leaving if key not in gone)
    if not new:
        return 0
    off = [
        {
            "key": hidden.get(key, key),
            "reason": Reason.UNSUBSCRIBED.value,
            "at": now,
            "issue": leaving[key].issue,
            "detail": kept(leaving[key].source),
        }
        for key in new
    ]
    db.execute(_SUPPRESS, off)
    withdrawn = [{"key": key, "at": now, "source": kept(leaving[key].source)} for key in new if key not in hidden]
    if withdrawn:
        db.execute(_WITHDRAW, withdrawn)
    owed = {key: leaving[key].address for key in new if leaving[key].goodbye and key not in unwelcome}
    if owed:
        add_goodbyes(db, owed, now)
    return len(new)


def _returns(db: sa.Connection, keys: Sequence[str]) -> Mapping[str, int]:
    """When those of them who signed up, or returned, last did so."""
    if not keys:
        return {}
    return {row.key: row.at for row in db.execute(_RETURNS, {"keys": list(keys)})}


# Compiled once: for a batch of thirty, building the statements costs more than running them.
_STANDING = sa.text("SELECT key, reason FROM suppressions WHERE key IN :names").bindparams(
    sa.bindparam("names", expanding=True, type_=sa.Text)
)
_RETURNS = sa.text(
    "SELECT key, max(at) AS at FROM consents WHERE key IN :keys AND kind IN ('confirmed', 'returned') GROUP BY key"
).bindparams(sa.bindparam("keys", expanding=True, type_=sa.Text))
_LEAVE = sa.text("UPDATE people SET state = 'left' WHERE key IN :keys AND state <> 'left'").bindparams(
    sa.bindparam("keys", expanding=True, type_=sa.Text)
)
_WITHDRAW = sa.text("INSERT INTO consents (key, kind, at, source) VALUES (:key, 'withdrawn', :at, :source)")
_SUPPRESS = sa.text(
    """
    INSERT INTO suppressions (key, reason, at, issue, detail) VALUES (:key, :reason, :at, :issue, :detail)
    ON CONFLICT (key, reason) DO NOTHING
    """
)
