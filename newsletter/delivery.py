"""The send loop: claim, compose, send, record, one recipient after the other over one connection.

The ledger is asked before each recipient and told after each; a crash at any point leaves rows from which the next
run goes on. Nothing here counts for itself: the report reads the ledger.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from newsletter.errors import DeliveryError
from newsletter.message import Composer
from newsletter.model import Message, Outcome, Relay, State, Subscriber
from newsletter.smtp import ConnectionLostError, SenderRefusedError, Session

MAX_RECONNECTS = 3
"""Connections lost in a row, without a message accepted between them, before the rest is left for the next run."""


class Record(Protocol):
    """What the loop needs of a ledger."""

    def claim(self, address: str) -> bool: ...
    def commit(self, address: str, message_id: str) -> None: ...
    def record(self, address: str, outcome: Outcome) -> None: ...


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why the loop ended before its list did; empty where it did not."""

    reason: str = ""


async def deliver(
    recipients: Sequence[Subscriber],
    composer: Composer,
    record: Record,
    relay: Relay,
    *,
    timeout_s: float,
    on_outcome: Callable[[Subscriber, Outcome], None],
    tls_context: ssl.SSLContext | None = None,
) -> Stopped:
    """Mail everyone who is due. Returns when all were tried, the relay went away, or the person pressed Ctrl-C.

    Raises DeliveryError when the first connection fails: then nobody was mailed.
    """
    waiting = deque(recipients)
    tried_again: Subscriber | None = None
    lost = 0
    with _interrupts() as interrupted:
        while waiting:
            try:
                async with Session(relay, timeout_s=timeout_s, tls_context=tls_context) as session:
                    while waiting:
                        if interrupted.is_set():
                            return Stopped("interrupted")
                        person = waiting.popleft()
                        outcome = await _deliver_one(session, person, composer, record)
                        if outcome is not None:
                            on_outcome(person, outcome)
                            lost = 0
            except ConnectionLostError as error:
                lost += 1
                if error.outcome.state is State.DEFERRED and person is not tried_again:
                    # A relay that takes so many messages a connection ends it between two: nobody is left for that.
                    tried_again = person
                    waiting.appendleft(person)
                else:
                    on_outcome(person, error.outcome)
                if lost > MAX_RECONNECTS:
                    return Stopped(f"the relay dropped {lost} connections in a row ({error.outcome.text})")
            except SenderRefusedError as error:
                on_outcome(person, error.outcome)
                return Stopped(f"{relay} takes no mail from {composer.sender.address} ({error.outcome.text})")
            except DeliveryError as error:
                if lost == 0:
                    raise
                return Stopped(str(error))
    return Stopped()


async def _deliver_one(session: Session, person: Subscriber, composer: Composer, record: Record) -> Outcome | None:
    """One recipient from claim to record; None when they are not due, or another run has them.

    A second Ctrl-C may end this anywhere: a row then still `committing` is called uncertain by the next run.
    """
    if not record.claim(person.email):
        return None
    message: Message = composer.compose(person)
    try:
        outcome = await session.send(message, lambda: record.commit(person.email, message.message_id))
    except (ConnectionLostError, SenderRefusedError) as error:
        record.record(person.email, error.outcome)
        raise
    record.record(person.email, outcome)
    return outcome


@contextmanager
def _interrupts() -> Iterator[asyncio.Event]:
    """The first SIGINT or SIGTERM sets the event and lets the message under way end; the second is Python's own."""
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()

    def stop() -> None:
        interrupted.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    handled = []
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except (NotImplementedError, RuntimeError, ValueError):  # Windows, or not the main thread
            continue
        handled.append(number)
    try:
        yield interrupted
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
