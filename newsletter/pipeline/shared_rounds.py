"""A periodic job that several machines share: whichever asks first runs it when it is due, and the others do not.

The lease is in the ledger. It is renewed while the job runs: where the machine dies or is stopped, the next one that
asks runs the job. Running one twice must be harmless, as it is for those of `publish --watch`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from newsletter.errors import LedgerError
from newsletter.ledger import shared_chores
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.shared_chores import TakenChore
from newsletter.pipeline.rounds import Failed, Job, Recovered, run_round

LEASE_MS = 60_000
"""How long a machine that is not heard of keeps a chore."""

RENEWED_S = 15.0


class SharedClock:
    """The database's clock, as far as it was met: a machine whose own is wrong publishes nothing too early."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def set_to(self, now_ms: int) -> None:
        self._ahead = datetime.fromtimestamp(now_ms / 1000, UTC) - datetime.now(UTC)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead


def run_if_due(
    job: Job,
    place: Path | str,
    clock: SharedClock,
    tell: Callable[[Failed | Recovered], None],
    *,
    is_ending: Callable[[], bool] = lambda: False,
) -> bool:
    """Run the job unless it is not due, or another machine runs it; returns whether it was run.

    A round that `is_ending` cut short is due again at once, for another machine. Raises LedgerError, BusyError.
    """
    with Ledger.open(place, clock) as ledger:
        with ledger.storage.write() as db:
            taken = shared_chores.take_chore(db, job.name, LEASE_MS)
        if taken is None:
            return False
        clock.set_to(taken.now)
        job.failures = taken.failures
        with _Lease(ledger, job.name, taken) as lease:
            run_round(job, clock, lambda what: None if is_ending() else tell(what))
        if is_ending() or job.due is None:
            lease.end(timedelta(0), taken.failures)
        else:
            lease.end(job.due - clock(), job.failures)
    return True


def hasten(place: Path | str, clock: Callable[[], datetime], job: str) -> None:
    """Make a job due now that was run before."""
    with Ledger.open(place, clock) as ledger, ledger.storage.write() as db:
        shared_chores.hasten_chore(db, job)


class _Lease:
    """Renews the lease from a thread during the block."""

    def __init__(self, ledger: Ledger, job: str, taken: TakenChore) -> None:
        self._ledger = ledger
        self._job = job
        self._until: int | None = taken.until
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def end(self, wait: timedelta, failures: int) -> None:
        if self._until is not None:
            with self._ledger.storage.write() as db:
                in_ms = wait // timedelta(milliseconds=1)
                shared_chores.end_chore(db, self._job, self._until, in_ms, failures)

    def _renew(self) -> None:
        while self._until is not None and not self._over.wait(RENEWED_S):
            with suppress(LedgerError), self._ledger.storage.write() as db:
                self._until = shared_chores.keep_chore(db, self._job, self._until, LEASE_MS)
