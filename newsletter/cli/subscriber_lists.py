"""`newsletter subscribers check | convert | merge | diff | export`: commands on list files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.audience.list_tools.convert import compare_lists, convert_list, export_list, merge_lists
from newsletter.audience.list_tools.survey import NAMED, survey_list
from newsletter.audience.read_audience import read_audience, require_people
from newsletter.cli.console import json_out, print_json
from newsletter.cli.failures import ending
from newsletter.cli.help_page import SummaryGroup
from newsletter.cli.list_options import ListName, column_option, ledger_option
from newsletter.cli.list_output import (
    difference_json,
    print_difference,
    print_survey,
    print_written_list,
    say,
    survey_facts,
)
from newsletter.cli.options import NamedPath, config_option, json_option, load
from newsletter.cli.progress import Progress
from newsletter.cli.sign_up_numbers import consent_words, numbers_of, print_count, require_sign_ups
from newsletter.model.column_rules import Rule
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.list_sources import open_sign_ups, rules_for

if TYPE_CHECKING:
    from newsletter.config.config import Config

SHOWN_PEOPLE = 20
"""How many addresses of each kind `diff` lists without --all."""

# Without `exists=True`: the reader of a list reports the fault, with a remedy.
_LIST: Any = NamedPath()
out_option = click.option("--out", required=True, type=_LIST, metavar="FILE.csv", help="The list to write.")
where_option = click.option(
    "--where", default="", metavar="EXPR", help="Only those of the list: \"plan == 'pro' and tags has 'ai'\"."
)
encoding_option = click.option(
    "--encoding", default="", metavar="NAME", help="What the list is written in, such as gb18030; else it is detected."
)


consent_option = click.option(
    "--consent", is_flag=True, help="With what the people of @signups agreed to: when, on which page, to which words."
)


@click.group(cls=SummaryGroup)
def subscribers() -> None:
    """Check, clean and merge lists; see who joined, left or bounced."""


# --- check ----------------------------------------------------------------------------------------------------------


@subscribers.command()
@click.argument("path", metavar="LIST.csv|@signups", type=ListName())
@where_option
@column_option
@click.option("--no-addresses", is_flag=True, help="Do not look at the addresses, only at the file; faster.")
@click.option("--all", "all_findings", is_flag=True, help="Name every finding, not the first ten of each kind.")
@encoding_option
@ledger_option
@config_option
@json_option
def check(  # one parameter per option
    path: str,
    where: str,
    columns: tuple[Rule, ...],
    no_addresses: bool,
    all_findings: bool,
    encoding: str,
    ledger_url: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Say what is wrong with a list, and how many people it has.

    Ends with 1 when rows would go without mail, when nobody would get any, or when a column may say who has left in
    words that are not understood.

    \b
    Example:
      newsletter subscribers check subscribers.csv
    """

    config = load(config_path)
    with (
        Progress("Reading, bytes", quiet=as_json) as reading,
        open_sign_ups(config, [path], ledger_url) as sign_ups,
    ):
        survey = survey_list(
            path,
            where=where,
            addresses=not no_addresses,
            encoding=encoding,
            named=None if all_findings else NAMED,
            on_progress=reading.show,
            sign_ups=sign_ups,
            rules=rules_for(config, columns),
        )
    code = errors.EXIT_CONTENT if survey.at_fault else errors.EXIT_OK
    if as_json:
        print_json({**survey_facts(survey), **ending(code)})
    else:
        print_survey(path, survey)
    sys.exit(code)


# --- output lists ---------------------------------------------------------------------------------------------------


@subscribers.command()
@click.argument("path", metavar="LIST.csv", type=_LIST)
@out_option
@where_option
@column_option
@encoding_option
@config_option
@json_option
def convert(
    path: Path,
    out: Path,
    where: str,
    columns: tuple[Rule, ...],
    encoding: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Write LIST.csv anew: UTF-8, commas, `email,name` first, nobody twice. LIST.csv itself stays as it is.

    Rows that cannot be mailed go to FILE.rejected.csv, with the line and the reason. Exports of other services are
    understood; whoever has left is not written. Ends with 1 when nobody is left.

    \b
    Example:
      newsletter subscribers convert export.csv --out subscribers.csv
    """

    config = load(config_path)
    _require_free(out, config)
    rules = rules_for(config, columns)
    print_written_list(convert_list(path, out, where=where, encoding=encoding, rules=rules), as_json)


@subscribers.command()
@click.argument("paths", metavar="LIST.csv...", nargs=-1, required=True, type=_LIST)
@out_option
@column_option
@encoding_option
@config_option
@json_option
def merge(
    paths: tuple[Path, ...],
    out: Path,
    columns: tuple[Rule, ...],
    encoding: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Put lists together: the first row of an address stands, the columns are united.

    Whoever one of the lists says has left is not in the result, whatever the others say.

    \b
    Example:
      newsletter subscribers merge old.csv new.csv --out subscribers.csv
    """

    config = load(config_path)
    _require_free(out, config)
    rules = rules_for(config, columns)
    print_written_list(merge_lists(paths, out, encoding=encoding, rules=rules), as_json)


@subscribers.command()
@click.argument("path", metavar="LIST.csv|@signups", type=ListName())
@out_option
@where_option
@column_option
@encoding_option
@consent_option
@ledger_option
@config_option
@json_option
def export(  # one parameter per option
    path: str,
    out: Path,
    where: str,
    columns: tuple[Rule, ...],
    encoding: str,
    consent: bool,
    ledger_url: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Write a list for a spreadsheet: a value that it would run as a formula gets an apostrophe in front.

    \b
    Example:
      newsletter subscribers export @signups --out people.csv
    """

    config = load(config_path)
    _require_free(out, config)
    require_sign_ups([path], consent=consent)
    with open_sign_ups(config, [path], ledger_url, consent=consent) as sign_ups:
        made = export_list(
            path, out, where=where, encoding=encoding, sign_ups=sign_ups, rules=rules_for(config, columns)
        )
    print_written_list(made, as_json)


# --- list -----------------------------------------------------------------------------------------------------------


@subscribers.command("list")
@click.argument("paths", metavar="LIST.csv|@signups...", nargs=-1, required=True, type=ListName())
@where_option
@column_option
@consent_option
@click.option("--count", is_flag=True, help="Only how many; of @signups also how they stand, and the growth by month.")
@ledger_option
@config_option
@json_option
def list_people(  # one parameter per option
    paths: tuple[str, ...],
    where: str,
    columns: tuple[Rule, ...],
    consent: bool,
    count: bool,
    ledger_url: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Print everyone whom a send to these lists is for, once each: address and name. --json has every column.

    Who left or bounced since may still be among them: `subscribers suppressed` has those.

    \b
    Example:
      newsletter subscribers list subscribers.csv @signups
    """

    config = load(config_path)
    require_sign_ups(paths, consent=consent)
    numbers = numbers_of(config, paths, ledger_url) if count else {}
    if count and not where and len(numbers) == len(set(paths)) and not any(each.confirmed for each in numbers.values()):
        print_count(0, numbers, as_json=as_json)  # an empty list is reported as such; its numbers explain it
        return
    with open_sign_ups(config, paths, ledger_url, consent=consent) as sign_ups:
        people = read_audience(*paths, where=where, sign_ups=sign_ups, rules=rules_for(config, columns))
    if count:
        print_count(len(people), numbers, as_json=as_json)
        return
    require_people(people, ", ".join(paths))
    if not as_json:
        for person in people:
            shown = (person.email, person.fields.get("name", ""), *consent_words(person, consent=consent))
            say("  ".join(shown).rstrip())
        click.echo(f"{len(people):,} {'person' if len(people) == 1 else 'people'}", err=True)
        return
    click.echo(f'{{"count": {len(people)}, "people": [', nl=False)
    for number, person in enumerate(people):  # row by row: all of them as one object may not fit into memory
        click.echo(f"{',' if number else ''}\n  {json_out(dict(person.fields))}", nl=False)
    click.echo("\n]}")


def _require_free(out: Path, config: Config) -> None:
    """These commands must not overwrite an input of a send; `list_tools` protects the lists."""

    rejected = out.with_name(f"{out.stem}.rejected.csv") if out.name else None
    require_free([out, rejected], config=config)


# --- diff -----------------------------------------------------------------------------------------------------------


@subscribers.command()
@click.argument("old", metavar="OLD.csv", type=_LIST)
@click.argument("new", metavar="NEW.csv", type=_LIST)
@click.option("--all", "everyone", is_flag=True, help=f"Name everyone, not the first {SHOWN_PEOPLE} of each.")
@column_option
@encoding_option
@config_option
@json_option
def diff(
    old: Path,
    new: Path,
    everyone: bool,
    columns: tuple[Rule, ...],
    encoding: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Show who joined and who left between two lists, by address.

    \b
    Example:
      newsletter subscribers diff old.csv new.csv
    """

    with compare_lists(old, new, encoding=encoding, rules=rules_for(load(config_path), columns)) as difference:
        if as_json:
            sys.stdout.writelines(difference_json(difference))
            return
        print_difference(difference, old, new, most=None if everyone else SHOWN_PEOPLE)
