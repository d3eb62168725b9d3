"""Run [alerts] `on_event` for sign-ups, unsubscribes and bounces in a thread, so that no page waits for the command."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from newsletter.pipeline.event_hook import EventHook, Kind
from newsletter.text import printable

CLOSING_S = 5.0
"""How long the shutdown waits for a running command."""

log = logging.getLogger("newsletter.web")


class EventTeller:
    """Events that arrive while the command runs are queued, and those of one kind are merged, with their count."""

    def __init__(self, hook: EventHook, clock: Callable[[], datetime]) -> None:
        self._hook = hook
        self._clock = clock
        self._waiting: dict[tuple[Kind, str], Counter[str]] = {}
        self._changed = threading.Condition()
        self._ends = False
        self._thread = threading.Thread(target=self._run, name="on_event", daemon=True)

    def __enter__(self) -> Self:
        if self._hook.command:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._ends = True
            self._changed.notify()
        if self._hook.command:
            self._thread.join(CLOSING_S)

    def put(self, kind: Kind, count: int, how: str = "", **more: int) -> None:
        """Queue an event; returns at once. Safe for several threads. `more` are counts beside the first."""
        if not self._hook.command or not count:
            return
        with self._changed:
            self._waiting.setdefault((kind, how), Counter()).update(count=count, **more)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ends)
                found, self._waiting = self._waiting, {}
                if not found:
                    return
            for (kind, how), counts in found.items():
                told = {**counts, "how": how} if how else dict(counts)
                for sentence in self._hook.tell(kind, self._clock(), **told):
                    log.warning("%s", printable(sentence))
