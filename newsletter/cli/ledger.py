"""`newsletter ledger`: back up, restore, check and prune the ledger."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

import click

from newsletter.cli.console import ask, near, print_json, warn
from newsletter.cli.failures import ending
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import ledger_place, utc_now
from newsletter.errors import EXIT_OK, EXIT_USAGE, ConfigError
from newsletter.model.age import parse_age
from newsletter.model.moments import shown_moment
from newsletter.pipeline.dated_backups import DatedBackup, back_up_dated, newest_backup
from newsletter.pipeline.maintain_ledger import (
    Pruned,
    back_up,
    check_ledger,
    missing_from,
    prune_ledger,
    restore,
    stream_backup,
    why_not_newest,
)
from newsletter.text import counted, printable


def backup_command(file: str | None, ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    config = load(config_path)
    place = ledger_place(config, ledger_url)
    if file == "-":
        if as_json:
            raise ConfigError("ledger backup: the backup itself goes to standard output", "take --json or - out")
        stream_backup(place, sys.stdout.buffer, utc_now())
        return
    if file == "":
        raise ConfigError("ledger backup: FILE is empty", "write the path that is meant")
    if file is None:
        made = back_up_dated(config, place, utc_now())
    else:
        made = DatedBackup(Path(file), back_up(place, Path(file), utc_now()))
    if as_json:
        removed = {"removed": [str(path) for path in made.removed]} if file is None else {}
        print_json({"file": file or str(made.path), "bytes": made.size, **removed, **ending(EXIT_OK)})
        return
    click.echo(f"Backed up {made.size:,} bytes to {printable(file or near(str(made.path)))}")


def restore_command(
    file: Path | None, ledger_url: str | None, yes: bool, config_path: Path | None, as_json: bool
) -> None:
    config = load(config_path)
    place = ledger_place(config, ledger_url)
    file = file or newest_backup(config, place)
    if file is None:
        raise ConfigError("ledger restore: no FILE is given, and [ledger] backups has none", "name a backup")
    if missing := missing_from(file, place):
        names = ", ".join(missing[:5]) + (f" and {len(missing) - 5:,} more" if len(missing) > 5 else "")
        what = f"{file} does not know that {names} went out, as the ledger does; people could be mailed twice."
        ask(f"{printable(what)} Restore it all the same?", yes=yes)
    made = datetime.fromtimestamp(file.stat().st_mtime).astimezone() if file.is_file() else utc_now()
    kept = restore(file, place, utc_now())
    fault = why_not_newest(config, place, utc_now)
    warn([fault] if fault else [])
    if as_json:
        summary = {
            "restored": str(file),
            "kept": str(kept) if kept else None,
            "backup_of": made.isoformat(),
            "warnings": [fault] if fault else [],
        }
        print_json({**summary, **ending(EXIT_OK)})
        return
    click.echo(printable(f"Restored {near(str(file))}" + (f"; the old ledger is {kept}" if kept else "")))
    click.echo(f"The backup is of {shown_moment(made)}: who was mailed, joined or left since then it does not know.")


def check_command(ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    config = load(config_path)
    place = ledger_place(config, ledger_url)
    health = check_ledger(place)
    faults = list(health.faults)
    if not faults and (fault := why_not_newest(config, place, utc_now)):
        faults.append(fault)
    code = EXIT_USAGE if faults else EXIT_OK
    if as_json:
        last = {"issue": health.last_issue, "sent": health.last_sent.isoformat() if health.last_sent else None}
        summary = {"ledger": health.name, "version": health.version, "issues": health.issues, "last": last}
        print_json({**summary, "faults": faults, **ending(code)})
    else:
        since = f", the last {health.last_issue} of {health.last_sent:%Y-%m-%d}" if health.last_sent else ""
        click.echo(printable(f"{health.name}: version {health.version}, {counted(health.issues, 'issue')}{since}"))
        for fault in faults:
            click.echo(printable(fault), err=True)
        if health.faults:
            click.echo("The ledger is damaged; restore the last good backup before anything is sent.", err=True)
    sys.exit(code)


def prune_command(
    older: str, dry_run: bool, ledger_url: str | None, yes: bool, config_path: Path | None, as_json: bool
) -> None:
    before = utc_now() - _age(older)
    config = load(config_path)

    def confirm(found: Pruned) -> None:
        ask(f"Forget {_pruned(found)} before {before:%Y-%m-%d}?", yes=yes)

    result = prune_ledger(config, ledger_place(config, ledger_url), before, utc_now, confirm=confirm, dry=dry_run)
    found = result.pruned
    if as_json:
        summary = {"issues": list(found.issues), "rows": found.rows, "dry_run": dry_run, "compacted": result.compacted}
        print_json({**summary, **ending(EXIT_OK)})
        return
    word = "Would forget" if dry_run else "Forgot"
    click.echo(f"{word} {_pruned(found)} before {before:%Y-%m-%d}.")


def _pruned(found: Pruned) -> str:
    return f"{counted(found.rows, 'recipient')} of {counted(len(found.issues), 'issue')}"


def _age(text: str) -> timedelta:
    found = parse_age(text)
    if found is None:
        raise ConfigError(f"--older {printable(text)!r} is no age", "write 2y, 18m or 90d")
    return found
