"""A persistent mail queue: a row per mail, with the states of a delivery.

    pending --the dot is about to be sent--> committing --> sent
    pending <--retry later-------------------+            rejected, by the relay or after many tries
                                             +----------> uncertain: no answer, or the process died

As in the ledger, `committing` is on disk before a dot is written, so that what a dead process left is either unsent or
uncertain, and mail that may have arrived is never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from newsletter.frozen import frozen
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of, time_of
from newsletter.ledger.hold import held
from newsletter.ledger.rate_limit_state import rate_limit_state, save_rate_limits
from newsletter.ledger.records import storable
from newsletter.model.delivery import Outcome, State
from newsletter.model.letter_kind import LetterKind
from newsletter.model.retry_delay import LONGEST_S

_LONGEST_WAIT_MS = LONGEST_S * 1000
"""A retry time further ahead comes from a wrong clock."""


@frozen
class Letter:
    """A queued mail. `lang` and `fields` are the form's answers, `attempts` the tries so far.

    `step` and `origin` are of a mail of the series alone.
    """

    id: int
    kind: LetterKind
    address: str
    lang: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    attempts: int = 0
    step: str = ""
    origin: str = ""


@frozen
class Next:
    """The next mail to send; if there is none, when the next one is due, None for never."""

    letter: Letter | None = None
    due_at: datetime | None = None


@frozen
class Found:
    """The result of taking over a dead process's queue: mails that may have arrived, and mails given up for age."""

    uncertain: int
    too_old: int


class QueuedMails:
    """The mails of one table of an open database. What a method writes is on disk when it returns.

    It has one sender at a time; `name` is what that one holds.
    """

    def __init__(
        self,
        storage: Storage,
        clock: Callable[[], datetime],
        table: sa.Table,
        name: str,
        wanted_for: timedelta | None = None,
    ) -> None:
        self.storage = storage
        self.clock = clock
        self._table = table
        self._name = name
        self._wanted_for = wanted_for
        self._holder: sa.Connection | None = None

    def waiting(self) -> int:
        """The number of unsent mails."""
        with self.storage.read() as db:
            counted = sa.select(sa.func.count()).where(self._table.c.state == State.PENDING.value, self._is_mine())
            return db.scalar(counted) or 0

    def is_at_rest(self) -> bool:
        """Whether nothing waits, and nothing is on its way or was when its sender died."""
        open_ = [State.PENDING.value, State.COMMITTING.value]
        with self.storage.read() as db:
            found = sa.select(self._table.c.id).where(self._table.c.state.in_(open_), self._is_mine()).limit(1)
            return db.scalar(found) is None

    @contextmanager
    def hold(self) -> Iterator[Found]:
        """Become the only sender, and settle what a dead one left. BusyError if another process is the sender."""
        with held(self.storage, self._name) as db:
            self._holder = db
            try:
                yield self._recover()
            finally:
                self._holder = None

    def next(self) -> Next:
        """The mail that has been due for longest."""
        now = stamp_of(self.clock())
        table = self._table
        pending = sa.and_(table.c.state == State.PENDING.value, self._is_mine())
        first = sa.select(table).where(pending).order_by(table.c.due_at, table.c.id).limit(1)
        with self.storage.read() as db:
            row = db.execute(first).one_or_none()
        if row is None:
            return Next()
        if now < row.due_at <= now + _LONGEST_WAIT_MS:
            return Next(due_at=time_of(row.due_at))
        return Next(self._letter(row))

    def rate_limit_state(self) -> Mapping[str, str]:
        """The used part of the rate limits, shared with sends; see `Ledger.rate_limit_state`."""
        with self.storage.read() as db:
            return rate_limit_state(db)

    def commit(self, letter: Letter, message_id: str, marks: Mapping[str, str]) -> bool:
        """Record that the final dot is about to be sent, and the rate limits it uses.

        False if the mail is no longer wanted.
        """
        table = self._table
        mine = sa.update(table).where(table.c.id == letter.id, table.c.state == State.PENDING.value, self._is_wanted())
        taken = {"state": State.COMMITTING.value, "message_id": message_id, "attempts": letter.attempts + 1}
        with self.storage.write(self._holder) as db:
            if not db.execute(mine.values(**taken, updated=stamp_of(self.clock()))).rowcount:
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
            "updated": stamp_of(self.clock()),
        }
        if due_at is not None:
            change["due_at"] = stamp_of(due_at)
        with self.storage.write(self._holder) as db:
            db.execute(sa.update(self._table).where(self._table.c.id == letter.id).values(**change))

    def drop(self, letter: Letter) -> None:
        """Remove a mail that is no longer wanted."""
        pending = self._table.c.state == State.PENDING.value
        with self.storage.write(self._holder) as db:
            db.execute(sa.delete(self._table).where(self._table.c.id == letter.id, pending))

    # --- what differs -----------------------------------------------------------------------------------------------

    def _letter(self, row: sa.Row[Any]) -> Letter:
        raise NotImplementedError

    def _is_mine(self) -> sa.ColumnElement[bool]:
        """Which of the pending mails this sender sends."""
        return sa.true()

    def _is_wanted(self) -> sa.ColumnElement[bool]:
        """What must hold of a mail's row when its dot is about to be sent."""
        return sa.true()

    def _recover(self) -> Found:
        now = self.clock()
        table, changed = self._table, {"updated": stamp_of(now)}
        died = sa.update(table).where(table.c.state == State.COMMITTING.value)
        with self.storage.write(self._holder) as db:
            unsure = db.execute(died.values(state=State.UNCERTAIN.value, **changed)).rowcount
            if self._wanted_for is None:
                return Found(unsure, 0)
            oldest = stamp_of(now - self._wanted_for)
            stale = sa.update(table).where(table.c.state == State.PENDING.value, table.c.created < oldest)
            old = db.execute(stale.values(state=State.REJECTED.value, reply="not sent in time", **changed)).rowcount
        return Found(unsure, old)
