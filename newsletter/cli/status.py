"""`newsletter status` and `newsletter resolve`."""

from __future__ import annotations

from pathlib import Path

import click

from newsletter.cli.console import ask
from newsletter.cli.failures import MisuseError
from newsletter.cli.ledger_output import print_issue, print_issues
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import open_named_ledger
from newsletter.cli.send_progress import SendProgress
from newsletter.model.delivery import State
from newsletter.pipeline.prepare_send import known_issue
from newsletter.pipeline.resolve_uncertain import resolve_uncertain
from newsletter.pipeline.send_by_workers import follow_workers
from newsletter.signals import ending_requests
from newsletter.text import printable


def status(issue: str | None, follow: bool, ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    if follow and issue is None:
        raise MisuseError("--follow watches one issue", "write its name")
    with open_named_ledger(load(config_path, issue or ""), ledger_url) as ledger:
        if issue is None:
            print_issues(ledger.issues(), as_json=as_json)
            return
        name = known_issue(ledger, issue)
        if follow:
            with SendProgress(quiet=as_json) as progress, ending_requests() as ending:
                follow_workers(ledger, name, progress, ending)
        row = next(row for row in ledger.issues() if row.issue == name)
        open_states = (State.REJECTED, State.DEFERRED, State.PENDING, State.CLAIMED, State.COMMITTING, State.UNCERTAIN)
        print_issue(row, ledger.rows(name, *open_states), ledger.answers(name), as_json=as_json)


def resolve(
    issue: str,
    addresses: tuple[str, ...],
    resend: bool,
    assume_sent: bool,
    yes: bool,
    ledger_url: str | None,
    config_path: Path | None,
) -> None:
    if resend == assume_sent:
        raise MisuseError("write one of --resend and --assume-sent")
    with open_named_ledger(load(config_path, issue), ledger_url) as ledger:
        name = known_issue(ledger, issue)
        count = len(addresses) or ledger.counts(name)[State.UNCERTAIN]
        what = "mail again, with the next send" if resend else "count as sent"
        if not count:
            click.echo(f"Nobody is uncertain for {name}.")
            return
        ask(f"{count:,} for {name}: {what}?", yes=yes)
        for address in resolve_uncertain(ledger, name, addresses, resend=resend):
            click.echo(f"{printable(address)}: {'to be mailed again' if resend else 'counted as sent'}")
