"""`newsletter archive`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.options import NamedPath, config_option, json_option


@click.command()
@click.option("--out", type=NamedPath(), metavar="DIR", help="Folder for the pages; [archive] dir by default.")
@click.option("--url", metavar="URL", help="Where it is published; [archive] url by default.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be written.")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.archive", "archive")
def archive() -> None:
    """Write the web archive of what was sent: pages, feeds, search. A page for each issue, and an index by month.

    Any web server shows it, and it opens from a disk. A second run writes only what has changed.

    \b
    Example:
      newsletter archive --out site/ --url https://news.example.com
    """
