"""`newsletter catch`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs


@click.command()
@click.option("--smtp-port", type=int, metavar="PORT", default=1025, show_default=True, help="0 takes any free port.")
@click.option("--web-port", type=int, metavar="PORT", default=1080, show_default=True, help="0 takes any free port.")
@runs("newsletter.cli.catch", "catch")
def catch() -> None:
    """Run a mail catcher: an SMTP server that delivers nothing. An inbox page shows what came.

    \b
    Example:
      newsletter catch --smtp-port 2525 --web-port 8025
    """
