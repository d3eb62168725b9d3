"""The numbers as lines for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from newsletter.stats.figures import Growth, IssueNumbers, Share, Stats
from newsletter.stats.wording import (
    REFUSAL_WORDS,
    day_name,
    days,
    known_ages,
    language_name,
    period_name,
    period_of,
    rhythm,
    signed,
)
from newsletter.text import counted, percent
from newsletter.text_table import shortened, text_table

WIDTH = 80
_PERIODS, _ISSUES, _SHARES, _LINKS = 12, 10, 8, 10
_BAR = 20


def stats_text(stats: Stats, zone: tzinfo | None) -> Iterator[str]:
    """What the page says, in short: the last months and issues, the largest domains. Times in `zone`."""
    yield from _wrapped(_head(stats))
    yield from _wrapped(rhythm(stats.cadence, zone))
    yield from _growth(stats)
    yield from _issues(stats.issues, zone)
    yield from _refusals(stats.issues)
    readers = stats.readers
    domains = [*readers.domains[:_SHARES]]
    rest = readers.total - sum(share.number for share in domains)
    others = [Share("others", rest)] if rest else []
    yield from _shares("Domain", "Readers", [*domains, *others], readers.total)
    if any(share.name for share in readers.languages):
        named = [Share(language_name(share.name), share.number) for share in readers.languages[:_SHARES]]
        yield from _shares("Language", "Readers", named, readers.total)
    yield from _shares(
        "On the list for", "Readers", [each for each in readers.ages if each.number], known_ages(readers.ages)
    )
    yield from _links(stats)


def _head(stats: Stats) -> str:
    readers, total = stats.readers, stats.total
    age = f", half of them for {days(readers.median_days)} or less" if readers.median_days else ""
    said = f"{counted(readers.total, 'reader')}{age}."
    if stats.months:
        since = period_name(stats.months[0].start, "month")
        said += f" {total.joined:,} joined and {total.lost:,} were lost since {since}."
    return said


def _wrapped(sentence: str) -> Iterator[str]:
    line = ""
    for word in sentence.split(" "):
        if line and len(line) + 1 + len(word) > WIDTH:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line


def _number(number: int) -> str:
    return f"{number:,}" if number else ""


def _growth(stats: Stats) -> Iterator[str]:
    period = period_of(stats)
    rows: Sequence[Growth] = (stats.months if period == "month" else stats.weeks)[-_PERIODS:]
    heads = ("Month" if period == "month" else "Week of", "Joined", "Left", "Bounced", "Spam", "By hand", "Net")
    lines = [
        (
            period_name(row.start, period),
            *map(_number, (row.joined, row.left, row.bounced, row.complained, row.removed)),
            signed(row.net),
        )
        for row in rows
    ]
    yield from text_table(heads, lines, "lrrrrrr", width=WIDTH)


def _issues(issues: Sequence[IssueNumbers], zone: tzinfo | None) -> Iterator[str]:
    shown = issues[-_ISSUES:]
    if not shown:
        return
    has_votes = any(row.up or row.down for row in shown)
    has_clicks = any(row.clicks is not None for row in shown)
    heads = ["Sent on", "Issue", "Sent", "Refused", "Spam", "Left in", "a week"]
    align = "llrrrrr"
    if has_votes:
        heads += ["Up", "Down"]
        align += "rr"
    if has_clicks:
        heads.append("Clicks")
        align += "r"
    lines = []
    for row in shown:
        name = row.subject or row.issue
        numbers = [_number(number) for number in (row.sent, row.refusals, row.complaints, row.day, row.week)]
        if row.is_pruned:
            numbers[0] = "?"
        votes = [_number(row.up), _number(row.down)] if has_votes else []
        clicks = ["" if row.clicks is None else f"{row.clicks:,}"] if has_clicks else []
        lines.append([day_name(row.first_sent, zone), shortened(name, 40), *numbers, *votes, *clicks])
    heads[5:7] = ["Left: day", "week"]
    yield from text_table(heads, lines, align, width=WIDTH)
    if len(issues) > len(shown):
        yield f"… and {counted(len(issues) - len(shown), 'issue')} before; --html and --json have all of them."


def _refusals(issues: Sequence[IssueNumbers]) -> Iterator[str]:
    found = [Share(words, sum(row.refused.get(kind, 0) for row in issues)) for kind, words in REFUSAL_WORDS.items()]
    found = [share for share in found if share.number]
    yield from _shares("Refused for", "Times", found, sum(share.number for share in found))


def _shares(name: str, head: str, shares: Sequence[Share], whole: int) -> Iterator[str]:
    top = max((share.number for share in shares), default=0)
    lines = [
        (share.name, f"{share.number:,}", percent(share.number, whole), "▇" * max(round(_BAR * share.number / top), 1))
        for share in shares
    ]
    yield from text_table((name, head, "", ""), lines, "lrrl", width=WIDTH)


def _links(stats: Stats) -> Iterator[str]:
    if not stats.links:
        return
    best = sorted(stats.links, key=lambda link: (-link.clicks, link.issue, link.number))[:_LINKS]
    lines = [(f"{link.clicks:,}", link.address, link.section) for link in best if link.clicks]
    yield from text_table(("Clicks", "Link", "Section"), lines, "rll", width=WIDTH)
    whole = sum(share.number for share in stats.sections)
    sections = [Share(share.name or "before any section", share.number) for share in stats.sections if share.number]
    yield from _shares("Section", "Clicks", sections[:_SHARES], whole)
