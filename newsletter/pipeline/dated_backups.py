"""Keep dated backups of the ledger in the folder of [ledger] `backups`: one of each day, the oldest removed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from newsletter.config.config import Config
from newsletter.errors import ConfigError, LedgerError, located
from newsletter.files import is_file
from newsletter.frozen import frozen
from newsletter.ledger.backup import back_up, issues_in, missing_from
from newsletter.ledger.chores import read_chores
from newsletter.ledger.database.schema import issues
from newsletter.ledger.database.timestamps import moment_of
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import has_issues, has_ledger, require_start
from newsletter.model.file_stem import file_stem


@frozen
class DatedBackup:
    """The file of today, its size in bytes, and the old ones that were removed."""

    path: Path
    size: int
    removed: tuple[Path, ...] = ()


@frozen
class BackupFolder:
    """The dated backups of one ledger. Others in the folder, of another newsletter perhaps, are none of them."""

    folder: Path
    prefix: str

    def files(self) -> tuple[Path, ...]:
        """The newest first."""
        found = [(key, path) for path in _listed(self.folder) if (key := self._key(path)) is not None]
        return tuple(path for _, path in sorted(found, reverse=True))

    def file_of(self, day: datetime, number: int = 1) -> Path:
        more = f"-{number}" if number > 1 else ""
        return self.folder / f"{self.prefix}-{day.astimezone(UTC):%Y-%m-%d}{more}.db"

    def _key(self, path: Path) -> tuple[str, int] | None:
        found = re.fullmatch(rf"{re.escape(self.prefix)}-(\d{{4}}-\d\d-\d\d)(?:-(\d{{1,4}}))?\.db", path.name)
        return (found[1], int(found[2] or 1)) if found else None


def backup_folder(config: Config, place: Path | str) -> BackupFolder | None:
    """None where no folder is set, and for a ledger in PostgreSQL. Files are named after the newsletter."""
    name = config.settings.ledger.backups
    if not name or not isinstance(place, Path):
        return None
    own = () if place.stem == "newsletter" else (place.stem,)
    return BackupFolder(config.root / name, "-".join((file_stem(config.settings.newsletter.name), *own)))


def back_up_if_due(config: Config, place: Path | str, now: datetime, *, sent: bool) -> DatedBackup | None:
    """Back up if somebody was mailed since the last backup, or there is none of today. None if nothing is due.

    Raises NewsletterError.
    """
    folder = backup_folder(config, place)
    if folder is None or not isinstance(place, Path) or not has_ledger(place):
        return None
    is_due = sent or not is_file(folder.file_of(now)) or _is_behind(place, now)
    return back_up_dated(config, place, now) if is_due else None


def back_up_dated(config: Config, place: Path | str, now: datetime) -> DatedBackup:
    """Write the backup of today, in place of an earlier one of the day. Raises NewsletterError."""
    if not isinstance(place, Path):
        raise ConfigError("a ledger in PostgreSQL is backed up by its own tools", "see pg_dump --format=custom")
    folder = backup_folder(config, place)
    if folder is None:
        what = "ledger backup: no FILE is given, and no folder is set"
        raise ConfigError(what, 'name a file, or write backups = "backups" under [ledger]')
    target = _target(folder, place, now)
    size = back_up(place, target, now)
    return DatedBackup(target, size, _remove_old(folder, target, config.settings.ledger.keep_backups))


def newest_backup(config: Config, place: Path | str) -> Path | None:
    """The newest dated backup of the ledger at `place`, if there is one."""
    folder = backup_folder(config, place)
    return next(iter(folder.files()), None) if folder is not None else None


def require_known_start(config: Config, place: Path | str, *, begins: bool) -> None:
    """LedgerError where no ledger has any issue, unless the newsletter begins here; and where backups know better."""
    if has_issues(place):
        return
    newest = newest_backup(config, place)
    if newest is not None and issues_in(newest):
        what = f"there is no ledger here that knows of any issue, and a backup that does: {newest}"
        remedy = "put it back (newsletter ledger restore); or move the backups away, if this is a new beginning"
        raise LedgerError(located(str(place), None, what, remedy))
    if not begins:
        require_start(place)


def _listed(folder: Path) -> Sequence[Path]:
    try:
        return [path for path in folder.iterdir() if is_file(path)]
    except OSError:
        return ()


def _target(folder: BackupFolder, place: Path, now: datetime) -> Path:
    """Today's file; another one beside it if that knows of issues which the ledger has lost, so that it is kept."""
    number = 1
    while is_file(path := folder.file_of(now, number)) and missing_from(place, path):
        number += 1
    return path


def _remove_old(folder: BackupFolder, target: Path, keep: int) -> tuple[Path, ...]:
    """Remove all but the newest `keep`. One that cannot be removed stays until the next time."""
    removed: list[Path] = []
    for path in folder.files()[keep:]:
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
