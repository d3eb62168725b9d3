"""Invariants of an issue after its sender was killed: the ledger compared with the messages at the server.

No copy twice; no recipient at the server whom the next run would mail again; none `sent` without a message; few
uncertain per kill; none lost in the end.
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
"""States that no run mails again by itself."""

SETTLED = frozenset({State.SENT, State.UNCERTAIN, State.REJECTED, State.DEFERRED})
"""Possible states after a run that ended normally."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message at the server."""

    recipient: str
    message_id: str


class Accounts:
    """The checks of one issue across kills. `place` is the ledger, `refused` the recipients that the server refuses,
    `window` how many messages may be under way over one connection.
    """

    def __init__(
        self,
        place: Path | str,
        issue: str,
        audience: Sequence[str],
        connections: int,
        refused: Collection[str] = (),
        window: int = 1,
    ) -> None:
        self.place = place
        self.issue = issue
        self.audience = frozenset(audience)
        self.connections = connections
        self.most_uncertain = connections * max(window, 2)
        self.refused = frozenset(refused)
        self.unsure: frozenset[str] = frozenset()
        self.sent: frozenset[str] = frozenset()

    def after_kill(self, arrived: Sequence[Arrived]) -> int:
        """How many recipients this kill made uncertain. The server must have read all that the dead process wrote."""
        assert_one_copy_each(arrived)
        states = self._states()
        reached = {message.recipient for message in arrived}
        self._assert_nothing_forgotten(states, reached)
        unsure = _those(states, State.COMMITTING, State.UNCERTAIN)
        assert unsure >= self.unsure, f"uncertain no more: {self.unsure - unsure}"
        new = unsure - self.unsure
        assert len(new) <= self.most_uncertain, f"{len(new)} uncertain over {self.connections} connections: {new}"
        self.unsure = unsure
        return len(new)

    def at_end(self, arrived: Sequence[Arrived]) -> Mapping[State, int]:
        """After a run that ended normally: the number of recipients by state. None remains to be tried."""
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
            return {}  # it was killed before it created one
        with Ledger.open(self.place, lambda: datetime.now(UTC)) as ledger:
            deadline = monotonic() + 600
            while True:
                try:
                    # A database server may still execute the last statement, and then holds the issue's lock.
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
