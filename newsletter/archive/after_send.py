"""Rebuild the archive once an unattended run has mailed somebody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from newsletter.archive.build import ArchiveReport, build_archive
from newsletter.config.config import Config
from newsletter.errors import NewsletterError
from newsletter.ledger.ledger import Ledger
from newsletter.pipeline.publish import PublishReport


def rebuild_after_send(
    config: Config,
    place: Path | str,
    report: PublishReport,
    now: Callable[[], datetime],
    warn: Callable[[Sequence[str]], None],
) -> ArchiveReport | None:
    """What was written; None where nobody was mailed, or no [archive] dir is set.

    The mail has gone out: whatever is wrong with a page is a warning, and changes nothing about the run.
    """
    folder = config.archive_folder
    if folder is None or not any(each.result is not None and each.result.sent for each in report.posts):
        return None
    try:
        with Ledger.open(place, now) as ledger:
            built = build_archive(config, ledger, folder)
    except (NewsletterError, OSError) as error:
        warn([f"the archive was not brought up to date: {error}; then run `newsletter archive`"])
        return None
    warn(built.warnings)
    return built
