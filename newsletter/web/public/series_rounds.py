"""The series of `newsletter serve`: once a minute, mail what is due to who has signed up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime

from newsletter.audience.people.store import People
from newsletter.config.config import Config
from newsletter.errors import BusyError, NewsletterError
from newsletter.pipeline.mail_queue import MailQueue, Postman, Store
from newsletter.pipeline.series import SeriesLists, SeriesOffice, closed_until
from newsletter.pipeline.series_posts import read_steps
from newsletter.text import printable

EVERY_S = 60.0

log = logging.getLogger("newsletter.series")


class SeriesRounds:
    """`postman_of` makes the postman of the pages' mails send what this makes."""

    def __init__(
        self,
        config: Config,
        people: People,
        store: Store,
        clock: Callable[[], datetime],
        postman_of: Callable[[SeriesOffice], Postman],
    ) -> None:
        self._config = config
        self._clock = clock
        self._store = store
        self._office = SeriesOffice(config, people, clock, SeriesLists(), ExitStack())
        self._queue = MailQueue(self._office.queue, store, postman_of(self._office))
        self._stopping = asyncio.Event()
        self._fault = ""

    def check(self) -> None:
        """Render every post. Raises ContentError or ConfigError, so that the author meets the fault at the start."""
        self._office.mails.check(read_steps(self._config))

    def stop(self) -> None:
        """Let the mail that is on its way go out, and begin none after it."""
        self._stopping.set()

    async def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            await self.round()
            try:
                async with asyncio.timeout(EVERY_S):
                    await self._stopping.wait()
            except TimeoutError:
                pass

    async def round(self) -> None:
        """Mail what is due now."""
        fault = ""
        try:
            if await self._store.call(self._put):
                await self._queue.drain(longest_wait_s=EVERY_S, is_ending=self._stopping.is_set)
        except BusyError:
            pass  # a run of `publish` sends them
        except NewsletterError as error:
            fault = printable(str(error))
        if fault and fault != self._fault:
            log.error("the series waits: %s", fault)
        self._fault = fault

    def _put(self) -> bool:
        """Queue what is due; whether anything is to be sent."""
        steps = read_steps(self._config)
        if not steps:
            return False
        met = self._office.meet(steps)
        if closed_until(self._config, self._clock()):
            return False
        self._office.queue.put(self._office.due(met))
        return not self._office.queue.is_at_rest()
