"""Deliver a prepared send to its list and account for every recipient."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice

from newsletter.audience.audience import Audience
from newsletter.config.config import RelaySettings
from newsletter.delivery.deliver import Stopped
from newsletter.delivery.run_control import Watcher
from newsletter.errors import BusyError, LedgerError, LostLedgerError, located
from newsletter.ledger.ledger import Claim, IllegalMoveError, Ledger, Move
from newsletter.ledger.records import Turn
from newsletter.model.delivery import Outcome, State
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.prepare_send import PreparedSend
from newsletter.pipeline.send_result import LISTED, SendResult
from newsletter.pipeline.start_delivery import start_delivery


def deliver_to_list(
    prepared: PreparedSend,
    relays: Sequence[RelaySettings],
    ledger: Ledger,
    watcher: Watcher,
    on_start: Callable[[int], None],
) -> SendResult:
    """Mail every due recipient exactly once, and account for all of them. Raises DeliveryError, ConfigError."""
    with _ledger_errors(prepared):
        return _deliver_to_list(prepared, relays, ledger, watcher, on_start)


def account(prepared: PreparedSend, ledger: Ledger, stopped: Stopped, seconds: float) -> SendResult:
    """Count the whole list by state. Raises RuntimeError if the sum differs from the plan's."""
    issue, plan = prepared.issue, prepared.plan
    counts = ledger.counts(issue, planned=True)
    if sum(counts.values()) != plan.audience:
        raise RuntimeError(f"{issue}: {plan.audience} people were planned for, the ledger has {sum(counts.values())}")

    def named(*states: State) -> tuple[tuple[str, Outcome | None], ...]:
        found = (
            (row.address, Outcome(row.state, row.stage, row.code, row.reply) if row.stage else None)
            for row in ledger.rows(issue, *states, planned=True)
        )
        return tuple(islice(found, LISTED))

    return SendResult(
        issue=issue,
        counts=counts,
        already=plan.sent,
        refused=named(State.REJECTED),
        left=named(State.DEFERRED, State.PENDING, State.CLAIMED, State.COMMITTING),
        uncertain=named(State.UNCERTAIN),
        suppressed=ledger.suppressed(issue, planned=True),
        stopped=stopped.reason,
        seconds=seconds,
        next_due=ledger.next_due(issue),
        held_until=datetime.fromtimestamp(stopped.until, UTC) if stopped.until is not None else None,
        newcomers=plan.newcomers,
        notes=prepared.notes,
    )


class _IssueLedger:
    """The ledger of one issue, with the recipients' columns from the list."""

    def __init__(self, ledger: Ledger, issue: str, people: Audience, max_attempts: int, run: int) -> None:
        self.ledger = ledger
        self.turn = Turn(run)
        self.issue = issue
        self.people = people
        self.max_attempts = max_attempts
        self.is_far = ledger.is_far

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        claims = self.ledger.claim(self.issue, limit, after=after, max_attempts=self.max_attempts, turn=self.turn)
        people = self.people.find([claim.key for claim in claims])
        return [(claim, people[claim.key]) for claim in claims]

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        return self.ledger.write(self.issue, moves, self.turn.run)

    def save_rate_limits(self, state: Mapping[str, str]) -> None:
        self.ledger.save_rate_limits(state)


@contextmanager
def _ledger_errors(prepared: PreparedSend) -> Iterator[None]:
    """Translate a ledger that was lost, or written to by another run, into a send's error: exit code 3 or 4."""
    try:
        yield
    except LedgerError as error:
        if not prepared.plan.due:
            raise
        raise LostLedgerError(*error.args) from error
    except IllegalMoveError as error:
        remedy = "another run has written to it; see that no other one sends it, then run the same command again"
        raise BusyError(located("", None, str(error), remedy)) from error


def _deliver_to_list(
    prepared: PreparedSend,
    relays: Sequence[RelaySettings],
    ledger: Ledger,
    watcher: Watcher,
    on_start: Callable[[int], None],
) -> SendResult:
    sending, plan, issue = prepared.sending, prepared.plan, prepared.issue
    delivery = sending.config.settings.delivery
    on_start(plan.due)
    stopped = Stopped()
    started = time.monotonic()
    if plan.due:
        run = ledger.begin_run(issue, f"{os.getpid()} {socket.gethostname()}", plan.due)
        recipients_ledger = _IssueLedger(ledger, issue, sending.recipients, delivery.max_attempts, run)
        reason = "error"
        try:
            stopped = start_delivery(prepared, relays, recipients_ledger, ledger.rate_limit_state(), plan.due, watcher)
            reason = stopped.reason
        except LedgerError:
            with suppress(LedgerError):  # the first error is the one to report
                ledger.end_run(run, reason)
            raise
        except BaseException:
            ledger.end_run(run, reason)
            raise
        ledger.end_run(run, reason)
    return account(prepared, ledger, stopped, time.monotonic() - started)
