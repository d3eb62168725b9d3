"""Back the ledger up once a run has ended. The mail has gone out: a fault is said and alerted, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from newsletter.config.config import Config
from newsletter.errors import ConfigError, LedgerError, NewsletterError
from newsletter.ledger.chores import note_chore, read_chores
from newsletter.ledger.ledger import Ledger
from newsletter.pipeline.alerts import Alerts, described_event
from newsletter.pipeline.dated_backups import DatedBackup, back_up_if_due

REMINDED = timedelta(days=1)
"""People hear of backups that fail once a day."""


def back_up_after_run(
    config: Config,
    place: Path | str,
    now: Callable[[], datetime],
    warn: Callable[[Sequence[str]], None],
    *,
    sent: bool,
    alerts: Alerts | None = None,
) -> DatedBackup | None:
    """`back_up_if_due`, with a fault as a warning and an alert. Never raises for a backup that fails."""
    try:
        return back_up_if_due(config, place, now(), sent=sent)
    except (NewsletterError, OSError) as error:
        warn([f"the ledger was not backed up: {error}"])
        code = error.exit_code if isinstance(error, NewsletterError) else ConfigError.exit_code
        if alerts is not None and _may_remind(place, now()):
            name = config.settings.newsletter.name
            warn(alerts.tell_people(described_event("failure", name, job="backup", exit_code=code)))
        return None


def _may_remind(place: Path | str, now: datetime) -> bool:
    """Whether people have not heard of it today; noted in the ledger, which may be what fails."""
    try:
        with Ledger.open(place, lambda: now) as ledger:
            with ledger.storage.read() as db:
                done = read_chores(db)
            if done.backup_alert is not None and timedelta(0) <= now - done.backup_alert < REMINDED:
                return False
            note_chore(ledger.storage, "backup-alert", now)
    except LedgerError:
        pass
    return True
