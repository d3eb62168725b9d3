"""`newsletter status` and `newsletter resolve`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import Deferred, runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.options import config_option, json_option


@click.command()
@click.argument("issue", required=False, shell_complete=Deferred("newsletter.cli.issue_completion", "complete_issue"))
@click.option("--follow", is_flag=True, help="Watch ISSUE until workers have nobody left to try.")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.status", "status")
def status() -> None:
    """Show how every issue stands, or who is left of ISSUE. Also who was refused, or is uncertain.

    \b
    Example:
      newsletter status 2026-03-06-hello
    """


@click.command()
@click.argument("issue", shell_complete=Deferred("newsletter.cli.issue_completion", "complete_issue"))
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--resend", is_flag=True, help="Mail them again with the next send; they may then have it twice.")
@click.option("--assume-sent", is_flag=True, help="Count them as sent; they may then never get it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
@config_option
@runs("newsletter.cli.status", "resolve")
def resolve() -> None:
    """Decide about the uncertain of ISSUE. All of them, or the ones named.

    \b
    Example:
      newsletter resolve 2026-03-06-hello ada@example.org --resend
    """
