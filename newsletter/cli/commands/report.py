"""`newsletter report`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import Deferred, runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.options import NamedPath, config_option, json_option


@click.command()
@click.argument("issue", shell_complete=Deferred("newsletter.cli.issue_completion", "complete_issue"))
@click.option("--html", type=NamedPath(), metavar="FILE", help="Write a page to this file.")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.report", "report")
def report() -> None:
    """Show how the send of ISSUE went, and what the servers said. When, to whom, and who is left.

    --html writes one page with a timeline, to keep or to pass on; it names addresses, so mind who gets it.

    \b
    Example:
      newsletter report 2026-03-06-hello --html report.html
    """
