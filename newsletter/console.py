"""What a person or a program reads of a command: the plan, the progress, the account, as text or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from newsletter.ledger import Delivery, IssueRow
    from newsletter.model import Outcome, Subscriber
    from newsletter.pipeline import Rendering, Report, Sending


SHOWN_PEOPLE = 20
"""Addresses named at the end of a send; `newsletter status ISSUE` has all."""


class Progress:
    """A bar on a terminal; elsewhere plain lines, at each tenth of a long way. Refusals are named as they come."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self.title = title
        self.quiet = quiet
        self.total = 0
        self.done = 0
        self.bar: Any = None
        self.task: Any = None

    def __enter__(self) -> Progress:
        return self

    def start(self, total: int) -> None:
        self.total = total
        if self.quiet or not total or not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn(self.title),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task("", total=total)

    def show(self, done: int, total: int) -> None:
        """How far a piece of work of known size has come."""
        if total != self.total:
            self.start(total)
        if self.bar is not None:
            self.bar.update(self.task, completed=done)

    def advance(self, person: Subscriber, outcome: Outcome) -> None:
        """One recipient more has an outcome."""
        from newsletter.model import State

        self.done += 1
        if outcome.state is not State.SENT and not self.quiet:
            self._line(f"{person.email}: {outcome.state} at {outcome.stage}: {outcome.code or ''} {outcome.text}")
        step = self.total // 10 if self.total >= 100 else self.total
        if self.bar is not None:
            self.bar.advance(self.task)
        elif not self.quiet and (self.done == self.total or self.done % step == 0):
            self._line(f"{self.done:,} of {self.total:,}")

    def _line(self, text: str) -> None:
        if self.bar is not None:
            self.bar.console.print(printable(text), markup=False, highlight=False)
        else:
            click.echo(printable(text), err=True)

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def plan_facts(sending: Sending, to: Path | None, relay: str | None) -> dict[str, str]:
    """What a person checks before saying yes."""
    sample = sending.sample
    email = sending.rendering.email
    html = sum(len(part.encode()) for part in email.html.parts if isinstance(part, str))
    count = len(email.attachments)
    pictures = f", {count} picture{'' if count == 1 else 's'} inside" if count else ""
    sender = sending.config.sender
    facts = {
        "Issue": sending.rendering.issue.slug,
        "Subject": subject_line(sending),
        "From": f"{sender.name} <{sender.address}>",
        "Size": f"{html / 1000:.1f} KB HTML, {len(sample.data) / 1000:.1f} KB as a message{pictures}",
        "Audience": audience_line(sending, to),
    }
    if relay:
        facts["Relay"] = relay
    return facts


def subject_line(sending: Sending) -> str:
    """The subject as the first recipient reads it; said so where the others' may differ."""
    parts = sending.rendering.email.subject.parts
    subject = sending.composer.subject_for(sending.recipients[0])
    return subject if all(isinstance(part, str) for part in parts) else f"{subject}  (the first recipient's)"


def audience_line(sending: Sending, to: Path | None) -> str:
    count = len(sending.recipients)
    if sending.test:
        return f"test: {', '.join(person.email for person in sending.recipients)}"
    if sending.audience is None:
        return f"{count:,}"
    skipped = [
        f"{len(found):,} {word}"
        for word, found in (("invalid", sending.audience.invalid), ("duplicate", sending.audience.duplicates))
        if found
    ]
    return f"{count:,} of {sending.audience.rows:,} rows in {to}" + (f" ({', '.join(skipped)})" if skipped else "")


def print_facts(facts: dict[str, str]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {printable(value)}")


def print_report(report: Report) -> None:
    click.echo("")
    rows = [("Sent", report.sent), ("Refused", len(report.rejected)), ("Left", len(report.left))]
    if report.already:
        rows.insert(0, ("Already sent", report.already))
    if report.uncertain:
        rows.append(("Uncertain", len(report.uncertain)))
    width = max(len(name) for name, _ in rows)
    for name, count in rows:
        click.echo(f"{name:<{width}}  {count:>7,}")
    for word, entries in (("refused", report.rejected), ("left", report.left)):
        # Whoever was not tried is in the count; there is nothing more to say of them.
        told = [(address, outcome) for address, outcome in entries if outcome and (outcome.code or outcome.text)]
        for address, outcome in told[:SHOWN_PEOPLE]:
            why = f"{outcome.code or ''} {outcome.text}".strip()
            click.echo(printable(f"  {word}: {address}: {why}"))
        if len(told) > SHOWN_PEOPLE:
            click.echo(f"  … and {len(told) - SHOWN_PEOPLE:,} more {word}")
    for address in report.uncertain[:20]:
        click.echo(printable(f"  uncertain: {address}: the connection broke while it was being delivered"))
    if report.uncertain:
        click.echo("  `newsletter resolve ISSUE --resend` or `--assume-sent` decides about them.")
    if report.stopped:
        click.echo(printable(f"Stopped: {report.stopped}. Run the same command again to go on."), err=True)


def summary(sending: Sending) -> dict[str, Any]:
    audience = sending.audience
    return {
        "issue": sending.rendering.issue.slug,
        "test": sending.test,
        "audience": len(sending.recipients),
        "rows": audience.rows if audience else len(sending.recipients),
        "invalid": len(audience.invalid) if audience else 0,
        "duplicates": len(audience.duplicates) if audience else 0,
    }


def accounts(report: Report) -> dict[str, Any]:
    def entries(pairs: Iterable[tuple[str, Outcome | None]]) -> list[dict[str, Any]]:
        return [
            {"address": address, **({"stage": o.stage, "code": o.code, "text": o.text} if o else {})}
            for address, o in pairs
        ]

    return {
        "sent": report.sent,
        "already_sent": report.already,
        "refused": entries(report.rejected),
        "left": entries(report.left),
        "uncertain": list(report.uncertain),
        "stopped": report.stopped,
    }


def all_warnings(sending: Sending, to: Path | None) -> tuple[str, ...]:
    audience = sending.audience
    rows = (*audience.invalid, *audience.duplicates) if audience else ()
    path = sending.rendering.path
    return (*(finding.at(path) for finding in sending.findings), *(finding.at(str(to)) for finding in rows))


def sentences(rendering: Rendering) -> list[str]:
    return [finding.at(rendering.path) for finding in rendering.findings]


def warn(sentences: Iterable[str], limit: int = 50) -> None:
    shown: Sequence[str] = list(sentences)
    for sentence in shown[:limit]:
        click.echo(f"warning: {printable(sentence)}", err=True)
    if len(shown) > limit:
        click.echo(f"warning: … and {len(shown) - limit:,} more", err=True)


def print_json(data: dict[str, Any]) -> None:
    click.echo(json.dumps(data, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """Security: nothing that came from a file or a server may move the cursor of the person's terminal."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


# --- the ledger -----------------------------------------------------------------------------------------------------


def _standing(row: IssueRow) -> dict[str, int]:
    """An issue's people in the words of a send's account."""
    from newsletter.model import State

    waiting = (State.PENDING, State.CLAIMED, State.COMMITTING, State.DEFERRED)
    return {
        "sent": row.counts[State.SENT],
        "refused": row.counts[State.REJECTED],
        "left": sum(row.counts[state] for state in waiting),
        "uncertain": row.counts[State.UNCERTAIN],
    }


def _described(row: IssueRow) -> dict[str, Any]:
    first = row.first_sent.isoformat() if row.first_sent else None
    return {"issue": row.issue, "subject": row.subject, "first_sent": first, **_standing(row)}


def print_issues(rows: Sequence[IssueRow], *, as_json: bool) -> None:
    if as_json:
        print_json({"issues": [_described(row) for row in rows]})
        return
    width = max([len(row.issue) for row in rows] + [len("Issue")])
    click.echo(f"{'Issue':<{width}}  {'First sent':<16}  {'Sent':>9}  {'Refused':>7}  {'Left':>7}  {'Uncertain':>9}")
    for row in rows:
        first = f"{row.first_sent:%Y-%m-%d %H:%M}" if row.first_sent else "not yet"
        sent, refused, left, uncertain = _standing(row).values()
        line = f"{row.issue:<{width}}  {first:<16}  {sent:>9,}  {refused:>7,}  {left:>7,}  {uncertain:>9,}"
        click.echo(printable(line))


def print_issue(row: IssueRow, people: Iterable[Delivery], *, as_json: bool) -> None:
    if as_json:
        listed = [
            {"address": p.address, "state": p.state.value, "stage": p.stage, "code": p.code, "text": p.reply}
            for p in people
        ]
        print_json({**_described(row), "people": listed})
        return
    click.echo(printable(f"{row.issue}: {row.subject}"))
    for word, count in _standing(row).items():
        click.echo(f"{word.capitalize():<10} {count:>9,}")
    for person in people:
        why = f"{person.code or ''} {person.reply}".strip()
        click.echo(printable(f"  {person.state}: {person.address}" + (f": {why}" if why else "")))
