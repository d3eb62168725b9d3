"""The time-out of a session's replies, by one timer that is set anew once in ten seconds and not for each reply."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from newsletter.delivery.smtp import connect as connecting


class ReplyTimer:
    """Calls `on_end` with a sentence when a reply takes longer than its limit. If that is more than `SILENCE_S`, it
    calls `on_silence` once after so long.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, on_silence: Callable[[str], None], on_end: Callable[[str], None]
    ) -> None:
        self._loop = loop
        self._on_silence = on_silence
        self._on_end = on_end
        self._stage = ""
        self._limit_s = math.inf
        self._silent_at = math.inf
        self._ends_at = math.inf
        self._handle: asyncio.TimerHandle | None = None

    def start(self, stage: str, limit_s: float) -> None:
        """Begin the wait for the reply to `stage`."""
        now = self._loop.time()
        silence_s = connecting.SILENCE_S
        self._stage, self._limit_s = stage, limit_s
        self._silent_at = now + silence_s if limit_s > silence_s else math.inf
        self._ends_at = now + limit_s
        self._look_at(min(self._silent_at, self._ends_at))

    def stop(self) -> None:
        """End the wait. The timer stays set: the next wait needs it, or it finds nothing to do."""
        self._stage = ""

    def cancel(self) -> None:
        """No further wait."""
        self._stage = ""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look_at(self, when: float) -> None:
        if self._handle is not None:
            if self._handle.when() <= when:
                return
            self._handle.cancel()
        self._handle = self._loop.call_at(when, self._look, when)

    def _look(self, when: float) -> None:
        self._handle = None
        if not self._stage:
            return
        now = max(when, self._loop.time())  # the loop calls up to its clock's resolution too early
        if now >= self._ends_at:
            self._on_end(f"no answer to {self._stage} within {self._limit_s:g} s")
        elif now >= self._silent_at:
            what = "the message" if self._stage == "dot" else self._stage
            self._silent_at = math.inf
            self._look_at(self._ends_at)
            self._on_silence(f"has not answered {what} for {connecting.SILENCE_S:g} s")
        else:
            self._look_at(min(self._silent_at, self._ends_at))
