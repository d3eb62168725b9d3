"""The workers' queue, in the ledger's PostgreSQL: Procrastinate (https://procrastinate.readthedocs.io) behind one door.

A job is a shard of an issue. The queue may lose one or hand it out twice: the ledger knows who was mailed. Its tables
have a schema of their own, with the protocol's number in its name, so that an older worker leaves newer jobs alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from newsletter import DISTRIBUTION
from newsletter.config.cluster_section import CHORES_QUEUE, ClusterSection
from newsletter.errors import ConfigError, LedgerError, located
from newsletter.frozen import frozen
from newsletter.ledger.database.engine import CONNECT_TIMEOUT_S, Place, parse_place
from newsletter.pipeline.deliver_shard import Shard

try:
    import procrastinate
    import psycopg
    from procrastinate.exceptions import ConnectorException
    from psycopg.conninfo import make_conninfo
except ModuleNotFoundError as error:
    raise ConfigError("workers need Procrastinate", f"run `pip install '{DISTRIBUTION}[cluster]'`") from error

PROTOCOL = 1
"""The version of jobs and shipments. Raise it where an older worker could not send what a newer one stores."""

_SCHEMA = f"newsletter_jobs_{PROTOCOL}"
DEFAULT_QUEUE = ClusterSection().queue
_TASK = "deliver shard"
_CHORE = "chore"
BEAT_S = 5.0
LOST_S = 20.0
"""A worker without a beat for this long is lost, and its shards are handed out again."""

_LOOK_S = 5.0
_AT_ONCE = 500

_OPEN = """
SELECT count(*) AS open FROM procrastinate_jobs
WHERE task_name = %(task)s AND (status = 'doing' OR status = 'todo' AND %(waits)s)
    AND args->>'shipment' = %(shipment)s
"""


class Later(Exception):  # noqa: N818 - no error, but the engine's way to hear of it
    """The shard has somebody left to try, in so many seconds."""

    def __init__(self, in_s: float) -> None:
        super().__init__(in_s)
        self.in_s = in_s


@frozen
class Taken:
    """What a worker takes: the queues of shards, `concurrency` at once, and the chores that it runs once a minute."""

    queues: Sequence[str] = (DEFAULT_QUEUE,)
    chores: Sequence[str] = ()
    concurrency: int = 1


@frozen
class Handlers:
    """What a worker calls.

    `deliver` gets a shard and how often it was tried; it raises `Later` if recipients are left. `chore` gets each
    chore's name once a minute, on one of the machines that have it. `news` gets a sentence.
    """

    deliver: Callable[[Shard, int], Awaitable[None]]
    chore: Callable[[str], Awaitable[None]]
    news: Callable[[str], None]


class JobQueue:
    """The coordinator's side: puts shards, and counts what is left of them."""

    def __init__(self, place: Place, app: procrastinate.App, name: str) -> None:
        self._place = place
        self._app = app
        self.name = name

    def put(self, shards: Sequence[Shard]) -> None:
        with _queue_errors(self._place):
            for first in range(0, len(shards), _AT_ONCE):
                some = shards[first : first + _AT_ONCE]
                task = self._app.configure_task(_TASK, queue=self.name)
                task.batch_defer(*(asdict(shard) for shard in some))

    def open_jobs(self, shipment: int, *, begun: bool = False) -> int:
        asked: dict[str, Any] = {"task": _TASK, "shipment": str(shipment), "waits": not begun}
        with _queue_errors(self._place):
            row = self._app.connector.get_sync_connector().execute_query_one(_OPEN, **asked)
        return int(row["open"])

    def workers(self) -> int:
        alive = "SELECT count(*) AS alive FROM procrastinate_workers WHERE last_heartbeat > now() - interval '30 s'"
        with _queue_errors(self._place):
            return int(self._app.connector.get_sync_connector().execute_query_one(alive)["alive"])


@contextmanager
def open_queue(place: Path | str, name: str = DEFAULT_QUEUE) -> Iterator[JobQueue]:
    """A queue beside the ledger at `place`; its tables are made if they are missing. ConfigError, LedgerError."""
    where = require_server(place)
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(**_pool(where, 2)))
    with _queue_errors(where):
        _prepare(where)
        app.open()
    try:
        yield JobQueue(where, app, name)
    finally:
        app.close()


async def work(place: Path | str, taken: Taken, handlers: Handlers, stopping: asyncio.Event) -> None:
    """Take shards and chores until `stopping` is set, and return once those under way have ended.

    A database that goes away is waited for. Raises ConfigError, and LedgerError if it cannot be reached at first.
    """
    where = require_server(place)
    with _queue_errors(where):
        await asyncio.to_thread(_prepare, where)
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # `deliver` reports shards; the rest is reported here
    asyncio.get_running_loop().set_exception_handler(_unheard)
    said = ""
    while not stopping.is_set():
        try:
            with _queue_errors(where):
                await _run_engine(where, taken, handlers, stopping)
            said = ""
        except LedgerError as error:
            if str(error) != said:
                handlers.news(f"{error}; trying again")
            said = str(error)
            await _pause(stopping, _LOOK_S)


async def _run_engine(place: Place, taken: Taken, handlers: Handlers, stopping: asyncio.Event) -> None:
    """Run the engine's workers until `stopping` is set, or the connection breaks."""
    connections = taken.concurrency + (6 if taken.chores else 3)
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(**_pool(place, connections)))
    retry = _Retry(handlers.news)

    @app.task(name=_TASK, pass_context=True, retry=retry)
    async def run(context: procrastinate.JobContext, *, shipment: int, after: int, last: int) -> None:
        await handlers.deliver(Shard(shipment, after, last), context.job.attempts)

    @app.task(name=_CHORE, retry=_Once(handlers.news))
    async def run_chore(timestamp: int, name: str) -> None:
        await handlers.chore(name)

    for name in taken.chores:
        every_minute = app.periodic(cron="* * * * *", periodic_id=name, queue=CHORES_QUEUE, task_kwargs={"name": name})
        every_minute(run_chore)

    def worker(queues: list[str], at_once: int, delete: str) -> asyncio.Task[None]:
        return asyncio.create_task(
            app.run_worker_async(
                queues=queues,
                concurrency=at_once,
                install_signal_handlers=False,
                delete_jobs=delete,
                update_heartbeat_interval=BEAT_S,
                stalled_worker_timeout=LOST_S,
                fetch_job_polling_interval=1.0,
            )
        )

    async with app.open_async():
        await retry.set_clock(app)
        workers = [worker([*taken.queues], taken.concurrency, "successful")] if taken.queues else []
        if taken.chores:  # a long one must not keep the others waiting, nor the shards that it waits for
            workers.append(worker([CHORES_QUEUE], len(taken.chores) + 1, "always"))
        reviving = asyncio.create_task(_revive(app, retry))
        stop = asyncio.create_task(stopping.wait())
        try:
            await asyncio.wait({*workers, stop, reviving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            reviving.cancel()
            stop.cancel()
            for each in workers:
                each.cancel()  # gracefully: what is under way ends first
            done = await asyncio.gather(*workers, reviving, return_exceptions=True)
        for ended in done:
            if isinstance(ended, Exception):
                raise ended


def _unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An end of a job that could not be noted is nothing to tell: the job was handed out again, or will be."""
    if not isinstance(context.get("exception"), ConnectorException):
        loop.default_exception_handler(context)


async def _revive(app: procrastinate.App, retry: _Retry) -> None:
    """Put the shards of lost workers back, those too whose engine never noticed."""
    while True:
        await retry.set_clock(app)
        jobs = await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=LOST_S)
        for job in jobs:
            await app.job_manager.retry_job(job)
        await asyncio.sleep(_LOOK_S)


class _Retry(procrastinate.BaseRetryStrategy):
    """A shard with somebody left is a job again, when it says; any other error too, in a while.

    By the database's clock: one that is an hour ahead here would put the job off for an hour.
    """

    def __init__(self, news: Callable[[str], None]) -> None:
        self._news = news
        self._ahead = timedelta(0)

    async def set_clock(self, app: procrastinate.App) -> None:
        """Learn how far the database's clock is ahead of ours."""
        row = await app.connector.execute_query_one_async("SELECT clock_timestamp() AS now")
        self._ahead = row["now"] - datetime.now(UTC)

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> procrastinate.RetryDecision | None:
        seconds = exception.in_s if isinstance(exception, Later) else 30.0
        if not isinstance(exception, Later):  # the engine itself is silent
            self._news(f"a shard failed ({type(exception).__name__}: {exception})")
        if job.attempts >= GIVE_UP_AFTER and not isinstance(exception, Later):
            return None
        return procrastinate.RetryDecision(retry_at=datetime.now(UTC) + self._ahead + timedelta(seconds=seconds))


class _Once(procrastinate.BaseRetryStrategy):
    """A chore that fails by a fault of ours is told; its next minute is its next try."""

    def __init__(self, news: Callable[[str], None]) -> None:
        self._news = news

    def get_retry_decision(self, *, exception: BaseException, job: Any) -> procrastinate.RetryDecision | None:
        self._news(f"a chore failed ({type(exception).__name__}: {exception})")
        return None


GIVE_UP_AFTER = 20
"""How often a shard is tried that no worker can send; its recipients stay pending in the ledger."""


def require_server(place: Path | str) -> Place:
    """The ledger's PostgreSQL. ConfigError if it is not in one."""
    where = parse_place(place)
    if not where.is_postgresql:
        raise ConfigError(located(where.name, None, "workers need a ledger in PostgreSQL", "set [ledger] url to one"))
    return where


def _prepare(place: Place) -> None:
    """Make the schema with the engine's tables, or see that they are of the engine's version here."""
    with psycopg.connect(_conninfo(place), autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(hashtext('newsletter jobs'))")
        made = db.execute("SELECT to_regclass(%s)", (f"{_SCHEMA}.engine",)).fetchone()
        if made is not None and made[0] is not None:
            found = db.execute("SELECT version FROM engine").fetchone()
            version = found[0] if found else "unknown"
            if version.split(".")[0] != procrastinate.__version__.split(".")[0]:
                what = f"its queue was made by Procrastinate {version}, and here is {procrastinate.__version__}"
                remedy = f"give every machine the same, or drop the schema {_SCHEMA} while nothing is going out"
                raise ConfigError(located(place.name, None, what, remedy))
            return
        with db.transaction():
            db.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA}")  # our own word
            db.execute(procrastinate.schema.SchemaManager.get_schema())
            db.execute("CREATE TABLE engine (version text NOT NULL)")
            db.execute("INSERT INTO engine VALUES (%s)", (procrastinate.__version__,))


def _pool(place: Place, most: int) -> dict[str, Any]:
    return {"conninfo": _conninfo(place), "min_size": 1, "max_size": most, "timeout": CONNECT_TIMEOUT_S}


def _conninfo(place: Place) -> str:
    """libpq's text of the ledger's address, with our schema first on the search path. It has the password in it."""
    url = place.url
    assert url is not None  # noqa: S101 - `require_server`
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    options = f"{query.pop('options', '')} -c search_path={_SCHEMA},public".strip()
    named = {"host": url.host, "port": url.port, "user": url.username, "password": url.password, "dbname": url.database}
    given = {name: value for name, value in named.items() if value is not None}
    parts: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S, **given, **query, "options": options}
    return make_conninfo(**parts)


@contextmanager
def _queue_errors(place: Place) -> Iterator[None]:
    """Translate errors of the engine and its driver into a LedgerError."""
    try:
        yield
    except (ConnectorException, psycopg.Error) as error:
        cause = error.__cause__ or error
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            what, remedy = "the database user may not make the workers' queue", "grant it CREATE on the database, once"
            raise LedgerError(located(place.name, None, what, remedy)) from error
        first = str(cause).strip().partition("\n")[0]
        what = f"the workers' queue cannot be reached ({first})"
        raise LedgerError(located(place.name, None, what, "check that the database runs")) from error


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
