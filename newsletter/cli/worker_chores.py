"""The chores of `newsletter worker --chores`: those of `publish --watch`, each once over all machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.cli.named_ledger import utc_now
from newsletter.cli.publish import check_by
from newsletter.cli.publish_watch import Watcher
from newsletter.cli.watch_jobs import Chores
from newsletter.cli.watch_log import WatchLog
from newsletter.cli.workers_queue import open_queue
from newsletter.config.config import Config, RelaySettings
from newsletter.errors import NewsletterError
from newsletter.pipeline.choose_relays import choose_relays, mark_catchers
from newsletter.pipeline.find_due import posts_place
from newsletter.pipeline.rounds import Failed, Job, Recovered, Round
from newsletter.pipeline.run_publication import PublishOrder
from newsletter.pipeline.shared_rounds import SharedClock, hasten, run_if_due
from newsletter.pipeline.told_failures import ToldByAny
from newsletter.signals import Ending, StopRequest
from newsletter.web.public.waiting_letters import send_waiting_letters

if TYPE_CHECKING:
    from newsletter.cli.progress import JsonLog

LETTERS_EVERY = timedelta(minutes=1)


class ChoreLog(WatchLog):
    """The chores' lines among those of the worker."""

    def __init__(self, say: Callable[[str], None], log: JsonLog | None) -> None:
        super().__init__(utc_now, as_json=False, quiet=False)
        self._say = say
        self._log = log

    def say(self, job: str, event: str, text: str, *, minor: bool = False, **facts: Any) -> None:
        self._say(f"{job} {event}: {text}")
        if self._log is not None:
            self._log.write("chore", chore=job, what=event, text=text, **facts)


class SharedChores:
    """Run a chore when it is due over all machines. Each may be called from any thread, one at a time for each chore.

    Without `to`, nothing is published; everything else is done.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        place: Path | str,
        to: tuple[str, ...],
        relay_url: str | None,
        log: ChoreLog,
        log_json: str | None,
        *,
        first: bool,
    ) -> None:
        self._load, self._place, self._to, self._relay_url, self._first = load, place, to, relay_url, first
        self._log = log
        self._clock = SharedClock()
        self._ending = Ending()
        self._stop = StopRequest(leaves=True)
        self._watcher = Watcher(
            self._order,
            check_by,
            log,
            log_json,
            self._clock,
            self._ending,
            ToldByAny(place, self._clock),
        )
        chores = Chores(load, place, log, self._clock)
        self._jobs: Mapping[str, Job] = {
            **({"publish": Job("publish", self._publish)} if to else {}),
            "bounces": Job("bounces", chores.bounces),
            "sync": Job("sync", chores.sync),
            "backup": Job("backup", chores.backup),
            "letters": Job("letters", self._letters),
        }

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._jobs)

    def require_posts(self) -> None:
        """Raises ConfigError where there is no folder of posts."""
        posts_place(self._load(), None)

    def run(self, name: str) -> bool:
        """Whether it was due. Raises LedgerError."""
        return run_if_due(self._jobs[name], self._place, self._clock, self._tell, is_ending=lambda: self._stop.is_asked)

    def close(self) -> None:
        self._ending.close()

    def end(self) -> None:
        """Begin no further issue; one that goes out is left to the workers."""
        self._ending.request("SIGTERM")
        self._stop.ask()

    def _tell(self, what: Failed | Recovered) -> None:
        with suppress(NewsletterError, OSError):  # a newsletter.toml that is broken: alerts go by the last one
            self._watcher.take_alerts(self._load())
        self._watcher.tell(what)

    def _order(self) -> tuple[Config, PublishOrder]:
        config = self._load()
        age = timedelta(days=config.settings.publish.max_age_days)
        queue = partial(open_queue, name=config.settings.cluster.queue)
        folder = posts_place(config, None)
        return config, PublishOrder(
            folder,
            self._to,
            self._place,
            age,
            relay_url=self._relay_url,
            first=self._first,
            queue=queue,
            stop=self._stop,
        )

    def _publish(self) -> Round:
        done = self._watcher.publish()
        if self._watcher.has_sent:
            self._watcher.has_sent = False
            hasten(self._place, self._clock, "backup")  # a backup from before a send is an old ledger
        return done

    def _letters(self) -> Round:
        config = self._load()
        if not (config.secrets and config.settings.serve.url and (config.relays or self._relay_url)):
            return Round(LETTERS_EVERY, is_off=True)

        def relay() -> RelaySettings:
            return mark_catchers(choose_relays(config, self._relay_url, config.env), config, waits=False)[0]

        done = send_waiting_letters(
            config,
            self._place,
            relay,
            self._clock,
            longest_wait_s=LETTERS_EVERY.total_seconds(),
            is_ending=lambda: self._stop.is_asked,
        )
        if any(done.values()):
            counts = ", ".join(f"{count:,} {state}" for state, count in sorted(done.items()))
            self._log.say("letters", "sent", counts, outcomes={state.value: count for state, count in done.items()})
        return Round(LETTERS_EVERY)
