"""Who must not be mailed is not, in both databases: at the plan, at a claim, before the dot, after being forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from newsletter.audience.people.records import Preferences, Reason
from newsletter.audience.people.store import People
from newsletter.errors import ConfigError
from newsletter.ledger.ledger import Ledger, Move, Plan
from newsletter.model.delivery import State
from newsletter.tokens import AddressHashes, is_address_hash

Store = Path | str
ISSUE = "2026-03-01-daily"
START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SECRET = "a secret of the operator"
SHADOWS = AddressHashes([SECRET])
S = State


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(store: Store, clock: Clock) -> Iterator[Ledger]:
    with Ledger.open(store, clock) as opened:
        yield opened


@pytest.fixture
def people(ledger: Ledger, clock: Clock) -> People:
    return People(ledger.storage, clock, [SECRET])


def addresses(count: int) -> list[str]:
    return [f"p{number}@example.com" for number in range(1, count + 1)]


def plan(ledger: Ledger, listed: Sequence[str], issue: str = ISSUE, **more: Any) -> Plan:
    return ledger.plan(issue, listed, content_hash="h", subject="Daily", address_hashes=SHADOWS, **more)


def states(ledger: Ledger, issue: str = ISSUE) -> dict[str, State]:
    return {row.address: row.state for row in ledger.rows(issue)}


def send(ledger: Ledger, issue: str = ISSUE) -> list[str]:
    """Mail everyone who is due -> their addresses."""
    mailed = []
    while claims := ledger.claim(issue, 2):
        off = ledger.write(issue, [Move(claim.row, S.COMMITTING) for claim in claims])
        sent = [claim for claim in claims if claim.row not in off]
        ledger.write(issue, [Move(claim.row, S.SENT, stage="dot", code=250) for claim in sent])
        mailed += [claim.address for claim in sent]
    return mailed


def test_a_plan_leaves_out_who_must_not_be_mailed_and_counts_them(ledger: Ledger, people: People) -> None:
    for number, reason in enumerate(Reason, 1):
        people.suppress(f"P{number}@example.com", reason)
    people.leave("not.listed@example.com", "page")
    found = plan(ledger, addresses(8))
    assert found == Plan(audience=8, due=2, suppressed=6)
    assert ledger.suppressed(ISSUE) == {str(reason): 1 for reason in sorted(Reason)}
    assert send(ledger) == ["p7@example.com", "p8@example.com"]
    counts = ledger.counts(ISSUE, planned=True)
    assert (sum(counts.values()), counts[S.SUPPRESSED]) == (8, 6)


def test_the_reason_that_came_first_is_the_one_that_is_told(ledger: Ledger, people: People, clock: Clock) -> None:
    people.suppress("p1@example.com", Reason.HARD_BOUNCE)
    clock.now += timedelta(seconds=1)
    people.leave("p1@example.com", "page")
    plan(ledger, addresses(1))
    assert ledger.suppressed(ISSUE) == {"hard-bounce": 1}
    assert [(row.stage, row.reply) for row in ledger.rows(ISSUE)] == [("list", "hard-bounce")]


def test_nothing_that_an_operator_does_mails_somebody_who_left(ledger: Ledger, people: People, clock: Clock) -> None:
    """Deferred, refused or uncertain before they left: no retry, resend or new list brings them back."""
    plan(ledger, addresses(4))
    deferred, rejected, uncertain, sent = ledger.claim(ISSUE, 4)
    ledger.write(ISSUE, [Move(claim.row, S.COMMITTING) for claim in (deferred, rejected, uncertain, sent)])
    outcomes = [S.DEFERRED, S.REJECTED, S.UNCERTAIN, S.SENT]
    rows = [claim.row for claim in (deferred, rejected, uncertain, sent)]
    ledger.write(ISSUE, [Move(row, to, stage="dot") for row, to in zip(rows, outcomes, strict=True)])
    for address in addresses(4):
        people.leave(address, "page")
    ledger.reopen(ISSUE, {S.DEFERRED, S.REJECTED})
    ledger.resolve(ISSUE, "p3@example.com", S.PENDING)
    assert send(ledger) == [], "not even by the plan of before"
    for _ in range(2):
        assert plan(ledger, addresses(4)) == Plan(audience=4, due=0, sent=1, suppressed=3)
        assert send(ledger) == []
    assert list(states(ledger).values()) == [S.SUPPRESSED] * 3 + [S.SENT]


def test_who_leaves_while_a_send_runs_is_passed_over(ledger: Ledger, people: People) -> None:
    plan(ledger, addresses(6))
    one, two = ledger.claim(ISSUE, 2)
    for gone in ("p2@example.com", "p3@example.com", "p4@example.com"):
        people.leave(gone, "one-click")
    assert ledger.write(ISSUE, [Move(one.row, S.COMMITTING), Move(two.row, S.COMMITTING)]) == {two.row}
    assert states(ledger)["p2@example.com"] is S.SUPPRESSED
    ledger.write(ISSUE, [Move(one.row, S.SENT)])
    assert [claim.address for claim in ledger.claim(ISSUE, 2)] == ["p5@example.com", "p6@example.com"]
    assert ledger.suppressed(ISSUE, planned=True) == {"unsubscribed": 3}
    assert ledger.write(ISSUE, [Move(two.row, S.PENDING)]) == {two.row}, "let go at the end of the run"


def test_who_comes_back_gets_the_next_issue(ledger: Ledger, people: People) -> None:
    people.leave("p1@example.com", "page")
    plan(ledger, addresses(2))
    people.undo_leave("p1@example.com", "page")
    assert plan(ledger, addresses(2)) == Plan(audience=2, due=1, suppressed=1)
    assert plan(ledger, addresses(2), "next").due == 2


def test_who_pauses_is_left_out_until_then(ledger: Ledger, people: People, clock: Clock) -> None:
    people.set_preferences("p1@example.com", Preferences(paused_until=START + timedelta(days=30)))
    assert plan(ledger, addresses(2)) == Plan(audience=2, due=1, suppressed=1)
    assert ledger.suppressed(ISSUE) == {"paused": 1}
    clock.now = START + timedelta(days=30)
    assert plan(ledger, addresses(2), "april").due == 2


def test_a_weekly_reader_gets_one_issue_a_week(ledger: Ledger, people: People, clock: Clock) -> None:
    people.set_preferences("p1@example.com", Preferences(frequency="weekly"))
    got = []
    for day in range(15):
        clock.now = START + timedelta(days=day, minutes=-day)  # each goes out a little earlier
        plan(ledger, addresses(2), f"day-{day}")
        if "p1@example.com" in send(ledger, f"day-{day}"):
            got.append(day)
    assert got == [0, 7, 14]
    assert ledger.suppressed("day-1") == {"weekly": 1}
    assert plan(ledger, ["p1@example.com"], "day-14+erratum-2", correction=True).due == 1, "they have the wrong one"


def test_an_issue_that_a_wrong_clock_dates_2036_holds_no_weekly_reader_until_then(
    ledger: Ledger, people: People, clock: Clock
) -> None:
    people.set_preferences("p1@example.com", Preferences(frequency="weekly"))
    clock.now = START + timedelta(days=3650)
    plan(ledger, addresses(2), "future")
    assert "p1@example.com" in send(ledger, "future")
    clock.now = START
    plan(ledger, addresses(2), "today")
    assert "p1@example.com" in send(ledger, "today")


def test_the_forgotten_are_neither_mailed_nor_written_down(ledger: Ledger, people: People) -> None:
    people.forget("P1@example.com")
    assert plan(ledger, addresses(2)) == Plan(audience=2, due=1, suppressed=1)
    assert send(ledger) == ["p2@example.com"]
    (hidden,) = ledger.rows(ISSUE, S.SUPPRESSED)
    assert is_address_hash(hidden.address)
    assert ledger.suppressed(ISSUE) == {"forgotten": 1}
    assert plan(ledger, addresses(2)) == Plan(audience=2, due=0, sent=1, suppressed=1)


def test_somebody_forgotten_who_has_the_issue_does_not_get_it_again(ledger: Ledger, people: People) -> None:
    plan(ledger, addresses(2))
    send(ledger)
    people.forget("p1@example.com")
    people.sign_up("p1@example.com", source="s", wording="")
    people.confirm("p1@example.com", source="s")
    assert plan(ledger, addresses(2)) == Plan(audience=2, due=0, sent=2)
    assert plan(ledger, addresses(2), "next").due == 2


def test_who_is_forgotten_in_the_middle_of_a_send(ledger: Ledger, people: People) -> None:
    plan(ledger, addresses(3))
    one, two, three = ledger.claim(ISSUE, 3)
    ledger.write(ISSUE, [Move(one.row, S.COMMITTING)])
    for address in addresses(3):
        people.forget(address)
    answer = Move(one.row, S.SENT, message_id="<made.from.it@x>", code=250, reply="2.0.0 p1@example.com is in")
    assert ledger.write(ISSUE, [answer, Move(two.row, S.COMMITTING)]) == {two.row}
    assert [(row.code, row.reply, row.message_id) for row in ledger.rows(ISSUE, S.SENT)] == [(250, "", "")]
    assert ledger.write(ISSUE, [Move(three.row, S.DEFERRED)]) == {three.row}
    assert list(states(ledger).values()) == [S.SENT, S.SUPPRESSED, S.SUPPRESSED]
    assert plan(ledger, addresses(3)) == Plan(audience=3, due=0, sent=1, suppressed=2)


def test_forgetting_and_planning_at_once_lists_nobody_who_was_forgotten(store: Store, clock: Clock) -> None:
    """Each over a connection of its own, as two processes have."""
    listed, issues = addresses(60), [f"issue-{number}" for number in range(12)]

    def plan_all() -> None:
        with Ledger.open(store, clock) as ledger:
            for issue in issues:
                plan(ledger, listed, issue)

    def forget_some() -> None:
        with People.open(store, clock, [SECRET]) as people:
            for address in listed[:20]:
                people.forget(address)

    Ledger.open(store, clock).close()
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(plan_all), threads.submit(forget_some)]:
            done.result()
    with Ledger.open(store, clock) as ledger:
        for issue in issues:
            counts = ledger.counts(issue, planned=True)
            assert (counts[S.PENDING], counts[S.SUPPRESSED]) == (40, 20), issue
            assert not set(states(ledger, issue)) & set(listed[:20])


@pytest.mark.parametrize("secrets", [[], ["another secret, a new one"]])
def test_without_the_secret_nobody_can_tell_who_was_forgotten_and_nothing_is_sent(
    ledger: Ledger, people: People, secrets: list[str]
) -> None:
    people.forget("p1@example.com")
    with pytest.raises(ConfigError, match="NEWSLETTER_SECRET: 1 of those who must not be mailed are known by a hash"):
        ledger.plan(ISSUE, addresses(2), content_hash="h", subject="", address_hashes=AddressHashes(secrets))
    assert send(ledger) == []
    both = AddressHashes(["another secret, a new one", SECRET])
    assert ledger.plan(ISSUE, addresses(2), content_hash="h", subject="", address_hashes=both).suppressed == 1


def test_a_plan_that_was_not_wanted_is_withdrawn_though_some_are_suppressed(ledger: Ledger, people: People) -> None:
    people.leave("p1@example.com", "page")
    plan(ledger, addresses(2))
    ledger.withdraw(ISSUE)
    assert ledger.issues() == ()


def test_a_plan_looks_up_the_few_and_never_walks_over_the_list(tmp_path: Path, clock: Clock) -> None:
    asked: list[tuple[str, Any]] = []

    def listen(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "'suppressed'" in statement:
            asked.append((statement, parameters))

    with Ledger.open(tmp_path / "newsletter.db", clock) as ledger:
        sa.event.listen(sa.Engine, "before_cursor_execute", listen)
        try:
            plan(ledger, addresses(3))
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", listen)
        assert len(asked) == 4  # what is suppressed, and readers of each of the two rarer mails
        with ledger.storage.read() as db:
            for statement, parameters in asked:
                steps = [row.detail for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
                assert "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)" in steps
                assert "SEARCH d USING INDEX sqlite_autoindex_deliveries_1 (issue=? AND recipient_key=?)" in steps
                assert not any(step.startswith(("SCAN d", "SCAN had")) for step in steps), steps
