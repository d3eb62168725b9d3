"""`newsletter doctor`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import runs
from newsletter.cli.options import NamedPath, config_option, json_option


@click.command()
@click.option("--offline", is_flag=True, help="Leave out what needs the network.")
@click.option("--test", "address", metavar="ADDRESS", help="Send a test mail to this address, of yours, as well.")
@click.option(
    "--received", type=NamedPath(), metavar="FILE", help="The test mail as it arrived, saved: judge what it says."
)
@click.option("--test-alerts", is_flag=True, help="Send an alert to each of [alerts], marked as a trial, as well.")
@click.option("--nameserver", metavar="HOST[:PORT]", default="", help="Ask this nameserver, not the system's.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="For each step: a connection, a DNS answer.",
)
@config_option
@json_option
@runs("newsletter.cli.doctor", "doctor")
def doctor() -> None:
    """Examine settings, relay, DNS, unsubscribe address and ledger. Each line has its remedy.

    Nothing is changed, and without --test or --test-alerts nothing is sent. Exits with 0 where nothing is red, with 2
    where there is something for you to mend, with 3 where only a server did not answer or refused for now.

    \b
    Example:
      newsletter doctor --test you@yours.org
    """
