"""Scheduler of `newsletter publish --watch`: run several jobs repeatedly, each at its own interval.

One round at a time. A failed round is retried with exponential backoff, and does not stop other jobs. The clock and the
wait are arguments, so that tests need not sleep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.errors import EXIT_UNSENT, EXIT_USAGE, BusyError, NewsletterError, located
from newsletter.frozen import frozen
from newsletter.ledger.ledger import Ledger

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
LONGEST_NAP = timedelta(minutes=1)
"""Long waits are split: the clock may be set, and the machine may sleep."""

_LOCK = "publish --watch"


@frozen
class Round:
    """The result of a round. `every` is the job's interval; `at` an earlier moment at which there will be work.

    `failure` is a sentence, empty if there is no failure that a retry could fix. `is_off`: the job is not configured.
    """

    every: timedelta
    at: datetime | None = None
    failure: str = ""
    is_off: bool = False


@dataclass(slots=True)
class Job:
    """A periodic job. `run` returns a `Round`, or raises NewsletterError or OSError, which is a failure."""

    name: str
    run: Callable[[], Round]
    rhythm: timedelta = timedelta(hours=1)
    """The interval until a first round has returned one."""

    failures: int = 0
    due: datetime | None = None


@frozen
class Failed:
    """A failed round: why, how often in a row, and when the next try is. `raised`: it did not complete."""

    job: str
    why: str
    times: int
    next_try: datetime
    raised: bool = False
    exit_code: int = EXIT_UNSENT


@frozen
class Recovered:
    """A successful round after this many failed ones."""

    job: str
    times: int


def run_rounds(
    jobs: Sequence[Job],
    *,
    now: Callable[[], datetime],
    wait: Callable[[timedelta], bool],
    tell: Callable[[Failed | Recovered], None],
) -> None:
    """Run every job at once, in order, then each when it is due, until `wait` asks to end."""
    while True:
        at = now()
        for job in jobs:
            if job.due is not None and job.due - at > max(job.rhythm, LONGEST_RETRY):
                job.due = at  # the clock was set back
        job = min(jobs, key=lambda each: each.due or at)
        nap = (job.due or at) - at
        if wait(max(timedelta(0), min(nap, LONGEST_NAP))):
            return
        if job.due is None or job.due <= now():
            run_round(job, now, tell)


def run_round(job: Job, now: Callable[[], datetime], tell: Callable[[Failed | Recovered], None]) -> None:
    """Run the job, and set when it is due next."""
    raised, code = True, EXIT_USAGE
    try:
        done = job.run()
        raised, code = False, EXIT_UNSENT
    except NewsletterError as error:
        done, code = Round(job.rhythm, failure=str(error)), error.exit_code
    except OSError as error:
        done = Round(job.rhythm, failure=error.strerror or str(error))
    job.rhythm = done.every
    at = now()
    if done.failure:
        job.failures += 1
        job.due = at + min(FIRST_RETRY * 2 ** min(job.failures - 1, 10), LONGEST_RETRY)
        if done.at is not None and done.at > at:
            job.due = min(done.at, at + LONGEST_RETRY)
        tell(Failed(job.name, done.failure, job.failures, job.due, raised, code))
        return
    if job.failures and not done.is_off:
        tell(Recovered(job.name, job.failures))
    job.failures = 0
    job.due = at + done.every
    if done.at is not None:
        job.due = min(job.due, max(done.at, at + timedelta(seconds=1)))


@contextmanager
def only_watch(place: Path | str, now: Callable[[], datetime]) -> Iterator[None]:
    """Exclude every other `publish --watch`, and `ledger restore`, from this ledger during the block.

    BusyError if one is running. A missing ledger is created, and is treated as missing by `publish`.
    """
    with ExitStack() as held:
        ledger = held.enter_context(Ledger.open(place, now))
        try:
            held.enter_context(ledger.hold(_LOCK))
        except BusyError as error:
            what = f"another `newsletter publish --watch` is running on it ({error.owner or 'just starting'})"
            place = ledger.storage.place.name
            raise BusyError(located(place, None, what, "end that one first"), error.owner) from error
        yield
