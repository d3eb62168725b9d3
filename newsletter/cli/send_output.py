"""Print the plan and the result of a send, as text or JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.console import from_then, in_width, terminal_width
from newsletter.cli.failures import ending
from newsletter.cli.outcome_lines import OutcomeKinds, PersonOutcome
from newsletter.errors import EXIT_OK, EXIT_UNSENT
from newsletter.model.delivery import State
from newsletter.pipeline.output_files import html_sizes
from newsletter.text import counted, printable

if TYPE_CHECKING:
    from newsletter.audience.audience import Audience
    from newsletter.cli.command_hints import Hints
    from newsletter.model.delivery import Outcome
    from newsletter.model.findings import Finding
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.prepare_send import PreparedSend
    from newsletter.pipeline.send_result import SendResult


SHOWN_PEOPLE = 20
"""How many addresses are listed after reading bounces; `newsletter subscribers` has all."""


RATE_FROM = 100
"""Smaller sends are too short for a meaningful rate."""


def plan_facts(
    sending: Sending,
    to: Sequence[str],
    relay: str | None,
    prepared: PreparedSend | None = None,
) -> dict[str, str]:
    """The facts to check before confirming; with the ledger's numbers once the send is `prepared`."""
    sender = sending.composer.sender
    facts = {
        "Issue": sending.rendering.issue.slug,
        "Subject": subject_line(sending),
        "From": f"{sender.name} <{sender.address}>",
        "Size": size_line(sending),
        "Audience": audience_line(sending, to),
    }
    if sending.audience is not None and sending.audience.segment_source:
        facts["Segment"] = segment_line(sending.audience)
    if prepared is not None:
        facts |= _standing_facts(prepared)
    if relay:
        facts["Relay"] = relay
    return facts


def _standing_facts(prepared: PreparedSend) -> dict[str, str]:
    """The ledger's numbers about the list; nothing if there is nothing unusual."""
    plan, facts = prepared.plan, {}
    if plan.added or plan.gone:
        facts["Since last"] = f"{plan.added or 0:,} new on the list, {plan.gone or 0:,} gone from it"
    if prepared.left_out:
        facts["Not mailed"] = by_reason(prepared.left_out)
    words = (
        (plan.sent, "have it"),
        (plan.rejected, "refused"),
        (plan.uncertain, "uncertain"),
        (plan.waiting, "to be tried later"),
        (plan.exhausted, "tried too often"),
    )
    stands = [f"{number:,} {word}" for number, word in words if number]
    if stands:
        facts["Ledger"] = ", ".join([*stands, f"{plan.due:,} to be mailed"])
    return facts


def report_rows(report: SendResult) -> list[tuple[str, int]]:
    """The numbers of a result, each by its name; those that are usually 0 only where they are not."""
    rows = [("Sent", report.sent), ("Refused", report.counts[State.REJECTED]), ("Left", report.left_count)]
    if report.already:
        rows.insert(0, ("Already sent", report.already))
    if report.uncertain:
        rows.append(("Uncertain", report.counts[State.UNCERTAIN]))
    if report.counts[State.SUPPRESSED]:
        rows.append(("Suppressed", report.counts[State.SUPPRESSED]))
    return rows


def by_reason(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in left_out.items())


def subject_line(sending: Sending) -> str:
    """The first recipient's subject, marked if those of others may differ."""
    parts = sending.rendering.email.subject.parts
    first = sending.recipients.first
    subject = sending.composer.subject_for(first) if first else ""
    return subject if all(isinstance(part, str) for part in parts) else f"{subject}  (the first recipient's)"


def size_line(sending: Sending) -> str:
    """The HTML size of the largest variant, since Gmail clips by it; the message size is the first recipient's."""

    emails = sending.rendering.variants.emails.values()
    html = max(html_sizes(email)["decoded"] for email in emails)
    at_most, message = (" at most", "the first message") if len(emails) > 1 else ("", "a message")
    count = len(sending.sample_email.attachments)
    pictures = f", {counted(count, 'picture')} inside" if count else ""
    return f"{html / 1000:.1f} KB HTML{at_most}, {len(sending.sample.data) / 1000:.1f} KB as {message}{pictures}"


def audience_line(sending: Sending, to: Sequence[str]) -> str:
    count = len(sending.recipients)
    if sending.test:
        return f"test: {', '.join(recipient.email for recipient in sending.recipients)}"
    if sending.audience is None:
        return f"{count:,}"
    audience = sending.audience
    skipped = [f"{rows:,} {word}" for word, _, rows in _bad_rows(audience) if rows]
    skipped += [f"{rows:,} excluded: {reason}" for reason, rows in sorted(audience.excluded.items())]
    skipped += [f"{audience.outside_count:,} outside the segment"] if audience.outside_count else []
    return f"{count:,} of {counted(sending.audience.rows, 'row')} in {', '.join(to)}" + (
        f" ({', '.join(skipped)})" if skipped else ""
    )


def segment_line(audience: Audience) -> str:
    return f"{audience.segment_source}  ({len(audience):,} of {counted(audience.listed, 'person', 'people')})"


def _bad_rows(audience: Audience) -> tuple[tuple[str, tuple[Finding, ...], int], ...]:
    """The kinds of rows that get no mail: a word for one, the stored ones, and their number."""
    return (
        ("invalid", audience.invalid, audience.invalid_count),
        ("duplicate", audience.duplicates, audience.duplicates_count),
    )


def print_facts(facts: dict[str, str]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        for line in in_width(f"{name:<{width}}  {value}", " " * (width + 2)):
            click.echo(line)


def print_report(report: SendResult, hints: Hints | None) -> None:
    """The result of a send. Without `hints` there is nothing to resume: a catcher's ledger is temporary."""

    click.echo("")
    rows = report_rows(report)
    width = max(len(name) for name, _ in rows)
    for name, count in rows:
        why = f"  ({by_reason(report.suppressed)})" if name == "Suppressed" else ""
        click.echo(f"{name:<{width}}  {count:>7,}{why}")
    if report.sent >= RATE_FROM and report.seconds:
        click.echo(f"in {report.seconds:,.1f} s, {report.sent / report.seconds:,.0f} a second")
    for line in _outcomes(report):
        click.echo(line)
    if report.uncertain and hints is not None:
        click.echo(f"  `{hints.resolve(report.issue, '--resend')}` or `--assume-sent` decides about them.")
    if report.stopped:
        click.echo(printable(f"Stopped: {report.stopped}."), err=True)
    if report.left_count and not report.test and hints is not None:
        click.echo(f"`{hints.resume(report.issue)}` goes on with those who are left{from_then(report)}.", err=True)


def _outcomes(report: SendResult) -> Iterator[str]:
    """Who was not mailed, by what that means, three of each; of the first thousand, which are kept."""
    kinds, width = OutcomeKinds(), terminal_width()
    named = (
        ("refused", report.refused, report.counts[State.REJECTED]),
        ("left", report.left, report.left_count),
    )
    others: list[str] = []
    for word, entries, count in named:
        # Recipients who were not tried are in the count; nothing else is known of them.
        told = [(address, outcome) for address, outcome in entries if outcome and (outcome.code or outcome.text)]
        for address, outcome in told:
            kinds.add(PersonOutcome(word, address, outcome.state, outcome.stage, outcome.code, outcome.text))
        if told and count > len(entries):
            others.append(f"  {word}: {count - len(entries):,} more, of whom `newsletter status` tells")
    for address, _ in report.uncertain:
        broken = "the connection broke while it was being delivered"
        kinds.add(PersonOutcome("uncertain", address, State.UNCERTAIN, "", 0, broken))
    yield from kinds.lines(width)
    yield from others


def summary(sending: Sending) -> dict[str, Any]:
    audience = sending.audience
    return {
        "issue": sending.rendering.issue.slug,
        "test": sending.test,
        "audience": len(sending.recipients),
        "rows": audience.rows if audience is not None else len(sending.recipients),
        "invalid": audience.invalid_count if audience is not None else 0,
        "duplicates": audience.duplicates_count if audience is not None else 0,
        "excluded": dict(audience.excluded) if audience is not None else {},
        "segment": audience.segment_source if audience is not None else "",
        "outside_segment": audience.outside_count if audience is not None else 0,
    }


def accounts(report: SendResult, hints: Hints | None) -> dict[str, Any]:
    """The JSON output of a result. The lists have at most the first thousand each; `counts` covers all."""

    goes_on = bool(report.left_count) and not report.test and hints is not None

    def entries(pairs: Iterable[tuple[str, Outcome | None]]) -> list[dict[str, Any]]:
        return [
            {"address": address, **({"stage": o.stage, "code": o.code, "text": o.text} if o else {})}
            for address, o in pairs
        ]

    return {
        "sent": report.sent,
        "already_sent": report.already,
        "refused": entries(report.refused),
        "left": entries(report.left),
        "uncertain": [address for address, _ in report.uncertain],
        "counts": {
            "sent": report.counts[State.SENT],
            "refused": report.counts[State.REJECTED],
            "left": report.left_count,
            "uncertain": report.counts[State.UNCERTAIN],
            "suppressed": report.counts[State.SUPPRESSED],
        },
        "suppressed": dict(report.suppressed),
        "newcomers": report.newcomers,
        "stopped": report.stopped,
        "next_try": report.next_due.isoformat() if report.next_due else None,
        "seconds": round(report.seconds, 3),
        "go_on": {
            "command": hints.resume(report.issue),
            "at": report.go_on_at.isoformat(timespec="seconds") if report.go_on_at else None,
        }
        if goes_on and hints is not None
        else None,
        **ending(EXIT_OK if report.complete else EXIT_UNSENT),
    }


def all_warnings(sending: Sending, to: Sequence[str]) -> tuple[str, ...]:
    """Warnings about the post, then the lists. If bad rows are truncated, a sentence before them says so."""
    warnings: list[str] = [finding.at(sending.rendering.path) for finding in sending.findings]
    lists = ", ".join(to)
    for word, named, rows in _bad_rows(sending.audience) if sending.audience is not None else ():
        if rows > len(named):
            more = rows - len(named)
            warnings.append(f"{lists}: {rows:,} {word} rows: the first {len(named):,} are named, … and {more:,} more")
        warnings += [finding.at(lists) for finding in named]
    return tuple(warnings)
