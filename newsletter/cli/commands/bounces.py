"""`newsletter bounces`: options and help."""

from __future__ import annotations

import click

from newsletter.cli.completions import complete_file
from newsletter.cli.lazy_group import runs
from newsletter.cli.options import config_option, json_option


@click.command()
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", shell_complete=complete_file)
@click.option("--dry-run", is_flag=True, help="Say what would follow; record nothing, mark nothing.")
@config_option
@json_option
@runs("newsletter.cli.bounces", "bounces")
def bounces() -> None:
    """Read what came back, and stop mailing dead addresses. Bounces, complaints and unsubscribe mails are read.

    SOURCE is imaps://user@host/FOLDER, a Maildir, an mbox, an .eml file or a folder of them; without one, the mailbox
    of [bounces] in newsletter.toml. Letters and automatic answers are left alone, and nothing is deleted.

    \b
    Example:
      newsletter bounces imaps://you@mail.example.org/INBOX --dry-run
    """
