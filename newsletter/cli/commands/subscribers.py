"""`newsletter subscribers check | convert | merge | diff | export`: options and help."""

from __future__ import annotations

from typing import Any

import click

from newsletter.audience.people.records import Reason
from newsletter.cli.help_page import SummaryGroup
from newsletter.cli.lazy_group import runs
from newsletter.cli.ledger_option import ledger_option
from newsletter.cli.list_options import ListName, column_option
from newsletter.cli.list_options import ledger_option as sign_ups_ledger_option
from newsletter.cli.options import Given, NamedPath, config_option, json_option

SHOWN_PEOPLE = 20
"""Addresses of each kind that `diff` names without --all."""

# Without `exists=True`: the reader of a list says what is wrong with it, and what to do.
_LIST: Any = NamedPath()
out_option = click.option("--out", required=True, type=_LIST, metavar="FILE.csv", help="The list to write.")
where_option = click.option(
    "--where",
    type=Given(),
    default="",
    metavar="EXPR",
    help="Only those of the list: \"plan == 'pro' and tags has 'ai'\".",
)
encoding_option = click.option(
    "--encoding", default="", metavar="NAME", help="What the list is written in, such as gb18030; else it is detected."
)


consent_option = click.option(
    "--consent", is_flag=True, help="With what the people of @signups agreed to: when, on which page, to which words."
)

BY_HAND = (Reason.MANUAL, Reason.UNSUBSCRIBED, Reason.HARD_BOUNCE, Reason.COMPLAINT)
"""Reasons that an operator may enter."""


@click.group(cls=SummaryGroup)
def subscribers() -> None:
    """Check, clean and merge lists; see who joined, left or bounced."""


@subscribers.command()
@click.argument("path", metavar="LIST.csv|@signups", type=ListName())
@where_option
@column_option
@click.option("--no-addresses", is_flag=True, help="Do not look at the addresses, only at the file; faster.")
@click.option("--all", "all_findings", is_flag=True, help="Name every finding, not the first ten of each kind.")
@encoding_option
@sign_ups_ledger_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_lists", "check")
def check() -> None:
    """Say what is wrong with a list, and how many people it has.

    Ends with 1 when rows would go without mail, when nobody would get any, or when a column may say who has left in
    words that are not understood.

    \b
    Example:
      newsletter subscribers check subscribers.csv
    """


@subscribers.command()
@click.argument("path", metavar="LIST.csv", type=_LIST)
@out_option
@where_option
@column_option
@encoding_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_lists", "convert")
def convert() -> None:
    """Write LIST.csv anew: UTF-8, commas, `email,name` first, nobody twice. LIST.csv itself stays as it is.

    Rows that cannot be mailed go to FILE.rejected.csv, with the line and the reason. Exports of other services are
    understood; whoever has left is not written. Ends with 1 when nobody is left.

    \b
    Example:
      newsletter subscribers convert export.csv --out subscribers.csv
    """


@subscribers.command()
@click.argument("paths", metavar="LIST.csv...", nargs=-1, required=True, type=_LIST)
@out_option
@column_option
@encoding_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_lists", "merge")
def merge() -> None:
    """Put lists together: the first row of an address stands, the columns are united.

    Whoever one of the lists says has left is not in the result, whatever the others say.

    \b
    Example:
      newsletter subscribers merge old.csv new.csv --out subscribers.csv
    """


@subscribers.command()
@click.argument("path", metavar="LIST.csv|@signups", type=ListName())
@out_option
@where_option
@column_option
@encoding_option
@consent_option
@sign_ups_ledger_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_lists", "export")
def export() -> None:
    """Write a list for a spreadsheet: a value that it would run as a formula gets an apostrophe in front.

    \b
    Example:
      newsletter subscribers export @signups --out people.csv
    """


@subscribers.command("list")
@click.argument("paths", metavar="LIST.csv|@signups...", nargs=-1, required=True, type=ListName())
@where_option
@column_option
@consent_option
@click.option("--count", is_flag=True, help="Only how many; of @signups also how they stand, and the growth by month.")
@sign_ups_ledger_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_lists", "list_people")
def list_people() -> None:
    """Print everyone whom a send to these lists is for, once each: address and name. --json has every column.

    Who left or bounced since may still be among them: `subscribers suppressed` has those.

    \b
    Example:
      newsletter subscribers list subscribers.csv @signups
    """


@subscribers.command()
@click.argument("old", metavar="OLD.csv", type=_LIST)
@click.argument("new", metavar="NEW.csv", type=_LIST)
@click.option("--all", "everyone", is_flag=True, help=f"Name everyone, not the first {SHOWN_PEOPLE} of each.")
@column_option
@encoding_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_lists", "diff")
def diff() -> None:
    """Show who joined and who left between two lists, by address.

    \b
    Example:
      newsletter subscribers diff old.csv new.csv
    """


@subscribers.command()
@click.argument("address")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_people", "show")
def show() -> None:
    """Tell ADDRESS's story: consent, every issue with its outcome, bounces, and why they are not mailed.

    --json has all that is kept of the person: it is what to answer who asks for their data.

    \b
    Example:
      newsletter subscribers show ada@example.org
    """


@subscribers.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_people", "forget")
def forget() -> None:
    """Take ADDRESS out of everything kept here, and never mail it again.

    A keyed hash stays, so that a list that still has the address does not bring the person back. It cannot be undone:
    only the person can come back, by signing up.

    \b
    Example:
      newsletter subscribers forget ada@example.org
    """


@subscribers.command()
@click.option("--reason", metavar="REASON", help="Only for this reason: unsubscribed, hard-bounce, complaint, …")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_people", "suppressed")
def suppressed() -> None:
    """List who must not be mailed, why, and since when. The forgotten stand there by their hash.

    \b
    Example:
      newsletter subscribers suppressed --reason hard-bounce
    """


@subscribers.command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS...]")
@click.option(
    "--from", "path", type=NamedPath(), metavar="FILE", help="Everyone in FILE: a list, or an address a line."
)
@click.option("--undo", is_flag=True, help="Take back a slip of your own; --reason says why, and is kept.")
@click.option(
    "--reason",
    metavar="REASON",
    help=f"Why: {', '.join(BY_HAND)}; {Reason.MANUAL} if not given. With --undo, words of your own.",
)
@click.option("--detail", default="", help="Words to find it by: who asked for it, and how.")
@ledger_option
@config_option
@json_option
@runs("newsletter.cli.subscriber_suppress", "suppress")
def suppress() -> None:
    """Never mail ADDRESS again. Nobody but the person can lift that, by signing up and confirming.

    --undo lifts what was entered here with the reason "manual", and nothing else.

    \b
    Example:
      newsletter subscribers suppress ada@example.org
    """
