"""`newsletter new`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.options import config_option, json_option


@click.command()
@click.argument("title")
@click.option("--date", "day", metavar="YYYY-MM-DD", help="The day of the issue.  [default: today]")
@config_option
@json_option
@runs("newsletter.cli.new", "new")
def new() -> None:
    """Write the next post, dated today, with stories to fill in. TITLE is its title.

    \b
    Example:
      newsletter new "What the week brought" --date 2026-03-06
    """
