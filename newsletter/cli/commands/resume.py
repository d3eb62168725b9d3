"""`newsletter resume` and `newsletter retry`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.lazy_group import Deferred, runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.list_options import column_option
from newsletter.cli.options import (
    config_option,
    connections_option,
    json_option,
    log_option,
    newcomers_option,
    now_option,
    relay_option,
    yes_option,
)


@click.command()
@click.argument("issue", required=False, shell_complete=Deferred("newsletter.cli.issue_completion", "complete_issue"))
@column_option
@relay_option
@connections_option
@ledger_option
@click.option("--continue", "go_on", is_flag=True, help="The issue changed after some got it: send it to the others.")
@click.option("--wait", is_flag=True, help="Stand by while another run sends it; take over if that one dies.")
@newcomers_option
@now_option
@log_option
@yes_option
@config_option
@json_option
@runs("newsletter.cli.resume", "resume")
def resume() -> None:
    """Go on with ISSUE where it was left. The same post, the same list. Without ISSUE, the last that was not finished.

    Whoever was told "later" is tried again once their time has come. With --wait on a second machine it takes over
    when the one that sends it dies.

    \b
    Example:
      newsletter resume 2026-03-06-hello
    """


@click.command()
@click.argument("issue", shell_complete=Deferred("newsletter.cli.issue_completion", "complete_issue"))
@click.option("--failed", is_flag=True, help="Whom the relay refused for good as well.")
@column_option
@relay_option
@connections_option
@ledger_option
@now_option
@log_option
@yes_option
@config_option
@json_option
@runs("newsletter.cli.resume", "retry")
def retry() -> None:
    """Try those of ISSUE again whom the relay put off, now. It does not wait for their time.

    \b
    Example:
      newsletter retry 2026-03-06-hello --failed
    """
