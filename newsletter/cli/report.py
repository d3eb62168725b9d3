"""`newsletter report`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from newsletter.cli.console import print_json, terminal_width
from newsletter.cli.load_settings import load
from newsletter.files import write_atomically
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.list_reference import read_reference
from newsletter.pipeline.open_store import open_ledger
from newsletter.pipeline.prepare_send import known_issue
from newsletter.report.as_json import report_json
from newsletter.report.as_page import render_page
from newsletter.report.as_text import report_text
from newsletter.report.read import read_report


def report(issue: str, html: Path | None, ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    config = load(config_path, issue)
    place = config.ledger_at(ledger_url) if ledger_url else None
    require_free([html], config=config, ledger=place)
    with open_ledger(config, now, place) as ledger:
        name = known_issue(ledger, issue)
        post, audience = ledger.paths(name)
        require_free([html], inputs=[post, *read_reference(audience).lists])
        found = read_report(ledger, name)
    if html is not None:
        page = render_page(found, None, now()).encode()
        write_atomically(html, page)
        click.echo(f"{html}: {len(page):,} bytes; open it in a browser.", err=as_json)
    if as_json:
        print_json(report_json(found))
    elif html is None:
        for line in report_text(found, None, terminal_width()):
            click.echo(line)
