"""What must hold of an issue after any death of its sender: the ledger against what has arrived at the server.

Each copy once; nobody at the server whom the next run would mail again; nobody `sent` who has nothing; of a death, few
who are uncertain; in the end nobody lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from newsletter.errors import BusyError
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import State

MAY_HAVE_IT = frozenset({State.SENT, State.COMMITTING, State.UNCERTAIN})
"""Whom no run mails again by itself."""

SETTLED = frozenset({State.SENT, State.UNCERTAIN, State.REJECTED, State.DEFERRED})
"""How one may stand after a run that came to its end."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message at the server."""

    recipient: str
    message_id: str


class Accounts:
    """One issue's, from death to death. `place` is the ledger, `refused` whom the server takes nothing for."""

    def __init__(
        self, place: Path | str, issue: str, audience: Sequence[str], connections: int, refused: Collection[str] = ()
    ) -> None:
        self.place = place
        self.issue = issue
        self.audience = frozenset(audience)
        self.connections = connections
        self.refused = frozenset(refused)
        self.unsure: frozenset[str] = frozenset()
        self.sent: frozenset[str] = frozenset()

    def after_kill(self, arrived: Sequence[Arrived]) -> int:
        """How many this death made uncertain. The server must have read all that the dead process wrote."""
        assert_one_copy_each(arrived)
        states = self._states()
        reached = {message.recipient for message in arrived}
        self._assert_nothing_forgotten(states, reached)
        unsure = _those(states, State.COMMITTING, State.UNCERTAIN)
        assert unsure >= self.unsure, f"uncertain no more: {self.unsure - unsure}"
        new = unsure - self.unsure
        assert len(new) <= 2 * self.connections, f"{len(new)} uncertain over {self.connections} connections: {new}"
        self.unsure = unsure
        return len(new)

    def at_end(self, arrived: Sequence[Arrived]) -> Mapping[State, int]:
        """After a run that ended by itself: how many stand where. Nobody is still to be tried."""
        assert_one_copy_each(arrived)
        states = self._states()
        reached = {message.recipient for message in arrived}
        self._assert_nothing_forgotten(states, reached)
        assert states.keys() == self.audience, f"not in the ledger: {self.audience - states.keys()}"
        assert set(states.values()) <= SETTLED, Counter(states.values())
        unsure = _those(states, State.UNCERTAIN)
        assert unsure == self.unsure, f"nobody died, and yet: {unsure ^ self.unsure}"
        assert _those(states, State.REJECTED, State.DEFERRED) <= self.refused
        lost = self.audience - reached - unsure - self.refused
        assert not lost, f"lost: {lost}"
        counts = Counter(states.values())
        assert sum(counts.values()) == len(self.audience)
        return {state: counts[state] for state in State}

    def _assert_nothing_forgotten(self, states: Mapping[str, State], reached: Collection[str]) -> None:
        sent = _those(states, State.SENT)
        assert states.keys() <= self.audience
        assert sent <= set(reached), f"sent, and not at the server: {sent - set(reached)}"
        assert sent >= self.sent, f"sent no more: {self.sent - sent}"
        again = {who: states.get(who) for who in reached if states.get(who) not in MAY_HAVE_IT}
        assert not again, f"at the server, and would be mailed again: {again}"
        assert not self.refused & set(reached)
        self.sent = sent

    def _states(self) -> Mapping[str, State]:
        if isinstance(self.place, Path) and not self.place.exists():
            return {}  # it died before it made one
        with Ledger.open(self.place, lambda: datetime.now(UTC)) as ledger:
            deadline = monotonic() + 600
            while True:
                try:
                    # A database server may still be at the last thing it was asked for; it then holds the issue, too.
                    with ledger.hold(self.issue):
                        return {row.address: row.state for row in ledger.rows(self.issue)}
                except BusyError:
                    assert monotonic() < deadline, "the dead process holds the issue"


def assert_one_copy_each(arrived: Sequence[Arrived]) -> None:
    for copies in (Counter(each.recipient for each in arrived), Counter(each.message_id for each in arrived)):
        twice = {what: count for what, count in copies.items() if count > 1}
        assert not twice, f"more than one copy: {twice}"
    assert all(each.message_id for each in arrived)


def _those(states: Mapping[str, State], *wanted: State) -> frozenset[str]:
    return frozenset(address for address, state in states.items() if state in wanted)
