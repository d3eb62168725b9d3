"""The numbers of a simulated year against a count over its raw events, on both databases."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from simulated_year import MARK, REFUSED, Year

from newsletter.stats.as_csv import TABLES, stats_csv
from newsletter.stats.as_json import stats_json
from newsletter.stats.as_page import stats_page
from newsletter.stats.as_text import stats_text
from newsletter.stats.read import LEAST, read_stats

CHINA = ZoneInfo("Asia/Shanghai")
PROVIDERS = {"gmail.com", "qq.com"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def year(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """Lived once for all tests, which only read."""
    place: Path | str = tmp_path_factory.mktemp("year") / "newsletter.db"
    if request.param == "postgresql":
        place = request.getfixturevalue("postgres_server").emptied()
    made = Year(place)
    made.live()
    yield made
    made.close()


# --- the count over the events ----------------------------------------------------------------------------------------


class Reader:
    """What became of one of them, event by event."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, datetime]] = []
        self.reasons: dict[str, datetime] = {}
        self.left_by = ""

    def meet(self, what: str, at: datetime, issue: str) -> None:
        last = self.steps[-1][0] if self.steps else ""
        if what in ("join", "return"):
            if what == "join":
                self.reasons.clear()
            self.reasons.pop("unsubscribed", None)
            if last != "joined":
                self.steps.append(("joined", at))
        elif what == "leave":
            self.steps.append(("left", at))
            self.reasons["unsubscribed"], self.left_by = at, issue
        elif what == "restore":
            self.reasons.pop("removed")
        else:
            self.reasons.setdefault(
                {"hard": "bounced", "soft": "bounced", "complaint": "complained"}.get(what, "removed"), at
            )

    @property
    def moves(self) -> list[tuple[str, datetime]]:
        """When they joined and were lost."""
        if self.reasons and not (self.steps and self.steps[-1][0] == "left"):
            first = min(self.reasons, key=lambda reason: self.reasons[reason])
            return [*self.steps, (first, self.reasons[first])]
        return self.steps


def readers_of(year: Year) -> Mapping[str, Reader]:
    found: dict[str, Reader] = {}
    for event in year.events:
        if event.who not in year.forgotten:
            found.setdefault(event.who, Reader()).meet(event.what, event.at, event.issue)
    return found


def counted_growth(year: Year, zone: ZoneInfo, *, weekly: bool) -> Mapping[date, Counter[str]]:
    found: dict[date, Counter[str]] = {}
    for reader in readers_of(year).values():
        for what, at in reader.moves:
            day = at.astimezone(zone).date()
            start = day - timedelta(days=day.isoweekday() - 1) if weekly else date(day.year, day.month, 1)
            found.setdefault(start, Counter())[what] += 1
    return found


# --- against the numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [ZoneInfo("UTC"), CHINA, ZoneInfo("America/New_York")], ids=str)
def test_growth_is_what_the_events_say(year: Year, zone: ZoneInfo) -> None:
    stats = read_stats(year.ledger.storage, zone, year.now)
    for rows, weekly in ((stats.months, False), (stats.weeks, True)):
        counted = counted_growth(year, zone, weekly=weekly)
        assert sum(map(Counter.total, counted.values())) > 80  # a year in which much happened
        found = {
            row.start: Counter(
                joined=row.joined, left=row.left, bounced=row.bounced, complained=row.complained, removed=row.removed
            )
            for row in rows
        }
        assert {start: +each for start, each in found.items() if +each} == counted
        starts = [row.start for row in rows]
        assert starts == sorted(set(starts))
        assert starts[-1] <= year.now.astimezone(zone).date() < starts[-1] + timedelta(days=7 if weekly else 31)
        assert all(row.net == row.joined - row.left - row.bounced - row.complained - row.removed for row in rows)


def test_each_issue_has_its_numbers(year: Year) -> None:
    stats = read_stats(year.ledger.storage, UTC, year.now)
    assert [row.issue for row in stats.issues] == sorted(year.first_sent)
    readers = readers_of(year)
    starts = sorted((at, issue) for issue, at in year.first_sent.items())
    lefts: list[tuple[str, timedelta]] = []
    for reader in readers.values():
        if (at := reader.reasons.get("unsubscribed")) is not None:
            before = [issue for start, issue in starts if start <= at]
            issue = reader.left_by or before[-1]
            lefts.append((issue, at - year.first_sent[issue]))
    assert lefts
    for row in stats.issues:
        outcomes = Counter(what for (issue, _), what in year.outcomes.items() if issue == row.issue)
        assert row.sent == outcomes["sent"]
        assert {kind: row.refused.get(kind, 0) for kind in REFUSED} == {kind: outcomes[kind] for kind in REFUSED}
        assert (row.waiting, row.uncertain) == (outcomes["deferred"], outcomes["uncertain"])
        assert row.suppressed == outcomes["suppressed"]
        assert row.audience == len(year.lists[row.issue]) == outcomes.total()
        came = {what: {e.who for e in year.events if e.issue == row.issue and e.what == what} for what in BOUNCED}
        kept = {what: who - year.forgotten for what, who in came.items()}
        assert row.complaints == len(kept["complaint"])
        assert row.returned == len(kept["hard"] | kept["soft"])
        mine = [since for issue, since in lefts if issue == row.issue]
        assert row.unsubscribed == len(mine)
        assert row.day == sum(since < timedelta(days=1) for since in mine)
        assert row.week == sum(since < timedelta(days=7) for since in mine)
        assert (row.up, row.down) == (year.votes[row.issue, "up"], year.votes[row.issue, "down"])
    assert sum(row.returned for row in stats.issues)
    assert sum(row.week for row in stats.issues) > sum(row.day for row in stats.issues) > 0


BOUNCED = ("hard", "soft", "complaint")


def test_the_rhythm_is_that_of_the_issues(year: Year) -> None:
    cadence = read_stats(year.ledger.storage, CHINA, year.now).cadence
    local = sorted(at.astimezone(CHINA) for at in year.first_sent.values())
    gaps = sorted((later - earlier).total_seconds() / 86_400 for earlier, later in pairwise(local))
    middle = len(gaps) // 2
    assert cadence.issues == len(local)
    assert cadence.gap_days == pytest.approx(gaps[middle] if len(gaps) % 2 else (gaps[middle - 1] + gaps[middle]) / 2)
    assert cadence.longest is not None
    assert (cadence.longest[1] - cadence.longest[0]).total_seconds() / 86_400 == pytest.approx(gaps[-1])
    assert cadence.weekdays == tuple(sum(at.isoweekday() == day for at in local) for day in range(1, 8))
    assert cadence.hours == tuple(sum(at.hour == hour for at in local) for hour in range(24))
    assert sum(number for _, number in cadence.weeks) == len(local)
    assert 0 in {number for _, number in cadence.weeks}  # the weeks of the pauses are there


def test_the_readers_are_those_who_are_mailed(year: Year) -> None:
    readers = read_stats(year.ledger.storage, UTC, year.now).readers
    known = readers_of(year)
    last = max(year.first_sent, key=lambda issue: year.first_sent[issue])
    joined = {who for who, reader in known.items() if reader.steps and reader.steps[-1][0] == "joined"}
    on_list = {who for who in (*year.lists[last], *joined) if who not in year.forgotten}
    mine = {who for who in on_list if who not in known or not known[who].reasons}
    assert readers.total == len(mine) > LEAST
    domains = Counter(who.partition("@")[2] for who in mine)
    named = {domain: number for domain, number in domains.items() if number >= LEAST or domain in PROVIDERS}
    assert {share.name: share.number for share in readers.domains} == named
    assert readers.others == len(mine) - sum(named.values())
    assert readers.other_domains == len(domains) - len(named)
    languages = Counter(year.languages.get(who, "") for who in mine)
    assert {share.name: share.number for share in readers.languages} == +languages
    ages = sorted((year.now - year.confirmed[who]).days for who in mine if who in year.confirmed)
    assert readers.median_days == ages[(len(ages) - 1) // 2]
    assert sum(share.number for share in readers.ages) == len(ages)
    assert next(share.number for share in readers.ages if share.name == "1 to 3 months") == sum(
        30 <= age < 91 for age in ages
    )


def test_no_output_names_a_reader(year: Year) -> None:
    stats = read_stats(year.ledger.storage, UTC, year.now)
    outputs = [
        json.dumps(stats_json(stats)),
        stats_page(stats, UTC, "A newsletter"),
        "\n".join(stats_text(stats, UTC)),
        *(stats_csv(stats, table) for table in TABLES),
    ]
    for output in outputs:
        assert MARK not in output


def test_a_spreadsheet_gets_the_same_numbers(year: Year) -> None:
    stats = read_stats(year.ledger.storage, UTC, year.now)
    rows = list(csv.DictReader(io.StringIO(stats_csv(stats, "issues"))))
    assert [int(row["sent"]) for row in rows] == [each.sent for each in stats.issues]
    assert [int(row["refused"]) for row in rows] == [each.refusals for each in stats.issues]
    months = list(csv.DictReader(io.StringIO(stats_csv(stats, "months"))))
    assert [int(row["net"]) for row in months] == [each.net for each in stats.months]
