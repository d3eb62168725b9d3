"""Print issues from the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import in_width, print_json, terminal_width
from newsletter.cli.outcome_lines import OutcomeKinds, PersonOutcome
from newsletter.model.delivery import State
from newsletter.report.reply_meanings import explain_reply
from newsletter.text import printable
from newsletter.text_table import table_lines

if TYPE_CHECKING:
    from newsletter.pipeline.open_store import Delivery, IssueRow


_WITH_TIME = 90
"""Cells of a terminal from which on the table of issues has the time of day beside the date."""

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


def _described_recipient(recipient: Delivery) -> dict[str, Any]:
    meaning, remedy = _explained(recipient)
    answer = {"stage": recipient.stage, "code": recipient.code, "text": recipient.reply}
    return {
        "address": recipient.address,
        "state": recipient.state.value,
        **answer,
        "meaning": meaning,
        "remedy": remedy,
    }


def _explained(recipient: Delivery) -> tuple[str, str]:
    return explain_reply(recipient.state, recipient.stage, recipient.code, recipient.reply)


def print_issues(rows: Sequence[IssueRow], *, as_json: bool) -> None:
    if as_json:
        print_json({"issues": [_described(row) for row in rows]})
        return
    heads = ("Issue", "First sent", "Sent", "Refused", "Left", "Uncertain", "Suppressed")
    width = terminal_width()
    is_narrow = width is not None and width < _WITH_TIME
    form = "%Y-%m-%d" if is_narrow else "%Y-%m-%d %H:%M"
    lines: list[Sequence[str]] = [heads]
    for row in rows:
        first = f"{row.first_sent:{form}}" if row.first_sent else "not yet"
        lines.append((printable(row.issue), first, *(f"{number:,}" for number in _standing(row).values())))
    for line in table_lines(lines, "llrrrrr", width):
        click.echo(line)


def print_issue(
    row: IssueRow, people: Iterable[Delivery], answers: Mapping[str, int] = NO_ANSWERS, *, as_json: bool
) -> None:
    """The recipients by outcome, three of each; all of them as JSON."""
    if as_json:
        listed = [_described_recipient(recipient) for recipient in people]
        print_json({**_described(row), "people": listed, "feedback": {**answers}})
        return
    for line in in_width(f"{row.issue}: {row.subject}"):
        click.echo(line)
    for word, count in _standing(row).items():
        click.echo(f"{word.capitalize():<10} {count:>9,}")
    if answers:
        click.echo(f"Readers    {answers.get('up', 0):>9,} up, {answers.get('down', 0):,} down")
    kinds, width = OutcomeKinds(), terminal_width()
    for recipient in people:
        kinds.add(
            PersonOutcome(
                str(recipient.state),
                recipient.address,
                recipient.state,
                recipient.stage,
                recipient.code,
                recipient.reply,
            )
        )
    for line in kinds.lines(width):
        click.echo(line)
    if kinds.is_cut:
        click.echo(printable(f"  all of them: newsletter status {row.issue} --json"))
    for line in kinds.remedies(width):
        click.echo(line)
