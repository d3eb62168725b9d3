"""The mail queue of the public pages: a row per mail, kept until long after sending."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.audience.people.queued_mails import Found as Found
from newsletter.audience.people.queued_mails import Letter as Letter
from newsletter.audience.people.queued_mails import Next as Next
from newsletter.audience.people.queued_mails import QueuedMails
from newsletter.ledger.database.schema import letters, people
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.model.delivery import State
from newsletter.model.letter_kind import LetterKind

WANTED_FOR = timedelta(days=7)
"""The lifetime of a confirmation link. A mail that could not be sent within it is given up."""

KEPT_FOR = timedelta(days=30)
"""How long the row of a mail that was sent, or never will be, is kept."""

_DAY_MS = 86_400_000

GOODBYES_IN_A_DAY = 3
"""Otherwise the holder of an unsubscribe link and its undo link could have an address mailed all day."""

_HELD = "the letters of the sign-up pages"


def add_letter(db: sa.Connection, kind: LetterKind, address: str, now: int, *, lang: str, fields: str) -> None:
    """Queue a mail, in the transaction of `db`. `fields` as JSON."""
    key = fold_address(address)
    row = {
        "key": key,
        "address": None if address == key else address,
        "kind": kind,
        "state": State.PENDING.value,
        "lang": lang,
        "fields": fields,
        "created": now,
        "updated": now,
        "due_at": now,
    }
    db.execute(sa.insert(letters), row)


def add_goodbyes(db: sa.Connection, addresses: Mapping[str, str], now: int) -> None:
    """Queue a goodbye mail for addresses (by key) that were just unsubscribed, in their own language if known.

    Skips addresses with an unsent one, or with `GOODBYES_IN_A_DAY`.
    """
    keys = list(addresses)
    since = now - _DAY_MS
    told = sa.select(letters.c.key, letters.c.state).where(
        letters.c.key.in_(keys), letters.c.kind == "goodbye", letters.c.created > since
    )
    counted = Counter[str]()
    for row in db.execute(told):
        counted[row.key] += GOODBYES_IN_A_DAY if row.state == State.PENDING.value else 1
    spoken = sa.select(people.c.key, people.c.lang).where(people.c.key.in_(keys))
    langs = {row.key: row.lang for row in db.execute(spoken)}
    for key, address in addresses.items():
        if counted[key] < GOODBYES_IN_A_DAY:
            add_letter(db, "goodbye", address, now, lang=langs.get(key, ""), fields="{}")


class Letters(QueuedMails):
    """The mail queue of the pages. It has one sender at a time."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        super().__init__(storage, clock, letters, _HELD, WANTED_FOR)

    def forget_old(self) -> int:
        """Delete rows that were settled long ago; returns how many."""
        before = stamp_of(self.clock() - KEPT_FOR)
        settled = letters.c.state.in_([State.SENT.value, State.REJECTED.value, State.UNCERTAIN.value])
        with self.storage.write() as db:
            return db.execute(sa.delete(letters).where(settled, letters.c.updated < before)).rowcount

    def _letter(self, row: sa.Row[Any]) -> Letter:
        fields = MappingProxyType(json.loads(row.fields))
        return Letter(row.id, row.kind, row.address or row.key, row.lang, fields, row.attempts)


def fingerprint(lang: str, fields: Mapping[str, str]) -> str:
    """A hash of 32 digits of the form's answers, without the address."""
    text = json.dumps([lang, sorted(fields.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
