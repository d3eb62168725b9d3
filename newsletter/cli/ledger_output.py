"""Print issues from the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import print_json
from newsletter.model.delivery import State
from newsletter.report.reply_meanings import explain_reply
from newsletter.text import printable

if TYPE_CHECKING:
    from newsletter.pipeline.open_store import Delivery, IssueRow


EXAMPLES = 3
"""How many recipients with the same failure are listed."""

NO_ANSWERS: Mapping[str, int] = MappingProxyType({})


def _standing(row: IssueRow) -> dict[str, int]:
    """An issue's recipients by outcome, worded as in a send's result."""

    waiting = (State.PENDING, State.CLAIMED, State.COMMITTING, State.DEFERRED)
    return {
        "sent": row.counts[State.SENT],
        "refused": row.counts[State.REJECTED],
        "left": sum(row.counts[state] for state in waiting),
        "uncertain": row.counts[State.UNCERTAIN],
        "suppressed": row.counts[State.SUPPRESSED],
    }


def _described(row: IssueRow) -> dict[str, Any]:
    first = row.first_sent.isoformat() if row.first_sent else None
    return {"issue": row.issue, "subject": row.subject, "first_sent": first, **_standing(row)}


def _described_person(person: Delivery) -> dict[str, Any]:
    meaning, remedy = _explained(person)
    answer = {"stage": person.stage, "code": person.code, "text": person.reply}
    return {"address": person.address, "state": person.state.value, **answer, "meaning": meaning, "remedy": remedy}


def _explained(person: Delivery) -> tuple[str, str]:
    return explain_reply(person.state, person.stage, person.code, person.reply)


def print_issues(rows: Sequence[IssueRow], *, as_json: bool) -> None:
    if as_json:
        print_json({"issues": [_described(row) for row in rows]})
        return
    width = max([len(row.issue) for row in rows] + [len("Issue")])
    heads = f"{'Issue':<{width}}  {'First sent':<16}  {'Sent':>9}  {'Refused':>7}  {'Left':>7}  {'Uncertain':>9}"
    click.echo(f"{heads}  {'Suppressed':>10}")
    for row in rows:
        first = f"{row.first_sent:%Y-%m-%d %H:%M}" if row.first_sent else "not yet"
        sent, refused, left, uncertain, suppressed = _standing(row).values()
        line = f"{row.issue:<{width}}  {first:<16}  {sent:>9,}  {refused:>7,}  {left:>7,}  {uncertain:>9,}"
        click.echo(printable(f"{line}  {suppressed:>10,}"))


def print_issue(
    row: IssueRow, people: Iterable[Delivery], answers: Mapping[str, int] = NO_ANSWERS, *, as_json: bool
) -> None:
    """The recipients by outcome, three of each; all of them as JSON."""
    if as_json:
        listed = [_described_person(person) for person in people]
        print_json({**_described(row), "people": listed, "feedback": {**answers}})
        return
    click.echo(printable(f"{row.issue}: {row.subject}"))
    for word, count in _standing(row).items():
        click.echo(f"{word.capitalize():<10} {count:>9,}")
    if answers:
        click.echo(f"Readers    {answers.get('up', 0):>9,} up, {answers.get('down', 0):,} down")
    advice: dict[str, str] = {}
    alike: Counter[tuple[str, str]] = Counter()
    for person in people:
        meaning, remedy = _explained(person)
        if remedy:
            advice[meaning] = remedy
        kind = (str(person.state), meaning or str(person.code or person.reply))
        alike[kind] += 1
        if alike[kind] <= EXAMPLES:
            why = f"{person.code or ''} {person.reply}".strip()
            click.echo(printable(f"  {person.state}: {person.address}" + (f": {why}" if why else "")))
    for (state, meaning), count in alike.items():
        if count > EXAMPLES:
            click.echo(printable(f"  {state}: {count - EXAMPLES:,} more{f' ({meaning})' if meaning else ''}"))
    if any(count > EXAMPLES for count in alike.values()):
        click.echo(printable(f"  all of them: newsletter status {row.issue} --json"))
    for meaning, remedy in advice.items():
        click.echo(printable(f"{meaning}; {remedy}"))
