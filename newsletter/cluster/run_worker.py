"""A worker: takes shards and chores from the queue, each in a thread of its own; drains on the first signal."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from newsletter.cluster.job_queue import GIVE_UP_AFTER, Handlers, Later, Taken, work
from newsletter.delivery.interrupts import interrupts
from newsletter.delivery.run_control import Watcher
from newsletter.errors import BusyError, ConfigError, DeliveryError, NewsletterError
from newsletter.frozen import frozen
from newsletter.model.delivery import Outcome, Relay, State
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.deliver_shard import Shard, ShardDelivery, ShardResult

BUSY_S = 5.0
"""When a shard is tried again of an issue that one run sends alone."""

FAILED_S = 30.0
"""When a shard is tried again that this machine could not send; another one may take it then."""


@frozen
class WorkerChores:
    """The periodic jobs of a worker: `run` runs one if it is due, from any thread, and returns whether it was; `end`
    asks for the end of those under way.
    """

    names: Sequence[str] = ()
    run: Callable[[str], bool] = lambda name: False
    end: Callable[[], None] = lambda: None


class WorkerState:
    """What a worker is doing, for its health page."""

    def __init__(self) -> None:
        self.under_way = 0
        self.shards = 0
        self.outcomes: Counter[State] = Counter()
        self.chores: Counter[str] = Counter()
        self.draining = False


async def run_worker(
    place: Path | str,
    delivery: ShardDelivery,
    state: WorkerState,
    *,
    queues: Sequence[str],
    chores: WorkerChores,
    concurrency: int,
    news: Callable[[str], None],
    log: Callable[[Shard, ShardResult, Counter[State]], None],
) -> None:
    """Deliver shards until a signal asks for the end; those under way are left after their current messages.

    Raises ConfigError, and LedgerError if the database cannot be reached at first.
    """
    stopping = asyncio.Event()
    stops = _Stops()
    loop = asyncio.get_running_loop()
    threads = ThreadPoolExecutor(concurrency, thread_name_prefix="shard")
    chore_threads = ThreadPoolExecutor(len(chores.names) + 1, thread_name_prefix="chore")

    def end() -> None:
        state.draining = True
        stopping.set()
        stops.ask()
        chores.end()

    async def run_chore(name: str) -> None:
        try:
            was_due = await loop.run_in_executor(chore_threads, chores.run, name)
        except (NewsletterError, OSError) as error:
            news(f"{name}: {error}")
        else:
            state.chores[name] += was_due

    async def deliver(shard: Shard, tries: int) -> None:
        outcomes: Counter[State] = Counter()

        def note(recipient: Subscriber, outcome: Outcome, relay: Relay) -> None:
            outcomes[outcome.state] += 1
            state.outcomes[outcome.state] += 1

        watcher = Watcher(note, news)
        state.under_way += 1
        try:
            result = await loop.run_in_executor(threads, delivery.deliver, shard, watcher, stops)
        except BusyError:
            raise Later(BUSY_S) from None
        except NewsletterError as error:
            news(str(error))
            if isinstance(error, ConfigError | DeliveryError) and tries >= GIVE_UP_AFTER:
                raise
            raise Later(FAILED_S) from None
        finally:
            state.under_way -= 1
        state.shards += 1
        log(shard, result, outcomes)
        if result.again_in_s is not None:
            if result.failed and tries >= GIVE_UP_AFTER:
                raise DeliveryError(result.why)
            raise Later(FAILED_S if result.failed else result.again_in_s)

    try:
        with interrupts(end):
            taken = Taken(queues, chores.names, concurrency)
            await work(place, taken, Handlers(deliver, run_chore, news), stopping)
    finally:
        threads.shutdown()
        chore_threads.shutdown()


class _Stops:
    """The ends of all runs of this process: asked for once, for those that begin later as well."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stops: list[tuple[asyncio.AbstractEventLoop, Callable[[], None]]] = []
        self._asked = False

    @contextmanager
    def __call__(self, stop: Callable[[], None]) -> Iterator[None]:
        mine = (asyncio.get_running_loop(), stop)
        with self._lock:
            self._stops.append(mine)
            asked = self._asked
        if asked:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._stops.remove(mine)

    def ask(self) -> None:
        with self._lock:
            self._asked = True
            for loop, stop in self._stops:
                loop.call_soon_threadsafe(stop)
