"""Carry out a send from the command line: show, ask, wait, deliver, report."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.audience.people.copy_suppressions import copy_suppressions
from newsletter.cli.command_hints import hints_for
from newsletter.cli.console import ask, print_json, warn
from newsletter.cli.ledger_option import ledger_place
from newsletter.cli.list_options import written_rules
from newsletter.cli.progress import JsonLog, SendProgress
from newsletter.cli.send_output import accounts, all_warnings, plan_facts, print_facts, print_report, summary
from newsletter.cli.wait_line import live_line
from newsletter.delivery.deliver import Watcher
from newsletter.delivery.smtp.catcher_probe import is_catcher
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.list_reference import join_segment
from newsletter.ledger.presence import NOTHING_SENT, require_start
from newsletter.model.column_rules import Rule
from newsletter.model.moments import shown_moment
from newsletter.pipeline.choose_relays import choose_lanes
from newsletter.pipeline.deliver_test import deliver_test
from newsletter.pipeline.deliver_to_list import deliver_to_list
from newsletter.pipeline.identity import under_known_name
from newsletter.pipeline.prepare_send import prepare, require_sendable
from newsletter.pipeline.sender_checks import sender_warnings

if TYPE_CHECKING:
    from newsletter.config.config import Config, RelaySettings
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.prepare_send import SendOptions
    from newsletter.pipeline.send_result import SendResult
    from newsletter.web.catcher.server import Catcher


@dataclass(frozen=True, slots=True)
class SendRequest:
    """How a send is to be carried out, as the command line says."""

    to: tuple[str, ...]
    where: str
    columns: tuple[Rule, ...]
    orders: SendOptions
    relay_url: str | None
    ledger_url: str | None
    log_json: str | None
    at: datetime | None
    """To be waited for once somebody has agreed."""

    yes: bool
    as_json: bool
    now: bool = False
    first: bool = False


def run_send(sending: Sending, way: SendRequest, catcher: Catcher | None = None) -> int | None:
    """Show, ask, send, account. Gives the exit code; None where it is agreed on and goes at `way.at`."""

    lanes = _lanes(sending.config, way.relay_url, catcher, waits=way.at is not None)
    if all(lane.catches for lane in lanes):
        way = replace(way, at=None)
    hints = None if catcher else hints_for(sending.config, way.relay_url, way.ledger_url)
    lacking: tuple[str, ...] = ()
    if not catcher:
        relays = [lane.relay for lane in lanes]
        leaving = [lane.relay for lane in lanes if not lane.catches]
        lacking = require_sendable(sending, relays, go=way.now, at=way.at)
        lacking += sender_warnings(sending.config, leaving, sending.composer.signer)
    warnings = (*all_warnings(sending, way.to), *lacking)
    warn(warnings)
    # What a catcher swallows was sent to nobody: its ledger lives in memory.
    place = ledger_place(sending.config, way.ledger_url)
    via = ", ".join(str(lane.relay) for lane in lanes) + (" (the embedded catcher)" if catcher else "")
    if way.yes and not (catcher or sending.test or way.first):
        require_start(place)
    with contextlib.ExitStack() as opened:
        ledger = opened.enter_context(Ledger.open(None if catcher else place, lambda: datetime.now(UTC)))
        if catcher:
            copy_suppressions(place, ledger.storage)
        sending = under_known_name(sending, ledger)
        log = opened.enter_context(JsonLog(way.log_json, sending.rendering.issue.slug)) if way.log_json else None
        progress = opened.enter_context(SendProgress(quiet=way.as_json, log=log))
        report = _carry_out(sending, way, lanes, ledger, progress, via)
        if report is None:
            return None
        if log is not None:
            log.write("report", **accounts(report, hints))
    warn(report.notes)
    if way.as_json:
        print_json({**summary(sending), **accounts(report, hints), "warnings": [*warnings, *report.notes]})
    else:
        print_report(report, hints)
    return errors.EXIT_OK if report.complete else errors.EXIT_UNSENT


def _carry_out(
    sending: Sending,
    way: SendRequest,
    lanes: Sequence[RelaySettings],
    ledger: Any,
    progress: SendProgress,
    relays: str,
) -> SendResult | None:

    watcher = Watcher(progress.outcome, progress.news, progress.waiting)
    if sending.test:
        if not way.as_json:
            print_facts(plan_facts(sending, way.to, relays))
        ask(_question(sending, len(sending.recipients), 0), yes=way.yes, otherwise="nothing was sent")
        return deliver_test(sending, lanes, ledger, watcher, progress.start)
    with ledger.hold(sending.rendering.issue.slug):
        is_first = ledger.is_new()
        named = [name if name.startswith("@") else _absolute(name) for name in way.to]
        lists = "\n".join((*named, *written_rules(way.columns)))
        post = _absolute(sending.rendering.path)
        kept = join_segment(lists, way.where.strip())
        prepared = prepare(sending, ledger, way.orders, post=post, audience=kept)
        if not way.as_json:
            facts = plan_facts(prepared.sending, way.to, relays, prepared.plan, prepared.left_out)
            if way.orders.erratum:
                facts |= {"Issue": prepared.issue, "Audience": f"{prepared.plan.audience:,} who have an older version"}
            print_facts(facts)
        if prepared.plan.due:
            try:
                begins = is_first and not way.first and not ledger.storage.is_temporary
                ask(
                    _question(sending, prepared.plan.due, prepared.plan.audience - prepared.plan.due, begins=begins),
                    yes=way.yes,
                    otherwise="nothing was sent",
                )
            except BaseException:
                ledger.withdraw(prepared.issue)
                raise
            if way.at is not None:
                ledger.withdraw(prepared.issue)
                return None
        return deliver_to_list(prepared, lanes, ledger, watcher, progress.start)


def _absolute(path: object) -> str:
    """A path as another command finds it again, wherever it is started; nothing for standard input."""
    return str(Path(str(path)).absolute()) if path not in (None, "-") else ""


def _question(sending: Sending, due: int, others: int, *, begins: bool = False) -> str:

    one, many = ("address", "addresses") if sending.test else ("subscriber", "subscribers")
    ask_for = f"Send to {'the other ' if others else ''}{due:,} {one if due == 1 else many}?"
    return f"{NOTHING_SENT.capitalize()}. {ask_for}" if begins else ask_for


def wait_until(moment: datetime, *, quiet: bool) -> None:

    click.echo(f"Waiting until {shown_moment(moment)}. Ctrl-C stops; nobody has been mailed yet.", err=True)
    nothing = threading.Event()
    with live_line("--at", moment.timestamp(), quiet=quiet):
        while (left := (moment - datetime.now().astimezone()).total_seconds()) > 0:
            nothing.wait(min(left, 60))  # asked anew each minute: the clock may be set, the machine may sleep


def _lanes(config: Config, url: str | None, catcher: Catcher | None, *, waits: bool) -> Sequence[RelaySettings]:

    if catcher is not None:
        return (config.lane(catcher.relay).as_catcher(),)

    lanes = choose_lanes(config, url, os.environ, ", or --catch")
    # Asked only where something could hold the mail back: it costs a connection.
    waits = waits or config.quiet_hours is not None
    return [
        lane.as_catcher() if (waits or lane.rates or lane.domains or lane.warm_up) and is_catcher(lane.relay) else lane
        for lane in lanes
    ]
