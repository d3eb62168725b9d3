"""`newsletter worker`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.list_options import to_option
from newsletter.cli.options import config_option, connections_option, log_option, relay_option


@click.command()
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=1, show_default=True, metavar="N", help="Shards at once."
)
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Take from this one; [cluster] by default.")
@click.option("--chores", is_flag=True, help="Beside: publish, bounces and what else [watch] says, once over all.")
@to_option
@click.option("--first", is_flag=True, help="With --chores: there may be no ledger yet.")
@relay_option
@connections_option
@ledger_option
@click.option("--health-port", type=click.IntRange(0, 65535), metavar="PORT", help="Answer GET /healthz here.")
@click.option("--health-host", default="127.0.0.1", show_default=True, metavar="HOST", help="For --health-port.")
@log_option
@config_option
@runs("newsletter.cli.worker", "worker")
def worker() -> None:
    """Send a part of what `send --workers` puts in the queue. Needs the ledger in PostgreSQL, the secrets and a relay;
    no post, list or theme, but with --chores, which publishes what is due to the lists of --to.

    The first Ctrl-C, or SIGTERM, ends it after the messages under way; others send the rest.

    \b
    Example:
      newsletter worker --concurrency 2 --health-port 8081
    """
