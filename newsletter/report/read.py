"""The account of an issue, read from the ledger: who has it, who has not and why, and how the sending went.

`read_report` asks the ledger; the rest is pure. `report_text` and `report_page` show the same report to people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import chain, islice
from types import MappingProxyType
from typing import Any

from newsletter.ledger.ledger import Delivery, Ledger, Run, Version
from newsletter.ledger.queries import DomainRow, ReplyRow, TimelineRow
from newsletter.model.delivery import State
from newsletter.report.reply_meanings import meaning_of, remedy_of
from newsletter.report.timeline import SHOWN, Timeline, chart_of, has_pauses

LISTED = 200
"""People of each kind whom a report names; it counts all of them, and `newsletter status` names them."""

DOMAINS, REPLIES, RUNS = 20, 30, 20
"""Rows of a table; what is beyond them is summed up. Of runs, the last ones."""

RATE_FROM = 100
"""A send to fewer is over before its speed says anything."""

_ROWS, _FINE_ROWS = 10_000, 50_000
"""Spans to ask the ledger for: many for each bar of the chart, and more where most of them lie in a pause."""

_UNTRIED = (State.PENDING, State.CLAIMED, State.COMMITTING)

UNNAMED = "(not noted)"
"""Where the ledger does not say which relay it was."""

WORDS: Mapping[State, str] = MappingProxyType(
    {
        State.SENT: "sent",
        State.DEFERRED: "deferred",
        State.REJECTED: "refused",
        State.UNCERTAIN: "uncertain",
    }
)
"""The outcomes in the words that people read."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many people stand where. `deferred` were told "later", `untried` were told nothing; both are left.

    `suppressed` must not be mailed: they left, bounced, or paused.
    """

    sent: int = 0
    refused: int = 0
    deferred: int = 0
    untried: int = 0
    uncertain: int = 0
    suppressed: int = 0

    @classmethod
    def of(cls, counts: Mapping[State, int]) -> Tally:
        return cls(
            sent=counts.get(State.SENT, 0),
            refused=counts.get(State.REJECTED, 0),
            deferred=counts.get(State.DEFERRED, 0),
            untried=sum(counts.get(state, 0) for state in _UNTRIED),
            uncertain=counts.get(State.UNCERTAIN, 0),
            suppressed=counts.get(State.SUPPRESSED, 0),
        )

    @property
    def left(self) -> int:
        return self.deferred + self.untried

    @property
    def audience(self) -> int:
        return self.mailable + self.suppressed

    @property
    def mailable(self) -> int:
        return self.sent + self.refused + self.left + self.uncertain

    @property
    def tried(self) -> int:
        return self.mailable - self.untried


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the people, by what they have in common: a domain, a relay."""

    name: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Domains:
    """The largest domains, and what is beyond them: how many, and the people of all of these."""

    shown: tuple[Group, ...]
    others: int
    rest: Tally


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that `count` people got. `words` is one of them verbatim; `code` 0 and `enhanced` "" where none was.

    `remedy` is what the sender can do about it, empty where that is nothing.
    """

    state: State
    stage: str
    code: int
    enhanced: str
    meaning: str
    count: int
    words: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """Everyone of a kind is counted, the first `LISTED` are named."""

    count: int
    shown: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class IssueReport:
    """All that a report says. Times are UTC; `first` and `last` are of the answers that stand, None before any.

    Of those who are left, a run has `underway` in hand, or had, and `gone` are no longer on the list.
    `suppressed` has how many must not be mailed for which reason. `running` is how long the runs that ended took.
    `relays` has two or more, or none; `other_replies` the number of kinds and people beyond `replies`. `faults` are
    sentences on numbers that should be equal and are not.
    """

    issue: str
    subject: str
    tally: Tally
    underway: int
    gone: int
    suppressed: Mapping[str, int]
    first: datetime | None
    last: datetime | None
    versions: tuple[Version, ...]
    errata: tuple[str, ...]
    runs: tuple[Run, ...]
    timeline: Timeline | None
    domains: Domains
    relays: tuple[Group, ...]
    replies: tuple[Reply, ...]
    other_replies: tuple[int, int]
    refused: People
    left: People
    uncertain: People
    faults: tuple[str, ...]

    @property
    def running(self) -> timedelta:
        return sum((run.ended - run.started for run in self.runs if run.ended), timedelta())

    @property
    def rate(self) -> float | None:
        """People who got it, for each second of the runs. None where they were too few, or a run has no end."""
        seconds = self.running.total_seconds()
        known = self.runs and all(run.ended for run in self.runs)
        return self.tally.sent / seconds if known and seconds and self.tally.sent >= RATE_FROM else None


# --- reading --------------------------------------------------------------------------------------------------------


def read_report(ledger: Ledger, issue: str) -> IssueReport:
    """The report of an issue that the ledger knows."""
    issues = ledger.issues()
    row = next(row for row in issues if row.issue == issue)
    tally = Tally.of(row.counts)
    spans = ledger.timeline(issue, _ROWS)
    if has_pauses(spans):
        spans = ledger.timeline(issue, _FINE_ROWS)
    domains = ledger.by_domain(issue, max(tally.audience, 1))
    replies = ledger.by_reply(issue)
    timeline = chart_of(spans)
    counted = {
        "by domain": (sum(domain.total for domain in domains), tally.audience),
        "over time": (sum(bar.total for bar in timeline.bars) if timeline else 0, tally.tried),
        "by reply": (sum(reply.number for reply in replies), tally.tried),
    }
    return IssueReport(
        issue=issue,
        subject=row.subject,
        tally=tally,
        gone=tally.left - Tally.of(ledger.counts(issue, planned=True)).left,
        suppressed=ledger.suppressed(issue),
        underway=row.counts[State.CLAIMED] + row.counts[State.COMMITTING],
        first=spans[0].start if spans else None,
        last=_last(spans) if spans else None,
        versions=ledger.versions(issue),
        errata=tuple(other.issue for other in issues if other.issue.startswith(f"{issue}+erratum-")),
        runs=ledger.runs(issue),
        timeline=timeline,
        domains=_domains(domains),
        relays=_relays(ledger.by_relay(issue)),
        replies=tuple(_reply(reply) for reply in replies[:REPLIES]),
        other_replies=(len(replies[REPLIES:]), sum(reply.number for reply in replies[REPLIES:])),
        refused=_people(tally.refused, ledger.rows(issue, State.REJECTED)),
        left=_people(tally.left, chain(ledger.rows(issue, State.DEFERRED), ledger.rows(issue, *_UNTRIED))),
        uncertain=_people(tally.uncertain, ledger.rows(issue, State.UNCERTAIN)),
        faults=tuple(
            f"{found:,} counted {how}, {wanted:,} in all: a run is writing; look again when it has ended."
            for how, (found, wanted) in counted.items()
            if found != wanted
        ),
    )


def _last(spans: Sequence[TimelineRow]) -> datetime:
    """The time of the last answer: equal spans reach from the first to it. Exact to a millisecond."""
    first, last = spans[0].start, spans[-1].start
    before_last = (last - first) // timedelta(milliseconds=1)
    span = -(-before_last // (len(spans) - 1))
    return last + timedelta(milliseconds=max(span - 1, 0))


def _domains(rows: Sequence[DomainRow]) -> Domains:
    rest: Counter[State] = Counter()
    for row in rows[DOMAINS:]:
        rest.update(row.counts)
    shown = tuple(Group(row.domain, Tally.of(row.counts)) for row in rows[:DOMAINS])
    return Domains(shown, len(rows[DOMAINS:]), Tally.of(rest))


def _relays(found: Mapping[str, Mapping[State, int]]) -> tuple[Group, ...]:
    groups = [Group(lane, Tally.of(counts)) for lane, counts in found.items()]
    named = sum(1 for group in groups if group.name)
    return tuple(sorted(groups, key=lambda group: (-group.tally.audience, group.name))) if named > 1 else ()


def _reply(row: ReplyRow) -> Reply:
    meaning = meaning_of(row.state, row.stage, row.code, row.enhanced, row.example)
    remedy = remedy_of(row.state, row.code, row.enhanced, row.example)
    return Reply(row.state, row.stage, row.code, row.enhanced, meaning, row.number, row.example, remedy)


def _people(count: int, rows: Iterator[Delivery]) -> People:
    return People(count, tuple(islice(rows, LISTED)) if count else ())


# --- words that the text and the page share -------------------------------------------------------------------------


def at(moment: datetime, zone: tzinfo | None, form: str = "%Y-%m-%d %H:%M:%S %Z") -> str:
    """A time as people read it; `zone` None is the machine's own."""
    return moment.astimezone(zone).strftime(form).rstrip()


def took(length: timedelta) -> str:
    """A length of time as people say it: two units at most."""
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
    """A rate in the unit that gives a number worth reading."""
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


def last_words(person: Delivery) -> str:
    """The last answer that somebody's mail got, or why there is none."""
    if not person.stage:
        return "under way" if person.state in (State.CLAIMED, State.COMMITTING) else "not tried yet"
    return f"{person.code or ''} {person.reply}".strip()


def own_words(text: str, enhanced: str, longest: int) -> str:
    """A server's words without the code that stands beside them, shortened."""
    words = text.removeprefix(enhanced).strip()
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def share(part: int, whole: int) -> str:
    """A percentage that is 100 only where it is all of them, and 0 only where it is nobody."""
    if not whole:
        return ""
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %" if 0 < percent < 100 else f"{percent:.0f} %"


def left_out(reasons: Mapping[str, int]) -> str:
    """How many must not be mailed for which reason, in words."""
    return ", ".join(f"{number:,} {reason}" for reason, number in reasons.items())


def notices(report: IssueReport) -> Iterator[str]:
    """What a person should know beside the numbers, a sentence each."""
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
    """What can be done about the uncertain, the left and the refused: commands, and what each does."""
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


# --- JSON -----------------------------------------------------------------------------------------------------------


def report_json(report: IssueReport) -> dict[str, Any]:
    """The report for a program: every number that the page shows. Times are UTC in ISO 8601, lengths seconds."""
    timeline = report.timeline
    others, people = report.other_replies
    return {
        "issue": report.issue,
        "subject": report.subject,
        "first": _iso(report.first),
        "last": _iso(report.last),
        "counts": _counts(report.tally),
        "underway": report.underway,
        "gone": report.gone,
        "suppressed": dict(report.suppressed),
        "notices": list(notices(report)),
        "rate_per_second": None if report.rate is None else round(report.rate, 3),
        "running_seconds": report.running.total_seconds(),
        "runs": [
            {
                "owner": run.owner,
                "started": _iso(run.started),
                "ended": _iso(run.ended),
                "seconds": (run.ended - run.started).total_seconds() if run.ended else None,
                "reason": run.reason,
            }
            for run in report.runs
        ],
        "versions": [
            {"version": v.number, "subject": v.subject, "since": _iso(v.since), "current": v.current}
            for v in report.versions
        ],
        "errata": list(report.errata),
        "timeline": {
            "bar_seconds": timeline.step.total_seconds() if timeline else None,
            "bars": [
                {"start": _iso(bar.start), **{WORDS[state]: bar.counts[i] for i, state in enumerate(SHOWN)}}
                for bar in (timeline.bars if timeline else ())
            ],
        },
        "domains": [{"domain": group.name, **_counts(group.tally)} for group in report.domains.shown],
        "other_domains": {"domains": report.domains.others, **_counts(report.domains.rest)},
        "relays": [{"relay": group.name, **_counts(group.tally)} for group in report.relays],
        "replies": [
            {
                "outcome": WORDS[reply.state],
                "stage": reply.stage,
                "code": reply.code,
                "enhanced": reply.enhanced,
                "meaning": reply.meaning,
                "remedy": reply.remedy,
                "count": reply.count,
                "example": reply.words,
            }
            for reply in report.replies
        ],
        "other_replies": {"kinds": others, "count": people},
        "uncertain": _named(report.uncertain),
        "refused": _named(report.refused),
        "left": _named(report.left),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="milliseconds") if moment else None


def _counts(tally: Tally) -> dict[str, int]:
    return {
        "audience": tally.audience,
        "sent": tally.sent,
        "refused": tally.refused,
        "left": tally.left,
        "deferred": tally.deferred,
        "untried": tally.untried,
        "uncertain": tally.uncertain,
        "suppressed": tally.suppressed,
    }


def _named(people: People) -> list[dict[str, Any]]:
    return [
        {
            "address": person.address,
            "state": person.state.value,
            "stage": person.stage,
            "code": person.code,
            "text": person.reply,
            "attempts": person.attempts,
            "updated": _iso(person.updated),
            "next_try": _iso(person.due_at),
        }
        for person in people.shown
    ]
