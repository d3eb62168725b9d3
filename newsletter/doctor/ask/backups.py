"""Look at the folder of dated backups."""

from __future__ import annotations

from pathlib import Path

from newsletter.config.config import Config
from newsletter.doctor.judge.records import KeptBackups
from newsletter.pipeline.dated_backups import backup_folder


def find_backups(config: Config) -> KeptBackups:
    place = config.ledger_place
    kept = backup_folder(config, place)
    if kept is None or not isinstance(place, Path):
        return KeptBackups()
    count = len(kept.files())
    try:
        same = kept.folder.stat().st_dev == place.stat().st_dev
    except OSError:
        same = False
    return KeptBackups(config.settings.ledger.backups, count, same)
