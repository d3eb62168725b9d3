"""`newsletter worker`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from newsletter.cli.failures import MisuseError
from newsletter.cli.load_settings import load
from newsletter.cli.progress import JsonLog
from newsletter.cli.worker_chores import ChoreLog, SharedChores
from newsletter.cluster.job_queue import require_server
from newsletter.cluster.run_worker import WorkerChores, WorkerState, run_worker
from newsletter.config.cluster_section import CHORES_QUEUE, queue_name
from newsletter.errors import ConfigError, InvalidValueError
from newsletter.model.delivery import State
from newsletter.pipeline.choose_relays import choose_relays, mark_catchers
from newsletter.pipeline.deliver_shard import Shard, ShardDelivery, ShardResult
from newsletter.text import counted, printable
from newsletter.web.background_server import BackgroundServer
from newsletter.web.http_server import serve_http
from newsletter.web.sockets import http_url, listen

if TYPE_CHECKING:
    from newsletter.config.config import Config, RelaySettings


def worker(
    concurrency: int,
    queues: tuple[str, ...],
    chores: bool,
    to: tuple[str, ...],
    first: bool,
    relay_url: str | None,
    connections: int | None,
    ledger_url: str | None,
    health_port: int | None,
    health_host: str,
    log_json: str | None,
    config_path: Path | None,
) -> None:
    config = load(config_path).with_ledger(ledger_url)
    place = config.ledger_place
    require_server(place)
    wanted = _queues(queues, config, chores=chores)
    if (to or first) and not chores:
        raise MisuseError("--to and --first go with --chores", "a worker without it publishes nothing")
    relays: Sequence[RelaySettings] = ()
    if wanted:
        # An issue may bring quiet hours along, which a mail catcher does not keep.
        relays = mark_catchers(choose_relays(config, relay_url, config.env), config, waits=True)
    state = WorkerState()
    with contextlib.ExitStack() as opened:
        log = opened.enter_context(JsonLog(log_json, "")) if log_json else None
        lines = _Lines(log)
        if health_port is not None:
            opened.enter_context(_health(state, health_host, health_port))
        shared = WorkerChores()
        if chores:

            def read() -> Config:
                return load(config_path).with_ledger(ledger_url)

            log_of = ChoreLog(lines.say, log)
            mine = SharedChores(read, place, to, relay_url, log_of, log_json, first=first)
            opened.callback(mine.close)
            if to:
                mine.require_posts()
            shared = WorkerChores(mine.names, mine.run, mine.end)
            lines.say(f"chores: {', '.join(shared.names)}")
        if wanted:
            via = ", ".join(str(each.relay) for each in relays)
            lines.say(f"waiting for shards; {concurrency} at once, by {via}")
        delivery = opened.enter_context(ShardDelivery(place, config, relays, connections=connections or 0))
        running = run_worker(
            place,
            delivery,
            state,
            queues=wanted,
            chores=shared,
            concurrency=concurrency,
            news=lines.say,
            log=lines.shard,
        )
        asyncio.run(running)
        lines.say(f"ended after {counted(state.shards, 'shard')}, {state.outcomes[State.SENT]:,} sent")


def _queues(named: tuple[str, ...], config: Config, *, chores: bool) -> tuple[str, ...]:
    """The queues of shards that the worker takes from; none where only the chores are wanted."""
    if CHORES_QUEUE in named and not chores:
        raise MisuseError(f"--queue {CHORES_QUEUE} goes with --chores", "write --chores where the posts are")
    try:
        shards = tuple(queue_name(name) for name in named if name != CHORES_QUEUE)
    except InvalidValueError as fault:
        raise ConfigError(f"--queue {fault.what}", fault.remedy or "write --queue mail") from fault
    return shards if named else (config.settings.cluster.queue,)


class _Lines:
    """What the worker says, in lines with their time, and as events of a JSON log. Its shards have threads."""

    def __init__(self, log: JsonLog | None) -> None:
        self._log = log
        self._lock = threading.Lock()

    def say(self, text: str) -> None:
        with self._lock:
            self._line(text)
            if self._log is not None:
                self._log.write("news", text=text)

    def shard(self, shard: Shard, result: ShardResult, outcomes: Counter[State]) -> None:
        counts = ", ".join(f"{number:,} {state}" for state, number in sorted(outcomes.items())) or "nobody was due"
        why = f"; {result.why}" if result.why else ""
        with self._lock:
            self._line(f"{result.issue or 'an issue'}, rows {shard.after + 1:,} to {shard.last:,}: {counts}{why}")
            if self._log is not None:
                counted = {state.value: number for state, number in outcomes.items()}
                self._log.write(
                    "shard", sending=result.issue, after=shard.after, last=shard.last, outcomes=counted, why=result.why
                )

    def _line(self, text: str) -> None:
        with contextlib.suppress(OSError):
            click.echo(f"{datetime.now().astimezone():%H:%M:%S} {printable(text)}", err=True)


@contextlib.contextmanager
def _health(state: WorkerState, host: str, port: int) -> Iterator[None]:
    async def health(_: Request) -> JSONResponse:
        doing = "draining" if state.draining else "sending" if state.under_way else "waiting"
        counted = {name.value: number for name, number in state.outcomes.items()}
        shards = {"state": doing, "shards": state.shards, "under_way": state.under_way, "outcomes": counted}
        return JSONResponse({**shards, "chores": dict(state.chores)})

    server = BackgroundServer("health page")
    with listen(host, port, "--health-port") as listening:
        address = http_url(host, listening.getsockname()[1])
        app = Starlette(routes=[Route("/healthz", health)])
        server.start(lambda stopping, ready: serve_http(app, listening, stopping=stopping, on_ready=ready))
        click.echo(f"Health page: {address}/healthz", err=True)
        try:
            yield
        finally:
            server.stop()
