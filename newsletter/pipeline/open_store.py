"""Open the ledger, or the subscriber store, at the configured place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from newsletter.audience.people.store import People
from newsletter.config.config import Config
from newsletter.ledger.database.engine import parse_place
from newsletter.ledger.ledger import Delivery as Delivery
from newsletter.ledger.ledger import IssueRow as IssueRow
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import require_ledger


def open_ledger(config: Config, when: Callable[[], datetime], place: Path | str | None = None) -> Ledger:
    """Open the ledger at `place`, else at the configured place. ConfigError if there is none."""
    place = place or config.ledger_place
    require_ledger(place)
    return Ledger.open(place, when)


def open_people(config: Config, place: Path | str, when: Callable[[], datetime]) -> People:
    """Open the subscriber store: sign-ups, unsubscribes, bounces. ConfigError if there is none."""
    require_ledger(place, "nobody has signed up or left here", "")
    return People.open(place, when, config.secrets)


def shown_place(url: str) -> str:
    """A ledger's place for messages and suggested commands."""
    # Security: a password in a URL is never printed; the user types it again.
    return parse_place(url).name if "://" in url and not url.startswith("sqlite") else url
