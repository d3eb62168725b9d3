"""Phrases shared by the report's text and page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, tzinfo

from newsletter.ledger.ledger import Delivery, Run
from newsletter.model.delivery import State
from newsletter.report.read import IssueReport


def at(moment: datetime, zone: tzinfo | None, form: str = "%Y-%m-%d %H:%M:%S %Z") -> str:
    """A time for display; `zone` None is the machine's own."""
    return moment.astimezone(zone).strftime(form).rstrip()


def took(length: timedelta) -> str:
    """A duration in words: two units at most."""
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, name, smaller, small_name in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole} s"


def pace(per_second: float) -> str:
    """A rate in a unit that gives a readable number."""
    per_minute = 60 * per_second
    number, unit = (
        (per_second, "a second")
        if per_second >= 1
        else (per_minute, "a minute")
        if per_minute >= 1
        else (60 * per_minute, "an hour")
    )
    return f"{number:,.{0 if number >= 10 else 1}f} {unit}"


def ending(run: Run) -> str:
    """Why a run ended."""
    if run.ended is None:
        return "no end noted: still running, or killed"
    return {"": "everyone who was due was tried", "error": "an error ended it"}.get(run.reason, run.reason)


def last_words(recipient: Delivery) -> str:
    """The last reply to a recipient's mail, or why there is none."""
    if not recipient.stage:
        return "under way" if recipient.state in (State.CLAIMED, State.COMMITTING) else "not tried yet"
    return f"{recipient.code or ''} {recipient.reply}".strip()


def own_words(text: str, enhanced: str, longest: int) -> str:
    """A server's text without its code, truncated."""
    words = text.removeprefix(enhanced).strip()
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def left_out(reasons: Mapping[str, int]) -> str:
    """How many recipients are suppressed, by reason, in words."""
    return ", ".join(f"{number:,} {reason}" for reason, number in reasons.items())


def notices(report: IssueReport) -> Iterator[str]:
    """Remarks beside the numbers, a sentence each."""
    yield from report.faults
    if report.underway:
        yield (
            f"{report.underway:,} of those who are left are under way: a run is sending, or was killed; the next run "
            "settles which of them are provably unsent."
        )
    if report.gone:
        yield f"{report.gone:,} of those who are left have left the list since, and are not mailed."
    if len(report.versions) > 1:
        yield f"The issue was changed after some got it: what is sent now is its version {len(report.versions)}."
    for erratum in report.errata:
        yield f"A correction was sent to those who have an older version: newsletter report {erratum}."


def remedies(report: IssueReport) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """What to do about the uncertain, the remaining and the refused: commands, and what each does."""
    issue = report.issue
    if report.uncertain.count:
        resend = (f"newsletter resolve {issue} --resend", "mails the uncertain again; some may get it twice")
        assume = (f"newsletter resolve {issue} --assume-sent", "counts them as sent; some may never get it")
        yield "uncertain", (resend, assume)
    if report.left.count:
        what = "goes on with those who are left" if report.tally.tried else "sends it to everyone who was planned for"
        yield "left", ((f"newsletter resume {issue}", what),)
    if report.refused.count:
        again = "tries the refused once more; only when the cause is mended"
        yield "refused", ((f"newsletter retry {issue} --failed", again),)
