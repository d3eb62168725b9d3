"""What comes back: bounces, complaints, wishes to leave, and all the mail that is none of these.

Pure. `read_message` takes the bytes of one message from anybody and gives a `Reading`, in bounded time whatever the
bytes are; `soft_score` counts. Nothing here knows who is on a list: `bounce_run` finds that out and decides.
"""

from __future__ import annotations

from newsletter.bounces.read import read_message
from newsletter.bounces.readings import (
    AutoReply,
    Bounce,
    Complaint,
    Failure,
    Kind,
    Ordinary,
    Reading,
    Traces,
    Unreadable,
    Unsubscribe,
)
from newsletter.bounces.score import SOFT_THRESHOLD, STALE_DAYS, soft_score
from newsletter.bounces.verdict import kind_of

__all__ = [
    "SOFT_THRESHOLD",
    "STALE_DAYS",
    "AutoReply",
    "Bounce",
    "Complaint",
    "Failure",
    "Kind",
    "Ordinary",
    "Reading",
    "Traces",
    "Unreadable",
    "Unsubscribe",
    "kind_of",
    "read_message",
    "soft_score",
]
