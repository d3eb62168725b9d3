"""Of which failing jobs people were told, so that a failure that lasts is told once a day, and its end once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from newsletter.errors import LedgerError
from newsletter.ledger import shared_chores
from newsletter.ledger.ledger import Ledger

REMINDED = timedelta(days=1)
"""A persistent failure is alerted once a day; the heartbeat reports every round."""


class ToldFailures(Protocol):
    """What a daemon remembers of its alerts."""

    def is_news(self, job: str, key: object, now: datetime) -> bool:
        """Whether people are to be told of this failure now; it counts as told then."""

    def is_failing(self, job: str) -> bool:
        """Whether people were told that the job fails, and not yet that it is over."""

    def end(self, job: str) -> None: ...


class ToldHere:
    """The memory of one process."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[object, datetime]] = {}

    def is_news(self, job: str, key: object, now: datetime) -> bool:
        before = self._told.get(job)
        if before is not None and before[0] == key and now - before[1] < REMINDED:
            return False
        self._told[job] = (key, now)
        return True

    def is_failing(self, job: str) -> bool:
        return job in self._told

    def end(self, job: str) -> None:
        self._told.pop(job, None)


class ToldByAny:
    """That of all machines together, in their ledger; that of this one while the ledger is away."""

    def __init__(self, place: Path | str, clock: Callable[[], datetime]) -> None:
        self._place = place
        self._clock = clock
        self._here = ToldHere()

    def is_news(self, job: str, key: object, now: datetime) -> bool:
        mark = sha256(repr(key).encode()).hexdigest()[:16]
        try:
            with Ledger.open(self._place, self._clock) as ledger, ledger.storage.write() as db:
                return shared_chores.note_told(db, job, mark, REMINDED // timedelta(milliseconds=1))
        except LedgerError:
            return self._here.is_news(job, key, now)

    def is_failing(self, job: str) -> bool:
        try:
            with Ledger.open(self._place, self._clock) as ledger, ledger.storage.read() as db:
                return shared_chores.was_told(db, job) or self._here.is_failing(job)
        except LedgerError:
            return self._here.is_failing(job)

    def end(self, job: str) -> None:
        self._here.end(job)
        with suppress(LedgerError), Ledger.open(self._place, self._clock) as ledger, ledger.storage.write() as db:
            shared_chores.forget_told(db, job)
