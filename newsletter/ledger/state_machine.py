"""The state machine of a recipient: which transitions are legal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from newsletter.model.delivery import State

# The allowed transitions of a recipient's state. Read a line as: from -> to (what happened).
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        # On the list, nothing tried.           -> claimed by a run; must not be mailed
        State.PENDING: frozenset({State.CLAIMED, State.SUPPRESSED}),
        # A run has it; no final dot was sent.  -> about to send the dot; released untried, or the run died;
        #                                          the relay said "later" or "no" before the dot; just unsubscribed
        State.CLAIMED: frozenset({State.COMMITTING, State.PENDING, State.DEFERRED, State.REJECTED, State.SUPPRESSED}),
        # The dot may be out; on disk before it. -> 250; 4xx; 5xx; no answer, or the run died
        State.COMMITTING: frozenset({State.SENT, State.DEFERRED, State.REJECTED, State.UNCERTAIN}),
        # The relay said "later".                -> claimed again; must not be mailed any more
        State.DEFERRED: frozenset({State.CLAIMED, State.SUPPRESSED}),
        # It may have arrived or not.            -> the operator decided: resend; assume sent
        State.UNCERTAIN: frozenset({State.PENDING, State.SENT}),
        # The relay accepted the message.        -> final
        State.SENT: frozenset(),
        # The relay refused the recipient.       -> the operator decided: try once more
        State.REJECTED: frozenset({State.PENDING}),
        # Unsubscribed, bounced, paused.         -> final: who subscribes again gets the next issue, not this one
        State.SUPPRESSED: frozenset(),
    }
)
