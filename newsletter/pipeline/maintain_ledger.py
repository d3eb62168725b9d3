"""Maintain the ledger: back up, restore, check, prune; check that it is the newest one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

from newsletter.config.config import Config
from newsletter.errors import ConfigError
from newsletter.frozen import frozen
from newsletter.ledger.backup import back_up as back_up
from newsletter.ledger.backup import check_ledger as check_ledger
from newsletter.ledger.backup import missing_from as missing_from
from newsletter.ledger.backup import restore as restore
from newsletter.ledger.backup import stream_backup as stream_backup
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.prune import Pruned as Pruned
from newsletter.ledger.prune import compact, prune
from newsletter.pipeline.expected_issues import require_expected
from newsletter.pipeline.open_store import open_ledger


@frozen
class PruneResult:
    """What was pruned, or would be. `compacted`: the space was returned to the disk."""

    pruned: Pruned
    compacted: bool


def prune_ledger(
    config: Config,
    place: Path | str,
    before: datetime,
    now: Callable[[], datetime],
    *,
    confirm: Callable[[Pruned], None],
    dry: bool,
) -> PruneResult:
    """Delete the recipients of issues from before `before`, once `confirm` returns; it raises if the user declines.

    `confirm` is not called if there is nothing to delete. Raises ConfigError if there is no ledger.
    """
    with closing(open_ledger(config, now, place)) as ledger:
        found = prune(ledger.storage, before, dry=True)
        if dry or not found.rows:
            return PruneResult(found, compacted=False)
        confirm(found)
        found = prune(ledger.storage, before)
    with closing(open_ledger(config, now, place)) as ledger:  # a new connection without an open transaction
        return PruneResult(found, compact(ledger.storage))


def why_not_newest(config: Config, place: Path | str, now: Callable[[], datetime]) -> str:
    """Why the ledger at `place` is not the newest one, by [ledger] `expect`; empty if it may be."""
    with Ledger.open(place, now) as ledger:
        try:
            require_expected(config, ledger)
        except ConfigError as error:
            return str(error)
    return ""
