"""`newsletter send`: its options and their checks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.console import is_terminal, print_json, wait_at, warn
from newsletter.cli.failures import MisuseError
from newsletter.cli.load_settings import load
from newsletter.cli.named_ledger import ledger_place, open_named_ledger, utc_now
from newsletter.cli.options import images_mode
from newsletter.cli.own_catcher import own_catcher
from newsletter.cli.progress import Progress
from newsletter.cli.run_send import SendRequest, run_send, wait_until
from newsletter.cli.send_output import all_warnings, plan_facts, print_facts, summary
from newsletter.cli.send_time import moment_of
from newsletter.cli.streams import endure_closed_output
from newsletter.model.column_rules import Rule
from newsletter.pipeline.dry_run_files import write_dry_run
from newsletter.pipeline.guard_outputs import DRY_RUN, require_free
from newsletter.pipeline.list_reference import ListReference
from newsletter.pipeline.list_sources import open_sign_ups
from newsletter.pipeline.plan_erratum import plan_erratum
from newsletter.pipeline.plan_send import plan_send
from newsletter.pipeline.prepare_send import SendOptions
from newsletter.pipeline.same_issue import rehearse
from newsletter.pipeline.sender_checks import sender_warnings, signature_at_hand
from newsletter.text import counted, printable
from newsletter.web.catcher.export import write_maildir, write_mbox

if TYPE_CHECKING:
    from newsletter.pipeline.plan_send import Sending
    from newsletter.web.catcher.server import Catcher


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
    workers: bool,
    detach: bool,
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
    endure_closed_output()
    if sum((dry_run, catch, bool(relay_url))) > 1:
        raise MisuseError("--dry-run, --catch and --relay exclude each other", "choose one")
    if post.endswith(".csv") and (posts := [name for name in to if name.endswith((".md", ".markdown"))]):
        raise MisuseError(f"{post} looks like a list and {posts[0]} like a post", f"write: send {posts[0]} --to {post}")
    if not catch and (no_wait or mbox or maildir):
        raise MisuseError("--no-wait, --mbox and --maildir go with --catch")
    if go_on and erratum:
        raise MisuseError("--continue mails those who have nothing yet, --erratum those who have it", "choose one")
    if test and (erratum or canary):
        raise MisuseError("--erratum and --canary go with a send to a list, not with --test")
    if detach and not workers:
        raise MisuseError("--detach goes with --workers")
    if workers and (catch or test):
        raise MisuseError("--catch and --test send from here, by this machine's relay", "take --workers out")
    if detach and canary:
        raise MisuseError("--canary waits for what becomes of the first ones", "take --detach out")
    config = load(config_path, post)
    moment = moment_of(at, config, partial(click.echo, err=True)) if at is not None else None
    written = (mbox, maildir, log_json)
    require_free(written, config=config, ledger=ledger_place(config, ledger_url), inputs=[post, *to])

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
                when=utc_now,
                images=images_mode(images),
                dry=dry_run,
                catches=catch,
                sign_ups=sign_ups,
                on_fetch=fetching.show,
            )

    sending = plan()
    if dry_run:
        if erratum:
            with open_named_ledger(config, ledger_url) as ledger:
                sending = plan_erratum(sending, ledger)
        _dry_run(sending, to, out, as_json, ledger_place(config, ledger_url))
        return

    watched = is_terminal() and not yes
    options = SendOptions(go_on, erratum, canary or 0, connections or 0, changed_list, watched, newcomers)
    waits_until = None if catch or test else moment
    request = SendRequest(
        ListReference(to, where, columns),
        options,
        relay_url,
        ledger_url,
        log_json,
        waits_until,
        yes,
        as_json,
        now,
        first,
        workers,
        detach,
    )
    if not catch:
        code = run_send(sending, request)
        if code is None and moment is not None:
            wait_until(moment, quiet=as_json)
            # The list, the sign-ups and the post are read when the mail is sent.
            code = run_send(plan(), replace(request, at=None, yes=True, first=True))
        sys.exit(code)

    with own_catcher() as catcher:
        code = run_send(sending, request, catcher)
        _keep(catcher, mbox, maildir)
        if not no_wait and is_terminal():
            click.echo(f"\nInbox: {catcher.inbox_url}", err=as_json)
            wait_at(catcher)
        elif not (mbox or maildir):
            click.echo("The inbox closed with this command; write --mbox FILE to keep what it caught.", err=True)
    sys.exit(code)


def _dry_run(sending: Sending, to: Sequence[str], out: Path, as_json: bool, place: Path | str) -> None:

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
    written = write_dry_run(
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


def _keep(catcher: Catcher, mbox: Path | None, maildir: Path | None) -> None:
    caught = counted(len(catcher.messages()), "message")
    if mbox:
        write_mbox(mbox, catcher.messages())
        click.echo(f"Caught {caught}, kept in {printable(str(mbox))}", err=True)
    if maildir:
        write_maildir(maildir, catcher.messages())
        click.echo(f"Caught {caught}, kept in {printable(str(maildir))}", err=True)
