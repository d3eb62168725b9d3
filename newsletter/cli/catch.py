"""`newsletter catch`."""

from __future__ import annotations

import click

from newsletter.cli.console import wait_at
from newsletter.web.catcher.server import Catcher


def catch(smtp_port: int, web_port: int) -> None:
    with Catcher(smtp_port=smtp_port, web_port=web_port) as catcher:
        click.echo(f"SMTP:  {catcher.relay}")
        click.echo(f"Inbox: {catcher.inbox_url}")
        wait_at(catcher)
