"""Keep dated backups of the ledger in the folder of [ledger] `backups`: one of each day, the oldest removed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from newsletter.config.config import Config
from newsletter.errors import ConfigError, LedgerError, located
from newsletter.files import is_file
from newsletter.ledger.backup import back_up, missing_from
from newsletter.ledger.chores import read_chores
from newsletter.ledger.database.schema import issues
from newsletter.ledger.database.timestamps import moment_of
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import NOTHING_SENT, has_ledger, require_start


@dataclass(frozen=True, slots=True)
class DatedBackup:
    """The file of today, its size in bytes, and the old ones that were removed."""

    path: Path
    size: int
    removed: tuple[Path, ...] = ()


def backups_folder(config: Config) -> Path | None:
    name = config.settings.ledger.backups
    return config.root / name if name else None


def back_up_if_due(config: Config, place: Path | str, now: datetime, *, sent: bool) -> DatedBackup | None:
    """Back up if somebody was mailed since the last backup, or there is none of today. None if nothing is due.

    Raises NewsletterError.
    """
    folder = backups_folder(config)
    if folder is None or not isinstance(place, Path) or not has_ledger(place):
        return None
    today = _numbered(folder, place, now, 1)
    return back_up_dated(config, place, now) if sent or not is_file(today) or _is_behind(place, now) else None


def back_up_dated(config: Config, place: Path | str, now: datetime) -> DatedBackup:
    """Write the backup of today, in place of an earlier one of the day. Raises NewsletterError."""
    folder = backups_folder(config)
    if folder is None:
        what = "ledger backup: no FILE is given, and no folder is set"
        raise ConfigError(what, 'name a file, or write backups = "backups" under [ledger]')
    if not isinstance(place, Path):
        raise ConfigError("a ledger in PostgreSQL is backed up by its own tools", "see pg_dump --format=custom")
    target = _target(folder, place, now)
    size = back_up(place, target, now)
    return DatedBackup(target, size, _remove_old(folder, place, target, config.settings.ledger.keep_backups))


def dated_backups(folder: Path, place: Path) -> tuple[Path, ...]:
    """The backups of this ledger in the folder, the newest first. Other files are none of them."""
    found = [(key, path) for path in _listed(folder) if (key := _key(path, place)) is not None]
    return tuple(path for _, path in sorted(found, reverse=True))


def newest_backup(config: Config, place: Path | str) -> Path | None:
    """The newest dated backup of the ledger at `place`, if there is one."""
    folder = backups_folder(config)
    return next(iter(dated_backups(folder, place)), None) if folder is not None and isinstance(place, Path) else None


def require_start_or_backup(config: Config, place: Path | str) -> None:
    """`require_start`, whose error names the newest dated backup. Raises LedgerError."""
    try:
        require_start(place)
    except LedgerError as error:
        if newest_backup(config, place) is None:
            raise
        what = f"{NOTHING_SENT}, and there are backups of one that did"
        remedy = "put the newest back (newsletter ledger restore), or write --first if this newsletter begins here"
        raise LedgerError(located(str(place), None, what, remedy)) from error


def _listed(folder: Path) -> Sequence[Path]:
    try:
        return [path for path in folder.iterdir() if is_file(path)]
    except OSError:
        return ()


def _key(path: Path, place: Path) -> tuple[str, int] | None:
    found = re.fullmatch(rf"{re.escape(place.stem)}-(\d{{4}}-\d\d-\d\d)(?:-(\d{{1,4}}))?\.db", path.name)
    return (found[1], int(found[2] or 1)) if found else None


def _numbered(folder: Path, place: Path, now: datetime, number: int) -> Path:
    more = f"-{number}" if number > 1 else ""
    return folder / f"{place.stem}-{now.astimezone(UTC):%Y-%m-%d}{more}.db"


def _target(folder: Path, place: Path, now: datetime) -> Path:
    """Today's file; another one beside it if that knows of issues which the ledger has lost, so that it is kept."""
    number = 1
    while is_file(path := _numbered(folder, place, now, number)) and _knows_more(path, place):
        number += 1
    return path


def _knows_more(backup: Path, place: Path) -> bool:
    return bool(missing_from(place, backup))


def _remove_old(folder: Path, place: Path, target: Path, keep: int) -> tuple[Path, ...]:
    """Remove all but the newest `keep`. One that cannot be removed stays until the next time."""
    removed: list[Path] = []
    for path in dated_backups(folder, place)[keep:]:
        if path == target:
            continue  # a clock that went back wrote it behind others
        with suppress(OSError):
            path.unlink()
            removed.append(path)
    return tuple(removed)


def _is_behind(place: Path, now: datetime) -> bool:
    """Whether an issue began to go out after the last backup: its run ended before it could write one."""
    with Ledger.open(place, lambda: now) as ledger, ledger.storage.read() as db:
        last = moment_of(db.scalar(sa.select(sa.func.max(issues.c.first_sent))))
        done = read_chores(db).backup
    return last is not None and (done is None or done < last)
