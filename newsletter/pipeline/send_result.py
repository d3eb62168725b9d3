"""The result of a send: counts by state, who is left, whether it is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from newsletter.delivery.run_control import INTERRUPTED
from newsletter.model.delivery import Outcome, State

LISTED = 1_000
"""How many recipients of each kind a result names; the ledger has all of them."""


_WAITING = (State.PENDING, State.CLAIMED, State.COMMITTING, State.DEFERRED)


@dataclass(frozen=True, slots=True)
class SendResult:
    """How a send ended; read from the ledger, so that the numbers are those that a later run will see.

    Of `refused`, `left` and `uncertain` people at most `LISTED` each are named; an Outcome is missing where nothing
    was tried.
    """

    issue: str
    counts: Mapping[State, int]
    already: int
    refused: tuple[tuple[str, Outcome | None], ...]
    left: tuple[tuple[str, Outcome | None], ...]
    uncertain: tuple[tuple[str, Outcome | None], ...]
    suppressed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many were not mailed, by reason: they left, bounced, paused."""

    stopped: str = ""
    seconds: float = 0.0
    next_due: datetime | None = None
    test: bool = False
    held_until: datetime | None = None
    """When quiet hours, rates or pauses let go of those who are left for them; None where they hold nobody."""
    newcomers: int = 0
    notes: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """By this run."""
        return self.counts[State.SENT] - self.already

    @property
    def left_count(self) -> int:
        return left_of(self.counts)

    @property
    def go_on_at(self) -> datetime | None:
        """When the first of those who are left may be mailed; None for at once."""
        if self.held_until is not None:
            return self.held_until  # those who are due earlier have to wait for it, too
        pending = sum(self.counts[state] for state in _WAITING if state is not State.DEFERRED)
        return None if pending else self.next_due

    @property
    def was_interrupted(self) -> bool:
        """Whether a signal ended it: whoever sends several issues begins no other."""
        return self.stopped == INTERRUPTED

    @property
    def complete(self) -> bool:
        return not self.left_count and not self.counts[State.UNCERTAIN] and not self.stopped


def left_of(counts: Mapping[State, int]) -> int:
    """How many are still to be mailed."""
    return sum(counts[state] for state in _WAITING)
