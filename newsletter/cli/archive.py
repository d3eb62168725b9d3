"""`newsletter archive`."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.archive.build import build_archive
from newsletter.cli.archive_output import archive_lines, described_archive
from newsletter.cli.console import print_json, warn
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import ledger_place, utc_now
from newsletter.cli.progress import Progress
from newsletter.config.url_validators import archive_url
from newsletter.errors import ConfigError, InvalidValueError
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.open_store import open_ledger


def archive(
    out: Path | None, url: str | None, dry_run: bool, ledger_url: str | None, config_path: Path | None, as_json: bool
) -> None:
    config = load(config_path)
    folder = out or config.archive_folder
    if folder is None:
        raise ConfigError("archive: no folder to write to", "write --out site/, or set [archive] dir")
    if url is not None:
        try:
            url = archive_url(url)
        except InvalidValueError as fault:
            raise ConfigError(f"--url {fault.what}", "write https://news.example.com") from fault
    place = ledger_place(config, ledger_url)
    require_free([folder / "index.html"], config=config, ledger=place)
    with open_ledger(config, utc_now, place) as ledger, Progress("Writing pages", quiet=as_json) as progress:
        report = build_archive(config, ledger, folder, url=url, dry=dry_run, on_issue=progress.show)
    warn(report.warnings)
    if as_json:
        print_json(described_archive(report))
        return
    for line in archive_lines(report):
        click.echo(line)
