"""Send the queued mails of the public pages and of the series: in turn, at the relay's rate, with retries.

The queue is a database table, written in the same transaction as the event that causes a mail. A killed process loses
none: the next one continues, and reports the mails that may or may not have arrived.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from newsletter.audience.people.queued_mails import Found, Letter, QueuedMails
from newsletter.config.config import RelaySettings
from newsletter.delivery.rate_limits import RateLimiter
from newsletter.delivery.smtp.session import Session
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.errors import BusyError, DeliveryError, NewsletterError
from newsletter.frozen import frozen
from newsletter.model.delivery import Message, Outcome, State
from newsletter.model.letter_kind import LetterKind
from newsletter.text import printable

TRIES = 12
"""Some five hours by `retry_delay`: enough for a relay's outage, and the subscriber may ask again."""

TIMEOUT_S = 60.0
CLOSING_S = 5.0
"""How long the shutdown waits for mail that can be sent at once."""

ASK_AGAIN_S = 5.0
"""The polling interval: of a second server for the end of the first one, and after a failure of the store."""

NAMES: Mapping[LetterKind, str] = {
    "confirm": "a mail to confirm",
    "already": "a mail that says “subscribed already”",
    "welcome": "a welcome",
    "goodbye": "a goodbye",
    "series": "a mail of the series",
}
"""The kinds of mail in the log, without the address."""

log = logging.getLogger("newsletter.mail_queue")

_Result = TypeVar("_Result")


class Store(Protocol):
    """Runs the store's work, in turn."""

    async def call(self, work: Callable[[], _Result]) -> _Result: ...


@frozen
class Postman:
    """The dependencies of sending a mail.

    `make` returns the message, or None if it is no longer wanted. It is called in a thread, since rendering takes time.
    `wait_s` is the delay after a try, by its number from 1. `turns` is shared by queues of one process that share a
    relay: they send one mail at a time. A queue that `endures` gives no mail up for a relay's own fault. `told` gets
    every outcome.
    """

    relay: RelaySettings
    make: Callable[[Letter], Message | None]
    clock: Callable[[], datetime]
    wait_s: Callable[[int], float]
    tls_context: ssl.SSLContext | None = None
    turns: asyncio.Lock = field(default_factory=asyncio.Lock)
    endures: bool = False
    told: Callable[[Outcome], None] = lambda outcome: None


class MailQueue:
    def __init__(self, letters: QueuedMails, store: Store, postman: Postman) -> None:
        self._letters = letters
        self._store = store
        self._postman = postman
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._troubles = 0
        """Consecutive tries that failed by the relay's fault, or by ours."""

        self._longest_wait_s: float | None = None
        """None: it waits as long as it takes, and rests after the relay's faults."""

    def wake(self) -> None:
        """Wake the sender; call it once a queued mail is on disk."""
        self._idle.clear()
        self._more.set()

    async def run(self) -> None:
        """Send queued mails until cancelled."""
        while True:
            try:
                async with self._hold() as found:
                    self._tell(found)
                    while True:
                        await self._step()
            except BusyError:
                self._idle.set()
            except NewsletterError as error:
                log.error("letters wait, since the store fails: %s", printable(str(error)))  # noqa: TRY400
                self._idle.set()
            await asyncio.sleep(ASK_AGAIN_S)

    async def drain(self, *, longest_wait_s: float, is_ending: Callable[[], bool] = lambda: False) -> None:
        """Send what is due, once; what cannot go out now waits for the next run. BusyError if another queue sends.

        It ends where a rate lasts longer than `longest_wait_s`, and where the relay is at fault.
        """
        self._longest_wait_s = longest_wait_s
        self._troubles = 0
        async with self._hold() as found:
            self._tell(found)
            for _ in range(found.uncertain):
                self._postman.told(Outcome(State.UNCERTAIN, "dot", 0, "the process that sent it ended"))
            while not (self._troubles or is_ending()):
                following = await self._store.call(self._letters.next)
                if following.letter is None or not await self._send(following.letter):
                    return

    async def flush(self, timeout_s: float = CLOSING_S) -> None:
        """Wait for what can be sent now; returns the number of mails left."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            pass
        try:
            waiting = await self._store.call(self._letters.waiting)
        except NewsletterError:
            return  # `run` has reported it
        if waiting:
            log.warning("%d letters wait for the next start", waiting)

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[Found]:
        """Hold the queue exclusively; it is acquired and released in the store's thread."""
        stack = ExitStack()
        found = await self._store.call(lambda: stack.enter_context(self._letters.hold()))
        try:
            yield found
        finally:
            await self._store.call(stack.close)

    def _tell(self, found: Found) -> None:
        if found.uncertain:
            log.error(
                "%d letters were going out when this was killed, and may have arrived: they are not sent again, and "
                "the people may ask again",
                found.uncertain,
            )
        if found.too_old:
            log.error("%d letters could not be sent in time, and are given up", found.too_old)

    async def _step(self) -> None:
        """Send the next mail, or wait for one."""
        self._more.clear()
        following = await self._store.call(self._letters.next)
        if following.letter is not None:
            await self._send(following.letter)
            return
        self._idle.set()
        seconds = None
        if following.due_at is not None:
            # The clock may be set during the wait.
            seconds = min(max((following.due_at - self._postman.clock()).total_seconds(), 0.001), 60.0)
        try:
            async with asyncio.timeout(seconds):
                await self._more.wait()
        except TimeoutError:
            pass

    # --- one mail ---------------------------------------------------------------------------------------------------

    async def _send(self, letter: Letter) -> bool:
        """Try one mail. False if its turn is too far away."""
        name = NAMES[letter.kind]
        making = asyncio.ensure_future(asyncio.to_thread(self._postman.make, letter))
        await asyncio.wait({making})
        if (error := making.exception()) is not None:
            # A bug, or a fault of the theme: log all of it, and continue with the next mail.
            log.error("%s was not sent", name, exc_info=error)
            await self._settle(letter, Outcome(State.DEFERRED, "made", 0, str(error)), "it could not be made")
            return True
        message = making.result()
        if message is None:
            await self._store.call(lambda: self._letters.drop(letter))
            return True
        while True:
            async with self._postman.turns:
                limiter, wait_s = await self._turn(message.recipient)
                if not wait_s:
                    await self._try(letter, message, limiter)
                    break
            if self._longest_wait_s is not None and wait_s > self._longest_wait_s:
                return False
            self._idle.set()  # nothing can be sent at once
            await asyncio.sleep(min(wait_s, 60.0))
        if self._troubles and self._longest_wait_s is None:
            # After a failure that is not the mail's own fault, back off, longer each time.
            self._idle.set()
            await asyncio.sleep(self._postman.wait_s(self._troubles))
        return True

    async def _try(self, letter: Letter, message: Message, limiter: RateLimiter) -> None:
        try:
            outcome = await self._deliver(letter, message, limiter)
        except DeliveryError as error:
            outcome = Outcome(State.DEFERRED, "connect", 0, str(error), sender_fault=True)
        if outcome is None:
            return  # removed meanwhile: the subscriber was erased, or left
        # Security: a server's text often repeats the address, which our logs must not contain.
        why = printable(f"{outcome.stage} {outcome.code or ''} {outcome.text}".replace(message.recipient, "…"))
        await self._settle(letter, outcome, why)
        self._troubles = self._troubles + 1 if outcome.sender_fault else 0

    async def _settle(self, letter: Letter, outcome: Outcome, why: str) -> None:
        name, attempt = NAMES[letter.kind], letter.attempts + 1
        due_at = None
        if outcome.state is State.DEFERRED:
            if attempt < TRIES or (self._postman.endures and outcome.sender_fault):
                wait_s = self._postman.wait_s(attempt)
                due_at = self._postman.clock() + timedelta(seconds=wait_s)
                log.warning("%s waits %.0f s for another try: %s", name, wait_s, why)
            else:
                outcome = Outcome(State.REJECTED, outcome.stage, outcome.code, outcome.text)
        if outcome.state is State.SENT:
            log.info("%s was sent", name)
        elif outcome.state is State.UNCERTAIN:
            log.error("%s may have arrived, and is not sent again: %s", name, why)
        elif due_at is None:
            log.error("%s was not sent: %s", name, why)
        self._postman.told(outcome)
        # Recorded even if the server is shutting down.
        await asyncio.shield(self._store.call(lambda: self._letters.settle(letter, outcome, due_at)))

    async def _turn(self, recipient: str) -> tuple[RateLimiter, float]:
        """The relay's rate limits, which sends share, and the wait until they allow one message; 0 if it is spent."""
        relay = self._postman.relay
        domain = recipient.rpartition("@")[2].lower()
        marks = await self._store.call(self._letters.rate_limit_state)
        prefix = f"{relay.relay.name}/"
        mine = {name.removeprefix(prefix): mark for name, mark in marks.items() if name.startswith(prefix)}
        now = self._postman.clock().timestamp()
        limiter = RateLimiter(relay.rates, relay.domains, relay.warm_up, mine, now)
        if wait_s := limiter.wait_s(domain, now):
            return limiter, wait_s
        limiter.spend(domain, now)
        return limiter, 0.0

    async def _deliver(self, letter: Letter, message: Message, limiter: RateLimiter) -> Outcome | None:
        """None if the mail is no longer wanted."""
        relay = self._postman.relay.relay
        marks = {f"{relay.name}/{name}": mark for name, mark in limiter.saved_state().items()}
        session = await Session.open(
            relay,
            timeouts=Timeouts.capped(TIMEOUT_S, TIMEOUT_S),
            tls_context=self._postman.tls_context,
            on_silence=lambda what: log.warning("%s %s", relay, what),
        )
        try:
            session.begin(message)
            if (outcome := await session.accepted() or await session.body(message)) is not None:
                return outcome
            # On disk before the dot: mail that may have arrived is never sent again.
            if not await self._store.call(lambda: self._letters.commit(letter, message.message_id, marks)):
                session.abort()
                return None
            return session.dot() or await session.verdict()
        finally:
            await session.quit()
