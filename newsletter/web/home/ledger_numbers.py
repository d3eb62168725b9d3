"""The ledger's numbers on the home: issues, the last send, growth as a small plot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from newsletter.config.config import Config
from newsletter.frozen import frozen
from newsletter.model.moments import shown_moment
from newsletter.pipeline.ledger_numbers import KnownIssue, known_ledger, read_known_issues
from newsletter.pipeline.render_post import zone_of
from newsletter.report.as_page import render_page, verdict
from newsletter.report.read import Tally, read_report
from newsletter.stats.as_page import stats_page
from newsletter.stats.figures import Growth
from newsletter.stats.plots import Column, Plot, area, columns
from newsletter.stats.read import read_growth, read_stats
from newsletter.stats.wording import signed
from newsletter.web.home.overview import LastSend

MONTHS = 12
"""Of growth, and issues of which the mails are drawn where nobody joins by the pages."""

ISSUES = 60


@frozen
class LedgerNumbers:
    exists: bool = False
    issues: tuple[KnownIssue, ...] = ()
    months: tuple[Growth, ...] = ()


def read_numbers(config: Config, zone: tzinfo | None, now: datetime) -> LedgerNumbers:
    with known_ledger(config, lambda: now) as ledger:
        if ledger is None:
            return LedgerNumbers()
        issues = read_known_issues(ledger)
        return LedgerNumbers(True, issues, read_growth(ledger.storage, zone, now, "month"))


def last_send(issues: Sequence[KnownIssue], zone: tzinfo | None) -> LastSend | None:
    sent = [each for each in issues if each.first_sent is not None and not each.is_erratum]
    if not sent:
        return None
    newest, tally = sent[-1], Tally.of(sent[-1].counts)
    assert newest.first_sent is not None  # noqa: S101 - chosen for it
    when = shown_moment(newest.first_sent.astimezone(zone))
    return LastSend(newest.issue, newest.subject, when, tally, verdict(tally))


def growth_plot(numbers: LedgerNumbers, zone: tzinfo | None) -> tuple[Plot | None, str]:
    """Joined and lost by month; the mails of the last issues where nobody joined or left here. And a sentence."""
    months = numbers.months[-MONTHS:]
    if months:
        given = [
            Column(f"{month.start:%B %Y}", f"{month.start:%b}", [("joined", month.joined)], [("lost", month.lost)])
            for month in months
        ]
        this = months[-1]
        words = f"{signed(this.net)} this month: {this.joined:,} joined, {this.lost:,} lost"
        return columns(given, "Joined and lost by month"), words
    sent = [each for each in numbers.issues if each.first_sent is not None and not each.is_erratum][-ISSUES:]
    if not sent:
        return None, ""
    tallies = [Tally.of(each.counts).sent for each in sent]
    days = [each.first_sent.astimezone(zone) for each in sent if each.first_sent is not None]
    names = [(f"{day:%Y-%m-%d}", f"{day:%b %d}") for day in days]
    return area(names, tallies, "sent", "Mails sent, issue by issue"), f"{tallies[-1]:,} have the last issue"


def report_page(config: Config, issue: str, now: datetime) -> str | None:
    """The page that `report --html` makes of an issue; None where the ledger does not have it."""
    with known_ledger(config, lambda: now) as ledger:
        if ledger is None or ledger.identity(issue) is None:
            return None
        return render_page(read_report(ledger, issue), None, now)


def stats_of(config: Config, now: datetime) -> str | None:
    """The page that `stats --html` makes; None without a ledger."""
    zone = zone_of(config)
    with known_ledger(config, lambda: now) as ledger:
        if ledger is None:
            return None
        return stats_page(read_stats(ledger.storage, zone, now), zone, config.settings.newsletter.name)
