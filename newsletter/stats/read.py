"""Read the numbers of a newsletter from its database."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from itertools import pairwise

import sqlalchemy as sa

from newsletter.delivery.smtp.replies import enhanced_code
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of, time_of
from newsletter.model.mailbox_providers import provider_of
from newsletter.stats import queries
from newsletter.stats.figures import (
    Cadence,
    Growth,
    IssueNumbers,
    LinkNumbers,
    Readers,
    Share,
    Stats,
    ages_of,
    gap_of,
    median_of,
    refusal_kind,
)
from newsletter.stats.periods import Period, by_period, periods, start_of
from newsletter.stats.queries import SentIssue

LEAST = 5
"""Readers of a domain from which on it is named: one or two at a domain of their own are persons."""

DOMAINS = 20
"""Domains that are named; the others are summed up."""

_WAITING = ("pending", "claimed", "committing", "deferred")


def read_stats(storage: Storage, zone: tzinfo | None, now: datetime) -> Stats:
    """Every number, in one look at the database. Days begin in `zone`; None is the machine's own."""
    with storage.read() as db:
        links = queries.counted_links(db)
        issues = _issues(db, links)
        counted = queries.growth(db)
        last = next((row for row, numbers in reversed(issues) if not numbers.is_erratum), None)
        readers = _readers(db, last, now)
    numbers = tuple(numbers for _, numbers in issues)
    return Stats(
        made=now,
        months=_growth(counted, "month", zone, now),
        weeks=_growth(counted, "week", zone, now),
        issues=numbers,
        cadence=_cadence([each.first_sent for each in numbers if not each.is_erratum], zone),
        readers=readers,
        links=tuple(links),
    )


def read_growth(storage: Storage, zone: tzinfo | None, now: datetime, period: Period) -> tuple[Growth, ...]:
    """The growth alone, which is little work beside the rest."""
    with storage.read() as db:
        counted = queries.growth(db)
    return _growth(counted, period, zone, now)


def _growth(
    counted: Mapping[tuple[str, int], int], period: Period, zone: tzinfo | None, now: datetime
) -> tuple[Growth, ...]:
    """A row for each period from the first in which anything happened until now."""
    found = by_period(counted, period, zone)
    if not found:
        return ()
    until = max(now.astimezone(zone).date(), *found)  # a clock may have been wrong
    return tuple(Growth(start, **found.get(start, {})) for start in periods(min(found), until, period))


# --- issues -----------------------------------------------------------------------------------------------------------


def _issues(db: sa.Connection, links: Sequence[LinkNumbers]) -> list[tuple[SentIssue, IssueNumbers]]:
    rows = queries.sent_issues(db)
    states = queries.states(db)
    refused = _refused(db)
    back = queries.came_back(db)
    left = _left(db, rows)
    answers = queries.answers(db)
    clicks: dict[str, int] = {}
    for link in links:
        clicks[link.issue] = clicks.get(link.issue, 0) + link.clicks
    return [
        (
            row,
            IssueNumbers(
                issue=row.issue,
                subject=row.subject,
                first_sent=time_of(row.first_sent),
                sent=states.get((row.id, "sent"), 0),
                refused=refused.get(row.id, {}),
                waiting=sum(states.get((row.id, state), 0) for state in _WAITING),
                uncertain=states.get((row.id, "uncertain"), 0),
                suppressed=states.get((row.id, "suppressed"), 0),
                returned=back.get((row.issue, "returned"), 0),
                complaints=back.get((row.issue, "complaints"), 0),
                **dict(zip(("unsubscribed", "day", "week"), left.get(row.id, (0, 0, 0)), strict=True)),
                up=answers.get((row.issue, "up"), 0),
                down=answers.get((row.issue, "down"), 0),
                clicks=clicks.get(row.issue),
            ),
        )
        for row in rows
    ]


def _refused(db: sa.Connection) -> Mapping[int, Mapping[str, int]]:
    found: dict[int, dict[str, int]] = {}
    for issue, code, words, number in queries.refused(db):
        kinds = found.setdefault(issue, {})
        kind = refusal_kind(code, enhanced_code(words))
        kinds[kind] = kinds.get(kind, 0) + number
    return found


def _left(db: sa.Connection, rows: Sequence[SentIssue]) -> Mapping[int, tuple[int, ...]]:
    """Who left by an issue's link counts for it; who left elsewhere for the last issue that had gone out."""
    found = {issue: list(numbers) for issue, numbers in queries.left_by_issue(db).items()}
    starts = [int(row.first_sent) for row in rows]
    for at in queries.left_unnamed(db):
        if place := bisect_right(starts, at):
            row = rows[place - 1]
            numbers = found.setdefault(row.id, [0, 0, 0])
            since = at - int(row.first_sent)
            for index, length in enumerate((None, queries.DAY_MS, queries.WEEK_MS)):
                numbers[index] += length is None or since < length
    return {issue: tuple(numbers) for issue, numbers in found.items()}


def _cadence(moments: Sequence[datetime], zone: tzinfo | None) -> Cadence:
    if not moments:
        return Cadence(0)
    local = [moment.astimezone(zone) for moment in moments]
    weeks: Counter[date] = Counter(start_of(moment.date(), "week") for moment in local)
    weekdays = Counter(moment.weekday() for moment in local)
    hours = Counter(moment.hour for moment in local)
    pauses = [(later - earlier, earlier, later) for earlier, later in pairwise(moments)]
    longest = max(pauses, key=lambda pause: pause[0], default=None)
    return Cadence(
        issues=len(moments),
        weeks=tuple((week, weeks[week]) for week in periods(local[0].date(), local[-1].date(), "week")),
        gap_days=gap_of(moments),
        longest=longest[1:] if longest else None,
        weekdays=tuple(weekdays[day] for day in range(7)),
        hours=tuple(hours[hour] for hour in range(24)),
    )


# --- the list ---------------------------------------------------------------------------------------------------------


def _readers(db: sa.Connection, last: SentIssue | None, now: datetime) -> Readers:
    issue, plan = (last.id, last.plan) if last is not None else (0, 0)
    domains = queries.readers_by(db, "domain", issue, plan)
    languages = queries.readers_by(db, "language", issue, plan)
    by_days = queries.readers_by_days(db, stamp_of(now), issue, plan)
    named = [
        Share(domain, number)
        for domain, number in domains.items()
        if number >= LEAST or provider_of(domain) is not None
    ]
    shown = tuple(sorted(named, key=_weight)[:DOMAINS])
    total = sum(domains.values())
    return Readers(
        total=total,
        domains=shown,
        other_domains=len(domains) - len(shown),
        others=total - sum(share.number for share in shown),
        languages=tuple(sorted((Share(name, number) for name, number in languages.items()), key=_weight)),
        ages=ages_of(by_days),
        median_days=median_of(by_days),
    )


def _weight(share: Share) -> tuple[int, str]:
    return -share.number, share.name
