"""Retry delay for deferred recipients."""

from __future__ import annotations

from datetime import timedelta

FIRST_S = 60
LONGEST_S = 3600


def retry_delay_s(attempt: int, jitter: float) -> timedelta:
    """The delay after the `attempt`-th try, counted from 1. `jitter` is a random number from 0 to below 1.

    Exponential backoff with equal jitter: the span doubles from 60 s to an hour, one half of it fixed and one random,
    so that recipients deferred together are not retried together. RFC 5321, 4.5.4.1 asks for at least 30 minutes
    between tries to a mail host; we talk to a relay, whose limits mostly count by the minute.
    """
    if attempt < 1 or not 0 <= jitter < 1:
        raise ValueError(f"attempt {attempt} (from 1), jitter {jitter} (from 0 to below 1)")
    doublings = min(attempt - 1, LONGEST_S.bit_length())
    span = min(FIRST_S << doublings, LONGEST_S)
    return timedelta(seconds=span * (1 + jitter) / 2)
