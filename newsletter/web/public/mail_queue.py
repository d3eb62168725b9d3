"""Queue of transactional mail, sent after the HTTP response, with retries.

The queue is in memory and has an end. What is lost with it is a mail that somebody asked for a moment ago and may ask
for again; what they did is in the store already.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from newsletter.delivery.smtp.session import Session
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.errors import DeliveryError
from newsletter.model.delivery import Message, Outcome, Relay, State
from newsletter.text import printable

MOST_WAITING = 2_000
"""Mails that wait for the relay. At ten a second a relay needs three minutes for them."""

TRIES = 5
"""A quarter of an hour by `retry_delay`: whoever waits for a mail to confirm has gone by then."""

TIMEOUT_S = 60.0
CLOSING_S = 5.0
"""How long the end waits for mail that could go out at once."""

log = logging.getLogger("newsletter.mail_queue")


@dataclass(frozen=True, slots=True)
class QueuedMail:
    """`make` gives the message, or None where it is no longer wanted. It is called in a thread: rendering takes time.

    `what` names it in the log, without the person.
    """

    what: str
    make: Callable[[], Message | None]


class MailQueue:
    """Sends one letter after the other. `wait_s` is how long to wait after a try, by its number from 1."""

    def __init__(
        self, relay: Relay, *, wait_s: Callable[[int], float], tls_context: ssl.SSLContext | None = None
    ) -> None:
        self._relay = relay
        self._wait_s = wait_s
        self._tls_context = tls_context
        self._waiting: deque[tuple[QueuedMail, int]] = deque()
        self._later: set[asyncio.TimerHandle] = set()
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._later)

    def put(self, letter: QueuedMail) -> bool:
        """Send it soon. False where too many wait already: then it is dropped, and the log says so."""
        if self.waiting >= MOST_WAITING:
            self.dropped += 1
            log.error("%s was dropped: %d mails wait for the relay", letter.what, self.waiting)
            return False
        self._queue(letter, 1)
        return True

    async def run(self) -> None:
        """Send what comes, until cancelled."""
        while True:
            await self._more.wait()
            while self._waiting:
                letter, attempt = self._waiting.popleft()
                sending = asyncio.create_task(self._send(letter, attempt))
                await asyncio.wait({sending})
                if (error := sending.exception()) is not None:
                    # A fault of the program, or of the theme: told whole, and the next letter goes out.
                    log.error("%s was not sent", letter.what, exc_info=error)
            self._more.clear()
            self._idle.set()

    async def flush(self, timeout_s: float = CLOSING_S) -> None:
        """Wait for what can go out now, and say how much is left."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            pass
        if self.waiting:
            log.error("%d mails were not sent; the people may ask again", self.waiting)
        for timer in self._later:
            timer.cancel()

    def _queue(self, letter: QueuedMail, attempt: int) -> None:
        self._waiting.append((letter, attempt))
        self._idle.clear()
        self._more.set()

    async def _send(self, letter: QueuedMail, attempt: int) -> None:
        message = await asyncio.to_thread(letter.make)
        if message is None:
            return
        try:
            outcome = await self._deliver(message)
        except DeliveryError as error:
            outcome = Outcome(State.DEFERRED, "connect", 0, str(error))
        if outcome.state is State.SENT:
            log.info("%s was sent", letter.what)
            return
        # Security: a server's words often repeat the address, which no log of ours may hold.
        why = f"{outcome.stage} {outcome.code or ''} {outcome.text}".replace(message.recipient, "…")
        if outcome.state is State.DEFERRED and attempt < TRIES:
            wait_s = self._wait_s(attempt)
            log.warning("%s waits %.0f s for another try: %s", letter.what, wait_s, printable(why))
            self._try_again(letter, attempt + 1, wait_s)
            return
        log.error("%s was not sent: %s", letter.what, printable(why))

    def _try_again(self, letter: QueuedMail, attempt: int, wait_s: float) -> None:
        def due() -> None:
            self._later.discard(timer)
            self._queue(letter, attempt)

        timer = asyncio.get_running_loop().call_later(wait_s, due)
        self._later.add(timer)

    async def _deliver(self, message: Message) -> Outcome:
        session = await Session.open(
            self._relay,
            timeouts=Timeouts.capped(TIMEOUT_S, TIMEOUT_S),
            tls_context=self._tls_context,
            on_silence=lambda what: log.warning("%s %s", self._relay, what),
        )
        try:
            session.begin(message)
            outcome = await session.accepted() or await session.body(message) or session.dot()
            return outcome or await session.verdict()
        finally:
            await session.quit()
