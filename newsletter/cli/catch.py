"""`newsletter catch`."""

from __future__ import annotations

import click

from newsletter.cli.console import wait_at
from newsletter.web.catcher.server import Catcher


@click.command()
@click.option("--smtp-port", type=int, default=1025, show_default=True, help="0 takes any free port.")
@click.option("--web-port", type=int, default=1080, show_default=True, help="0 takes any free port.")
def catch(smtp_port: int, web_port: int) -> None:
    """Run a mail catcher: an SMTP server that delivers nothing. An inbox page shows what came.

    \b
    Example:
      newsletter catch --smtp-port 2525 --web-port 8025
    """

    with Catcher(smtp_port=smtp_port, web_port=web_port) as catcher:
        click.echo(f"SMTP:  {catcher.relay}")
        click.echo(f"Inbox: {catcher.inbox_url}")
        wait_at(catcher)
