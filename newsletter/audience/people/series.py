"""The series: mails a number of days after joining, one row per subscriber and step.

A subscriber's days are counted from `series_members.start`. Rows of `series_mails` are made when a step is due, and
stay, so that none goes out twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.audience.people.queued_mails import Letter, QueuedMails
from newsletter.audience.people.records import SignUpState
from newsletter.frozen import frozen
from newsletter.ledger.database.schema import (
    people,
    preferences,
    series_mails,
    series_members,
    series_seen,
    suppressions,
)
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import moment_of, stamp_of, time_of
from newsletter.model.delivery import State

HELD = "the series"
LIST = "list"
"""The origin of a member who is on a list, and no sign-up."""

_APART = timedelta(hours=20)
"""The least time between two steps, unless the files say less: nobody gets in an hour what was missed in a week."""

_AT_ONCE = 500
_REACHED = (State.SENT.value, State.UNCERTAIN.value, State.COMMITTING.value)


@frozen
class SeriesStep:
    """A step, due `after` joining. `since` is when it was first seen: who was past it then does not get it."""

    name: str
    after: timedelta
    since: datetime


class Series(QueuedMails):
    """The series of an open store; it has one sender at a time.

    With `lists`, its sender has the lists at hand, and sends to members from lists as well.
    """

    def __init__(self, storage: Storage, clock: Callable[[], datetime], *, lists: bool = False) -> None:
        super().__init__(storage, clock, series_mails, HELD)
        self._lists = lists

    # --- steps ------------------------------------------------------------------------------------------------------

    def meet(self, steps: Mapping[str, timedelta], day: datetime, *, dry: bool = False) -> tuple[SeriesStep, ...]:
        """The steps in the order of their days; those that are new count as first seen at `day`.

        A `dry` meeting is not remembered.
        """
        known = sa.select(series_seen).where(series_seen.c.name.like("step:%"))
        with self.storage.read() as db:
            seen = {row.name: row.at for row in db.execute(known)}
        new = [
            {"name": f"step:{name}", "at": stamp_of(day), "mark": ""} for name in steps if f"step:{name}" not in seen
        ]
        if new and not dry:
            with self.storage.write() as db:
                db.execute(_MEET, new)
        found = [
            SeriesStep(name, after, time_of(seen.get(f"step:{name}", stamp_of(day))))
            for name, after in sorted(steps.items(), key=lambda each: (each[1], each[0]))
        ]
        return tuple(found)

    def begun(self) -> datetime | None:
        """When the series was first seen."""
        with self.storage.read() as db:
            steps = sa.select(sa.func.min(series_seen.c.at)).where(series_seen.c.name.like("step:%"))
            return moment_of(db.scalar(steps))

    # --- members ----------------------------------------------------------------------------------------------------

    def enrol_sign_ups(self, since: datetime | None) -> None:
        """Everyone who confirmed since the series began is a member from that moment on.

        With `since`, everyone who confirmed after that instead; who did before the series began is one from now on.
        """
        begun, now = self.begun(), stamp_of(self.clock())
        if begun is None:
            return
        first = stamp_of(begun)
        with self.storage.write() as db:
            db.execute(_ENROL, {"now": now, "begun": first, "since": stamp_of(since) if since else first})

    def list_mark(self, name: str) -> str:
        """What the list of that name was when it was last read; empty if it never was."""
        with self.storage.read() as db:
            return db.scalar(sa.select(series_seen.c.mark).where(series_seen.c.name == f"list:{name}")) or ""

    def enrol_list(self, name: str, mark: str, addresses: Iterable[str]) -> None:
        """Who is new on a list is a member from now on; at the first look at a list nobody is new."""
        now = stamp_of(self.clock())
        start = now if self.list_mark(name) else None
        # A transaction a page, for sign-ups must not wait; the mark comes last, so that a run that dies begins anew.
        for page in pages(addresses):
            rows = [_keyed(address) for address in page]
            with self.storage.write() as db:
                if db.dialect.name == "postgresql":
                    columns = {"keys": [row["key"] for row in rows], "addresses": [row["address"] for row in rows]}
                    db.execute(_ENROL_IN_POSTGRESQL, {**columns, "start": start, "origin": LIST})
                else:
                    db.execute(_ENROL_LISTED, [{**row, "start": start, "origin": LIST} for row in rows])
        with self.storage.write() as db:
            db.execute(_MARK, {"name": f"list:{name}", "at": now, "mark": mark})

    # --- what is due ------------------------------------------------------------------------------------------------

    def due_members(self, steps: Sequence[SeriesStep]) -> tuple[Letter, ...]:
        """For each member the first step that is due, in the order of the steps; nothing is written.

        None of them has an id yet.
        """
        now = self.clock()
        found: dict[str, Letter] = {}
        afters = {step.name: step.after for step in steps}
        with self.storage.read() as db:
            for step in steps:
                rows = db.execute(
                    _due(with_lists=self._lists),
                    {
                        "step": step.name,
                        "until": stamp_of(now - step.after),
                        "since": stamp_of(step.since - step.after),
                        "now": stamp_of(now),
                    },
                ).all()
                last = _last_steps(db, [row.key for row in rows if row.key not in found])
                for row in rows:
                    if row.key in found or not _is_apart(now, step, last.get(row.key), afters):
                        continue
                    address = row.address or row.key
                    found[row.key] = Letter(0, "series", address, step=step.name, origin=row.origin)
        return tuple(found.values())

    def put(self, mails: Iterable[Letter]) -> int:
        """Queue these; one that is queued already stays as it is. Returns how many are new."""
        now = stamp_of(self.clock())
        made = 0
        with self.storage.write(self._holder) as db:
            for mail in mails:
                row = {**_keyed(mail.address), "step": mail.step, "origin": mail.origin, "now": now}
                made += db.execute(_PUT, row).rowcount
        return made

    # --- the queue --------------------------------------------------------------------------------------------------

    def _letter(self, row: sa.Row[Any]) -> Letter:
        address = row.address or row.key
        return Letter(row.id, "series", address, attempts=row.attempts, step=row.step, origin=row.origin)

    def _is_mine(self) -> sa.ColumnElement[bool]:
        return sa.true() if self._lists else series_mails.c.origin == ""

    def _is_wanted(self) -> sa.ColumnElement[bool]:
        # Security: who leaves while their mail is on its way to the relay does not get it.
        return ~sa.exists().where(suppressions.c.key == series_mails.c.key)


def _keyed(address: str) -> dict[str, str | None]:
    key = fold_address(address)
    return {"key": key, "address": None if address == key else address}


def pages(addresses: Iterable[str]) -> Iterator[list[str]]:
    """Some hundreds at a time."""
    page: list[str] = []
    for address in addresses:
        page.append(address)
        if len(page) == _AT_ONCE:
            yield page
            page = []
    if page:
        yield page


def _last_steps(db: sa.Connection, keys: Sequence[str]) -> Mapping[str, tuple[str, datetime]]:
    """The last step that each of them got, and when."""
    found: dict[str, tuple[str, datetime]] = {}
    for page in pages(keys):
        reached = (
            sa.select(series_mails.c.key, series_mails.c.step, series_mails.c.updated)
            .where(series_mails.c.key.in_(page), series_mails.c.state.in_(_REACHED))
            .order_by(series_mails.c.updated)
        )
        found |= {row.key: (row.step, time_of(row.updated)) for row in db.execute(reached)}
    return found


def _is_apart(
    now: datetime, step: SeriesStep, last: tuple[str, datetime] | None, afters: Mapping[str, timedelta]
) -> bool:
    """Whether the last step is long enough ago: half of what the files have between the two, at most `_APART`."""
    if last is None:
        return True
    between = step.after - afters.get(last[0], timedelta(0))
    return now - last[1] >= min(max(between, timedelta(0)) / 2, _APART)


def _due(*, with_lists: bool) -> sa.Select[tuple[str, str | None, str]]:
    """Members whose day has come, and who have no row of the step; each address may be mailed now.

    A mail on its way is waited for, and one that was refused ends the series.
    """
    members, mails = series_members.c, series_mails.c
    own = sa.or_(members.origin != "", people.c.state == SignUpState.CONFIRMED.value)
    blocking = sa.or_(
        mails.step == sa.bindparam("step"),
        mails.state.in_([State.PENDING.value, State.COMMITTING.value, State.REJECTED.value]),
    )
    return (
        sa.select(members.key, members.address, members.origin)
        .select_from(
            series_members.outerjoin(people, people.c.key == members.key).outerjoin(
                preferences, preferences.c.key == members.key
            )
        )
        .where(
            members.start <= sa.bindparam("until"),
            members.start >= sa.bindparam("since"),
            own if with_lists else people.c.state == SignUpState.CONFIRMED.value,
            sa.true() if with_lists else members.origin == "",
            sa.or_(preferences.c.paused_until.is_(None), preferences.c.paused_until <= sa.bindparam("now")),
            ~sa.exists().where(mails.key == members.key, blocking),
            ~sa.exists().where(suppressions.c.key == members.key),
        )
        .order_by(members.start, members.key)
    )


_MEET = sa.text("INSERT INTO series_seen (name, at, mark) VALUES (:name, :at, :mark) ON CONFLICT (name) DO NOTHING")
_MARK = sa.text(
    "INSERT INTO series_seen (name, at, mark) VALUES (:name, :at, :mark) "
    "ON CONFLICT (name) DO UPDATE SET mark = excluded.mark"
)
# Who was on a list before, and signs up later, is a member from then on.
_ENROL = sa.text(
    """
    INSERT INTO series_members (key, address, start, origin)
    SELECT key, address, CASE WHEN confirmed >= :begun THEN confirmed ELSE :now END, '' FROM people
    WHERE state = 'confirmed' AND confirmed >= :since
      AND NOT EXISTS (
        SELECT 1 FROM series_members AS known WHERE known.key = people.key AND known.start IS NOT NULL
      )
    ON CONFLICT (key) DO UPDATE SET start = excluded.start, origin = '' WHERE series_members.start IS NULL
    """
)
_ENROL_LISTED = sa.text(
    "INSERT INTO series_members (key, address, start, origin) VALUES (:key, :address, :start, :origin) "
    "ON CONFLICT (key) DO NOTHING"
)
_ENROL_IN_POSTGRESQL = sa.text(
    """
    INSERT INTO series_members (key, address, start, origin)
    SELECT listed.key, listed.address, CAST(:start AS bigint), :origin
    FROM unnest(CAST(:keys AS text[]), CAST(:addresses AS text[])) AS listed (key, address)
    ON CONFLICT (key) DO NOTHING
    """
)
_PUT = sa.text(
    "INSERT INTO series_mails (key, address, step, origin, state, created, updated, due_at) "
    "VALUES (:key, :address, :step, :origin, 'pending', :now, :now, :now) ON CONFLICT (key, step) DO NOTHING"
)
