"""Run a send from the command line: show, confirm, wait, deliver, report."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from newsletter import errors
from newsletter.cli.command_hints import hints_for
from newsletter.cli.console import ask, print_json, warn
from newsletter.cli.named_ledger import ledger_place
from newsletter.cli.progress import JsonLog
from newsletter.cli.send_output import accounts, all_warnings, plan_facts, print_facts, print_report, summary
from newsletter.cli.send_progress import SendProgress
from newsletter.cli.wait_line import live_line
from newsletter.cli.workers_queue import open_queue
from newsletter.frozen import frozen
from newsletter.model.moments import shown_moment
from newsletter.pipeline.back_up_after_run import back_up_after_run
from newsletter.pipeline.choose_relays import choose_relays, mark_catchers
from newsletter.pipeline.event_hook import hook_of, tell_sent
from newsletter.pipeline.expected_issues import note_sent, require_newest
from newsletter.pipeline.list_reference import ListReference
from newsletter.pipeline.prepare_send import require_sendable
from newsletter.pipeline.send_by_workers import send_by_workers
from newsletter.pipeline.send_to_list import NOTHING_SENT, SendPlan, open_send, send_test, send_to_list
from newsletter.pipeline.sender_checks import sender_warnings
from newsletter.text import counted

if TYPE_CHECKING:
    from newsletter.config.config import Config, RelaySettings
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.prepare_send import PreparedSend, SendOptions
    from newsletter.web.catcher.server import Catcher


@frozen
class SendRequest:
    """The options of a send, from the command line."""

    reference: ListReference
    options: SendOptions
    relay_url: str | None
    ledger_url: str | None
    log_json: str | None
    at: datetime | None
    """Waited for after the operator has confirmed."""

    yes: bool
    as_json: bool
    now: bool = False
    first: bool = False
    workers: bool = False
    detach: bool = False


def run_send(sending: Sending, request: SendRequest, catcher: Catcher | None = None) -> int | None:
    """Show, confirm, send, report. Returns the exit code; None if confirmed and to be sent at `request.at`."""

    relays: Sequence[RelaySettings] = sending.config.relay_settings
    if not request.workers:
        relays = _relays(sending.config, request.relay_url, catcher, waits=request.at is not None)
        if all(each.catches for each in relays):
            request = replace(request, at=None)
    hints = None if catcher else hints_for(sending.config, request.relay_url, request.ledger_url)
    lacking: tuple[str, ...] = ()
    if not catcher:
        servers = [each.relay for each in relays]
        leaving = [each.relay for each in relays if not each.catches]
        lacking = require_sendable(sending, servers, go=request.now, at=request.at)
        lacking += sender_warnings(sending.config, leaving, sending.composer.signer)
    warnings = (*all_warnings(sending, request.reference.lists), *lacking)
    warn(warnings)
    place = ledger_place(sending.config, request.ledger_url)
    via = ", ".join(str(each.relay) for each in relays) + (" (the embedded catcher)" if catcher else "")
    via = "those of the workers" if request.workers else via
    is_real = not (catcher or sending.test)
    if is_real:
        require_newest(sending.config, place, lambda: datetime.now(UTC))
    with contextlib.ExitStack() as opened:
        sending, ledger = opened.enter_context(
            open_send(sending, place, catches=catcher is not None, must_know=request.yes and not request.first)
        )
        if is_real:
            opened.callback(lambda: warn(note_sent(sending.config, ledger)))
        log = (
            opened.enter_context(JsonLog(request.log_json, sending.rendering.issue.slug)) if request.log_json else None
        )
        progress = opened.enter_context(SendProgress(quiet=request.as_json, log=log))
        if sending.test:
            _confirm_test(sending, request, via)
            report = send_test(sending, relays, ledger, progress)
        else:
            plan = SendPlan(sending, request.reference, relays, request.options, request.at)

            names = [sending.rendering.issue.slug]

            def confirm(prepared: PreparedSend) -> None:
                names.append(prepared.issue)
                _confirm(prepared, request, via)

            if request.workers and request.at is None:
                queue = opened.enter_context(open_queue(place, sending.config.settings.cluster.queue))
                agreed = send_by_workers(plan, ledger, queue, confirm=confirm, watcher=progress, detach=request.detach)
                if agreed is None:
                    return _detached(sending, request, names[-1])
            else:
                agreed = send_to_list(plan, ledger, confirm=confirm, watcher=progress)
            if agreed is None:
                return None
            report = agreed
        if log is not None:
            log.write("report", **accounts(report, hints))
    warn(report.notes)
    if is_real:
        warn(tell_sent(hook_of(sending.config), report, datetime.now(UTC)))
        if report.sent:
            back_up_after_run(sending.config, place, lambda: datetime.now(UTC), warn, sent=True)
    if request.as_json:
        print_json({**summary(sending), **accounts(report, hints), "warnings": [*warnings, *report.notes]})
    else:
        print_report(report, hints)
    return errors.EXIT_OK if report.complete else errors.EXIT_UNSENT


def _detached(sending: Sending, request: SendRequest, issue: str) -> int:
    """The workers have it. Its exit code says no more than that."""
    if request.as_json:
        print_json({**summary(sending), "queued": True})
    else:
        click.echo(f"The workers have it. See how it goes: newsletter status {issue} --follow")
    return errors.EXIT_OK


def _confirm(prepared: PreparedSend, request: SendRequest, relays: str) -> None:
    """Show the issue and its recipients, and ask. Raises ConfigError if the user declines."""
    plan = prepared.plan
    if not request.as_json:
        facts = plan_facts(prepared.sending, request.reference.lists, relays, prepared)
        if request.options.erratum:
            facts |= {"Issue": prepared.issue, "Audience": f"{plan.audience:,} who have an older version"}
        print_facts(facts)
    if plan.due:
        question = question_of(plan.due, plan.audience)
        if prepared.begins and not request.first:
            question = f"{NOTHING_SENT.capitalize()}. {question}"
        ask(question, yes=request.yes, otherwise="nothing was sent")


def question_of(due: int, audience: int) -> str:
    """The question before a send, which names how many it goes to."""
    return f"Send to {'the other ' if audience > due else ''}{counted(due, 'subscriber')}?"


def _confirm_test(sending: Sending, request: SendRequest, relays: str) -> None:
    if not request.as_json:
        print_facts(plan_facts(sending, request.reference.lists, relays))
    addresses = counted(len(sending.recipients), "address", "addresses")
    ask(f"Send to {addresses}?", yes=request.yes, otherwise="nothing was sent")


def wait_until(moment: datetime, *, quiet: bool) -> None:

    click.echo(f"Waiting until {shown_moment(moment)}. Ctrl-C stops; nobody has been mailed yet.", err=True)
    nothing = threading.Event()
    with live_line("--at", moment.timestamp(), quiet=quiet):
        while (left := (moment - datetime.now().astimezone()).total_seconds()) > 0:
            nothing.wait(min(left, 60))  # checked each minute: the clock may be set, the machine may sleep


def _relays(config: Config, url: str | None, catcher: Catcher | None, *, waits: bool) -> Sequence[RelaySettings]:

    if catcher is not None:
        return (config.settings_for(catcher.relay).as_catcher(),)
    return mark_catchers(choose_relays(config, url, config.env, ", or --catch"), config, waits=waits)
