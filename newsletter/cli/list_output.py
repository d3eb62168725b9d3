"""Print the results of the commands on list files, as text or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.cli.console import json_out, print_json
from newsletter.text import counted, printable

if TYPE_CHECKING:
    from newsletter.audience.list_tools.convert import Difference, WrittenList
    from newsletter.audience.list_tools.survey import ListSurvey
    from newsletter.model.findings import Finding


def print_survey(path: str, survey: ListSurvey) -> None:
    kind = f"{survey.provider} export" if survey.provider else "list"
    guess = " (guessed)" if survey.encoding.guessed else ""
    if survey.delimiter:
        say(f"{path}: a {kind} in {survey.encoding.name}{guess}, {survey.delimiter} between the columns")
    else:
        say(f"{path}: those who signed up and confirmed")
    address = "" if survey.email_column == "email" else f"; email is {survey.email_column!r}"
    say(f"columns: {', '.join(survey.columns)}{address}")
    by_code: dict[str, list[Finding]] = {}
    for finding in survey.findings:
        by_code.setdefault(finding.code, []).append(finding)
    for code, findings in by_code.items():
        say("")
        for finding in findings:
            say(finding.at(str(path)))
        if (more := survey.counts[code] - len(findings)) > 0:
            say(f"… and {more:,} more of {code}; --all names them")
    say("")
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
    _print_nobody(path, survey.why_empty)


def survey_facts(survey: ListSurvey) -> dict[str, Any]:
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
        "nobody": survey.why_empty,
        "counts": dict(survey.counts),
        "findings": [
            {"kind": each.code, "line": each.line, "what": each.what, "remedy": each.remedy} for each in survey.findings
        ],
    }


def print_written_list(made: WrittenList, as_json: bool) -> None:
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
                "nobody": made.why_empty,
            }
        )
        sys.exit(errors.EXIT_CONTENT if made.why_empty else errors.EXIT_OK)
    for source in made.sources:
        kind = f"a {source.provider} export" if source.provider else "a list"
        say(f"{source.path}: {kind} in {source.encoding.name}")
        if source.encoding.guessed:
            names = ", ".join(map(repr, source.encoding.names))
            sample = f", such as {names}" if names else ""
            guess = f"it was read as {source.encoding.name}, by its looks; see that the names are right{sample}"
            say(f"warning: {source.path}: {guess}, or write --encoding", err=True)
    say(f"{made.path}: {counted(made.people, 'person', 'people')}, columns {', '.join(made.columns)}")
    if made.rejected:
        say(f"{made.rejected}: the rows that are not in it, with the reason")
    say("")
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
    if made.why_empty:
        _print_nobody(" and ".join(str(source.path) for source in made.sources), made.why_empty)
        sys.exit(errors.EXIT_CONTENT)


def print_difference(difference: Difference, old: Path, new: Path, *, most: int | None) -> None:
    """The addresses that joined and left, the first `most` of each, then the number of others."""
    counts = {
        sign: _print_some(sign, addresses, most)
        for sign, addresses in (("+", difference.joined), ("-", difference.left))
    }
    say("")
    _print_counts(
        (f"people in {old}", difference.old),
        (f"people in {new}", difference.new),
        ("joined", counts["+"]),
        ("left", counts["-"]),
    )


def difference_json(difference: Difference) -> Iterator[str]:
    """One JSON object, streamed: it may contain every address."""
    yield f'{{\n  "old": {difference.old},\n  "new": {difference.new}'
    for name, addresses in (("joined", difference.joined), ("left", difference.left)):
        yield f',\n  "{name}": ['
        for number, address in enumerate(addresses):
            yield ("," if number else "") + "\n    " + json_out(address)
        yield "]"
    yield "\n}\n"


def _print_some(sign: str, addresses: Iterator[str], most: int | None) -> int:
    """Print the first of them, and the number of others; returns the total."""
    count = 0
    for address in islice(addresses, most):
        count += 1
        say(f"{sign} {address}")
    more = sum(1 for _ in addresses)
    if more:
        say(f"{sign} … and {more:,} more; --all names them")
    return count + more


def say(text: str, *, err: bool = False) -> None:
    click.echo(printable(text), err=err)


def _print_nobody(path: str, why: str) -> None:
    if why:
        say(f"{path}: {why}", err=True)


def _print_counts(*counts: tuple[str, int], always: Iterable[str] | None = None) -> None:
    """A column of numbers; zeros only if they are in `always`."""
    shown = [(name, number) for name, number in counts if number or always is None or name in always]
    width = max(len(name) for name, _ in shown)
    for name, number in shown:
        say(f"{name:<{width}}  {number:>9,}")
