"""Chores that several machines share: who runs one, when it is due next, how often it failed, of what people were told.

By the database's clock: a machine whose own is wrong takes no chore too early. A machine leases the chore that it runs,
so that another one runs it where that machine dies or stops. For a ledger in PostgreSQL. Each function works in the
transaction of `db`, on rows of the table `chores` of their own.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from newsletter.ledger.database.schema import chores

_NOW = sa.text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")

_TAKE = sa.text(
    """
    INSERT INTO chores (name, at) VALUES (:name, :until)
    ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE chores.at <= :now
    RETURNING at
    """
)


class TakenChore(NamedTuple):
    """A chore that is leased to this machine: until when, when it was taken (both in milliseconds by the database's
    clock), and how often in a row it failed.
    """

    until: int
    now: int
    failures: int


def database_now(db: sa.Connection) -> int:
    """Milliseconds since the epoch, by the database's clock."""
    return int(db.execute(_NOW).scalar_one())


def take_chore(db: sa.Connection, chore: str, for_ms: int) -> TakenChore | None:
    """Lease a chore that is due; None where it is not, or another machine has it."""
    now = database_now(db)
    taken = db.execute(_TAKE, {"name": _due(chore), "until": now + for_ms, "now": now}).scalar()
    return None if taken is None else TakenChore(int(taken), now, _failures(db, chore))


def keep_chore(db: sa.Connection, chore: str, until: int, for_ms: int) -> int | None:
    """Renew the lease that ends at `until`; returns its new end, None where another machine has the chore by now."""
    end = database_now(db) + for_ms
    return end if _moved(db, chore, until, end) else None


def end_chore(db: sa.Connection, chore: str, until: int, in_ms: int, failures: int) -> bool:
    """Give the lease back: it is due again in so many milliseconds. False where another machine has the chore."""
    now = database_now(db)
    if not _moved(db, chore, until, now + max(in_ms, 0)):
        return False
    db.execute(sa.delete(chores).where(chores.c.name.startswith(_FAILED.format(chore), autoescape=True)))
    if failures:
        db.execute(sa.insert(chores).values(name=_FAILED.format(chore) + str(failures), at=now))
    return True


def hasten_chore(db: sa.Connection, chore: str) -> None:
    """Make a chore due now, unless a machine runs it or it was never run."""
    name, now = _due(chore), database_now(db)
    db.execute(sa.update(chores).where(chores.c.name == name, chores.c.at > now).values(at=now))


def note_told(db: sa.Connection, chore: str, mark: str, for_ms: int) -> bool:
    """Note that people are told of a failure now. False if they were told of this one within `for_ms`."""
    now = database_now(db)
    before = db.execute(_told_rows(chore)).all()
    name = _TOLD.format(chore) + mark
    if any(row.name == name and now - row.at < for_ms for row in before):
        return False
    forget_told(db, chore)
    db.execute(sa.insert(chores).values(name=name, at=now))
    return True


def was_told(db: sa.Connection, chore: str) -> bool:
    """Whether people were told that the chore fails."""
    return db.execute(_told_rows(chore)).first() is not None


def forget_told(db: sa.Connection, chore: str) -> None:
    """It goes well again."""
    db.execute(sa.delete(chores).where(chores.c.name.startswith(_TOLD.format(chore), autoescape=True)))


_FAILED = "{}, failed "
_TOLD = "{}, told "


def _due(chore: str) -> str:
    return f"{chore}, due"


def _moved(db: sa.Connection, chore: str, before: int, after: int) -> bool:
    mine = sa.update(chores).where(chores.c.name == _due(chore), chores.c.at == before)
    return db.execute(mine.values(at=after)).rowcount == 1


def _failures(db: sa.Connection, chore: str) -> int:
    beginning = _FAILED.format(chore)
    found = db.scalar(sa.select(chores.c.name).where(chores.c.name.startswith(beginning, autoescape=True)))
    return int(found.removeprefix(beginning)) if found is not None else 0


def _told_rows(chore: str) -> sa.Select[tuple[str, int]]:
    return sa.select(chores.c.name, chores.c.at).where(chores.c.name.startswith(_TOLD.format(chore), autoescape=True))
