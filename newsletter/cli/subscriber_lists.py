"""`newsletter subscribers check | convert | merge | diff | export`: commands on list files.

Heavy imports happen inside the commands, so that `newsletter --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.audience.list_tools.convert import compare_lists, convert_list, export_list, merge_lists
from newsletter.audience.list_tools.survey import NAMED, survey_list
from newsletter.audience.read_audience import read_audience, require_people
from newsletter.cli.console import json_out, print_json
from newsletter.cli.failures import ending
from newsletter.cli.list_options import ListName, column_option, ledger_option
from newsletter.cli.options import NamedPath, config_option, json_option, load
from newsletter.cli.progress import Progress
from newsletter.model.column_rules import Rule
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.list_sources import open_sign_ups, rules_for
from newsletter.text import printable

if TYPE_CHECKING:
    from newsletter.audience.list_tools.convert import Difference, WrittenList
    from newsletter.audience.list_tools.survey import ListSurvey
    from newsletter.config.config import Config
    from newsletter.model.findings import Finding

SHOWN_PEOPLE = 20
"""Addresses of each kind that `diff` names without --all."""

# Without `exists=True`: whoever reads a list says what is wrong with it, and what to do.
_LIST: Any = NamedPath()
out_option = click.option("--out", required=True, type=_LIST, metavar="FILE.csv", help="The list to write.")
where_option = click.option(
    "--where", default="", metavar="EXPR", help="Only those of the list: \"plan == 'pro' and tags has 'ai'\"."
)
encoding_option = click.option(
    "--encoding", default="", metavar="NAME", help="What the list is written in, such as gb18030; else it is detected."
)


@click.group()
def subscribers() -> None:
    """Look after the list: check it, clean it, put lists together, see who joined and left."""


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
        print_json({**_survey_facts(survey), **ending(code)})
    else:
        _print_survey(path, survey)
    sys.exit(code)


def _print_survey(path: str, survey: ListSurvey) -> None:
    kind = f"{survey.provider} export" if survey.provider else "list"
    guess = " (guessed)" if survey.encoding.guessed else ""
    if survey.delimiter:
        _say(f"{path}: a {kind} in {survey.encoding.name}{guess}, {survey.delimiter} between the columns")
    else:
        _say(f"{path}: those who signed up and confirmed")
    address = "" if survey.email_column == "email" else f"; email is {survey.email_column!r}"
    _say(f"columns: {', '.join(survey.columns)}{address}")
    told: dict[str, list[Finding]] = {}
    for finding in survey.findings:
        told.setdefault(finding.code, []).append(finding)
    for code, findings in told.items():
        _say("")
        for finding in findings:
            _say(finding.at(str(path)))
        if (more := survey.counts[code] - len(findings)) > 0:
            _say(f"… and {more:,} more of {code}; --all names them")
    _say("")
    _print_counts(
        ("rows", survey.rows),
        ("good", survey.good),
        ("outside the segment", survey.outside),
        ("invalid", survey.invalid),
        ("duplicates", survey.duplicates),
        *((f"excluded: {reason}", number) for reason, number in sorted(survey.excluded.items())),
        ("flagged", survey.flagged),
        always=("rows", "good", "invalid", "duplicates", "flagged"),
    )
    _say_nobody(path, survey.why_nobody)


def _survey_facts(survey: ListSurvey) -> dict[str, Any]:
    return {
        "encoding": survey.encoding.name,
        "guessed": survey.encoding.guessed,
        "delimiter": survey.delimiter,
        "columns": list(survey.columns),
        "email_column": survey.email_column,
        "provider": survey.provider,
        "segment": survey.segment,
        "rows": survey.rows,
        "good": survey.good,
        "outside_segment": survey.outside,
        "invalid": survey.invalid,
        "duplicates": survey.duplicates,
        "excluded": dict(survey.excluded),
        "flagged": survey.flagged,
        "unclear": [{"column": each.name, "rows": each.rows, "values": dict(each.values)} for each in survey.unclear],
        "names": list(survey.encoding.names),
        "nobody": survey.why_nobody,
        "counts": dict(survey.counts),
        "findings": [
            {"kind": each.code, "line": each.line, "what": each.what, "remedy": each.remedy} for each in survey.findings
        ],
    }


# --- lists from lists -----------------------------------------------------------------------------------------------


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
    """

    config = load(config_path)
    _require_free(out, config)
    rules = rules_for(config, columns)
    _print_made(convert_list(path, out, where=where, encoding=encoding, rules=rules), as_json)


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
    """

    config = load(config_path)
    _require_free(out, config)
    rules = rules_for(config, columns)
    _print_made(merge_lists(paths, out, encoding=encoding, rules=rules), as_json)


@subscribers.command()
@click.argument("path", metavar="LIST.csv|@signups", type=ListName())
@out_option
@where_option
@column_option
@encoding_option
@ledger_option
@config_option
@json_option
def export(  # one parameter per option
    path: str,
    out: Path,
    where: str,
    columns: tuple[Rule, ...],
    encoding: str,
    ledger_url: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Write a list for a spreadsheet: a value that it would run as a formula gets an apostrophe in front."""

    config = load(config_path)
    _require_free(out, config)
    with open_sign_ups(config, [path], ledger_url) as sign_ups:
        made = export_list(
            path, out, where=where, encoding=encoding, sign_ups=sign_ups, rules=rules_for(config, columns)
        )
    _print_made(made, as_json)


# --- who is on it ---------------------------------------------------------------------------------------------------


@subscribers.command("list")
@click.argument("paths", metavar="LIST.csv|@signups...", nargs=-1, required=True, type=ListName())
@where_option
@column_option
@ledger_option
@config_option
@json_option
def list_people(
    paths: tuple[str, ...],
    where: str,
    columns: tuple[Rule, ...],
    ledger_url: str | None,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Print everyone whom a send to these lists is for, once each: address and name. --json has every column.

    Who left or bounced since may still be among them: `subscribers suppressed` has those.
    """

    config = load(config_path)
    with open_sign_ups(config, paths, ledger_url) as sign_ups:
        people = read_audience(*paths, where=where, sign_ups=sign_ups, rules=rules_for(config, columns))
    require_people(people, ", ".join(paths))
    if not as_json:
        for person in people:
            name = person.fields.get("name", "")
            _say(f"{person.email}  {name}".rstrip())
        click.echo(f"{len(people):,} {'person' if len(people) == 1 else 'people'}", err=True)
        return
    click.echo(f'{{"count": {len(people)}, "people": [', nl=False)
    for number, person in enumerate(people):  # row by row: there may be more than fit into memory as one object
        click.echo(f"{',' if number else ''}\n  {json_out(dict(person.fields))}", nl=False)
    click.echo("\n]}")


def _require_free(out: Path, config: Config) -> None:
    """Nothing that these commands write may be what a send from here reads; `list_tools` looks at the lists."""

    rejected = out.with_name(f"{out.stem}.rejected.csv") if out.name else None
    require_free([out, rejected], config=config)


def _print_made(made: WrittenList, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "path": str(made.path),
                "rejected": str(made.rejected) if made.rejected else None,
                "sources": [
                    {
                        "path": str(source.path),
                        "encoding": source.encoding.name,
                        "guessed": source.encoding.guessed,
                        "names": list(source.encoding.names),
                        "provider": source.provider,
                    }
                    for source in made.sources
                ],
                "columns": list(made.columns),
                "rows": made.rows,
                "people": made.people,
                "outside_segment": made.outside,
                "invalid": made.invalid,
                "duplicates": made.duplicates,
                "excluded": dict(made.excluded),
                "neutralised": made.neutralised,
                "nobody": made.why_nobody,
            }
        )
        sys.exit(errors.EXIT_CONTENT if made.why_nobody else errors.EXIT_OK)
    for source in made.sources:
        kind = f"a {source.provider} export" if source.provider else "a list"
        _say(f"{source.path}: {kind} in {source.encoding.name}")
        if source.encoding.guessed:
            names = ", ".join(map(repr, source.encoding.names))
            sample = f", such as {names}" if names else ""
            guess = f"it was read as {source.encoding.name}, by its looks; see that the names are right{sample}"
            _say(f"warning: {source.path}: {guess}, or write --encoding", err=True)
    _say(f"{made.path}: {made.people:,} people, columns {', '.join(made.columns)}")
    if made.rejected:
        _say(f"{made.rejected}: the rows that are not in it, with the reason")
    _say("")
    _print_counts(
        ("rows", made.rows),
        ("people", made.people),
        ("outside the segment", made.outside),
        ("invalid", made.invalid),
        ("duplicates", made.duplicates),
        *((f"excluded: {reason}", number) for reason, number in sorted(made.excluded.items())),
        ("values made harmless", made.neutralised),
        always=("rows", "people"),
    )
    if made.why_nobody:
        _say_nobody(" and ".join(str(source.path) for source in made.sources), made.why_nobody)
        sys.exit(errors.EXIT_CONTENT)


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
    """Show who joined and who left between two lists, by address."""

    with compare_lists(old, new, encoding=encoding, rules=rules_for(load(config_path), columns)) as difference:
        if as_json:
            sys.stdout.writelines(_json_of(difference))
            return
        counts = {
            sign: _print_some(sign, addresses, None if everyone else SHOWN_PEOPLE)
            for sign, addresses in (("+", difference.joined), ("-", difference.left))
        }
        _say("")
        _print_counts(
            (f"people in {old}", difference.old),
            (f"people in {new}", difference.new),
            ("joined", counts["+"]),
            ("left", counts["-"]),
        )


def _json_of(difference: Difference) -> Iterator[str]:
    """One JSON object, piece by piece: everyone may have left."""
    yield f'{{\n  "old": {difference.old},\n  "new": {difference.new}'
    for name, addresses in (("joined", difference.joined), ("left", difference.left)):
        yield f',\n  "{name}": ['
        for number, address in enumerate(addresses):
            yield ("," if number else "") + "\n    " + json_out(address)
        yield "]"
    yield "\n}\n"


def _print_some(sign: str, addresses: Iterator[str], most: int | None) -> int:
    """Print the first of them, and how many more there are -> how many they are."""
    count = 0
    for address in islice(addresses, most):
        count += 1
        _say(f"{sign} {address}")
    more = sum(1 for _ in addresses)
    if more:
        _say(f"{sign} … and {more:,} more; --all names them")
    return count + more


# --- printing -------------------------------------------------------------------------------------------------------


def _say(text: str, *, err: bool = False) -> None:
    click.echo(printable(text), err=err)


def _say_nobody(path: str, why: str) -> None:
    if why:
        _say(f"{path}: {why}", err=True)


def _print_counts(*counts: tuple[str, int], always: Iterable[str] | None = None) -> None:
    """A column of numbers; those that are 0 only where they are among `always`."""
    shown = [(name, number) for name, number in counts if number or always is None or name in always]
    width = max(len(name) for name, _ in shown)
    for name, number in shown:
        _say(f"{name:<{width}}  {number:>9,}")
