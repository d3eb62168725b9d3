"""Read the report of an issue from the ledger: who has it, who has not and why.

`read_report` queries the ledger; the rest is pure. `report_text` and `report_page` format the same report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from types import MappingProxyType

from newsletter.frozen import frozen
from newsletter.ledger.ledger import Delivery, Ledger, Run, Version
from newsletter.ledger.queries import DomainRow, ReplyRow, TimelineRow
from newsletter.model.delivery import State
from newsletter.report.reply_meanings import meaning_of, remedy_of
from newsletter.report.timeline import Timeline, chart_of, has_pauses

LISTED = 200
"""How many recipients of each kind a report lists; it counts all, and `newsletter status` lists all."""

DOMAINS, REPLIES, RUNS = 20, 30, 20
"""The most rows of each table; further ones are summed up. Of runs, the last ones."""

RATE_FROM = 100
"""Smaller sends are too short for a meaningful rate."""

_ROWS, _FINE_ROWS = 10_000, 50_000
"""How many spans to query: many per bar of the chart, and more if most of them are in a pause."""

_UNTRIED = (State.PENDING, State.CLAIMED, State.COMMITTING)

UNNAMED = "(not noted)"
"""The relay's name if the ledger has none."""

WORDS: Mapping[State, str] = MappingProxyType(
    {
        State.SENT: "sent",
        State.DEFERRED: "deferred",
        State.REJECTED: "refused",
        State.UNCERTAIN: "uncertain",
    }
)
"""The outcomes in words for readers."""


@frozen
class Tally:
    """The number of recipients per outcome. `deferred` got a 4xx, `untried` were not tried; both remain to be mailed.

    `suppressed` must not be mailed: unsubscribed, bounced, or paused.
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


@frozen
class Group:
    """Recipients with a common property: a domain, a relay."""

    name: str
    tally: Tally


@frozen
class Domains:
    """The largest domains, and the rest: the number of domains, and their recipients."""

    shown: tuple[Group, ...]
    others: int
    rest: Tally


@frozen
class Reply:
    """A reply that `count` recipients got. `words` is one of them verbatim; `code` 0 and `enhanced` "" if there was
    none.

    `remedy` is what the sender can do about it, empty if nothing.
    """

    state: State
    stage: str
    code: int
    enhanced: str
    meaning: str
    count: int
    words: str
    remedy: str = ""


@frozen
class People:
    """All recipients of a kind are counted, the first `LISTED` are listed."""

    count: int
    shown: tuple[Delivery, ...]


@frozen
class IssueReport:
    """The complete report. Times are UTC; `first` and `last` are those of the current outcomes, None before any.

    Of the remaining recipients, a run holds or held `underway`, and `gone` are no longer on the list. `suppressed`
    counts by reason. `running` is the total duration of ended runs. `relays` has two or more, or none; `other_replies`
    the number of replies and recipients beyond `replies`. `faults` are sentences about numbers that should be equal and
    are not.
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
        """Accepted messages per second of the runs. None if they were too few, or a run has no end."""
        seconds = self.running.total_seconds()
        known = self.runs and all(run.ended for run in self.runs)
        return self.tally.sent / seconds if known and seconds and self.tally.sent >= RATE_FROM else None


def read_report(ledger: Ledger, issue: str) -> IssueReport:
    """The report of an issue in the ledger."""
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
    """The time of the last outcome: the equal spans end there. Exact to a millisecond."""
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
    groups = [Group(relay, Tally.of(counts)) for relay, counts in found.items()]
    named = sum(1 for group in groups if group.name)
    return tuple(sorted(groups, key=lambda group: (-group.tally.audience, group.name))) if named > 1 else ()


def _reply(row: ReplyRow) -> Reply:
    meaning = meaning_of(row.state, row.stage, row.code, row.enhanced, row.example)
    remedy = remedy_of(row.state, row.code, row.enhanced, row.example)
    return Reply(row.state, row.stage, row.code, row.enhanced, meaning, row.number, row.example, remedy)


def _people(count: int, rows: Iterator[Delivery]) -> People:
    return People(count, tuple(islice(rows, LISTED)) if count else ())
