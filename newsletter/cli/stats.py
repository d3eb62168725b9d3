"""`newsletter stats`."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.console import print_json
from newsletter.cli.failures import MisuseError
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import ledger_place, open_named_ledger, utc_now
from newsletter.files import write_atomically
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.render_post import zone_of
from newsletter.stats.as_csv import Table, stats_csv
from newsletter.stats.as_json import stats_json
from newsletter.stats.as_page import stats_page
from newsletter.stats.as_text import stats_text
from newsletter.stats.read import read_stats


def stats(
    html: Path | None, table: Table | None, ledger_url: str | None, config_path: Path | None, as_json: bool
) -> None:
    if table and as_json:
        raise MisuseError("write one of --csv and --json")
    config = load(config_path)
    require_free([html], config=config, ledger=ledger_place(config, ledger_url))
    zone = zone_of(config)
    now = utc_now()
    with open_named_ledger(config, ledger_url) as ledger:
        found = read_stats(ledger.storage, zone, now)
    if html is not None:
        page = stats_page(found, zone, config.settings.newsletter.name).encode()
        write_atomically(html, page)
        click.echo(f"{html}: {len(page):,} bytes; open it in a browser.", err=as_json or table is not None)
    if as_json:
        print_json(stats_json(found))
    elif table is not None:
        click.echo(stats_csv(found, table), nl=False)
    elif html is None:
        for line in stats_text(found, zone):
            click.echo(line)
