"""Stand by for the run that sends an issue, to take over if it dies (failover)."""

from __future__ import annotations

from collections.abc import Callable

from newsletter.errors import BusyError, LedgerError
from newsletter.ledger.ledger import Ledger

POLL_S = 1.0
"""Seconds between two looks at the lock. A process that dies lets go of it at once; a machine that loses its power,
with PostgreSQL, when the server's TCP keepalives give it up."""

_DIED = "error"
"""How a run that lost its ledger ended; one that was killed has no end."""


def stand_by(ledger: Ledger, issue: str, *, pause: Callable[[float], None], news: Callable[[str], None]) -> str | None:
    """Wait while another run holds `issue` -> why that one ended by itself; None where it died, or never began.

    `pause` sleeps for some seconds; `news` gets a sentence when the wait begins, and when a database on another machine
    goes away or comes back. Raises LedgerError where the ledger is a file and cannot be read.
    """
    said = ""
    while True:
        try:
            with ledger.hold(issue):
                break
        except BusyError as error:
            now = f"{issue}: {error.owner or 'another run'} is sending it; standing by to take over if that run dies"
        except LedgerError as error:
            if not ledger.is_far:
                raise
            now = f"{error}; trying again"
        if now != said:
            news(now)
            said = now
        pause(POLL_S)
    runs = ledger.runs(issue)
    last = runs[-1] if runs else None
    if last is None or last.ended is None or last.reason == _DIED:
        return None
    return last.reason or "it tried everyone"
