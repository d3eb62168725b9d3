"""`newsletter send`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.completions import complete_file
from newsletter.cli.help_page import GroupedCommand
from newsletter.cli.lazy_group import runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.list_options import column_option, to_option
from newsletter.cli.options import (
    Given,
    NamedPath,
    config_option,
    connections_option,
    images_option,
    json_option,
    log_option,
    newcomers_option,
    now_option,
    relay_option,
    yes_option,
)

_GROUPS = {
    "Who gets it": ("to", "where", "columns", "test", "changed_list", "newcomers", "first"),
    "When and where it goes": (
        *("at", "now", "canary", "go_on", "erratum", "relay_url", "connections", "ledger_url"),
        "workers",
        *("dry_run", "out", "catch", "no_wait", "mbox", "maildir"),
    ),
    "Output": ("images", "log_json", "as_json", "yes", "config_path", "help"),
}


@click.command(cls=GroupedCommand, groups=_GROUPS)
@click.argument("post", shell_complete=complete_file)
@to_option
@click.option(
    "--where", type=Given(), default="", metavar="EXPR", help="Only to those: \"plan == 'pro' and tags has 'ai'\"."
)
@column_option
@click.option("--test", multiple=True, metavar="ADDRESS", help="Only to this address, marked as a test.")
@click.option("--dry-run", is_flag=True, help="Send nothing; write OUT/ISSUE/index.html.")
@click.option("--out", type=NamedPath(), default="out", show_default=True, help="For --dry-run.")
@click.option("--catch", is_flag=True, help="Into a mail catcher that is started for it.")
@click.option("--no-wait", is_flag=True, help="With --catch: end at once, keep no inbox open.")
@click.option("--mbox", type=NamedPath(), help="With --catch: write the mail to this file.")
@click.option("--maildir", type=NamedPath(), help="With --catch: keep the mail in this folder.")
@relay_option
@connections_option
@ledger_option
@click.option("--workers", is_flag=True, help="By other machines; with --detach it ends once they have it.")
@click.option("--detach", is_flag=True, hidden=True)
@click.option("--at", metavar="TIME", help="Begin at 08:00, or at 2026-03-02T08:00.")
@click.option(
    "--canary", type=click.IntRange(1), default=None, metavar="N", help="Send N, wait, go on if few are refused."
)
@click.option("--continue", "go_on", is_flag=True, help="It changed after some got it: send it to the others.")
@click.option("--erratum", is_flag=True, help="It changed: mail it again, marked, to who has the old.")
@click.option("--changed-list", is_flag=True, help="Though many of the last issue are not on the list.")
@click.option("--first", is_flag=True, help="With --yes: there may be no ledger yet.")
@newcomers_option
@now_option
@images_option
@log_option
@yes_option
@config_option
@json_option
@runs("newsletter.cli.send", "send")
def send() -> None:
    """Send POST to everyone on a list, once each. Shows what it will do, and asks.

    \b
    Example:
      newsletter send posts/2026-03-06-hello.md --to subscribers.csv
    """
