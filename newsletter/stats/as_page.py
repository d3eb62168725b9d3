"""The numbers as one self-contained HTML page: plots in inline SVG, a table beside each, no script, no person.

The layout is templates/stats/page.html.j2, in the report's style. Jinja2 escapes everything; subjects and domains come
from outside, so that their control characters are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta, tzinfo

import jinja2

from newsletter.files import package_folder
from newsletter.stats.figures import REFUSALS, Growth, IssueNumbers, Share, Stats
from newsletter.stats.periods import Period
from newsletter.stats.plots import Column, Plot, area, columns
from newsletter.stats.wording import (
    REFUSAL_WORDS,
    WEEKDAYS,
    day_name,
    days,
    known_ages,
    language_name,
    period_name,
    period_of,
    rhythm,
    signed,
)
from newsletter.text import counted, percent, printable

ISSUES = 400
"""Issues that the table has, the newest; a year of a daily newsletter. The plots have as many."""

_LINKS = 30
_LONGEST = 160


def stats_page(stats: Stats, zone: tzinfo | None, name: str) -> str:
    """The page. `name` is the newsletter's; `zone` None is the machine's own."""
    folders = [package_folder("templates", "stats"), package_folder("templates", "report")]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("page.html.j2").render(_content(stats, zone, name))


def _content(stats: Stats, zone: tzinfo | None, name: str) -> dict[str, object]:
    readers = stats.readers
    issues = stats.issues[-ISSUES:]
    local = stats.made.astimezone(zone)
    return {
        "name": _shown(name),
        "tiles": _tiles(stats, local.date()),
        "age": f"Half of the readers are on the list for {days(readers.median_days)} or less."
        if readers.median_days
        else "",
        "growth": _growth(stats),
        "delivery": _delivery(issues, zone),
        "hidden_issues": len(stats.issues) - len(issues),
        "refusals": _shares(
            [
                Share(words, sum(row.refused.get(kind, 0) for row in stats.issues))
                for kind, words in REFUSAL_WORDS.items()
            ]
        ),
        "rhythm": rhythm(stats.cadence, zone),
        "cadence": _cadence(stats),
        "weekdays": _shares(
            [Share(day, number) for day, number in zip(WEEKDAYS, stats.cadence.weekdays, strict=True)], keep=True
        )
        if stats.cadence.issues
        else (),
        "domains": _shares(
            [*readers.domains, *([Share(_others(readers.other_domains), readers.others)] if readers.others else [])],
            readers.total,
        ),
        "languages": _shares([Share(language_name(share.name), share.number) for share in readers.languages])
        if any(share.name for share in readers.languages)
        else (),
        "ages": _shares(readers.ages, known_ages(readers.ages), keep=True),
        "unknown_age": readers.total - known_ages(readers.ages),
        "links": _links(stats),
        "sections": _shares([Share(share.name or "Before any section", share.number) for share in stats.sections]),
        "made": f"Made from the ledger on {local.day} {local:%B %Y}, {local:%H:%M %Z}".rstrip()
        + "; days begin in that zone. Nothing on this page is about a single reader.",
    }


def _shown(text: str, longest: int = _LONGEST) -> str:
    safe = "".join(char if char in "\u200c\u200d" else printable(char) for char in text[:longest])
    return safe if len(text) <= longest else f"{safe}…"


def _others(number: int) -> str:
    return counted(number, "other domain")


def _tiles(stats: Stats, today: date) -> tuple[tuple[str, str, str], ...]:
    """Name, number, and what stands beneath it."""
    total = stats.total
    month = next((row for row in stats.months if row.start == today.replace(day=1)), Growth(today))
    sent = sum(row.sent for row in stats.issues)
    last = today - timedelta(days=30)
    recent = sum(1 for row in stats.issues if row.first_sent.date() >= last and not row.is_erratum)
    return (
        ("Readers", f"{stats.readers.total:,}", f"{signed(month.net)} this month" if stats.months else ""),
        ("Joined", f"{total.joined:,}", f"{month.joined:,} this month" if total.joined else ""),
        ("Lost", f"{total.lost:,}", f"{month.lost:,} this month" if total.lost else ""),
        ("Issues", f"{stats.cadence.issues:,}", f"{recent:,} in 30 days" if stats.cadence.issues else ""),
        ("Mails sent", f"{sent:,}", ""),
    )


def _growth(stats: Stats) -> dict[str, object]:
    period: Period = period_of(stats)
    rows = stats.months if period == "month" else stats.weeks
    drawn = [
        Column(
            period_name(row.start, period),
            f"{row.start:%b}" if period == "month" and row.start.month > 1 else period_short(row.start, period),
            (("joined", row.joined),),
            (("left", row.left), ("bounced", row.bounced), ("spam", row.complained), ("by hand", row.removed)),
        )
        for row in rows
    ]
    return {
        "period": "Month" if period == "month" else "Week of",
        "plot": columns(drawn, f"Above the line who joined, below it who was lost, by {period}"),
        "rows": [
            {
                "name": period_name(row.start, period),
                "numbers": (row.joined, row.left, row.bounced, row.complained, row.removed),
                "net": signed(row.net),
            }
            for row in reversed(rows)
        ],
        "nobody_joined": bool(rows) and not stats.total.joined,
    }


def period_short(start: date, period: Period) -> str:
    """Below a plot: a year where it begins, else the month or the Monday."""
    return f"{start:%Y}" if period == "month" else f"{start.day} {start:%b}"


def _delivery(issues: Sequence[IssueNumbers], zone: tzinfo | None) -> dict[str, object]:
    names = [(_shown(row.subject or row.issue), _short_day(row, zone)) for row in issues]
    trouble = [
        Column(
            f"{short}, {name}",
            short,
            (
                ("unsubscribed in a week", row.week),
                ("refused", row.refusals),
                ("bounced later", row.returned),
                ("spam", row.complaints),
            ),
        )
        for (name, short), row in zip(names, issues, strict=True)
    ]
    return {
        "sent": area(names, [row.sent for row in issues], "sent", "Mails sent, issue by issue"),
        "trouble": columns(trouble, "Unsubscribed, refused, bounced and reported as spam, by issue"),
        "has_votes": any(row.up or row.down for row in issues),
        "has_clicks": any(row.clicks is not None for row in issues),
        "rows": [
            {
                "day": day_name(row.first_sent, zone),
                "name": name,
                "row": row,
                "refused": ", ".join(
                    f"{row.refused[kind]:,} {REFUSAL_WORDS[kind]}" for kind in REFUSALS if row.refused.get(kind)
                ),
                "share": percent(row.sent, row.audience - row.suppressed),
            }
            for (name, _), row in reversed([*zip(names, issues, strict=True)])
        ],
    }


def _short_day(row: IssueNumbers, zone: tzinfo | None) -> str:
    local = row.first_sent.astimezone(zone)
    return f"{local.day} {local:%b}"


def _cadence(stats: Stats) -> Plot | None:
    weeks = stats.cadence.weeks
    if len(weeks) < 2:
        return None
    given = [
        Column(f"Week of {period_name(start, 'week')}", period_short(start, "week"), (("issues", number),))
        for start, number in weeks
    ]
    return columns(given, "Issues by week")


def _shares(shares: Sequence[Share], whole: int = 0, *, keep: bool = False) -> tuple[dict[str, object], ...]:
    """Rows with a bar each, of the largest; without those of nobody unless `keep`."""
    whole = whole or sum(share.number for share in shares)
    top = max((share.number for share in shares), default=0)
    if not top:
        return ()
    return tuple(
        {
            "name": _shown(share.name),
            "number": share.number,
            "share": percent(share.number, whole) if share.number else "",
            "width": round(100 * share.number / top, 2),
        }
        for share in shares
        if share.number or keep
    )


def _links(stats: Stats) -> tuple[dict[str, object], ...]:
    best = sorted(stats.links, key=lambda link: (-link.clicks, link.issue, link.number))[:_LINKS]
    top = max((link.clicks for link in best), default=0)
    return tuple(
        {
            "address": _shown(link.address),
            "issue": _shown(link.issue),
            "section": _shown(link.section),
            "number": link.clicks,
            "width": round(100 * link.clicks / top, 2),
        }
        for link in best
        if link.clicks
    )
