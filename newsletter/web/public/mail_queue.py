"""Send the letters of the sign-up pages: one after the other, at the relay's pace, with retries, across restarts.

The letters are rows of the database, owed from the same transaction as what they are about. A process that is killed
loses none: the next one goes on, and names those of which nobody can know whether they arrived.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from newsletter.audience.people.letters import Found, Letter, LetterKind, Letters
from newsletter.config.config import RelaySettings
from newsletter.delivery.rate_limits import RateLimiter
from newsletter.delivery.smtp.session import Session
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.errors import BusyError, DeliveryError, NewsletterError
from newsletter.model.delivery import Message, Outcome, State
from newsletter.text import printable

TRIES = 12
"""Some five hours by `retry_delay`: a relay may be away for as long, and who waits for a letter may ask again."""

TIMEOUT_S = 60.0
CLOSING_S = 5.0
"""How long the end waits for mail that could go out at once."""

ASK_AGAIN_S = 5.0
"""How often a second server asks whether the first one has ended, and one whose store fails whether it works again."""

NAMES: Mapping[LetterKind, str] = {
    "confirm": "a mail to confirm",
    "already": "a mail that says “subscribed already”",
    "welcome": "a welcome",
    "goodbye": "a goodbye",
}
"""What the log calls them, without the address."""

log = logging.getLogger("newsletter.mail_queue")

_Result = TypeVar("_Result")


class Store(Protocol):
    """Where the store's work is done, in its turn."""

    async def call(self, work: Callable[[], _Result]) -> _Result: ...


@dataclass(frozen=True, slots=True)
class Postman:
    """What the queue needs to send a letter.

    `make` gives the message, or None where it is no longer wanted. It is called in a thread: rendering takes time.
    `wait_s` is how long to wait after a try, by its number from 1.
    """

    relay: RelaySettings
    make: Callable[[Letter], Message | None]
    clock: Callable[[], datetime]
    wait_s: Callable[[int], float]
    tls_context: ssl.SSLContext | None = None


class MailQueue:
    def __init__(self, letters: Letters, store: Store, postman: Postman) -> None:
        self._letters = letters
        self._store = store
        self._postman = postman
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._troubles = 0
        """Tries in a row that failed by the relay's fault, or by ours with it."""

    def wake(self) -> None:
        """A letter is owed; call it once that is on disk."""
        self._idle.clear()
        self._more.set()

    async def run(self) -> None:
        """Send what is owed, until cancelled."""
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

    async def flush(self, timeout_s: float = CLOSING_S) -> None:
        """Wait for what can go out now, and say how much is left."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            pass
        try:
            waiting = await self._store.call(self._letters.waiting)
        except NewsletterError:
            return  # `run` has told of it
        if waiting:
            log.warning("%d letters wait for the next start", waiting)

    @asynccontextmanager
    async def _hold(self) -> AsyncIterator[Found]:
        """The letters, for this process alone, held and let go in the store's thread."""
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
        """Send the next letter, or wait for one."""
        self._more.clear()
        following = await self._store.call(self._letters.next)
        if following.letter is not None:
            await self._send(following.letter)
            return
        self._idle.set()
        seconds = None
        if following.due_at is not None:
            # The clock may be set while we wait.
            seconds = min(max((following.due_at - self._postman.clock()).total_seconds(), 0.001), 60.0)
        try:
            async with asyncio.timeout(seconds):
                await self._more.wait()
        except TimeoutError:
            pass

    # --- one letter -------------------------------------------------------------------------------------------------

    async def _send(self, letter: Letter) -> None:
        name = NAMES[letter.kind]
        making = asyncio.ensure_future(asyncio.to_thread(self._postman.make, letter))
        await asyncio.wait({making})
        if (error := making.exception()) is not None:
            # A fault of the program, or of the theme: told whole, and the next letter goes out.
            log.error("%s was not sent", name, exc_info=error)
            await self._settle(letter, Outcome(State.DEFERRED, "made", 0, str(error)), "it could not be made")
            return
        message = making.result()
        if message is None:
            await self._store.call(lambda: self._letters.drop(letter))
            return
        limiter = await self._wait_for_turn(message.recipient)
        try:
            outcome = await self._deliver(letter, message, limiter)
        except DeliveryError as error:
            outcome = Outcome(State.DEFERRED, "connect", 0, str(error), sender_fault=True)
        if outcome is None:
            return  # it was taken out meanwhile: the subscriber was erased
        # Security: a server's words often repeat the address, which no log of ours may hold.
        why = printable(f"{outcome.stage} {outcome.code or ''} {outcome.text}".replace(message.recipient, "…"))
        await self._settle(letter, outcome, why)
        await self._rest(outcome)

    async def _settle(self, letter: Letter, outcome: Outcome, why: str) -> None:
        name, attempt = NAMES[letter.kind], letter.attempts + 1
        due_at = None
        if outcome.state is State.DEFERRED:
            if attempt < TRIES:
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
        # A server that ends meanwhile still writes it down.
        await asyncio.shield(self._store.call(lambda: self._letters.settle(letter, outcome, due_at)))

    async def _wait_for_turn(self, recipient: str) -> RateLimiter:
        """What the relay's limits leave, the sends' mail counted as well, once one message may go out."""
        relay = self._postman.relay
        domain = recipient.rpartition("@")[2].lower()
        while True:
            marks = await self._store.call(self._letters.rate_limit_state)
            prefix = f"{relay.relay.name}/"
            mine = {name.removeprefix(prefix): mark for name, mark in marks.items() if name.startswith(prefix)}
            now = self._postman.clock().timestamp()
            limiter = RateLimiter(relay.rates, relay.domains, relay.warm_up, mine, now)
            wait_s = limiter.wait_s(domain, now)
            if not wait_s:
                limiter.spend(domain, now)
                return limiter
            self._idle.set()  # nothing can go out at once
            await asyncio.sleep(min(wait_s, 60.0))

    async def _rest(self, outcome: Outcome) -> None:
        """After trouble that is not the letter's the relay is left alone for a while, longer each time."""
        if not outcome.sender_fault:
            self._troubles = 0
            return
        self._troubles += 1
        self._idle.set()
        await asyncio.sleep(self._postman.wait_s(self._troubles))

    async def _deliver(self, letter: Letter, message: Message, limiter: RateLimiter) -> Outcome | None:
        """None where the letter is owed no more."""
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
            # On disk before the dot: a letter that may have arrived never goes out again.
            if not await self._store.call(lambda: self._letters.commit(letter, message.message_id, marks)):
                session.abort()
                return None
            return session.dot() or await session.verdict()
        finally:
            await session.quit()
