"""The commands of a send: send, resume, retry, status, resolve, report. Options are gathered here and nothing decided.

Heavy imports happen inside the commands, so that `newsletter --help` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.cli.console import (
    NamedPath,
    accounts,
    all_warnings,
    ask,
    config_option,
    images_mode,
    images_option,
    is_terminal,
    json_option,
    load,
    plan_facts,
    print_facts,
    print_issue,
    print_issues,
    print_json,
    print_report,
    summary,
    wait_at,
    warn,
)
from newsletter.cli.list_options import column_option, split_rules, written_rules
from newsletter.cli.progress import JsonLog, Progress, SendProgress
from newsletter.model.column_rules import Rule
from newsletter.text import printable

if TYPE_CHECKING:
    from newsletter.config.config import Config, LaneSettings
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.prepare_send import Orders
    from newsletter.pipeline.send_result import Report
    from newsletter.web.catcher.server import Catcher

connections_option = click.option(
    "--connections", type=click.IntRange(1, 100), help="How many connections to the relay; [delivery] by default."
)
relay_option = click.option(
    "--relay", "relay_url", metavar="URL", help="smtp://[user@]host:port or smtps://…, instead of [relay]."
)
ledger_option = click.option(
    "--ledger", "ledger_url", metavar="URL", help="postgresql://… or sqlite:///FILE, instead of [ledger]."
)
log_option = click.option("--log-json", metavar="FILE", help="Write each event as a line of JSON; - for stderr.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask; for cron and CI.")
now_option = click.option("--now", is_flag=True, help="Send a draft, or an issue whose date is yet to come.")
newcomers_option = click.option(
    "--newcomers", is_flag=True, help="Send an old issue also to those who joined long after it first went out."
)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a send is to be carried out, as the command line says."""

    to: tuple[str, ...]
    where: str
    columns: tuple[Rule, ...]
    orders: Orders
    relay_url: str | None
    ledger_url: str | None
    log_json: str | None
    at: datetime | None
    """To be waited for once somebody has agreed."""

    yes: bool
    as_json: bool
    now: bool = False
    first: bool = False


@click.command()
@click.argument("post")
@click.option(
    "--to",
    multiple=True,
    metavar="LIST.csv",
    help="A list: a CSV with an email column, or @signups for who signed up. Repeatable; the first row of an address "
    "counts.",
)
@click.option("--where", default="", metavar="EXPR", help="Only to those: \"plan == 'pro' and tags has 'ai'\".")
@column_option
@click.option("--test", multiple=True, metavar="ADDRESS", help="Only to this address, the subject marked. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Send nothing; write what would be sent to OUT/ISSUE/index.html.")
@click.option("--out", type=NamedPath(), default="out", show_default=True, help="For --dry-run.")
@click.option("--catch", is_flag=True, help="Send everything to a mail catcher that is started for the purpose.")
@click.option("--no-wait", is_flag=True, help="With --catch: end at once instead of keeping the inbox open.")
@click.option("--mbox", type=NamedPath(), help="With --catch: write what was caught to this file.")
@click.option("--maildir", type=NamedPath(), help="With --catch: keep what was caught in this folder.")
@relay_option
@connections_option
@ledger_option
@click.option("--at", metavar="TIME", help="Wait until 08:00 or 2026-03-02T08:00 before the first message goes out.")
@click.option(
    "--canary", type=click.IntRange(1), default=None, metavar="N", help="Send N, wait, go on if few are refused."
)
@click.option("--continue", "go_on", is_flag=True, help="The issue changed after some got it: send it to the others.")
@click.option("--erratum", is_flag=True, help="The issue changed: mail it again, marked, to those who got the old one.")
@click.option("--changed-list", is_flag=True, help="Send though many people of the last issue are not on this list.")
@click.option("--first", is_flag=True, help="This newsletter begins here: with --yes, there may be no ledger yet.")
@newcomers_option
@now_option
@images_option
@log_option
@yes_option
@config_option
@json_option
def send(  # one parameter per option
    post: str,
    to: tuple[str, ...],
    where: str,
    columns: tuple[Rule, ...],
    test: tuple[str, ...],
    dry_run: bool,
    out: Path,
    catch: bool,
    no_wait: bool,
    mbox: Path | None,
    maildir: Path | None,
    relay_url: str | None,
    connections: int | None,
    ledger_url: str | None,
    at: str | None,
    canary: int | None,
    go_on: bool,
    erratum: bool,
    changed_list: bool,
    first: bool,
    newcomers: bool,
    now: bool,
    images: str | None,
    log_json: str | None,
    yes: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Send POST to everyone on a list, once each. Shows what it will do, and asks.

    The relay's password is read from NEWSLETTER_SMTP_PASSWORD and from nowhere else.
    """
    from newsletter.cli.streams import endure_closed_output
    from newsletter.pipeline.guard_outputs import require_free
    from newsletter.pipeline.list_sources import open_sign_ups
    from newsletter.pipeline.plan_send import plan_send

    endure_closed_output()
    if sum((dry_run, catch, bool(relay_url))) > 1:
        raise click.UsageError("--dry-run, --catch and --relay exclude each other; choose one")
    if post.endswith(".csv") and (posts := [name for name in to if name.endswith((".md", ".markdown"))]):
        raise click.UsageError(
            f"{post} looks like a list and {posts[0]} like a post; write: send {posts[0]} --to {post}"
        )
    if not catch and (no_wait or mbox or maildir):
        raise click.UsageError("--no-wait, --mbox and --maildir go with --catch")
    if go_on and erratum:
        raise click.UsageError("--continue mails those who have nothing yet, --erratum those who have it; choose one")
    if test and (erratum or canary):
        raise click.UsageError("--erratum and --canary go with a send to a list, not with --test")
    config = load(config_path, post)
    moment = _moment(at, config)
    written = (mbox, maildir, log_json)
    require_free(written, config=config, ledger=_place(config, ledger_url), inputs=[post, *to])

    def plan() -> Sending:
        fetches = Progress("Fetching pictures", quiet=as_json)
        with fetches as fetching, open_sign_ups(config, to, ledger_url) as sign_ups:
            return plan_send(
                post,
                config,
                to=to,
                where=where,
                columns=columns,
                test=test,
                when=_now,
                images=images_mode(images),
                dry=dry_run,
                sign_ups=sign_ups,
                on_fetch=fetching.show,
            )

    sending = plan()
    if dry_run:
        if erratum:
            from newsletter.pipeline.plan_erratum import plan_erratum

            with _open(config, ledger_url) as ledger:
                sending = plan_erratum(sending, ledger)
        _dry_run(sending, to, out, as_json, _place(config, ledger_url))
        return
    from newsletter.pipeline.prepare_send import Orders

    watched = is_terminal() and not yes
    orders = Orders(go_on, erratum, canary or 0, connections or 0, changed_list, watched, newcomers)
    waits_until = None if catch or test else moment
    way = _Way(to, where, columns, orders, relay_url, ledger_url, log_json, waits_until, yes, as_json, now, first)
    if not catch:
        code = _send(sending, way)
        if code is None and moment is not None:
            _wait_until(moment, quiet=as_json)
            # The list, the sign-ups and the post are those of the hour at which the mail goes.
            code = _send(plan(), replace(way, at=None, yes=True, first=True))
        sys.exit(code)
    from newsletter.web.catcher.server import Catcher

    with Catcher() as catcher:
        code = _send(sending, way, catcher)
        _keep(catcher, mbox, maildir)
        if not no_wait and is_terminal():
            click.echo(f"\nInbox: {catcher.inbox_url}", err=as_json)
            wait_at(catcher)
        elif not (mbox or maildir):
            click.echo("The inbox closed with this command; write --mbox FILE to keep what it caught.", err=True)
    sys.exit(code)


def _place(config: Config, ledger_url: str | None) -> Path | str:
    from newsletter.config.ledger_url import parse_ledger

    return parse_ledger(ledger_url) if ledger_url else config.ledger_place


def _dry_run(sending: Sending, to: Sequence[str], out: Path, as_json: bool, place: Path | str) -> None:
    from newsletter.pipeline import output_files as output
    from newsletter.pipeline.guard_outputs import DRY_RUN, require_free
    from newsletter.pipeline.identity import rehearse
    from newsletter.pipeline.sender_checks import sender_warnings, signature_at_hand

    sending, refusals = rehearse(sending, place)
    rendering = sending.rendering
    folder = out / rendering.issue.slug
    written_to = [folder / name for name in DRY_RUN]
    config = sending.config
    require_free(written_to, config=config, ledger=place, inputs=[rendering.path, *to])
    about_sender = sender_warnings(config, config.relays, signature_at_hand(config))
    warnings = (*all_warnings(sending, to), *about_sender, *refusals)
    warn(warnings)
    facts = plan_facts(sending, to, None)
    if sending.composer.issue != rendering.issue.slug:
        older = f"{len(sending.recipients):,} who have an older version"
        facts |= {"Issue": sending.composer.issue, "Audience": older}
    written = output.write_dry_run(
        rendering.issue,
        sending.sample_email,
        sending.composer.sender,
        sending.sample,
        sending.recipients,
        folder,
        project=sending.config.root,
        facts=facts,
        findings=warnings,
    )
    if as_json:
        files = [{"path": str(file.path), "bytes": file.size} for file in written]
        print_json({**summary(sending), "files": files, "warnings": list(warnings)})
        return
    print_facts(facts)
    click.echo(f"\nNothing was sent. Open {folder / 'index.html'} in a browser.")


# --- carrying a send out --------------------------------------------------------------------------------------------


def _send(sending: Sending, way: _Way, catcher: Catcher | None = None) -> int | None:
    """Show, ask, send, account. Gives the exit code; None where it is agreed on and goes at `way.at`."""
    from newsletter.audience.people.store import copy_suppressions
    from newsletter.cli.command_hints import hints_for
    from newsletter.ledger.ledger import Ledger
    from newsletter.ledger.presence import require_start
    from newsletter.pipeline.identity import under_known_name
    from newsletter.pipeline.prepare_send import require_sendable
    from newsletter.pipeline.sender_checks import sender_warnings

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
    place = _place(sending.config, way.ledger_url)
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
    way: _Way,
    lanes: Sequence[LaneSettings],
    ledger: Any,
    progress: SendProgress,
    relays: str,
) -> Report | None:
    from newsletter.delivery.deliver import Watcher
    from newsletter.ledger.list_reference import join_segment
    from newsletter.pipeline.deliver_test import deliver_test
    from newsletter.pipeline.deliver_to_list import deliver_to_list
    from newsletter.pipeline.prepare_send import prepare

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
    from newsletter.ledger.presence import NOTHING_SENT

    one, many = ("address", "addresses") if sending.test else ("subscriber", "subscribers")
    ask_for = f"Send to {'the other ' if others else ''}{due:,} {one if due == 1 else many}?"
    return f"{NOTHING_SENT.capitalize()}. {ask_for}" if begins else ask_for


def _now() -> datetime:
    return datetime.now(UTC)


def _moment(at: str | None, config: Config) -> datetime | None:
    """When `--at` has the mail go; None for at once, which a time that has just passed means, too."""
    if at is None:
        return None
    from newsletter.errors import FaultError
    from newsletter.model.moments import shown_moment
    from newsletter.model.schedule import parse_at

    delivery = config.settings.delivery
    now = datetime.now().astimezone()
    try:
        moment = parse_at(at, now, delivery.time_zone, window=timedelta(seconds=delivery.at_window_s))
    except FaultError as fault:
        raise errors.ConfigError(f"--at {fault.what}; {fault.remedy or 'write --at 08:00'}") from fault
    if moment > now:
        return moment
    late = (now - moment) // timedelta(minutes=1)
    if late:
        click.echo(f"{shown_moment(moment)} was {late:,} min ago, within at_window_s: it goes at once.", err=True)
    return None


def _wait_until(moment: datetime, *, quiet: bool) -> None:
    from newsletter.cli.wait_line import live_line
    from newsletter.model.moments import shown_moment

    click.echo(f"Waiting until {shown_moment(moment)}. Ctrl-C stops; nobody has been mailed yet.", err=True)
    nothing = threading.Event()
    with live_line("--at", moment.timestamp(), quiet=quiet):
        while (left := (moment - datetime.now().astimezone()).total_seconds()) > 0:
            nothing.wait(min(left, 60))  # asked anew each minute: the clock may be set, the machine may sleep


def _lanes(config: Config, url: str | None, catcher: Catcher | None, *, waits: bool) -> Sequence[LaneSettings]:
    from newsletter.pipeline.choose_relays import choose_lanes

    if catcher is not None:
        return (config.lane(catcher.relay).as_catcher(),)
    from newsletter.delivery.smtp.catcher_probe import is_catcher

    lanes = choose_lanes(config, url, os.environ, ", or --catch")
    # Asked only where something could hold the mail back: it costs a connection.
    waits = waits or config.quiet_hours is not None
    return [
        lane.as_catcher() if (waits or lane.rates or lane.domains or lane.warm_up) and is_catcher(lane.relay) else lane
        for lane in lanes
    ]


def _keep(catcher: Catcher, mbox: Path | None, maildir: Path | None) -> None:
    from newsletter.web.catcher.export import write_maildir, write_mbox

    if mbox:
        write_mbox(mbox, catcher.messages())
        click.echo(f"Caught     {len(catcher.messages()):>6,} messages, kept in {mbox}", err=True)
    if maildir:
        write_maildir(maildir, catcher.messages())
        click.echo(f"Caught     {len(catcher.messages()):>6,} messages, kept in {maildir}", err=True)


# --- going on -------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("issue", required=False)
@column_option
@relay_option
@connections_option
@ledger_option
@click.option("--continue", "go_on", is_flag=True, help="The issue changed after some got it: send it to the others.")
@newcomers_option
@now_option
@log_option
@yes_option
@config_option
@json_option
def resume(
    issue: str | None,
    columns: tuple[Rule, ...],
    relay_url: str | None,
    connections: int | None,
    ledger_url: str | None,
    go_on: bool,
    newcomers: bool,
    now: bool,
    log_json: str | None,
    yes: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Go on with ISSUE where it was left: the same post, the same list. Without ISSUE, the last that was not finished.

    Whoever was told "later" is tried again once their time has come.
    """
    from newsletter.cli.streams import endure_closed_output

    endure_closed_output()
    config = load(config_path, issue or "")
    with _open(config, ledger_url) as ledger:
        name = _unfinished(ledger, issue)
        if name is None:
            click.echo("Nobody is left: there is nothing to resume.", err=as_json)
            if as_json:
                print_json({"issue": issue, "sent": 0, "left": []})
            return
        post, audience = ledger.paths(name)
    way = _way(audience, columns, relay_url, connections, ledger_url, log_json, go_on=go_on, yes=yes, as_json=as_json)
    way = replace(way, now=now, orders=replace(way.orders, newcomers=newcomers))
    sys.exit(_go_on(config, name, post, way))


@click.command()
@click.argument("issue")
@click.option("--failed", is_flag=True, help="Whom the relay refused for good as well.")
@column_option
@relay_option
@connections_option
@ledger_option
@now_option
@log_option
@yes_option
@config_option
@json_option
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
    """Try those of ISSUE whom the relay put off again, now, without waiting for their time."""
    from newsletter.cli.streams import endure_closed_output
    from newsletter.model.delivery import State
    from newsletter.pipeline.prepare_send import known_issue

    endure_closed_output()
    config = load(config_path, issue)
    states = (State.DEFERRED, State.REJECTED) if failed else (State.DEFERRED,)
    with _open(config, ledger_url) as ledger:
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
    way = _way(audience, columns, relay_url, connections, ledger_url, log_json, go_on=False, yes=True, as_json=as_json)
    sys.exit(_go_on(config, name, post, replace(way, now=now)))


def _way(
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
) -> _Way:
    from newsletter.ledger.list_reference import split_segment
    from newsletter.pipeline.prepare_send import Orders

    path, where = split_segment(audience)
    watched = is_terminal() and not yes
    orders = Orders(go_on=go_on, connections=connections or 0, force_change=True, watched=watched)
    lists, kept = split_rules(path.split("\n"))
    return _Way(lists, where, (*kept, *columns), orders, relay_url, ledger_url, log_json, None, yes, as_json)


def _go_on(config: Config, issue: str, post: str, way: _Way) -> int:
    from newsletter.pipeline.guard_outputs import require_free
    from newsletter.pipeline.identity import may_be
    from newsletter.pipeline.list_sources import open_sign_ups
    from newsletter.pipeline.plan_send import plan_send

    if not post or not way.to:
        raise errors.ConfigError(
            f"{issue}: the ledger does not know the files it was sent from; write newsletter send POST --to LIST.csv"
        )
    place = _place(config, way.ledger_url)
    require_free([way.log_json], config=config, ledger=place, inputs=[post, *way.to])
    base, _, erratum = issue.partition("+erratum-")
    with open_sign_ups(config, way.to, way.ledger_url) as sign_ups:
        sending = plan_send(
            post, config, to=way.to, where=way.where, columns=way.columns, test=(), when=_now, sign_ups=sign_ups
        )
    if not may_be(sending.rendering, base):
        raise errors.ConfigError(f"{post} is now the issue {sending.rendering.issue.slug}, not {base}; see its name")
    if erratum:
        way = replace(way, orders=replace(way.orders, erratum=True))
    return _send(sending, way) or errors.EXIT_OK  # nothing here goes at another hour


def _unfinished(ledger: Any, issue: str | None) -> str | None:
    """The issue to go on with: the one named, else the last one that somebody is still to get."""
    from newsletter.pipeline.prepare_send import known_issue
    from newsletter.pipeline.send_result import left_of

    if issue is not None:
        return known_issue(ledger, issue)
    unfinished = [row.issue for row in ledger.issues() if left_of(row.counts)]
    return unfinished[-1] if unfinished else None


# --- the ledger -----------------------------------------------------------------------------------------------------


@click.command()
@click.argument("issue", required=False)
@ledger_option
@config_option
@json_option
def status(issue: str | None, ledger_url: str | None, config_path: Path | None, as_json: bool) -> None:
    """Show what the ledger knows: every issue, or who was refused, left or uncertain for ISSUE."""
    from newsletter.model.delivery import State
    from newsletter.pipeline.prepare_send import known_issue

    with _open(load(config_path, issue or ""), ledger_url) as ledger:
        if issue is None:
            print_issues(ledger.issues(), as_json=as_json)
            return
        name = known_issue(ledger, issue)
        row = next(row for row in ledger.issues() if row.issue == name)
        open_states = (State.REJECTED, State.DEFERRED, State.PENDING, State.CLAIMED, State.COMMITTING, State.UNCERTAIN)
        print_issue(row, ledger.rows(name, *open_states), as_json=as_json)


@click.command()
@click.argument("issue")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--resend", is_flag=True, help="Mail them again with the next send; they may then have it twice.")
@click.option("--assume-sent", is_flag=True, help="Count them as sent; they may then never get it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@ledger_option
@config_option
def resolve(
    issue: str,
    addresses: tuple[str, ...],
    resend: bool,
    assume_sent: bool,
    yes: bool,
    ledger_url: str | None,
    config_path: Path | None,
) -> None:
    """Decide about the uncertain of ISSUE: all of them, or the ones named."""
    from newsletter.ledger.resolve import resolve_uncertain
    from newsletter.model.delivery import State
    from newsletter.pipeline.prepare_send import known_issue

    if resend == assume_sent:
        raise click.UsageError("write one of --resend and --assume-sent")
    with _open(load(config_path, issue), ledger_url) as ledger:
        name = known_issue(ledger, issue)
        count = len(addresses) or ledger.counts(name)[State.UNCERTAIN]
        what = "mail again, with the next send" if resend else "count as sent"
        if not count:
            click.echo(f"Nobody is uncertain for {name}.")
            return
        ask(f"{count:,} for {name}: {what}?", yes=yes)
        for address in resolve_uncertain(ledger, name, addresses, resend=resend):
            click.echo(f"{printable(address)}: {'to be mailed again' if resend else 'counted as sent'}")


def _open(config: Config, ledger_url: str | None) -> Any:
    from newsletter.config.ledger_url import parse_ledger
    from newsletter.pipeline.open_store import open_ledger

    def now() -> datetime:
        return datetime.now(UTC)

    return open_ledger(config, now, parse_ledger(ledger_url) if ledger_url else None)


COMMANDS = (send, resume, retry, status, resolve)
