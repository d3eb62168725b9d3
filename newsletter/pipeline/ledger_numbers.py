"""Every issue of the ledger with its numbers, and whether a ledger has changed since it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from newsletter.config.config import Config
from newsletter.ledger.known_issues import KnownIssue as KnownIssue
from newsletter.ledger.known_issues import known_issues
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import has_ledger


@contextmanager
def known_ledger(config: Config, when: Callable[[], datetime]) -> Iterator[Ledger | None]:
    """The configured ledger; None where there is none yet."""
    if not has_ledger(config.ledger_place):
        yield None
        return
    with Ledger.open(config.ledger_place, when) as ledger:
        yield ledger


def read_known_issues(ledger: Ledger, *, counted: bool = True) -> tuple[KnownIssue, ...]:
    """In order of their first send; those never sent come last. Not `counted`, every number is 0, and cheap."""
    with ledger.storage.read() as db:
        return known_issues(db, counted=counted)


def ledger_mark(place: Path | str) -> tuple[tuple[int, int], ...] | None:
    """A value that changes with every write to a ledger's file; None for one on a server."""
    if isinstance(place, str):
        return None
    return tuple(_mark(place.with_name(place.name + end)) for end in ("", "-wal"))


def _mark(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size
