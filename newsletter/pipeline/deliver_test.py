"""Deliver a test to the given addresses; recorded apart from deliveries."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from newsletter.addresses import fold_address
from newsletter.config.config import RelaySettings
from newsletter.delivery.run_control import Watcher
from newsletter.ledger.ledger import Claim, Ledger, Move, Plan
from newsletter.model.delivery import Outcome, State
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.plan_send import Sending
from newsletter.pipeline.prepare_send import PreparedSend, SendOptions
from newsletter.pipeline.send_result import SendResult
from newsletter.pipeline.start_delivery import start_delivery


def deliver_test(
    sending: Sending, relays: Sequence[RelaySettings], ledger: Ledger, watcher: Watcher, on_start: Callable[[int], None]
) -> SendResult:
    """Mail a test. It is recorded as a test, not as a delivery: its recipients get the real issue later.

    Suppressed addresses are mailed, too: authors test with their own, and may have clicked "unsubscribe" in the last
    test.
    """
    issue = sending.rendering.issue.slug
    recorder = _InMemoryLedger(ledger, issue, sending.recipients)
    due = len(sending.recipients)
    on_start(due)
    started = time.monotonic()
    prepared = PreparedSend(sending, Plan(audience=due, due=due), issue, SendOptions())
    stopped = start_delivery(prepared, relays, recorder, ledger.rate_limit_state(), due, watcher)
    outcomes = recorder.outcomes

    def named(*states: State) -> tuple[tuple[str, Outcome | None], ...]:
        return tuple((address, outcome) for address, outcome in outcomes.items() if outcome.state in states)

    untried = tuple((p.email, None) for p in sending.recipients if p.email not in outcomes)
    counts = {state: len(named(state)) for state in State}
    counts[State.PENDING] = len(untried)
    return SendResult(
        issue=issue,
        counts=counts,
        already=0,
        refused=named(State.REJECTED),
        left=(*named(State.DEFERRED), *untried),
        uncertain=named(State.UNCERTAIN),
        stopped=stopped.reason,
        seconds=time.monotonic() - started,
        test=True,
    )


class _InMemoryLedger:
    """The in-memory ledger of a test; its outcomes go to the ledger's table of tests."""

    def __init__(self, ledger: Ledger, issue: str, people: Iterable[Subscriber]) -> None:
        self.ledger = ledger
        self.issue = issue
        self.people = tuple(people)
        self.is_far = ledger.is_far
        self.outcomes: dict[str, Outcome] = {}
        self._due = set(range(len(self.people)))

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        rows = [row for row in sorted(self._due) if row + 1 > after][:limit]
        self._due.difference_update(rows)
        return [
            (Claim(row + 1, fold_address(self.people[row].email), self.people[row].email, 1), self.people[row])
            for row in rows
        ]

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        now = datetime.now(UTC)
        for move in moves:
            if move.to in (State.COMMITTING, State.PENDING):
                continue
            outcome = Outcome(move.to, move.stage, move.code, move.reply)
            if move.due_at is not None and move.due_at <= now:
                self._due.add(move.row - 1)
                continue
            address = self.people[move.row - 1].email
            self.outcomes[address] = outcome
            self.ledger.record_test(self.issue, address, outcome)
        return ()

    def save_rate_limits(self, state: Mapping[str, str]) -> None:
        self.ledger.save_rate_limits(state)
