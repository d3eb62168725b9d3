"""The report as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import tzinfo

from newsletter.ledger.ledger import Run
from newsletter.report.read import UNNAMED, WORDS, IssueReport, Tally
from newsletter.report.wording import at, ending, last_words, left_out, notices, own_words, pace, remedies, took
from newsletter.text import counted, percent, printable
from newsletter.text_table import text_table, wrapped

_TEXT_DOMAINS, _TEXT_REPLIES, _TEXT_RUNS, _TEXT_PEOPLE = 10, 12, 5, 10
_WORDS_WIDTH = 48


_Section = tuple[Sequence[str], Sequence[Sequence[str]], str]
"""The arguments of `text_table`."""


def report_text(report: IssueReport, zone: tzinfo | None, width: int | None = None) -> Iterator[str]:
    """The report for a terminal: the page's content, in short. Times in `zone`, None being the machine's own.

    `width` is the terminal's, in cells; without one no line is broken. Control characters are escaped: much of this was
    written by servers and in lists.
    """
    yield from _fitted(report.issue, width)
    yield from _fitted(report.subject, width)
    for heads, rows, align in _sections(report, zone):
        yield from text_table(heads, rows, align, width=width or 0, wraps=True)


def _fitted(text: str, width: int | None) -> list[str]:
    return [printable(text)] if width is None else wrapped(printable(text), width)


def _sections(report: IssueReport, zone: tzinfo | None) -> Iterator[_Section]:
    yield (), [*_facts(report, zone)], "ll"
    yield (), [*_numbers(report)], "lrl"
    yield (), [(f"Note: {sentence}",) for sentence in notices(report)], "l"
    yield ("Run", "Started", "Took", "Ended because"), [*_run_lines(report.runs, zone)], "rlrl"
    if report.tally.tried:
        groups = [_line(group.name, group.tally) for group in report.domains.shown[:_TEXT_DOMAINS]]
        yield _groups("Domain", [*groups, *_rest_line(report)], report)
        yield _groups("Relay", [_line(group.name, group.tally) for group in report.relays], report)
        yield ("People", "Outcome", "Reply", "Meaning", "For example"), [*_reply_lines(report)], "rllll"
        yield (), [*_to_do(report)], "ll"
    if report.uncertain.count:
        people = [(recipient.address, last_words(recipient)) for recipient in report.uncertain.shown[:_TEXT_PEOPLE]]
        more = report.uncertain.count - len(people)
        yield ("Uncertain", ""), [*people, *([(f"… {more:,} more", "")] if more else [])], "ll"
    yield (), [command for _, commands in remedies(report) for command in commands], "fl"


def _facts(report: IssueReport, zone: tzinfo | None) -> Iterator[tuple[str, str]]:
    if report.first is None or report.last is None:
        yield "First", "nobody was mailed yet"
        return
    yield "First", at(report.first, zone)
    yield "Last", at(report.last, zone)
    if report.runs:
        yield "Runs", f"{len(report.runs):,}, {took(report.running)}{' in all' if len(report.runs) > 1 else ''}"
    if report.rate is not None:
        yield "Rate", pace(report.rate)


def _numbers(report: IssueReport) -> Iterator[tuple[str, str, str]]:
    tally = report.tally
    parts = [(tally.deferred, "put off"), (tally.untried, "not tried yet")]
    left = ", ".join(f"{number:,} {words}" for number, words in parts if number)
    yield "Audience", f"{tally.audience:,}", ""
    yield "Sent", f"{tally.sent:,}", percent(tally.sent, tally.audience)
    yield "Refused", f"{tally.refused:,}", percent(tally.refused, tally.audience) if tally.refused else ""
    yield "Left", f"{tally.left:,}", left
    yield "Uncertain", f"{tally.uncertain:,}", percent(tally.uncertain, tally.audience) if tally.uncertain else ""
    if tally.suppressed:
        yield "Suppressed", f"{tally.suppressed:,}", left_out(report.suppressed)


def _run_lines(runs: Sequence[Run], zone: tzinfo | None) -> Iterator[tuple[str, ...]]:
    for number, run in [*enumerate(runs, 1)][-_TEXT_RUNS:]:
        length = took(run.ended - run.started) if run.ended else ""
        yield str(number), at(run.started, zone, "%Y-%m-%d %H:%M:%S"), length, ending(run)


def _groups(name: str, rows: Sequence[Sequence[str]], report: IssueReport) -> _Section:
    """A table by a common property; the column of suppressed recipients only if there are any."""
    heads = (name, "People", "Sent", "Refused", "Left", "Uncertain", "Suppressed")
    columns = len(heads) if report.tally.suppressed else len(heads) - 1
    return heads[:columns], [row[:columns] for row in rows], "lrrrrrr"[:columns]


def _line(name: str, tally: Tally) -> tuple[str, ...]:
    numbers = (tally.audience, tally.sent, tally.refused, tally.left, tally.uncertain, tally.suppressed)
    return (name or UNNAMED, *(f"{number:,}" if number else "" for number in numbers))


def _rest_line(report: IssueReport) -> Iterator[tuple[str, ...]]:
    hidden = report.domains.shown[_TEXT_DOMAINS:]
    number = len(hidden) + report.domains.others
    if number:
        yield _line(f"… {number:,} more", sum_of([*(group.tally for group in hidden), report.domains.rest]))


def sum_of(tallies: Iterable[Tally]) -> Tally:
    each = [(t.sent, t.refused, t.deferred, t.untried, t.uncertain, t.suppressed) for t in tallies]
    return Tally(*map(sum, zip(*each, strict=True)))


def _to_do(report: IssueReport) -> Iterator[tuple[str, str]]:
    """The remedies for the sender's own faults, by reply."""
    for reply in report.replies[:_TEXT_REPLIES]:
        if reply.remedy:
            yield f"{reply.code or '-'} {reply.enhanced}".rstrip(), f"to do: {reply.remedy}"


def _reply_lines(report: IssueReport) -> Iterator[tuple[str, ...]]:
    for reply in report.replies[:_TEXT_REPLIES]:
        code = f"{reply.code or '-'} {reply.enhanced}".rstrip()
        words = own_words(reply.words, reply.enhanced, _WORDS_WIDTH)
        yield f"{reply.count:,}", WORDS[reply.state], code, reply.meaning, words
    hidden = report.replies[_TEXT_REPLIES:]
    kinds, people = report.other_replies
    if hidden or kinds:
        number = sum(reply.count for reply in hidden) + people
        yield f"{number:,}", "", "", f"… {counted(len(hidden) + kinds, 'more kind', 'more kinds')} of reply", ""
