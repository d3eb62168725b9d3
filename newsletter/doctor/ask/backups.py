"""Look at the folder of dated backups."""

from __future__ import annotations

from pathlib import Path

from newsletter.config.config import Config
from newsletter.doctor.judge.records import KeptBackups
from newsletter.pipeline.dated_backups import backups_folder, dated_backups


def find_backups(config: Config) -> KeptBackups:
    folder, place = backups_folder(config), config.ledger_place
    if folder is None or not isinstance(place, Path):
        return KeptBackups()
    count = len(dated_backups(folder, place))
    try:
        same = folder.stat().st_dev == place.stat().st_dev
    except OSError:
        same = False
    return KeptBackups(config.settings.ledger.backups, count, same)
