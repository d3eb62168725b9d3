"""`newsletter bounces`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.bounces.outcome import Effect
from newsletter.bounces.process import read_sources
from newsletter.cli.console import print_json, warn
from newsletter.cli.event_hooks import tell_of_bounces
from newsletter.cli.failures import ending
from newsletter.cli.load_settings import load
from newsletter.cli.send_output import SHOWN_PEOPLE
from newsletter.errors import EXIT_OK, EXIT_USAGE
from newsletter.text import counted, printable

if TYPE_CHECKING:
    from newsletter.bounces.outcome import BounceReport, Entry


@click.pass_context
def bounces(
    context: click.Context, sources: tuple[str, ...], dry_run: bool, config_path: Path | None, as_json: bool
) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    config = load(config_path)
    report = read_sources(config, sources, config.env, now, dry_run=dry_run)
    if not dry_run:
        warn(tell_of_bounces(config, report, now()))
    if as_json:
        print_json(_described(report, dry_run=dry_run))
    else:
        _print(report, dry_run=dry_run)
    if report.faults:
        context.exit(EXIT_USAGE)


def _print(report: BounceReport, *, dry_run: bool) -> None:

    click.echo(f"{counted(report.messages, 'message')} read" + (", nothing recorded (--dry-run)" if dry_run else ""))
    width = max(len(effect) for effect in Effect)
    for effect in Effect:
        if report.effects[effect]:
            click.echo(f"{effect.capitalize():<{width}}  {report.effects[effect]:>7,}")
    for effect in Effect:
        named = [entry for entry in report.entries if entry.effect is effect and _is_named(entry)]
        for entry in named[:SHOWN_PEOPLE]:
            click.echo(printable(f"  {effect}: {_sentence(entry)}"))
        if len(named) > SHOWN_PEOPLE:
            # Of what is left alone only personal mails are listed; the count of the others is above.
            more = len(named) if effect is Effect.ALONE else report.effects[effect]
            click.echo(f"  … and {more - SHOWN_PEOPLE:,} more {effect}")
    for fault in report.faults:
        click.echo(printable(fault), err=True)


def _is_named(entry: Entry) -> bool:
    """Lists new entries, and of what is left alone personal mails, which may need an answer."""
    return entry.effect is not Effect.KNOWN and (entry.effect is not Effect.ALONE or entry.what == "letter")


def _sentence(entry: Entry) -> str:
    if not entry.address:
        return f"{entry.place}: a {entry.what}: {entry.why}"
    known = [part for part in (entry.issue, f"by {entry.proof}" if entry.proof else "") if part]
    return f"{entry.address}: {entry.why}" + (f" ({', '.join(known)})" if known else "")


def _described(report: BounceReport, *, dry_run: bool) -> dict[str, Any]:
    """The JSON output. At most the first thousand entries; `effects` has everything."""

    return {
        "messages": report.messages,
        "dry_run": dry_run,
        "effects": {effect.value: report.effects[effect] for effect in Effect},
        "entries": [
            {
                "place": entry.place,
                "effect": entry.effect.value,
                "what": entry.what,
                "why": entry.why,
                "address": entry.address,
                "issue": entry.issue,
                "proof": entry.proof.value if entry.proof else None,
                "status": entry.status,
                "evidence": entry.evidence,
            }
            for entry in report.entries
        ],
        "faults": list(report.faults),
        **ending(EXIT_USAGE if report.faults else EXIT_OK),
    }
