"""`newsletter serve` and `newsletter sync`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.options import Given, config_option, json_option


@click.command()
@click.option(
    "--host", default="127.0.0.1", metavar="HOST", show_default=True, help="The address to listen on; 0.0.0.0 for all."
)
@click.option("--port", type=int, metavar="PORT", default=8080, show_default=True, help="0 takes any free port.")
@click.option(
    "--relay",
    "relay_url",
    type=Given(),
    metavar="URL",
    help="smtp://[user@]host:port or smtps://…, instead of [relay].",
)
@click.option("--quiet", is_flag=True, help="No line for each request.")
@config_option
@runs("newsletter.cli.serve", "serve")
def serve() -> None:
    """Run the pages where people join, leave and choose. Sign-up with a mail to confirm, one-click unsubscribe,
    preferences.

    Put a proxy with TLS before it, and set [serve] url to its address. Needs NEWSLETTER_SECRET.

    \b
    Example:
      newsletter serve --port 8080
    """


@click.command()
@click.argument("source", metavar="FILE_OR_URL")
@config_option
@json_option
@runs("newsletter.cli.serve", "sync")
def sync() -> None:
    """Take off whoever clicked “unsubscribe” at a page elsewhere.

    FILE_OR_URL has their one-click POSTs in lines of JSON. A line is {"token": …, "time": …}. Reading the same
    lines again changes nothing. For a URL, NEWSLETTER_SYNC_TOKEN is sent as a bearer token.

    \b
    Example:
      newsletter sync https://worker.example.org/clicks
    """
