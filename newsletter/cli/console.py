"""What a person or a program reads of a command: the plan, the progress, the account, as text or as JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from newsletter.errors import ConfigError
from newsletter.text import json_text, printable

if TYPE_CHECKING:
    from newsletter.audience.audience import Audience
    from newsletter.cli.command_hints import Hints
    from newsletter.config.config import Config
    from newsletter.ledger.ledger import Delivery, IssueRow, Plan
    from newsletter.model.delivery import Outcome
    from newsletter.model.findings import Finding
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.send_result import Report
    from newsletter.render.images.resolve import ImageMode


SHOWN_PEOPLE = 20
"""Addresses named at the end of a send; `newsletter status ISSUE` has all."""

RATE_FROM = 100
"""A send to fewer is over before its speed says anything."""


class NamedPath(click.Path):
    """A path that says something: an empty one, of a variable that is not set, would mean the folder we are in."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            name = param.opts[0] if isinstance(param, click.Option) else "a name"
            raise ConfigError(f"{name} is empty; write the path that is meant")
        return super().convert(value, param, ctx)


config_option = click.option(
    "--config", "config_path", type=NamedPath(), help="newsletter.toml; the nearest one by default."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
images_option = click.option(
    "--images",
    type=click.Choice(["remote", "embed", "mirror"]),
    help="Where web pictures are: left on the web, sent inside the mail, or kept on your site; [images] by default.",
)


def images_mode(images: str | None) -> ImageMode | None:
    return cast("ImageMode | None", images)


def load(path: Path | None, post: str = "") -> Config:
    """The configuration that a post belongs to: of its own folder or one above, else of the current one."""
    from newsletter.config.load import load_config

    if path is None and post not in ("", "-"):
        config = load_config(None, os.environ, Path(post).parent)
        if config.path is not None:
            return config
    return load_config(path, os.environ, Path.cwd())


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, yes: bool, otherwise: str = "nothing was changed") -> None:
    """Go on only when a person says so. Raises ConfigError where there is nobody to ask, or the answer is no."""
    if yes:
        return
    if not is_terminal():
        raise ConfigError(f"{question} There is no terminal to ask on; write --yes to go on without asking")
    if not click.confirm(f"\n{question}", default=False, err=True):
        raise ConfigError(otherwise)


def wait_at(server: object) -> None:
    """Keep a mail catcher or another page open until somebody presses Ctrl-C."""
    import signal
    import threading

    from newsletter.signals import ending_signals

    done = threading.Event()
    for number in ending_signals():
        signal.signal(number, lambda *_: done.set())
    click.echo("Press Ctrl-C to stop.", err=True)
    done.wait()


def plan_facts(
    sending: Sending,
    to: Sequence[str],
    relay: str | None,
    plan: Plan | None = None,
    left_out: Mapping[str, int] | None = None,
) -> dict[str, str]:
    """What a person checks before saying yes. `left_out` has how many must not be mailed for which reason."""
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
    if plan is not None:
        facts |= _standing_facts(plan, left_out or {})
    if relay:
        facts["Relay"] = relay
    return facts


def _standing_facts(plan: Plan, left_out: Mapping[str, int]) -> dict[str, str]:
    """What the ledger says of the people on the list; nothing where it is as it always is."""
    facts = {}
    if plan.added or plan.gone:
        facts["Since last"] = f"{plan.added or 0:,} new on the list, {plan.gone or 0:,} gone from it"
    if left_out:
        facts["Not mailed"] = _by_reason(left_out)
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


def _by_reason(left_out: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in left_out.items())


def subject_line(sending: Sending) -> str:
    """The subject as the first recipient reads it; said so where the others' may differ."""
    parts = sending.rendering.email.subject.parts
    first = sending.recipients.first
    subject = sending.composer.subject_for(first) if first else ""
    return subject if all(isinstance(part, str) for part in parts) else f"{subject}  (the first recipient's)"


def size_line(sending: Sending) -> str:
    """The HTML of the heaviest variant, since Gmail cuts by it; the message is the first recipient's."""
    from newsletter.pipeline.output_files import html_sizes

    emails = sending.rendering.variants.emails.values()
    html = max(html_sizes(email)["decoded"] for email in emails)
    at_most, message = (" at most", "the first message") if len(emails) > 1 else ("", "a message")
    count = len(sending.sample_email.attachments)
    pictures = f", {count} picture{'' if count == 1 else 's'} inside" if count else ""
    return f"{html / 1000:.1f} KB HTML{at_most}, {len(sending.sample.data) / 1000:.1f} KB as {message}{pictures}"


def audience_line(sending: Sending, to: Sequence[str]) -> str:
    count = len(sending.recipients)
    if sending.test:
        return f"test: {', '.join(person.email for person in sending.recipients)}"
    if sending.audience is None:
        return f"{count:,}"
    audience = sending.audience
    skipped = [f"{rows:,} {word}" for word, _, rows in _bad_rows(audience) if rows]
    skipped += [f"{rows:,} excluded: {reason}" for reason, rows in sorted(audience.excluded.items())]
    skipped += [f"{audience.outside_count:,} outside the segment"] if audience.outside_count else []
    return f"{count:,} of {sending.audience.rows:,} rows in {', '.join(to)}" + (
        f" ({', '.join(skipped)})" if skipped else ""
    )


def segment_line(audience: Audience) -> str:
    return f"{audience.segment_source}  ({len(audience):,} of {audience.listed:,} people)"


def _bad_rows(audience: Audience) -> tuple[tuple[str, tuple[Finding, ...], int], ...]:
    """The kinds of rows that nobody is mailed for: the word for one, those that are kept, and how many there were."""
    return (
        ("invalid", audience.invalid, audience.invalid_count),
        ("duplicate", audience.duplicates, audience.duplicates_count),
    )


def print_facts(facts: dict[str, str]) -> None:
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {printable(value)}")


def print_report(report: Report, hints: Hints | None) -> None:
    """The account of a send. Without `hints` there is nothing to go on with: a catcher's ledger ends with it."""
    from newsletter.model.delivery import State

    click.echo("")
    rows = [("Sent", report.sent), ("Refused", report.counts[State.REJECTED]), ("Left", report.left_count)]
    if report.already:
        rows.insert(0, ("Already sent", report.already))
    if report.uncertain:
        rows.append(("Uncertain", report.counts[State.UNCERTAIN]))
    if report.counts[State.SUPPRESSED]:
        rows.append(("Suppressed", report.counts[State.SUPPRESSED]))
    width = max(len(name) for name, _ in rows)
    for name, count in rows:
        why = f"  ({_by_reason(report.suppressed)})" if name == "Suppressed" else ""
        click.echo(f"{name:<{width}}  {count:>7,}{why}")
    if report.sent >= RATE_FROM and report.seconds:
        click.echo(f"in {report.seconds:,.1f} s, {report.sent / report.seconds:,.0f} a second")
    named = (
        ("refused", report.refused, report.counts[State.REJECTED]),
        ("left", report.left, report.left_count),
    )
    for word, entries, count in named:
        # Whoever was not tried is in the count; there is nothing more to say of them.
        told = [(address, outcome) for address, outcome in entries if outcome and (outcome.code or outcome.text)]
        for address, outcome in told[:SHOWN_PEOPLE]:
            why = f"{outcome.code or ''} {outcome.text}".strip()
            click.echo(printable(f"  {word}: {address}: {why}"))
        if len(told) > SHOWN_PEOPLE:
            click.echo(f"  … and {count - SHOWN_PEOPLE:,} more {word}")
    for address, _ in report.uncertain[:SHOWN_PEOPLE]:
        click.echo(printable(f"  uncertain: {address}: the connection broke while it was being delivered"))
    if report.uncertain and hints is not None:
        click.echo(f"  `{hints.resolve(report.issue, '--resend')}` or `--assume-sent` decides about them.")
    if report.stopped:
        click.echo(printable(f"Stopped: {report.stopped}."), err=True)
    if report.left_count and not report.test and hints is not None:
        click.echo(f"`{hints.resume(report.issue)}` goes on with those who are left{_from_then(report)}.", err=True)


def _from_then(report: Report) -> str:
    from newsletter.model.moments import shown_moment

    moment = report.go_on_at
    return f", from {shown_moment(moment.astimezone())} on" if moment else ""


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


def accounts(report: Report, hints: Hints | None) -> dict[str, Any]:
    """A report for a program. The lists name at most the first thousand each; `counts` has everyone."""
    from newsletter.cli.failures import ending
    from newsletter.errors import EXIT_OK, EXIT_UNSENT
    from newsletter.model.delivery import State

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
    """Of the post, then of the lists. Where not every bad row is named, a sentence before those that are says so."""
    warnings = [finding.at(sending.rendering.path) for finding in sending.findings]
    lists = ", ".join(to)
    for word, named, rows in _bad_rows(sending.audience) if sending.audience is not None else ():
        if rows > len(named):
            more = rows - len(named)
            warnings.append(f"{lists}: {rows:,} {word} rows: the first {len(named):,} are named, … and {more:,} more")
        warnings += [finding.at(lists) for finding in named]
    return tuple(warnings)


def warn(sentences: Iterable[str], limit: int = 50) -> None:
    shown: Sequence[str] = list(sentences)
    for sentence in shown[:limit]:
        click.echo(f"warning: {printable(sentence)}", err=True)
    if len(shown) > limit:
        click.echo(f"warning: … and {len(shown) - limit:,} more", err=True)


def print_json(data: dict[str, Any]) -> None:
    click.echo(json_out(data, indent=2))


def json_out(value: object, *, indent: int | None = None) -> str:
    """A value as JSON for standard output: in ASCII where that has not every letter, so that it stays JSON."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return json_text(value, indent=indent, ascii_only=not encoding.lower().startswith("utf"))


# --- the ledger -----------------------------------------------------------------------------------------------------


def _standing(row: IssueRow) -> dict[str, int]:
    """An issue's people in the words of a send's account."""
    from newsletter.model.delivery import State

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


def print_issue(row: IssueRow, people: Iterable[Delivery], *, as_json: bool) -> None:
    if as_json:
        listed = [_described_delivery(person) for person in people]
        print_json({**_described(row), "people": listed})
        return
    click.echo(printable(f"{row.issue}: {row.subject}"))
    for word, count in _standing(row).items():
        click.echo(f"{word.capitalize():<10} {count:>9,}")
    advice: dict[str, str] = {}
    for person in people:
        why = f"{person.code or ''} {person.reply}".strip()
        click.echo(printable(f"  {person.state}: {person.address}" + (f": {why}" if why else "")))
        meaning, remedy = _explained(person)
        if remedy:
            advice[meaning] = remedy
    for meaning, remedy in advice.items():
        click.echo(printable(f"{meaning}; {remedy}"))


def _described_delivery(person: Delivery) -> dict[str, Any]:
    meaning, remedy = _explained(person)
    answer = {"stage": person.stage, "code": person.code, "text": person.reply}
    return {"address": person.address, "state": person.state.value, **answer, "meaning": meaning, "remedy": remedy}


def _explained(person: Delivery) -> tuple[str, str]:
    """What somebody's last answer means, and what the sender can do about it; both empty where none was given."""
    from newsletter.delivery.smtp.replies import enhanced_code
    from newsletter.report.reply_meanings import meaning_of, remedy_of

    if not person.stage:
        return "", ""
    enhanced = enhanced_code(person.reply)
    meaning = meaning_of(person.state, person.stage, person.code, enhanced, person.reply)
    return meaning, remedy_of(person.state, person.code, enhanced, person.reply)
