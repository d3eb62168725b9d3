"""`newsletter resume` and `newsletter retry`."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.cli.console import ask, is_terminal, print_json
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import ledger_place, open_named_ledger, utc_now
from newsletter.cli.run_send import SendRequest, run_send
from newsletter.cli.streams import endure_closed_output
from newsletter.model.column_rules import Rule
from newsletter.model.delivery import State
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.list_reference import read_reference
from newsletter.pipeline.list_sources import open_sign_ups
from newsletter.pipeline.plan_send import plan_send
from newsletter.pipeline.prepare_send import SendOptions, known_issue
from newsletter.pipeline.same_issue import may_be
from newsletter.pipeline.send_result import left_of
from newsletter.pipeline.standby import stand_by
from newsletter.text import printable

if TYPE_CHECKING:
    from newsletter.config.config import Config


def resume(
    issue: str | None,
    columns: tuple[Rule, ...],
    relay_url: str | None,
    connections: int | None,
    ledger_url: str | None,
    go_on: bool,
    wait: bool,
    newcomers: bool,
    now: bool,
    log_json: str | None,
    yes: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    endure_closed_output()
    if wait and not yes and not is_terminal():
        raise errors.ConfigError("--wait without a terminal has nobody to ask", "write --yes to take over unasked")
    config = load(config_path, issue or "")
    while True:
        with open_named_ledger(config, ledger_url) as ledger:
            name = _unfinished(ledger, issue)
            if name is not None and wait:
                name = _stand_by(ledger, name)
            if name is None:
                click.echo("Nobody is left: there is nothing to resume.", err=as_json)
                if as_json:
                    print_json({"issue": issue, "sent": 0, "left": []})
                return
            post, audience = ledger.paths(name)
        request = _request(
            audience, columns, relay_url, connections, ledger_url, log_json, go_on=go_on, yes=yes, as_json=as_json
        )
        request = replace(request, now=now, options=replace(request.options, newcomers=newcomers))
        try:
            sys.exit(_go_on(config, name, post, request))
        except errors.BusyError:
            if not wait:
                raise  # with --wait another that stood by was faster


def retry(
    issue: str,
    failed: bool,
    columns: tuple[Rule, ...],
    relay_url: str | None,
    connections: int | None,
    ledger_url: str | None,
    now: bool,
    log_json: str | None,
    yes: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    endure_closed_output()
    config = load(config_path, issue)
    states = (State.DEFERRED, State.REJECTED) if failed else (State.DEFERRED,)
    with open_named_ledger(config, ledger_url) as ledger:
        name = known_issue(ledger, issue)
        counts = ledger.counts(name)
        count = sum(counts[state] for state in states)
        if not count:
            more = "" if failed else " --failed takes the refused as well."
            click.echo(f"Nobody to try again for {name}.{more}", err=as_json)
            if as_json:
                print_json({"issue": name, "sent": 0, "left": []})
            return
        ask(f"Try {count:,} of {name} again?", yes=yes)
        with ledger.hold(name):
            ledger.reopen(name, states)
        post, audience = ledger.paths(name)
    request = _request(
        audience, columns, relay_url, connections, ledger_url, log_json, go_on=False, yes=True, as_json=as_json
    )
    sys.exit(_go_on(config, name, post, replace(request, now=now)))


def _request(
    audience: str,
    columns: tuple[Rule, ...],
    relay_url: str | None,
    connections: int | None,
    ledger_url: str | None,
    log_json: str | None,
    *,
    go_on: bool,
    yes: bool,
    as_json: bool,
) -> SendRequest:

    kept = read_reference(audience)
    watched = is_terminal() and not yes
    options = SendOptions(go_on=go_on, connections=connections or 0, force_change=True, watched=watched)
    reference = replace(kept, columns=(*kept.columns, *columns))
    return SendRequest(reference, options, relay_url, ledger_url, log_json, None, yes, as_json)


def _go_on(config: Config, issue: str, post: str, request: SendRequest) -> int:

    if not post or not request.reference.lists:
        raise errors.ConfigError(
            f"{issue}: the ledger does not know the files it was sent from; write newsletter send POST --to LIST.csv"
        )
    place = ledger_place(config, request.ledger_url)
    require_free([request.log_json], config=config, ledger=place, inputs=[post, *request.reference.lists])
    base, _, erratum = issue.partition("+erratum-")
    with open_sign_ups(config, request.reference.lists, request.ledger_url) as sign_ups:
        sending = plan_send(
            post,
            config,
            to=request.reference.lists,
            where=request.reference.where,
            columns=request.reference.columns,
            test=(),
            when=utc_now,
            sign_ups=sign_ups,
        )
    if not may_be(sending.rendering, base):
        raise errors.ConfigError(f"{post} is now the issue {sending.rendering.issue.slug}, not {base}; see its name")
    if erratum:
        request = replace(request, options=replace(request.options, erratum=True))
    return run_send(sending, request) or errors.EXIT_OK  # a resumed send has no start time


def _stand_by(ledger: Any, issue: str) -> str | None:
    """The issue once no other run sends it, None where that one left nobody. DeliveryError where it chose to stop."""
    why = stand_by(ledger, issue, pause=time.sleep, news=lambda text: click.echo(printable(text), err=True))
    left = left_of(ledger.counts(issue))
    if not left:
        return None
    if why is not None:
        what = f"{issue}: the other run did not die, it ended ({why}) with {left:,} left"
        raise errors.DeliveryError(what, f"run newsletter resume {issue} where they are to be mailed now")
    return issue


def _unfinished(ledger: Any, issue: str | None) -> str | None:
    """The issue to resume: the given one, else the last one with recipients left."""

    if issue is not None:
        return known_issue(ledger, issue)
    unfinished = [row.issue for row in ledger.issues() if left_of(row.counts)]
    return unfinished[-1] if unfinished else None
