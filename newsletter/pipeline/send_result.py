"""The result of a send: counts by state, remaining recipients, whether it is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from types import MappingProxyType

from newsletter.delivery.run_control import INTERRUPTED
from newsletter.frozen import frozen
from newsletter.model.delivery import Outcome, State

LISTED = 1_000
"""How many recipients of each kind a result lists; the ledger has all of them."""


_WAITING = (State.PENDING, State.CLAIMED, State.COMMITTING, State.DEFERRED)


@frozen
class SendResult:
    """The result of a send, read from the ledger, so that a later run sees the same numbers.

    Of `refused`, `left` and `uncertain` recipients at most `LISTED` each are listed; an Outcome is missing if nothing
    was tried.
    """

    issue: str
    counts: Mapping[State, int]
    already: int
    refused: tuple[tuple[str, Outcome | None], ...]
    left: tuple[tuple[str, Outcome | None], ...]
    uncertain: tuple[tuple[str, Outcome | None], ...]
    suppressed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many recipients were suppressed, by reason: unsubscribed, bounced, paused."""

    stopped: str = ""
    seconds: float = 0.0
    next_due: datetime | None = None
    test: bool = False
    held_until: datetime | None = None
    """When quiet hours, rates or pauses end that hold recipients; None if they hold none."""
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
        """When the first remaining recipient may be mailed; None for at once."""
        if self.held_until is not None:
            return self.held_until  # recipients who are due earlier have to wait for it, too
        pending = sum(self.counts[state] for state in _WAITING if state is not State.DEFERRED)
        return None if pending else self.next_due

    @property
    def was_interrupted(self) -> bool:
        """Whether a signal ended it: then no other issue is begun."""
        return self.stopped == INTERRUPTED

    @property
    def complete(self) -> bool:
        return not self.left_count and not self.counts[State.UNCERTAIN] and not self.stopped


def left_of(counts: Mapping[State, int]) -> int:
    """How many recipients remain."""
    return sum(counts[state] for state in _WAITING)
