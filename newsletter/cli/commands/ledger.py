"""`newsletter ledger`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.help_page import SummaryGroup
from newsletter.cli.lazy_group import runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.options import NamedPath, config_option, json_option, yes_option


@click.group(cls=SummaryGroup)
def ledger() -> None:
    """Back the ledger up, restore, check or prune it."""


@ledger.command("backup")
@click.argument("file", required=False)
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.ledger", "backup_command")
def backup_command() -> None:
    """Copy the ledger to FILE, also while a send runs; - writes it to standard output.

    Without FILE it is the file of today in the folder of [ledger] backups, as publish writes it by itself.

    The copy is checked, and FILE replaced by it whole. It holds your readers' addresses: keep it where the list may be.

    \b
    Example:
      newsletter ledger backup backups/newsletter.db
    """


@ledger.command("restore")
@click.argument("file", type=NamedPath(), required=False)
@ledger_option
@yes_option
@config_option
@json_option
@runs("newsletter.cli.ledger", "restore_command")
def restore_command() -> None:
    """Put the backup FILE in the ledger's place. The old ledger is kept beside it.

    Without FILE it is the newest one in the folder of [ledger] backups.

    Refused while anything has the ledger open, and for a backup that is damaged. Asks where the backup is older than
    the ledger: whoever was mailed since would be mailed again.

    \b
    Example:
      newsletter ledger restore backups/newsletter.db
    """


@ledger.command("check")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.ledger", "check_command")
def check_command() -> None:
    """Look the ledger over: whether it is sound, what it knows, and whether it is the newest one.

    Exits with 2 where it is damaged, or does not know what the file in [ledger] expect says was sent.

    \b
    Example:
      newsletter ledger check
    """


@ledger.command("prune")
@click.option("--older", required=True, metavar="AGE", help="Of issues older than this: 2y, 18m, 90d.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be forgotten.")
@ledger_option
@yes_option
@config_option
@json_option
@runs("newsletter.cli.ledger", "prune_command")
def prune_command() -> None:
    """Forget who got issues that are older than AGE. That they went out stays known.

    The last ten issues stay whole, and so does who left, bounced or signed up. `report` and `status` of a pruned issue
    are empty, and it cannot be gone on with.

    \b
    Example:
      newsletter ledger prune --older 2y
    """
