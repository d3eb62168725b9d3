"""`newsletter publish`: send what is due and unsent; for cron, timers and CI."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter import errors
from newsletter.archive.after_send import rebuild_after_send
from newsletter.check.check_post import check_post
from newsletter.cli.archive_output import described_archive
from newsletter.cli.command_hints import hints_for
from newsletter.cli.console import is_terminal, near, print_json, wait_at, warn
from newsletter.cli.crontab_lines import print_crontab
from newsletter.cli.failures import ending
from newsletter.cli.load_settings import environment, load
from newsletter.cli.named_ledger import ledger_place, utc_now
from newsletter.cli.own_catcher import own_catcher
from newsletter.cli.progress import JsonLog
from newsletter.cli.publish_watch import watch as keep_publishing
from newsletter.cli.run_send import wait_until
from newsletter.cli.send_output import accounts, print_report
from newsletter.cli.send_progress import SendProgress
from newsletter.cli.series_output import described_series, series_line
from newsletter.cli.streams import endure_closed_output
from newsletter.cli.watch_log import WatchLog
from newsletter.cli.window_option import within
from newsletter.cli.workers_queue import open_queue
from newsletter.model.column_rules import Rule
from newsletter.pipeline.alerts import Alerts, alerts_of
from newsletter.pipeline.back_up_after_run import back_up_after_run
from newsletter.pipeline.dated_backups import DatedBackup
from newsletter.pipeline.find_due import FoundPost, posts_place
from newsletter.pipeline.guard_outputs import require_free
from newsletter.pipeline.publish import Published, PublishReport
from newsletter.pipeline.run_publication import PublishOrder, run_publication
from newsletter.text import counted, printable

if TYPE_CHECKING:
    from newsletter.archive.build import ArchiveReport
    from newsletter.cli.command_hints import Hints
    from newsletter.config.config import Config
    from newsletter.config.env_file import Environment
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.series import SeriesReport


def publish(
    posts: Path | None,
    to: tuple[str, ...],
    where: str,
    columns: tuple[Rule, ...],
    max_age: timedelta | None,
    dry_run: bool,
    window: tuple[str, str] | None,
    catch: bool,
    wait: bool,
    watch: bool,
    crontab: bool,
    first: bool,
    relay_url: str | None,
    workers: bool,
    ledger_url: str | None,
    log_json: str | None,
    quiet: bool,
    config_path: Path | None,
    as_json: bool,
) -> None:
    endure_closed_output()
    if not to:
        raise errors.ConfigError("publish: nobody to send to; write --to subscribers.csv")
    if watch and (dry_run or wait or catch):
        raise errors.ConfigError("publish: --watch waits by itself, and sends; take --dry-run, --wait and --catch out")
    if catch and (dry_run or wait or relay_url):
        raise errors.ConfigError(
            "publish: --catch sends at once, into its own catcher; take --dry-run, --wait, --relay out"
        )

    if workers and (catch or relay_url):
        raise errors.ConfigError("publish: --workers have relays of their own; take --catch and --relay out")
    if crontab and (dry_run or wait or catch or watch):
        raise errors.ConfigError("publish: --crontab only prints; take --dry-run, --wait, --catch and --watch out")

    def read_config() -> Config:
        return within(load(config_path, str(posts / "post") if posts else ""), window).with_ledger(ledger_url)

    def read_environment() -> Environment:
        return environment(config_path, str(posts / "post") if posts else "")

    def order_of(config: Config) -> PublishOrder:
        age = max_age or timedelta(days=config.settings.publish.max_age_days)
        place = ledger_place(config, ledger_url)
        folder = posts_place(config, posts)
        queue = partial(open_queue, name=config.settings.cluster.queue) if workers else None
        return PublishOrder(folder, to, place, age, where, columns, relay_url, ledger_url, first, dry_run, queue=queue)

    def read() -> tuple[Config, PublishOrder]:
        config = read_config()
        return config, order_of(config)

    if crontab:
        print_crontab(read_config())
        return
    tells = not (dry_run or catch)
    with _failure_told(None if tells else Alerts(), read_environment):
        config = read_config()
    alerts, faults = alerts_of(config, config.env) if tells else (Alerts(), ())
    with _failure_told(alerts, read_environment):
        order = order_of(config)
        require_free([log_json], config=config, ledger=order.place, inputs=list(to))
    if watch:
        log = WatchLog(utc_now, as_json=as_json, quiet=quiet)
        keep_publishing(read, check_by, order.place, log, log_json, utc_now)
        return
    hints = None if catch else hints_for(config, relay_url, ledger_url)  # a catcher's ledger is temporary
    screen = _Screen(quiet=quiet, as_json=as_json, log_json=log_json, hints=hints)
    if catch:
        with own_catcher() as catcher:
            report = _run(config, replace(order, catcher=catcher.relay), screen)
            screen.end(report)
            caught = len(catcher.messages())
            messages = counted(caught, "message")
            click.echo(f"Caught {messages}; nobody counts as mailed, and nothing was written down.", err=as_json)
            if is_terminal() and caught:
                click.echo(f"Inbox: {catcher.inbox_url}", err=as_json)
                wait_at(catcher)
        sys.exit(report.exit_code)
    screen.warn(faults)
    with _alerting(alerts, screen) as reports:
        report = _run(config, order, screen)
        now = utc_now()
        if wait and not dry_run and (moment := report.opens_at(now)) is not None:
            wait_until(moment.astimezone(), quiet=quiet or as_json)
            screen.begin()
            report = _run(config, order, screen)  # the list and the posts are read when the mail is sent
        reports.append(report)
    if not dry_run:
        sent = any(each.result is not None and each.result.sent for each in report.posts)
        screen.backup(back_up_after_run(config, order.place, utc_now, screen.warn, sent=sent, alerts=alerts))
    screen.end(report)
    sys.exit(report.exit_code)


def check_by(config: Config) -> Callable[[FoundPost], Sequence[str]]:
    """The errors of a post that is to be published, as sentences."""

    def check(post: FoundPost) -> Sequence[str]:
        checked = check_post(post.path, config, when=utc_now())
        return [found.at(post.path) for found in checked.findings if found.severity == "error"]

    return check


def _run(config: Config, order: PublishOrder, screen: _Screen) -> PublishReport:
    report = run_publication(
        config,
        order,
        now=utc_now,
        env=config.env,
        check=check_by(config),
        watch=screen.watch,
        warn=screen.warn,
        on_post=screen.post,
    )
    screen.series(report.series)
    if order.catcher is None:
        screen.archive(rebuild_after_send(config, order.place, report, utc_now, screen.warn))
    return report


@contextlib.contextmanager
def _failure_told(alerts: Alerts | None, read_environment: Callable[[], Environment]) -> Iterator[None]:
    """Tell of a block that fails; with None, those of the environment: newsletter.toml itself may be what is broken."""
    try:
        yield
    except errors.NewsletterError as error:
        told, faults = (alerts, ()) if alerts is not None else alerts_of(None, read_environment())
        warn((*faults, *told.tell("failure", exit_code=error.exit_code)))
        raise


@contextlib.contextmanager
def _alerting(alerts: Alerts, screen: _Screen) -> Iterator[list[PublishReport]]:
    """Alert about the start and the end of the block, which puts its report into the list."""
    screen.warn(alerts.tell("start"))
    reports: list[PublishReport] = []
    try:
        yield reports
    except BaseException as error:
        code = error.exit_code if isinstance(error, errors.NewsletterError) else None
        screen.warn(alerts.tell("failure", exit_code=code))
        raise
    screen.warn(alerts.tell("failure" if reports[0].exit_code else "success", reports[0]))


_LEFT_ALONE = {"sent": "done"}
"""The line prefixes for skipped posts whose status would read as news."""


class _Screen:
    """A run's output for an operator or a log."""

    def __init__(self, *, quiet: bool, as_json: bool, log_json: str | None, hints: Hints | None) -> None:
        self.quiet, self.as_json, self.log_json, self.hints = quiet, as_json, log_json, hints
        self.warnings: list[str] = []
        self.archived: ArchiveReport | None = None
        self.backed_up: DatedBackup | None = None

    def begin(self) -> None:
        self.warnings.clear()

    def warn(self, sentences: Sequence[str]) -> None:
        self.warnings += sentences
        warn(sentences)

    @contextlib.contextmanager
    def watch(self, sending: Sending) -> Iterator[SendProgress]:
        with contextlib.ExitStack() as opened:
            slug = sending.rendering.issue.slug
            log = opened.enter_context(JsonLog(self.log_json, slug)) if self.log_json else None
            progress = opened.enter_context(SendProgress(quiet=self.quiet or self.as_json, log=log))
            yield progress

    def post(self, each: Published) -> None:
        is_news = each.decision in ("sent", "unfinished", "failed", "late") or bool(each.exit_code)
        if self.as_json or (self.quiet and not is_news):
            return
        name = printable(near(each.post.path))
        word = _LEFT_ALONE.get(each.post.status, each.post.status) if each.decision == "left alone" else each.decision
        own = f"{each.post.path}:"
        # The rest of a sentence about the post begins with its line, or with a space.
        rests = [line.removeprefix(own) if line.startswith(own) else f" {line}" for line in _lines(each)]
        click.echo(
            f"{word:<10} " + "\n    ".join(f"{name}:{printable(rest)}" for rest in rests), err=bool(each.exit_code)
        )
        if each.result is not None and not each.result.complete:
            print_report(each.result, self.hints)

    def series(self, report: SeriesReport | None) -> None:
        line = series_line(report) if report is not None else ""
        if line and report is not None and not self.as_json and (report.exit_code or not self.quiet):
            click.echo(printable(line), err=bool(report.exit_code))

    def archive(self, built: ArchiveReport | None) -> None:
        self.archived = built
        if built is not None and not (self.as_json or self.quiet):
            click.echo(f"archive    {printable(str(built.folder))}: {counted(len(built.written), 'file')} written")

    def backup(self, made: DatedBackup | None) -> None:
        self.backed_up = made
        if made is not None and not (self.as_json or self.quiet):
            click.echo(f"backup     {printable(near(str(made.path)))}: {made.size:,} bytes")

    def end(self, report: PublishReport) -> None:
        if self.as_json:
            built = {"archive": described_archive(self.archived)} if self.archived else {}
            if (made := self.backed_up) is not None:
                built["backup"] = {"file": str(made.path), "bytes": made.size}
            series = {"series": described_series(report.series)} if report.series else {}
            print_json({**described_report(report, self.hints), **series, **built, "warnings": self.warnings})
        elif report.is_quiet and not self.quiet:
            older = f", {report.archived:,} in the archive" if report.archived else ""
            click.echo(f"Nothing is due in {printable(near(report.folder))}{older}: nobody was mailed.")


def _lines(each: Published) -> Sequence[str]:
    return each.reason.split("\n")


def described_report(report: PublishReport, hints: Hints | None) -> dict[str, Any]:
    """The JSON output of a run: every reported post, in order."""
    return {
        "folder": report.folder,
        "sent": sum(each.result.sent for each in report.posts if each.result),
        "posts": [_described(each, hints) for each in report.posts],
        "archived": report.archived,
        **ending(report.exit_code),
    }


def _described(each: Published, hints: Hints | None) -> dict[str, Any]:
    since = each.post.since
    return {
        "post": each.post.path,
        "issue": each.post.issue,
        "since": since.isoformat() if since else None,
        "status": each.post.status,
        "decision": each.decision,
        "reason": each.reason,
        **({"report": accounts(each.result, hints)} if each.result else {}),
        **ending(each.exit_code),
    }
