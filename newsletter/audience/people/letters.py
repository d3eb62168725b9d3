"""The persistent mail queue of the public pages: a row per mail, kept until long after sending.

    pending --the dot is about to be sent--> committing --> sent
    pending <--retry later-------------------+            rejected, by the relay or after many tries
                                             +----------> uncertain: no answer, or the process died

As in the ledger, `committing` is on disk before a dot is written, so that what a dead process left is either unsent or
uncertain, and mail that may have arrived is never sent again.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.ledger.database.schema import letters, people
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of, time_of
from newsletter.ledger.hold import held
from newsletter.ledger.rate_limit_state import rate_limit_state, save_rate_limits
from newsletter.ledger.records import storable
from newsletter.model.delivery import Outcome, State
from newsletter.model.retry_delay import LONGEST_S

LetterKind = Literal["confirm", "already", "welcome", "goodbye"]

WANTED_FOR = timedelta(days=7)
"""The lifetime of a confirmation link. A mail that could not be sent within it is given up."""

KEPT_FOR = timedelta(days=30)
"""How long the row of a mail that was sent, or never will be, is kept."""

_DAY_MS = 86_400_000

_LONGEST_WAIT_MS = LONGEST_S * 1000
"""A retry time further ahead comes from a wrong clock."""

GOODBYES_IN_A_DAY = 3
"""Otherwise the holder of an unsubscribe link and its undo link could have an address mailed all day."""

_HELD = "the letters of the sign-up pages"


@dataclass(frozen=True, slots=True)
class Letter:
    """A queued mail. `lang` and `fields` are the form's answers, `attempts` the tries so far."""

    id: int
    kind: LetterKind
    address: str
    lang: str
    fields: Mapping[str, str]
    attempts: int


@dataclass(frozen=True, slots=True)
class Next:
    """The next mail to send; if there is none, when the next one is due, None for never."""

    letter: Letter | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The result of taking over a dead process's queue: mails that may have arrived, and mails given up for age."""

    uncertain: int
    too_old: int


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


class Letters:
    """The mail queue of an open database. What a method writes is on disk when it returns.

    It has one sender at a time.
    """

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock
        self._holder: sa.Connection | None = None

    def waiting(self) -> int:
        """The number of unsent mails."""
        with self._storage.read() as db:
            counted = sa.select(sa.func.count()).where(letters.c.state == State.PENDING.value)
            return db.scalar(counted) or 0

    @contextmanager
    def hold(self) -> Iterator[Found]:
        """Become the only sender, and settle what a dead one left. BusyError if another process is the sender."""
        with held(self._storage, _HELD) as db:
            self._holder = db
            try:
                yield self._recover()
            finally:
                self._holder = None

    def next(self) -> Next:
        """The mail that has been due for longest."""
        now = stamp_of(self._clock())
        pending = letters.c.state == State.PENDING.value
        first = sa.select(letters).where(pending).order_by(letters.c.due_at, letters.c.id).limit(1)
        with self._storage.read() as db:
            row = db.execute(first).one_or_none()
        if row is None:
            return Next()
        if now < row.due_at <= now + _LONGEST_WAIT_MS:
            return Next(due_at=time_of(row.due_at))
        fields = MappingProxyType(json.loads(row.fields))
        return Next(Letter(row.id, row.kind, row.address or row.key, row.lang, fields, row.attempts))

    def rate_limit_state(self) -> Mapping[str, str]:
        """The used part of the rate limits, shared with sends; see `Ledger.rate_limit_state`."""
        with self._storage.read() as db:
            return rate_limit_state(db)

    def commit(self, letter: Letter, message_id: str, marks: Mapping[str, str]) -> bool:
        """Record that the final dot is about to be sent, and the rate limits it uses.

        False if the mail is no longer wanted.
        """
        mine = sa.update(letters).where(letters.c.id == letter.id, letters.c.state == State.PENDING.value)
        taken = {"state": State.COMMITTING.value, "message_id": message_id, "attempts": letter.attempts + 1}
        with self._storage.write(self._holder) as db:
            if not db.execute(mine.values(**taken, updated=stamp_of(self._clock()))).rowcount:
                return False
            save_rate_limits(db, marks)
        return True

    def settle(self, letter: Letter, outcome: Outcome, due_at: datetime | None = None) -> None:
        """Record the outcome of a try; `due_at` is the time of the next one.

        A server's text may contain the address.
        """
        change = {
            "state": outcome.state.value if due_at is None else State.PENDING.value,
            "attempts": letter.attempts + 1,
            "code": outcome.code,
            "reply": storable(outcome.text),
            "updated": stamp_of(self._clock()),
        }
        if due_at is not None:
            change["due_at"] = stamp_of(due_at)
        with self._storage.write(self._holder) as db:
            db.execute(sa.update(letters).where(letters.c.id == letter.id).values(**change))

    def drop(self, letter: Letter) -> None:
        """Remove a mail that is no longer wanted."""
        with self._storage.write(self._holder) as db:
            db.execute(sa.delete(letters).where(letters.c.id == letter.id))

    def forget_old(self) -> int:
        """Delete rows that were settled long ago; returns how many."""
        before = stamp_of(self._clock() - KEPT_FOR)
        settled = letters.c.state.in_([State.SENT.value, State.REJECTED.value, State.UNCERTAIN.value])
        with self._storage.write() as db:
            return db.execute(sa.delete(letters).where(settled, letters.c.updated < before)).rowcount

    def _recover(self) -> Found:
        now, oldest = self._clock(), self._clock() - WANTED_FOR
        changed = {"updated": stamp_of(now)}
        died = sa.update(letters).where(letters.c.state == State.COMMITTING.value)
        stale = sa.update(letters).where(letters.c.state == State.PENDING.value, letters.c.created < stamp_of(oldest))
        with self._storage.write(self._holder) as db:
            unsure = db.execute(died.values(state=State.UNCERTAIN.value, **changed)).rowcount
            old = db.execute(stale.values(state=State.REJECTED.value, reply="not sent in time", **changed)).rowcount
        return Found(unsure, old)


def fingerprint(lang: str, fields: Mapping[str, str]) -> str:
    """A hash of 32 digits of the form's answers, without the address."""
    text = json.dumps([lang, sorted(fields.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
