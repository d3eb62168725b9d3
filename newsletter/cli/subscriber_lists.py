"""`newsletter subscribers check | convert | merge | diff | export`: commands on list files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter import errors
from newsletter.audience.list_tools.convert import compare_lists, convert_list, export_list, merge_lists
from newsletter.audience.list_tools.survey import NAMED, survey_list
from newsletter.audience.read_audience import read_audience, require_people
from newsletter.cli.commands.subscribers import SHOWN_PEOPLE
from newsletter.cli.console import json_out, print_json
from newsletter.cli.failures import ending
from newsletter.cli.list_output import (
    difference_json,
    print_difference,
    print_survey,
    print_written_list,
    say,
    survey_facts,
)
from newsletter.cli.load_settings import load
from newsletter.cli.progress import Progress
from newsletter.cli.sign_up_numbers import consent_words, numbers_of, print_count, require_sign_ups
from newsletter.model.column_rules import Rule
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.list_sources import open_sign_ups, rules_for
from newsletter.text import counted

if TYPE_CHECKING:
    from newsletter.config.config import Config

# --- check ----------------------------------------------------------------------------------------------------------


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


def convert(
    path: Path,
    out: Path,
    where: str,
    columns: tuple[Rule, ...],
    encoding: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    config = load(config_path)
    _require_free(out, config)
    rules = rules_for(config, columns)
    print_written_list(convert_list(path, out, where=where, encoding=encoding, rules=rules), as_json)


def merge(
    paths: tuple[Path, ...],
    out: Path,
    columns: tuple[Rule, ...],
    encoding: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    config = load(config_path)
    _require_free(out, config)
    rules = rules_for(config, columns)
    print_written_list(merge_lists(paths, out, encoding=encoding, rules=rules), as_json)


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
    config = load(config_path)
    _require_free(out, config)
    require_sign_ups([path], consent=consent)
    with open_sign_ups(config, [path], ledger_url, consent=consent) as sign_ups:
        made = export_list(
            path, out, where=where, encoding=encoding, sign_ups=sign_ups, rules=rules_for(config, columns)
        )
    print_written_list(made, as_json)


# --- list -----------------------------------------------------------------------------------------------------------


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
        for subscriber in people:
            shown = (subscriber.email, subscriber.fields.get("name", ""), *consent_words(subscriber, consent=consent))
            say("  ".join(shown).rstrip())
        click.echo(counted(len(people), "person", "people"), err=True)
        return
    click.echo(f'{{"count": {len(people)}, "people": [', nl=False)
    for number, subscriber in enumerate(people):  # row by row: all of them as one object may not fit into memory
        click.echo(f"{',' if number else ''}\n  {json_out(dict(subscriber.fields))}", nl=False)
    click.echo("\n]}")


def _require_free(out: Path, config: Config) -> None:
    """These commands must not overwrite an input of a send; `list_tools` protects the lists."""

    rejected = out.with_name(f"{out.stem}.rejected.csv") if out.name else None
    require_free([out, rejected], config=config)


# --- diff -----------------------------------------------------------------------------------------------------------


def diff(
    old: Path,
    new: Path,
    everyone: bool,
    columns: tuple[Rule, ...],
    encoding: str,
    config_path: Path | None,
    as_json: bool,
) -> None:
    with compare_lists(old, new, encoding=encoding, rules=rules_for(load(config_path), columns)) as difference:
        if as_json:
            sys.stdout.writelines(difference_json(difference))
            return
        print_difference(difference, old, new, most=None if everyone else SHOWN_PEOPLE)
