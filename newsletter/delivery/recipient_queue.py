"""The queue of recipients: what the loop needs of a ledger, how far it claims and looks ahead."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from newsletter.ledger.ledger import Claim, Move
from newsletter.model.moments import shown_local
from newsletter.model.subscriber import Subscriber

CLAIMED_AT_ONCE = 500
"""Recipients taken from the ledger in one transaction. A kill gives them all back; they are only not yet tried."""


TOLD_FROM_S = 60.0
"""A wait for a rate that is longer is news to the person."""


LOOK_AHEAD = 200
"""How far a connection looks past recipients whose domain has to wait."""


class DeliveryLedger(Protocol):
    """What the loop needs of a ledger, never two at once. `is_far`: across a network, so not to be waited for."""

    is_far: bool

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        """The next recipients who are due, beyond row `after`; empty when there are none."""

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        """Durable when it returns. The rows whose people must not be mailed after all; these were not moved."""

    def keep_pace(self, marks: Mapping[str, str]) -> None: ...


def limit_used_up(until: float, limits: str = "", then: str = "the next may go") -> str:
    return f"its limit is used up{f' ({limits})' if limits else ''}; {then} at {shown_local(until)}"
