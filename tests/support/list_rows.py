"""Read all rows of a list file, as subscribers or findings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from newsletter.audience.lists.rows import as_subscriber, open_list
from newsletter.model.findings import Finding
from newsletter.model.subscriber import Subscriber


def read_subscribers(path: Path) -> Iterator[Subscriber | Finding]:
    """The rows in order: duplicates included, bad rows as findings. Errors as `open_list`."""
    with open_list(path) as listing:
        for row in listing.rows:
            yield row if isinstance(row, Finding) else as_subscriber(listing.columns, row.values, row.line)
