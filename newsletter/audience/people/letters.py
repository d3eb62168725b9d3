"""Letters of the public pages: a row from the moment they are owed until long after they went out.

    pending --the dot is about to go out--> committing --> sent
    pending <--not now: due later-----------+             rejected, by the relay or after many tries
                                            +-----------> uncertain: no answer, or the process died

As in the ledger, `committing` is on disk before a dot is written, so that what a dead process left is either unsent or
uncertain; and nothing that may have arrived goes out again.
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
"""As long as a link to confirm works. A letter that could not go out until then is given up."""

KEPT_FOR = timedelta(days=30)
"""How long a letter that went out, or never will, is remembered."""

_DAY_MS = 86_400_000

_LONGEST_WAIT_MS = LONGEST_S * 1000
"""What lies further ahead was written by a clock that was wrong."""

GOODBYES_IN_A_DAY = 3
"""Whoever has a link to leave and one to undo it could otherwise have an address mailed all day."""

_HELD = "the letters of the sign-up pages"


@dataclass(frozen=True, slots=True)
class Letter:
    """One that is owed. `lang` and `fields` are what the person filled in to join, `attempts` the tries so far."""

    id: int
    kind: LetterKind
    address: str
    lang: str
    fields: Mapping[str, str]
    attempts: int


@dataclass(frozen=True, slots=True)
class Next:
    """The letter whose turn it is; where there is none, when the next one is due, None for never."""

    letter: Letter | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What a new holder of the letters found: how many may have arrived when the one before died, and how many were
    given up for their age."""

    uncertain: int
    too_old: int


def add_letter(db: sa.Connection, kind: LetterKind, address: str, now: int, *, lang: str, fields: str) -> None:
    """Owe somebody a letter, in the transaction of `db`. `fields` as JSON."""
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
    """Owe a goodbye to those who just left, `addresses` by key, in their own language where that is known.

    None to whom one still waits, or who had `GOODBYES_IN_A_DAY`.
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
    """The letters of an open database. What a method writes is on disk when it returns. One sends them at a time."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        self._storage = storage
        self._clock = clock
        self._holder: sa.Connection | None = None

    def waiting(self) -> int:
        """How many have yet to go out."""
        with self._storage.read() as db:
            counted = sa.select(sa.func.count()).where(letters.c.state == State.PENDING.value)
            return db.scalar(counted) or 0

    @contextmanager
    def hold(self) -> Iterator[Found]:
        """Be the only one who sends them, and settle what a dead one left. BusyError where another process is."""
        with held(self._storage, _HELD) as db:
            self._holder = db
            try:
                yield self._recover()
            finally:
                self._holder = None

    def next(self) -> Next:
        """The letter that has waited longest of those that are due."""
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
        """What the rate limits have used up, by the sends as well; see `Ledger.rate_limit_state`."""
        with self._storage.read() as db:
            return rate_limit_state(db)

    def commit(self, letter: Letter, message_id: str, marks: Mapping[str, str]) -> bool:
        """Write down that its final dot is about to go out, and what that uses up. False where it is owed no more."""
        mine = sa.update(letters).where(letters.c.id == letter.id, letters.c.state == State.PENDING.value)
        taken = {"state": State.COMMITTING.value, "message_id": message_id, "attempts": letter.attempts + 1}
        with self._storage.write(self._holder) as db:
            if not db.execute(mine.values(**taken, updated=stamp_of(self._clock()))).rowcount:
                return False
            save_rate_limits(db, marks)
        return True

    def settle(self, letter: Letter, outcome: Outcome, due_at: datetime | None = None) -> None:
        """Keep what became of a try; with `due_at` there will be another. A server's words may hold the address."""
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
        """It is no longer wanted."""
        with self._storage.write(self._holder) as db:
            db.execute(sa.delete(letters).where(letters.c.id == letter.id))

    def forget_old(self) -> int:
        """Take out those that were settled long ago: how many."""
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
    """32 digits for what somebody filled in to join, besides the address."""
    text = json.dumps([lang, sorted(fields.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
