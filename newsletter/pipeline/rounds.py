"""Run several jobs again and again, each in its own rhythm: the loop of `newsletter publish --watch`.

One round at a time. A round that fails is tried again after a backoff that doubles; it ends no other job. The clock and
the wait are arguments, so that nothing here sleeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.errors import EXIT_UNSENT, EXIT_USAGE, BusyError, NewsletterError, located
from newsletter.ledger.ledger import Ledger

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
LONGEST_NAP = timedelta(minutes=1)
"""The wait is cut into pieces: the clock may be set, and the machine may sleep."""

_LOCK = "publish --watch"


@dataclass(frozen=True, slots=True)
class Round:
    """How a round ended. `every` is the job's rhythm; `at` a moment before that at which there will be something to do.

    `failure` is a sentence, empty where nothing failed that another try could mend. `is_off`: nobody configured it.
    """

    every: timedelta
    at: datetime | None = None
    failure: str = ""
    is_off: bool = False


@dataclass(slots=True)
class Job:
    """Something done in rounds. `run` gives how it went, or raises NewsletterError or OSError, which is a failure."""

    name: str
    run: Callable[[], Round]
    rhythm: timedelta = timedelta(hours=1)
    """How often, until a first round has said so."""

    failures: int = 0
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """A round failed: why, how often in a row by now, and when the next try is. `raised`: it came to no end."""

    job: str
    why: str
    times: int
    next_try: datetime
    raised: bool = False
    exit_code: int = EXIT_UNSENT


@dataclass(frozen=True, slots=True)
class Recovered:
    """A round went well after so many that failed."""

    job: str
    times: int


def run_rounds(
    jobs: Sequence[Job],
    *,
    now: Callable[[], datetime],
    wait: Callable[[timedelta], bool],
    tell: Callable[[Failed | Recovered], None],
) -> None:
    """Run every job at once, in order, then each when it is due, until `wait` says that we are to end."""
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
            _run(job, now, tell)


def _run(job: Job, now: Callable[[], datetime], tell: Callable[[Failed | Recovered], None]) -> None:
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
    """Keep every other `publish --watch` off this ledger while the block runs, and `ledger restore`, too.

    BusyError where one runs already. A ledger that is missing is made, and is as good as none to `publish`.
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
