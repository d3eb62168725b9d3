"""At most one send at a time, in a thread of its own; its progress for any number of pages."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Literal

from newsletter.errors import BusyError, NewsletterError
from newsletter.frozen import frozen
from newsletter.model.delivery import State
from newsletter.signals import StopRequest
from newsletter.web.home.send_order import Desk, SendEnd, SendOrder
from newsletter.web.live_updates import LiveUpdates

if TYPE_CHECKING:
    from newsletter.model.delivery import Outcome, Relay
    from newsletter.model.subscriber import Subscriber
    from newsletter.pipeline.send_to_list import Wait

PUBLISHED_EVERY_S = 0.1
NEWS = 20
"""Sentences that are kept, the newest."""

Phase = Literal["idle", "starting", "sending", "stopping", "ended", "failed"]


@frozen
class Progress:
    """A send as its page shows it. `error` is why it failed, `end` how it ended otherwise."""

    phase: Phase = "idle"
    order: SendOrder | None = None
    title: str = ""
    total: int = 0
    done: int = 0
    sent: int = 0
    deferred: int = 0
    refused: int = 0
    rate: float = 0.0
    wait: str = ""
    wait_until: float = 0.0
    news: tuple[str, ...] = ()
    error: str = ""
    end: SendEnd | None = None
    started: datetime | None = None

    @property
    def is_running(self) -> bool:
        return self.phase in ("starting", "sending", "stopping")


class SendRoom:
    """`start` and `stop` may be called from any thread; pages wait for `updates` on the server's event loop."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.updates: LiveUpdates[Progress] = LiveUpdates(Progress())
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._run: _Run | None = None

    @property
    def progress(self) -> Progress:
        return self._run.progress() if self._run is not None else Progress()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.updates.publish(self.progress)

    def close(self) -> None:
        self._loop = None
        self.updates.set_open(False)

    def start(self, order: SendOrder, fingerprint: str, title: str, now: datetime) -> None:
        """Begin the send. BusyError while another one runs: two tabs start it once."""
        with self._lock:
            if self._run is not None and self._run.is_running:
                raise BusyError("a send is under way from this page", "wait for its end, or stop it")
            self._run = _Run(self, order, fingerprint, title, now)
            self._run.thread.start()

    def stop(self) -> None:
        """Ask for the end after the messages under way."""
        run = self._run
        if run is not None and run.is_running:
            run.request_stop()

    def join(self) -> Progress:
        """Wait for the end of the send."""
        if self._run is not None:
            self._run.thread.join()
        return self.progress

    def publish_soon(self) -> None:
        """Tell the pages, from any thread."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._publish_later, loop)
        except RuntimeError:  # the server has stopped; the send goes on
            self._loop = None

    def _publish_later(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(PUBLISHED_EVERY_S, self._publish)

    def _publish(self) -> None:
        if self._run is not None:
            self._run.is_told = True
        self.updates.publish(self.progress)


class _Run:
    """One send: its thread, and the watcher of it."""

    def __init__(self, room: SendRoom, order: SendOrder, fingerprint: str, title: str, now: datetime) -> None:
        self.room, self.order, self.fingerprint, self.title, self.started = room, order, fingerprint, title, now
        self.phase: Phase = "starting"
        self.is_told = True
        self.request = StopRequest()
        self.thread = threading.Thread(target=self._work, name="home's send", daemon=True)
        self.total = self.done = self.sent = self.deferred = self.refused = 0
        self._begun = self._ended = monotonic()
        self._wait: Wait | None = None
        self._news: list[str] = []
        self._error = ""
        self._end: SendEnd | None = None

    @property
    def is_running(self) -> bool:
        return self.phase in ("starting", "sending", "stopping")

    def request_stop(self) -> None:
        self.phase = "stopping"
        self.request.ask()
        self._changed()

    def progress(self) -> Progress:
        wait, seconds = self._wait, (monotonic() if self.is_running else self._ended) - self._begun
        return Progress(
            phase=self.phase,
            order=self.order,
            title=self.title,
            total=self.total,
            done=self.done,
            sent=self.sent,
            deferred=self.deferred,
            refused=self.refused,
            rate=self.done / seconds if seconds > 0 else 0.0,
            wait=wait.reason if wait is not None else "",
            wait_until=wait.until if wait is not None else 0.0,
            news=tuple(self._news),
            error=self._error,
            end=self._end,
            started=self.started,
        )

    def _work(self) -> None:
        try:
            self._end = self.room.desk.send(self.order, self.fingerprint, self, self.request)
            self.phase = "ended"
        except NewsletterError as error:
            self._error, self.phase = str(error), "failed"
        except BaseException as error:
            text = " ".join(str(error).split())[:300]
            self._error = f"a fault in newsletter itself ({type(error).__name__}: {text}); the ledger knows who has it"
            self.phase = "failed"
            raise
        finally:
            self._ended = monotonic()
            self._wait = None
            self.is_told = True
            self._changed()

    # --- the watcher ------------------------------------------------------------------------------------------------

    def start(self, total: int, /) -> None:
        self.total = total
        self._begun = monotonic()
        if self.phase == "starting":
            self.phase = "sending"
        self._changed()

    def outcome(self, recipient: Subscriber, outcome: Outcome, relay: Relay, /) -> None:
        self.done += 1
        self.sent += outcome.state is State.SENT
        self.deferred += outcome.state is State.DEFERRED
        self.refused += outcome.state is State.REJECTED
        self._changed()

    def counted(self, sent: int, deferred: int, refused: int, /) -> None:
        """The numbers of a send by workers, of which no single outcome is heard."""
        self.sent, self.deferred, self.refused = sent, deferred, refused
        self.done = min(sent + deferred + refused, self.total)
        self._changed()

    def news(self, text: str, /) -> None:
        self._news = [*self._news[-NEWS + 1 :], text]
        self._changed()

    def waiting(self, wait: Wait | None, /) -> None:
        self._wait = wait
        self._changed()

    def _changed(self) -> None:
        """Publish once per interval: a message is a fraction of a millisecond."""
        if self.is_told:
            self.is_told = False
            self.room.publish_soon()
