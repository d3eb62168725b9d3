"""A real ledger, filled as by a send, for tests of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from newsletter.ledger.ledger import Claim, Ledger, Move
from newsletter.model.delivery import State
from newsletter.report.read import IssueReport, read_report

ISSUE = "2026-03-02-daily"


START = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


GONE = (State.REJECTED, "RCPT", 550, "5.1.1 no such user")


FULL = (State.DEFERRED, "RCPT", 452, "4.2.2 over quota")


LOST = (State.UNCERTAIN, "dot", 0, "no answer to dot within 600 s")


TAKEN = (State.SENT, "dot", 250, "2.0.0 Ok: queued as 4F2")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class IssueLedger:
    """A real ledger file, filled as by a send."""

    def __init__(self, path: Path, people: Iterable[str], subject: str = "Daily", issue: str = ISSUE) -> None:
        self.clock = Clock()
        self.issue = issue
        self.store = Ledger.open(path, self.clock)
        self.list(people, subject)

    def list(self, people: Iterable[str], subject: str = "Daily", content_hash: str = "h1") -> None:
        self.store.plan(self.issue, people, content_hash=content_hash, subject=subject)

    def run(
        self,
        outcome: Callable[[Claim], tuple[State, str, int, str]] = lambda claim: TAKEN,
        *,
        reason: str = "",
        batch: int = 1,
        seconds: float = 1.0,
        most: int = 1_000_000,
        relay: Callable[[Claim], str] = lambda claim: "relay",
        ends: bool = True,
    ) -> None:
        run = self.store.begin_run(self.issue, "17 host")
        after = done = 0
        while done < most and (claims := self.store.claim(self.issue, min(batch, most - done), after=after)):
            after = claims[-1].row
            done += len(claims)
            self.store.write(self.issue, [Move(c.row, State.COMMITTING, message_id="<1@x>") for c in claims])
            self.clock.now += timedelta(seconds=seconds)
            moves = []
            for claim in claims:
                state, stage, code, words = outcome(claim)
                moves.append(Move(claim.row, state, stage=stage, code=code, reply=words, relay=relay(claim)))
            self.store.write(self.issue, moves)
        if ends:
            self.store.end_run(run, reason)

    def report(self) -> IssueReport:
        return read_report(self.store, self.issue)


def people(count: int, domains: int = 3) -> list[str]:
    return [f"p{n}@d{n % domains}.example" for n in range(count)]


def cycle(*outcomes: tuple[State, str, int, str]) -> Callable[[Claim], tuple[State, str, int, str]]:
    return lambda claim: outcomes[claim.row % len(outcomes)]
