"""`newsletter stats`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.options import NamedPath, config_option, json_option
from newsletter.stats.as_csv import TABLES


@click.command()
@click.option("--html", type=NamedPath(), metavar="FILE", help="Write a page to this file.")
@click.option(
    "--csv",
    "table",
    type=click.Choice(TABLES),
    is_flag=False,
    flag_value="issues",
    metavar="[TABLE]",
    help=f"Print a table for a spreadsheet: {', '.join(TABLES)}.",
)
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.stats", "stats")
def stats() -> None:
    """Show growth, delivery, rhythm, readers and links. No address and no person is in them.

    --html writes one page with plots, to keep or to pass on.

    \b
    Example:
      newsletter stats --html stats.html
    """
