"""The command line. Each command gathers its options, calls `pipeline`, and prints; it decides nothing of its own.

Heavy imports happen inside the commands, so that `newsletter --help` answers at once.
"""

from __future__ import annotations

import gc
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from newsletter import errors
from newsletter.console import (
    Progress,
    accounts,
    all_warnings,
    plan_facts,
    print_facts,
    print_issue,
    print_issues,
    print_json,
    print_report,
    printable,
    sentences,
    summary,
    warn,
)

if TYPE_CHECKING:
    from newsletter.catcher import Catcher
    from newsletter.config import Config
    from newsletter.images import ImageMode
    from newsletter.model import Relay
    from newsletter.pipeline import Sending

config_option = click.option(
    "--config", "config_path", type=click.Path(path_type=Path), help="newsletter.toml; the nearest one by default."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")

images_option = click.option(
    "--images",
    type=click.Choice(["remote", "embed", "mirror"]),
    help="Where web pictures are: left on the web, sent inside the mail, or kept on your site; [images] by default.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="newsletter")
def cli() -> None:
    """Write a newsletter as a Markdown post; render it, look at it, and send it to everyone exactly once."""


def main() -> None:
    """The console script. Every error that is not a fault in the program is one sentence and an exit code."""
    # Loading a few hundred modules makes much that lives to the end: looking for garbage in it costs a tenth of a run.
    gc.set_threshold(50_000, 20, 20)
    try:
        code = cli.main(standalone_mode=False)
    except errors.NewsletterError as error:
        click.echo(printable(str(error)), err=True)
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    except BrokenPipeError:
        # The reader of our output has gone; say nothing more, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    sys.exit(code if isinstance(code, int) else 0)


# --- render ---------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("post")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the files.  [default: out/ISSUE]")
@images_option
@config_option
@json_option
def render(post: str, out: Path | None, images: str | None, config_path: Path | None, as_json: bool) -> None:
    """Write POST as email.html, email.txt, email.mjml and issue.json. `-` reads the post from standard input."""
    from newsletter import output, pipeline

    config = _load(config_path, post)
    with Progress("Fetching pictures", quiet=as_json) as fetching:
        rendering = pipeline.render_post(post, config, images=_mode(images), on_fetch=fetching.show)
    warn(finding.at(rendering.path) for finding in rendering.findings)
    folder = out or Path("out") / rendering.issue.slug
    written = output.write_rendering(rendering.issue, rendering.email, config.sender, pipeline.SAMPLE, folder)
    if as_json:
        files = [{"path": str(file.path), "bytes": file.size} for file in written]
        print_json(
            {
                "issue": rendering.issue.slug,
                "files": files,
                "html": output.html_sizes(rendering.email),
                "warnings": sentences(rendering),
            }
        )
        return
    for file in written:
        click.echo(f"{file.size:>9,} bytes  {file.path}")
    sizes = output.html_sizes(rendering.email)
    click.echo(
        f"\nThe email's HTML: {sizes['decoded']:,} bytes, {sizes['encoded']:,} as sent; Gmail clips near 102,000."
    )
    for section in sizes["sections"]:
        click.echo(f"{section['bytes']:>9,} bytes  {printable(section['title'] or '(frame and opening)')}")


# --- send -----------------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("post")
@click.option("--to", type=click.Path(path_type=Path), metavar="LIST.csv", help="The list: a CSV with an email column.")
@click.option("--test", multiple=True, metavar="ADDRESS", help="Only to this address, the subject marked. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Send nothing; write what would be sent to OUT/ISSUE/index.html.")
@click.option("--out", type=click.Path(path_type=Path), default="out", show_default=True, help="For --dry-run.")
@click.option("--catch", is_flag=True, help="Send everything to a mail catcher that is started for the purpose.")
@click.option("--no-wait", is_flag=True, help="With --catch: end at once instead of keeping the inbox open.")
@click.option("--mbox", type=click.Path(path_type=Path), help="With --catch: write what was caught to this file.")
@click.option("--maildir", type=click.Path(path_type=Path), help="With --catch: keep what was caught in this folder.")
@click.option("--relay", "relay_url", metavar="URL", help="smtp://[user@]host:port or smtps://…, instead of [relay].")
@click.option("--continue", "go_on", is_flag=True, help="The issue changed after some got it: send it to the others.")
@images_option
@click.option("--yes", is_flag=True, help="Do not ask; for cron and CI.")
@config_option
@json_option
def send(  # one parameter per option
    post: str,
    to: Path | None,
    test: tuple[str, ...],
    dry_run: bool,
    out: Path,
    catch: bool,
    no_wait: bool,
    mbox: Path | None,
    maildir: Path | None,
    relay_url: str | None,
    go_on: bool,
    images: str | None,
    yes: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    """Send POST to everyone on a list, once each. Shows what it will do, and asks.

    The relay's password is read from NEWSLETTER_SMTP_PASSWORD and from nowhere else.
    """
    from newsletter import pipeline

    if sum((dry_run, catch, bool(relay_url))) > 1:
        raise click.UsageError("--dry-run, --catch and --relay exclude each other; choose one")
    if post.endswith(".csv") and str(to).endswith((".md", ".markdown")):
        raise click.UsageError(f"{post} looks like a list and {to} like a post; write: send {to} --to {post}")
    if not catch and (no_wait or mbox or maildir):
        raise click.UsageError("--no-wait, --mbox and --maildir go with --catch")
    config = _load(config_path, post)
    with Progress("Fetching pictures", quiet=as_json) as fetching:
        sending = pipeline.plan_send(
            post, config, to=to, test=test, when=datetime.now(UTC), images=_mode(images), on_fetch=fetching.show
        )
    if dry_run:
        _dry_run(sending, to, out, as_json)
        return
    if catch:
        from newsletter.catcher import Catcher

        with Catcher() as catcher:
            code = _send(sending, catcher.relay, to, catcher, go_on=go_on, yes=yes, as_json=as_json)
            _keep(catcher, mbox, maildir)
            if not no_wait and _is_terminal():
                click.echo(f"\nInbox: {catcher.inbox_url}", err=as_json)
                _wait_at(catcher)
            elif not (mbox or maildir):
                click.echo("The inbox closed with this command; write --mbox FILE to keep what it caught.", err=True)
    else:
        code = _send(sending, _relay(config, relay_url), to, None, go_on=go_on, yes=yes, as_json=as_json)
    sys.exit(code)


def _dry_run(sending: Sending, to: Path | None, out: Path, as_json: bool) -> None:
    from newsletter import output

    rendering = sending.rendering
    folder = out / rendering.issue.slug
    warnings = all_warnings(sending, to)
    warn(warnings)
    facts = plan_facts(sending, to, None)
    written = output.write_dry_run(
        rendering.issue,
        rendering.email,
        sending.config.sender,
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


def _send(
    sending: Sending, relay: Relay, to: Path | None, catcher: Catcher | None, *, go_on: bool, yes: bool, as_json: bool
) -> int:
    """Show, ask, send, account. Gives the exit code."""
    from newsletter import pipeline
    from newsletter.ledger import Ledger

    lacking = () if catcher else pipeline.require_sendable(sending, relay)
    warnings = (*all_warnings(sending, to), *lacking)
    warn(warnings)
    # What a catcher swallows was sent to nobody: its ledger lives in memory.
    path = None if catcher else sending.config.ledger_path
    served = pipeline.already_served(sending, path)
    if not as_json:
        facts = plan_facts(sending, to, f"{relay} (the embedded catcher)" if catcher else str(relay))
        print_facts({**facts, **({"Ledger": f"{path}: {served:,} of them are done"} if served else {})})
    if served < len(sending.recipients):
        _confirm(sending, served, yes=yes)
    with Ledger.open(path, lambda: datetime.now(UTC)) as ledger, Progress("Sending", quiet=as_json) as progress:
        report = pipeline.send(sending, relay, ledger, go_on=go_on, on_plan=progress.start, on_outcome=progress.advance)
    if as_json:
        print_json({**summary(sending), **accounts(report), "warnings": list(warnings)})
    else:
        print_report(report)
    return errors.EXIT_OK if report.complete else errors.EXIT_UNSENT


def _confirm(sending: Sending, served: int, *, yes: bool) -> None:
    count = len(sending.recipients) - served
    one, many = ("address", "addresses") if sending.test else ("subscriber", "subscribers")
    whom = (
        f"the other {count:,} {one if count == 1 else many}" if served else f"{count:,} {one if count == 1 else many}"
    )
    _ask(f"Send to {whom}?", yes=yes, otherwise="nothing was sent")


def _ask(question: str, *, yes: bool, otherwise: str = "nothing was changed") -> None:
    """Go on only when a person says so. Raises ConfigError where there is nobody to ask, or the answer is no."""
    if yes:
        return
    if not _is_terminal():
        raise errors.ConfigError(f"{question} There is no terminal to ask on; write --yes to go on without asking")
    if not click.confirm(f"\n{question}", default=False, err=True):
        raise errors.ConfigError(otherwise)


def _relay(config: Config, url: str | None) -> Relay:
    from newsletter.relay import PASSWORD_VARIABLE, parse_relay

    relay = parse_relay(url, os.environ) if url else config.relay
    if relay is not None and relay.user and not relay.password:
        raise errors.ConfigError(
            f"{relay}: the environment variable {PASSWORD_VARIABLE} is not set; set it to the password of {relay.user}"
        )
    if relay is None:
        place = config.path or "newsletter.toml"
        raise errors.ConfigError(
            f"{place}: no [relay] url is set; set it, or write --relay smtp://host:port, or --catch"
        )
    return relay


def _keep(catcher: Catcher, mbox: Path | None, maildir: Path | None) -> None:
    from newsletter.catcher import write_maildir, write_mbox

    if mbox:
        write_mbox(mbox, catcher.messages())
        click.echo(f"Caught     {len(catcher.messages()):>6,} messages, kept in {mbox}", err=True)
    if maildir:
        write_maildir(maildir, catcher.messages())
        click.echo(f"Caught     {len(catcher.messages()):>6,} messages, kept in {maildir}", err=True)


# --- catch ----------------------------------------------------------------------------------------------------------


@cli.command()
@click.option("--smtp-port", type=int, default=1025, show_default=True, help="0 takes any free port.")
@click.option("--web-port", type=int, default=1080, show_default=True, help="0 takes any free port.")
def catch(smtp_port: int, web_port: int) -> None:
    """Run a mail catcher: an SMTP server that delivers nothing, and an inbox page that shows what came."""
    from newsletter.catcher import Catcher

    with Catcher(smtp_port=smtp_port, web_port=web_port) as catcher:
        click.echo(f"SMTP:  {catcher.relay}")
        click.echo(f"Inbox: {catcher.inbox_url}")
        _wait_at(catcher)


def _wait_at(catcher: Catcher) -> None:
    import signal
    import threading

    click.echo("Press Ctrl-C to stop.", err=True)
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    done.wait()


# --- the ledger -----------------------------------------------------------------------------------------------------


@cli.command()
@click.argument("issue", required=False)
@config_option
@json_option
def status(issue: str | None, config_path: Path | None, as_json: bool) -> None:
    """Show what the ledger knows: every issue, or who was refused, left or uncertain for ISSUE."""
    from newsletter import pipeline
    from newsletter.model import State

    with pipeline.open_ledger(_load(config_path, issue or ""), lambda: datetime.now(UTC)) as ledger:
        if issue is None:
            print_issues(ledger.issues(), as_json=as_json)
            return
        name = pipeline.known_issue(ledger, issue)
        row = next(row for row in ledger.issues() if row.issue == name)
        open_states = (State.REJECTED, State.DEFERRED, State.PENDING, State.CLAIMED, State.COMMITTING, State.UNCERTAIN)
        print_issue(row, ledger.rows(name, *open_states), as_json=as_json)


@cli.command()
@click.argument("issue")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--resend", is_flag=True, help="Mail them again with the next send; they may then have it twice.")
@click.option("--assume-sent", is_flag=True, help="Count them as sent; they may then never get it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@config_option
def resolve(
    issue: str, addresses: tuple[str, ...], resend: bool, assume_sent: bool, yes: bool, config_path: Path | None
) -> None:
    """Decide about the uncertain of ISSUE: all of them, or the ones named."""
    from newsletter import pipeline
    from newsletter.model import State

    if resend == assume_sent:
        raise click.UsageError("write one of --resend and --assume-sent")
    with pipeline.open_ledger(_load(config_path, issue), lambda: datetime.now(UTC)) as ledger:
        name = pipeline.known_issue(ledger, issue)
        count = len(addresses) or ledger.counts(name)[State.UNCERTAIN]
        what = "mail again, with the next send" if resend else "count as sent"
        if not count:
            click.echo(f"Nobody is uncertain for {name}.")
            return
        _ask(f"{count:,} for {name}: {what}?", yes=yes)
        for address in pipeline.resolve_uncertain(ledger, name, addresses, resend=resend):
            click.echo(f"{printable(address)}: {'to be mailed again' if resend else 'counted as sent'}")


# --- theme ----------------------------------------------------------------------------------------------------------


@cli.group()
def theme() -> None:
    """Look at the themes, or copy one to make it yours."""


@theme.command("list")
@config_option
def list_themes(config_path: Path | None) -> None:
    """Name every theme that can be used here."""
    from newsletter.themes import known_themes, template_roots

    for name in known_themes(template_roots(_load(config_path).root)):
        click.echo(name)


@theme.command("new")
@click.argument("name")
@click.option("--from", "base", default="classic", show_default=True, help="The theme to copy.")
@config_option
def copy_theme(name: str, base: str, config_path: Path | None) -> None:
    """Copy a theme to templates/NAME beside newsletter.toml, complete and yours to change."""
    from newsletter.themes import new_theme

    for path in new_theme(name, base, _load(config_path).root):
        click.echo(path)
    click.echo(f'\nUse it with [theme] name = "{name}" in newsletter.toml.')


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _mode(images: str | None) -> ImageMode | None:
    return cast("ImageMode | None", images)


def _load(path: Path | None, post: str = "") -> Config:
    """The configuration that a post belongs to: of its own folder or one above, else of the current one."""
    from newsletter.config import load_config

    if path is None and post not in ("", "-"):
        config = load_config(None, os.environ, Path(post).parent)
        if config.path is not None:
            return config
    return load_config(path, os.environ, Path.cwd())
