"""The report of an issue, read from real ledgers: every person counted once, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from report_fixture import FULL, GONE, ISSUE, LOST, TAKEN, IssueLedger, cycle, people

from newsletter.cli.commands.report import report as report_command
from newsletter.ledger.database.timestamps import time_of
from newsletter.ledger.queries import TimelineRow
from newsletter.model.delivery import State
from newsletter.report.as_json import report_json
from newsletter.report.as_text import report_text
from newsletter.report.read import DOMAINS, LISTED, REPLIES, IssueReport, Tally
from newsletter.report.reply_meanings import meaning_of
from newsletter.report.timeline import FEWEST_OF_STRETCH, MOST_BARS, MOST_STRETCHES, chart_of
from newsletter.report.wording import pace, took
from newsletter.text import percent


@pytest.fixture
def book_of(tmp_path: Path) -> Iterator[Callable[..., IssueLedger]]:
    books: list[IssueLedger] = []

    def made(people: Iterable[str], **more: str) -> IssueLedger:
        books.append(IssueLedger(tmp_path / "newsletter.db", people, **more))
        return books[-1]

    yield made
    for ledger in books:
        ledger.store.close()


def text_of(report: IssueReport) -> list[str]:
    return list(report_text(report, ZoneInfo("Asia/Shanghai")))


# --- what is read ---------------------------------------------------------------------------------------------------


def test_every_table_adds_up_to_the_audience(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(120))
    ledger.run(cycle(TAKEN, GONE, FULL, LOST), most=100)
    report = ledger.report()
    assert report.tally == Tally(sent=25, refused=25, deferred=25, untried=20, uncertain=25)
    assert report.tally.audience == 120
    counts = ledger.store.counts(ISSUE)
    assert (counts[State.SENT], counts[State.PENDING]) == (25, 20)
    assert sum(group.tally.audience for group in report.domains.shown) == 120
    assert sum(reply.count for reply in report.replies) == report.tally.tried == 100
    assert report.timeline is not None
    assert sum(bar.total for bar in report.timeline.bars) == 100
    assert (report.refused.count, report.left.count, report.uncertain.count) == (25, 45, 25)
    assert report.faults == ()


def test_the_tables_are_cut_and_what_is_cut_is_summed_up(book_of: Callable[..., IssueLedger]) -> None:
    kinds = [(State.REJECTED, "RCPT", 550, f"5.1.{n} no") for n in range(REPLIES + 5)]
    ledger = book_of(people(700, domains=DOMAINS + 15))
    ledger.run(cycle(*kinds), batch=100)
    report = ledger.report()
    assert (len(report.domains.shown), report.domains.others) == (DOMAINS, 15)
    assert sum(group.tally.refused for group in report.domains.shown) + report.domains.rest.refused == 700
    assert len(report.replies) == REPLIES
    assert report.other_replies == (5, 700 - sum(reply.count for reply in report.replies))
    assert (report.refused.count, len(report.refused.shown)) == (700, LISTED)


def test_a_relay_is_named_only_where_there_was_another(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(9))
    ledger.run(most=4)
    assert ledger.report().relays == ()
    ledger.run(cycle(TAKEN, GONE), relay=lambda claim: "second")
    first, second = ledger.report().relays
    assert (first.name, second.name) == ("second", "relay")
    assert (first.tally, second.tally) == (Tally(sent=2, refused=3), Tally(sent=4))


def test_the_rate_is_of_the_time_that_runs_took(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(400))
    ledger.run(most=200, batch=10, seconds=2, reason="interrupted")
    ledger.clock.now += timedelta(days=1)
    ledger.run(batch=10, seconds=2)
    report = ledger.report()
    assert report.running == timedelta(seconds=80)
    assert report.rate == 5.0
    assert report.last is not None
    assert report.first is not None
    assert report.last - report.first > timedelta(days=1)


def test_there_is_no_rate_where_a_run_was_killed_or_few_were_mailed(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(300))
    ledger.run(most=50)
    assert ledger.report().rate is None
    ledger.run(most=150, ends=False)
    assert ledger.report().rate is None
    assert "no end noted: still running, or killed" in "\n".join(text_of(ledger.report()))


def test_what_a_person_should_know_is_said(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(10))
    ledger.run(most=4)
    ledger.list(people(7), content_hash="h2", subject="Daily, mended")
    ledger.store.accept_content(ISSUE, "h2", "Daily, mended")
    ledger.store.claim(ISSUE, 1)
    ledger.issue = f"{ISSUE}+erratum-2"
    ledger.list(people(4), subject="Daily, mended")
    ledger.issue = ISSUE
    report = ledger.report()
    notices = report_json(report)["notices"]
    assert (report.underway, report.gone) == (1, 3)
    assert [sentence.split(maxsplit=1)[0] for sentence in notices] == ["1", "3", "The", "A"]
    assert "version 2" in notices[2]
    assert f"newsletter report {ISSUE}+erratum-2" in notices[3]


def test_a_run_that_writes_meanwhile_is_told_of(
    book_of: Callable[..., IssueLedger], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = book_of(people(3))
    by_domain = ledger.store.by_domain

    def meanwhile(issue: str, limit: int = 1_000) -> object:
        ledger.list([*people(3), "new@d0.example"])
        return by_domain(issue, limit)

    monkeypatch.setattr(ledger.store, "by_domain", meanwhile)
    (fault,) = ledger.report().faults
    assert fault.startswith("4 counted by domain, 3 in all")


# --- JSON -----------------------------------------------------------------------------------------------------------


def test_json_has_every_number_and_is_stable(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(20), subject="日报")
    ledger.run(cycle(TAKEN, GONE, FULL, LOST))
    data = report_json(ledger.report())
    assert json.dumps(data) == json.dumps(report_json(ledger.report()))
    assert data["subject"] == "日报"
    assert data["counts"] == {
        "audience": 20,
        "sent": 5,
        "refused": 5,
        "left": 5,
        "deferred": 5,
        "untried": 0,
        "uncertain": 5,
        "suppressed": 0,
    }
    assert data["first"] == "2026-03-02T07:00:01.000+00:00"
    assert data["last"] == "2026-03-02T07:00:20.000+00:00"
    assert data["running_seconds"] == 20.0
    assert sum(bar["sent"] for bar in data["timeline"]["bars"]) == 5
    assert {entry["address"] for entry in data["uncertain"]} == {
        row.address for row in ledger.store.rows(ISSUE, State.UNCERTAIN)
    }
    assert data["refused"][0]["text"] == GONE[3]
    outcomes = {reply["outcome"]: reply for reply in data["replies"]}
    assert outcomes["refused"] == {
        "outcome": "refused",
        "stage": "RCPT",
        "code": 550,
        "enhanced": "5.1.1",
        "meaning": "The address does not exist",
        "remedy": "",
        "count": 5,
        "example": GONE[3],
    }


def test_json_of_an_issue_that_was_not_sent(book_of: Callable[..., IssueLedger]) -> None:
    data = report_json(book_of(people(3)).report())
    assert (data["first"], data["runs"], data["rate_per_second"]) == (None, [], None)
    assert data["timeline"] == {"bar_seconds": None, "bars": []}
    assert (data["counts"]["left"], data["counts"]["untried"]) == (3, 3)


# --- text -----------------------------------------------------------------------------------------------------------


def test_the_text_is_short_and_aligned(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(["ada@example.com", "ben@例子.中国", "cy@example.com"])
    ledger.run(lambda claim: GONE if claim.address.startswith("ben") else TAKEN)
    assert text_of(ledger.report()) == [
        "2026-03-02-daily",
        "Daily",
        "",
        "First  2026-03-02 15:00:01 CST",
        "Last   2026-03-02 15:00:03 CST",
        "Runs   1, 3.0 s",
        "",
        "Audience   3",
        "Sent       2  66.7 %",
        "Refused    1  33.3 %",
        "Left       0",
        "Uncertain  0",
        "",
        "Run  Started               Took  Ended because",
        "  1  2026-03-02 15:00:00  3.0 s  everyone who was due was tried",
        "",
        "Domain       People  Sent  Refused  Left  Uncertain",
        "example.com       2     2",
        "例子.中国         1              1",
        "",
        "People  Outcome  Reply      Meaning                     For example",
        "     2  sent     250        The relay took the message  2.0.0 Ok: queued as 4F2",
        "     1  refused  550 5.1.1  The address does not exist  no such user",
        "",
        "newsletter retry 2026-03-02-daily --failed  tries the refused once more; only when the cause is mended",
    ]


def test_the_text_names_the_uncertain_and_the_commands_that_settle_them(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(30))
    ledger.run(cycle(LOST))
    lines = text_of(ledger.report())
    assert lines.count("… 20 more") == 1
    assert f"newsletter resolve {ISSUE} --resend" in lines[-2]
    assert f"newsletter resolve {ISSUE} --assume-sent" in lines[-1]


def test_nothing_of_the_text_reaches_the_terminal_as_a_command(book_of: Callable[..., IssueLedger]) -> None:
    ledger = book_of(people(2), subject="\x1b[2J\u202eDaily\r\n")
    ledger.run(cycle((State.REJECTED, "RCPT", 550, "\x1b]0;pwned\x07 \ud800")), reason="\x1b[31m")
    assert all(line.isprintable() for line in text_of(ledger.report()))


def test_the_command_prints_text_or_json_or_writes_a_page(book_of: Callable[..., IssueLedger], tmp_path: Path) -> None:
    ledger = book_of(people(12))
    ledger.run()
    url = f"sqlite:///{tmp_path / 'newsletter.db'}"
    text = CliRunner().invoke(report_command, [f"posts/{ISSUE}.md", "--ledger", url], catch_exceptions=False)
    assert text.output.startswith(f"{ISSUE}\nDaily\n")
    page = tmp_path / "page.html"
    both = CliRunner().invoke(report_command, [ISSUE, "--ledger", url, "--html", str(page), "--json"])
    assert json.loads(both.stdout) == report_json(ledger.report())
    assert both.stderr == f"{page}: {page.stat().st_size:,} bytes; open it in a browser.\n"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    only = CliRunner().invoke(report_command, [ISSUE, "--ledger", url, "--html", str(page)])
    assert only.stdout == both.stderr


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "stage", "code", "enhanced", "words"),
    [
        (State.SENT, "dot", 250, "", "The relay took the message"),
        (State.SENT, "dot", 0, "", "Counted as sent by hand"),
        (State.REJECTED, "RCPT", 550, "5.1.1", "The address does not exist"),
        (State.REJECTED, "dot", 550, "5.7.26", "Neither SPF nor DKIM"),
        (State.REJECTED, "RCPT", 550, "5.7.999", "Refused for security"),
        (State.REJECTED, "RCPT", 550, "5.99.1", "The server gave no reason"),
        (State.REJECTED, "RCPT", 550, "", "some providers say so when mail comes too fast"),
        (State.REJECTED, "MAIL", 0, "", "The relay cannot carry"),
        (State.DEFERRED, "MAIL", 421, "4.7.0", "Too much mail from us at once"),
        (State.DEFERRED, "RCPT", 450, "4.2.0", "greylisting"),
        (State.DEFERRED, "RCPT", 499, "", "Put off without a code"),
        (State.DEFERRED, "body", 0, "", "nothing was delivered"),
        (State.UNCERTAIN, "dot", 0, "", "it may have arrived, or not"),
    ],
)
def test_a_reply_has_a_meaning(state: State, stage: str, code: int, enhanced: str, words: str) -> None:
    assert words in meaning_of(state, stage, code, enhanced)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (3, "3.0 s"), (59, "59 s"), (185, "3 min 5 s"), (7_200, "2 h"), (93_700, "1 d 2 h")],
)
def test_a_length_of_time_is_told_in_two_units(seconds: float, words: str) -> None:
    assert took(timedelta(seconds=seconds)) == words


def test_rates_and_shares_are_told_without_lying() -> None:
    assert [pace(rate) for rate in (1969.2, 1.25, 0.5, 0.001)] == [
        "1,969 a second",
        "1.2 a second",
        "30 a minute",
        "3.6 an hour",
    ]
    assert [percent(*of) for of in ((0, 9), (1, 100_000), (99_999, 100_000), (1, 3), (9, 9), (0, 0))] == [
        "0 %",
        "< 0.1 %",
        "> 99.9 %",
        "33.3 %",
        "100 %",
        "",
    ]


# --- the timeline ---------------------------------------------------------------------------------------------------


def spans(at_s: Mapping[float, int], buckets: int = 10_000) -> list[TimelineRow]:
    """The rows that a ledger gives for so many people sent at these seconds."""
    first, last = min(at_s) * 1_000, max(at_s) * 1_000
    length = int(last - first) + 1
    counts: list[dict[State, int]] = [{} for _ in range(buckets)]
    for at, number in at_s.items():
        place = counts[int(at * 1_000 - first) * buckets // length]
        place[State.SENT] = place.get(State.SENT, 0) + number
    base = 1_772_434_800_000 + int(first)
    return [TimelineRow(time_of(base + place * length // buckets), number) for place, number in enumerate(counts)]


def test_three_seconds_are_drawn_in_tenths() -> None:
    chart = chart_of(spans({n / 100: 1 for n in range(300)}))
    assert chart is not None
    assert (chart.step, len(chart.stretches)) == (timedelta(seconds=0.1), 1)
    assert len(chart.bars) == 30
    assert all(9 <= bar.total <= 11 for bar in chart.bars)  # a millisecond more or less at either end


def test_a_day_between_two_runs_is_left_out() -> None:
    first = {float(n): 5 for n in range(30, 10_770, 10)}
    second = {float(n): 1 for n in range(90_030, 90_570, 10)}
    chart = chart_of(spans({**first, **second}, buckets=50_000))
    assert chart is not None
    long, short = chart.stretches
    assert chart.step == timedelta(minutes=5)
    assert (len(long), len(short)) == (36, FEWEST_OF_STRETCH)
    assert [bar.total for bar in short] == [27, 27, 0, 0, 0, 0]
    assert short[0].start - long[-1].start > timedelta(hours=20)
    assert sum(bar.total for bar in chart.bars) == 5 * len(first) + len(second)


@given(st.dictionaries(st.floats(0, 40_000_000).map(lambda s: round(s, 3)), st.integers(1, 9), min_size=1, max_size=30))
def test_no_chart_loses_anybody_or_has_too_many_bars(at_s: dict[float, int]) -> None:
    chart = chart_of(spans(at_s, buckets=500))
    assert chart is not None
    assert sum(bar.total for bar in chart.bars) == sum(at_s.values())
    assert 1 <= len(chart.stretches) <= MOST_STRETCHES
    assert sum(map(len, chart.stretches)) <= MOST_BARS + MOST_STRETCHES * FEWEST_OF_STRETCH
    starts = [bar.start for stretch in chart.stretches for bar in stretch]
    assert all(bar < after for bar, after in pairwise(starts))
    for stretch in chart.stretches:
        assert all(after.start - bar.start == chart.step for bar, after in pairwise(stretch))


def test_nothing_has_no_chart() -> None:
    assert chart_of([]) is None
