"""`newsletter publish --watch`: a daemon that publishes, reads bounces, takes collected clicks and backs up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.archive.after_send import rebuild_after_send
from newsletter.cli.failures import MEANINGS
from newsletter.cli.progress import JsonLog
from newsletter.cli.send_progress import SendProgress
from newsletter.cli.series_output import described_series, series_line
from newsletter.cli.watch_jobs import Chores
from newsletter.cli.watch_log import WatchLog
from newsletter.errors import EXIT_BUSY, EXIT_UNSENT, EXIT_USAGE
from newsletter.model.moments import shown_moment
from newsletter.pipeline.alerts import Alerts, Event, alerts_of, described_event
from newsletter.pipeline.find_due import FoundPost
from newsletter.pipeline.publish import Published, PublishReport
from newsletter.pipeline.rounds import Failed, Job, Recovered, Round, only_watch, run_rounds
from newsletter.pipeline.run_publication import PublishOrder, run_publication
from newsletter.pipeline.told_failures import ToldFailures, ToldHere
from newsletter.signals import Ending, ending_requests
from newsletter.text import counted

if TYPE_CHECKING:
    from newsletter.config.config import Config
    from newsletter.pipeline.plan_send import Sending

Load = Callable[[], tuple["Config", PublishOrder]]
Check = Callable[["Config"], Callable[[FoundPost], Sequence[str]]]

_SILENT = ("sent", "draft", "renamed")
"""Statuses of skipped posts that are not printed."""


def watch(
    load: Load, check: Check, place: Path | str, log: WatchLog, log_json: str | None, now: Callable[[], datetime]
) -> None:
    """Run until a signal ends it; the first one lets a send finish. BusyError if another watch is running."""
    with ending_requests() as ending:
        keep_publishing(load, check, place, log, log_json, now, ending)


def keep_publishing(
    load: Load,
    check: Check,
    place: Path | str,
    log: WatchLog,
    log_json: str | None,
    now: Callable[[], datetime],
    ending: Ending,
) -> None:
    """The same until `ending`, which also interrupts the waits."""
    with only_watch(place, now):
        watcher = Watcher(load, check, log, log_json, now, ending)
        chores = Chores(lambda: watcher.config or load()[0], place, log, now)
        backup = Job("backup", chores.backup)
        jobs = [Job("publish", watcher.publish), Job("bounces", chores.bounces), Job("sync", chores.sync), backup]

        def wait(nap: timedelta) -> bool:
            if watcher.has_sent and backup.due is not None:
                backup.due, watcher.has_sent = now(), False  # a backup from before a send is an old ledger
                nap = timedelta(0)
            return ending.wait(nap.total_seconds())

        log.say(
            "watch", "begins", f"process {os.getpid()}; it publishes, and does what [watch] says beside", minor=True
        )
        run_rounds(jobs, now=now, wait=wait, tell=watcher.tell)
        log.say("watch", "ends", f"{ending.signal}: nothing is under way", minor=True)


class Watcher:
    """Runs the rounds of publish, and tells of what fails and what goes well again."""

    def __init__(
        self,
        load: Load,
        check: Check,
        log: WatchLog,
        log_json: str | None,
        now: Callable[[], datetime],
        ending: Ending,
        told: ToldFailures | None = None,
    ) -> None:
        self._load, self._check, self._log, self._log_json = load, check, log, log_json
        self._now, self._ending = now, ending
        self.config: Config | None = None
        self.has_sent = False
        self._begun = False
        self._known: dict[str, tuple[str, str]] = {}
        self._next = ""
        self._series_told = ""
        self._told = told or ToldHere()
        self._whys: dict[str, str] = {}
        self.alerts = Alerts()
        self._faults: tuple[str, ...] = ()

    # --- publishing -------------------------------------------------------------------------------------------------

    def publish(self) -> Round:
        config, order = self._load()
        self.config = config
        self.take_alerts(config)
        self._log.warn(self.alerts.beat("start"))
        order = replace(order, first=order.first and not self._begun)
        report = run_publication(
            config,
            order,
            now=self._now,
            env=config.env,
            check=self._check(config),
            watch=self._watch,
            warn=self._log.warn,
            is_ending=lambda: bool(self._ending.signal),
            on_post=self._post,
        )
        self._series(report)
        sent = any(each.result is not None and each.result.sent for each in report.posts)
        if (built := rebuild_after_send(config, order.place, report, self._now, self._log.warn)) is not None:
            written = len(built.written)
            text = f"{built.folder}: {counted(written, 'file')} written"
            self._log.say("archive", "built", text, minor=True, written=written)
        self.has_sent = self.has_sent or sent
        self._begun = self._begun or sent
        if order.stop is None or not order.stop.is_asked:
            self._alert(report)
        every = timedelta(minutes=config.settings.watch.publish_minutes)
        failure = "; ".join(f"{Path(each.post.path).name}: {each.reason}" for each in report.posts if _may_mend(each))
        if report.series is not None and report.series.exit_code:
            failure = "; ".join(filter(None, (failure, report.series.failure or "mails of the series are left")))
        at = self._next_moment(report)
        if not failure:
            self._say_next(report, at)
        return Round(every, at, failure.replace("\n", "; "))

    def take_alerts(self, config: Config) -> None:
        """Alert by this configuration from now on."""
        self.alerts, faults = alerts_of(config, config.env)
        if faults != self._faults:
            self._log.warn(faults)
            self._faults = faults

    @contextlib.contextmanager
    def _watch(self, sending: Sending) -> Iterator[SendProgress]:
        issue = sending.rendering.issue.slug
        with contextlib.ExitStack() as opened:
            log = opened.enter_context(JsonLog(self._log_json, issue)) if self._log_json else None
            self._log.say("publish", "sending", issue, minor=True, issue=issue)
            yield opened.enter_context(SendProgress(quiet=True, log=log))

    def _post(self, each: Published) -> None:
        """Print the decision about a post, if it is new."""
        word = each.post.status if each.decision == "left alone" else each.decision
        told = (word, each.reason)
        if self._known.get(each.post.path) == told:
            return
        self._known[each.post.path] = told
        if each.decision == "left alone" and word in _SILENT:
            return
        name = each.post.path
        reason = each.reason.replace(f"{name}:", "").strip()
        facts: dict[str, Any] = {"post": name, "issue": each.post.issue, "exit_code": each.exit_code}
        if each.result is not None:
            facts |= {"sent": each.result.sent, "left": each.result.left_count}
        minor = each.decision in ("left alone", "early", "due") and not each.exit_code
        self._log.say("publish", word, f"{name}: {reason}", minor=minor, **facts)

    def _series(self, report: PublishReport) -> None:
        line = series_line(report.series) if report.series is not None else ""
        if report.series is None or line == self._series_told:
            return
        self._series_told = line
        if line:
            word, _, text = line.partition(" ")
            facts = described_series(report.series)
            self._log.say("series", word, text.strip(), minor=not report.series.exit_code, **facts)

    def _next_moment(self, report: PublishReport) -> datetime | None:
        now = self._now()
        moments: list[datetime] = []
        for each in report.posts:
            post = each.post
            if each.exit_code == EXIT_BUSY:
                moments.append(now + timedelta(minutes=1))
            elif each.decision == "early":
                moments.append(post.window.next_opening(now))
            elif each.decision == "unfinished" and each.result is not None and each.result.go_on_at is not None:
                moments.append(each.result.go_on_at)
            elif post.status == "future" and post.since is not None:
                is_early = post.window.place(post.since, post.since) == "early"
                moments.append(post.window.next_opening(post.since) if is_early else post.since)
        return min(moments, default=None)

    def _say_next(self, report: PublishReport, at: datetime | None) -> None:
        if self._ending.signal:
            return
        waiting = "nothing waits" if at is None else f"the next is due at {shown_moment(at)}"
        if waiting != self._next:
            self._next = waiting
            self._log.say("publish", "waits", waiting, minor=True, next=at.isoformat() if at else None)

    # --- failures ---------------------------------------------------------------------------------------------------

    def tell(self, what: Failed | Recovered) -> None:
        """Log a round that failed or recovered; alert unless a report of publish has done so."""
        if isinstance(what, Recovered):
            self._log.say(what.job, "recovered", f"after {what.times:,} failed {_tries(what.times)}", tries=what.times)
            self._whys.pop(what.job, None)
            if what.job != "publish" and self._told.is_failing(what.job):
                self._alert_people("success", what.job, ())
            return
        retry = shown_moment(what.next_try.astimezone())
        code = what.exit_code
        facts: dict[str, Any] = {"try": what.times, "next_try": what.next_try.isoformat(timespec="seconds")}
        facts |= {"exit_code": code, "meaning": MEANINGS.get(code, "")}
        self._next = ""
        if what.job == "publish" and not what.raised:
            # Each post has had its line, and people their alert.
            self._log.say(what.job, "waits", f"try {what.times:,} failed; the next is at {retry}", **facts)
            return
        self._log.say(what.job, "failed", f"{what.why}\nthe next try is at {retry}", **facts)
        if what.job == "publish":
            self._log.warn(self.alerts.beat("failure"))
        is_known = what.why in (why for job, why in self._whys.items() if job != what.job)
        self._whys[what.job] = what.why
        if not is_known:  # a ledger that is away fails every job
            self._alert_people("failure", what.job, code, exit_code=code)

    def _alert(self, report: PublishReport) -> None:
        """Alert about a round of publish that completed."""
        event: Event = "failure" if report.exit_code not in (0, EXIT_BUSY) else "success"
        self._log.warn(self.alerts.beat(event))
        key = tuple((each.post.issue, each.decision) for each in report.posts if each.exit_code)
        if event == "failure" or not report.is_quiet or self._told.is_failing("publish"):
            self._alert_people(event, "publish", key, report)

    def _alert_people(
        self,
        event: Event,
        job: str,
        key: object,
        report: PublishReport | None = None,
        *,
        exit_code: int | None = None,
    ) -> None:
        if event == "failure":
            if not self._told.is_news(job, key, self._now()):
                return
        elif report is None or report.exit_code == 0:
            self._told.end(job)
        told = described_event(event, self.alerts.newsletter, report, job=job, exit_code=exit_code)
        self._log.warn(self.alerts.tell_people(told), job)


def _may_mend(each: Published) -> bool:
    """Whether a retry soon may succeed: for a relay or a full disk, not for a post or a send window."""
    return each.decision in ("failed", "unfinished") and each.exit_code in (EXIT_USAGE, EXIT_UNSENT)


def _tries(count: int) -> str:
    return "try" if count == 1 else "tries"
