"""The state machine of a recipient: which transitions are legal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from newsletter.model.delivery import State

# The allowed transitions of a recipient's state. Read a line as: from -> to (what happened).
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        # On the list, nothing tried.           -> a run took them; they must not be mailed
        State.PENDING: frozenset({State.CLAIMED, State.SUPPRESSED}),
        # A run has them; no final dot went out. -> about to write the dot; let go untried, or the run died;
        #                                           the relay said "later" or "no" before the dot; they left just now
        State.CLAIMED: frozenset({State.COMMITTING, State.PENDING, State.DEFERRED, State.REJECTED, State.SUPPRESSED}),
        # The dot may be out: on disk before it. -> 250; 4xx; 5xx; no answer, or the run died
        State.COMMITTING: frozenset({State.SENT, State.DEFERRED, State.REJECTED, State.UNCERTAIN}),
        # The relay said "later".                -> a run took them again; they must not be mailed any more
        State.DEFERRED: frozenset({State.CLAIMED, State.SUPPRESSED}),
        # It may have arrived or not.            -> the operator said: resend; assume sent
        State.UNCERTAIN: frozenset({State.PENDING, State.SENT}),
        # The relay answered for the mail.       -> final
        State.SENT: frozenset(),
        # The relay refused.                     -> the operator said: try once more
        State.REJECTED: frozenset({State.PENDING}),
        # Left, bounced, paused: not mailed.     -> final: who comes back gets the next issue, not this one
        State.SUPPRESSED: frozenset(),
    }
)
