"""The ledger on real databases, SQLite and PostgreSQL alike: only legal moves, and every number adds up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machine import examples

from newsletter.audience.people.store import People
from newsletter.errors import ConfigError
from newsletter.ledger.ledger import MOVES, Claim, Delivery, IllegalMoveError, Ledger, Move, Plan
from newsletter.ledger.list_reference import join_segment
from newsletter.model.delivery import Outcome, State

Store = Path | str
ISSUE = "2026-03-01-daily"
START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
S = State


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **length: float) -> None:
        self.now += timedelta(**length)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(store: Store, clock: Clock) -> Iterator[Ledger]:
    with Ledger.open(store, clock) as opened:
        yield opened


def people(count: int) -> list[str]:
    return [f"p{number}@example.com" for number in range(1, count + 1)]


def plan(ledger: Ledger, *addresses: str, issue: str = ISSUE, content_hash: str = "h1", **more: Any) -> Plan:
    return ledger.plan(issue, addresses, content_hash=content_hash, subject="Daily", **more)


def claim_all(ledger: Ledger, issue: str = ISSUE, **more: Any) -> dict[str, Claim]:
    return {claim.address: claim for claim in ledger.claim(issue, 1_000, **more)}


def bring(ledger: Ledger, claim: Claim, to: State, issue: str = ISSUE, **more: Any) -> None:
    """Take a claimed row where it is to stand, the long way."""
    if to is not S.CLAIMED:
        ledger.write(issue, [Move(claim.row, S.COMMITTING, message_id=f"<{claim.key}>", relay="relay")])
        if to is not S.COMMITTING:
            ledger.write(issue, [Move(claim.row, to, stage="dot", **more)])


def states(ledger: Ledger, issue: str = ISSUE) -> dict[str, State]:
    return {row.address: row.state for row in ledger.rows(issue)}


def addresses(claims: Sequence[Claim]) -> list[str]:
    return [claim.address for claim in claims]


def test_a_clock_that_once_stood_in_2036_puts_nobody_off_until_then(ledger: Ledger, clock: Clock) -> None:
    plan(ledger, "ann@example.com", "bo@example.com")
    ann, bo = ledger.claim(ISSUE, 2)
    now = clock()
    clock.pass_(days=3650)
    bring(ledger, ann, S.DEFERRED, code=450, due_at=clock() + timedelta(minutes=5))
    clock.pass_(days=-3650)
    bring(ledger, bo, S.DEFERRED, code=450, due_at=now + timedelta(minutes=5))
    ledger.recover(ISSUE)
    assert addresses(ledger.claim(ISSUE, 10)) == ["ann@example.com"], "bo waits, as usual"


# --- a send ---------------------------------------------------------------------------------------------------------


def test_a_send_is_written_down_step_by_step(ledger: Ledger, clock: Clock) -> None:
    assert plan(ledger, "Ann@example.com", "bo@example.com") == Plan(audience=2, due=2)
    (claim,) = ledger.claim(ISSUE, 1)
    assert claim == Claim(claim.row, "ann@example.com", "Ann@example.com", 1)
    clock.pass_(seconds=1.5)
    ledger.write(ISSUE, [Move(claim.row, S.COMMITTING, message_id="<1@example.com>", relay="first")])
    assert states(ledger) == {"Ann@example.com": S.COMMITTING, "bo@example.com": S.PENDING}
    clock.pass_(seconds=2)
    ledger.write(ISSUE, [Move(claim.row, S.SENT, stage="dot", code=250, reply="2.0.0 Ok: queued as 4F2")])
    assert list(ledger.rows(ISSUE, S.SENT)) == [
        Delivery(
            issue=ISSUE,
            address="Ann@example.com",
            state=S.SENT,
            message_id="<1@example.com>",
            attempts=1,
            stage="dot",
            code=250,
            reply="2.0.0 Ok: queued as 4F2",
            updated=START + timedelta(seconds=3.5),
            relay="first",
            version=1,
            due_at=None,
        )
    ]
    (issue,) = ledger.issues()
    assert (issue.subject, issue.first_sent) == ("Daily", START + timedelta(seconds=3.5))


def test_an_outcome_may_name_another_relay_and_message_than_the_step_before(ledger: Ledger) -> None:
    plan(ledger, *people(2))
    one, two = ledger.claim(ISSUE, 2)
    ledger.write(ISSUE, [Move(row, S.COMMITTING, message_id="<m>", relay="first") for row in (one.row, two.row)])
    ledger.write(ISSUE, [Move(one.row, S.SENT), Move(two.row, S.SENT, message_id="<n>", relay="second")])
    assert [(row.message_id, row.relay) for row in ledger.rows(ISSUE)] == [("<m>", "first"), ("<n>", "second")]


def test_what_was_written_is_there_for_the_next_process(store: Store, clock: Clock) -> None:
    with Ledger.open(store, clock) as ledger:
        plan(ledger, *people(5))
        claims = ledger.claim(ISSUE, 4)
        for claim, to in zip(claims, (S.SENT, S.UNCERTAIN, S.REJECTED, S.DEFERRED), strict=True):
            bring(ledger, claim, to)
    with Ledger.open(store, clock) as ledger:
        again = plan(ledger, "new@example.com", *(address.upper() for address in reversed(people(5))))
        assert again == Plan(audience=6, due=3, sent=1, rejected=1, uncertain=1)
        assert dict(ledger.counts(ISSUE)) == {
            S.PENDING: 2,
            S.CLAIMED: 0,
            S.COMMITTING: 0,
            S.SENT: 1,
            S.DEFERRED: 1,
            S.REJECTED: 1,
            S.UNCERTAIN: 1,
            S.SUPPRESSED: 0,
        }
        assert addresses(ledger.claim(ISSUE, 9)) == ["p4@example.com", "p5@example.com", "new@example.com"]


def test_an_issue_knows_nothing_of_another(ledger: Ledger) -> None:
    plan(ledger, *people(1))
    bring(ledger, ledger.claim(ISSUE, 1)[0], S.SENT)
    assert plan(ledger, *people(1), issue="other").due == 1
    (theirs,) = ledger.claim("other", 1)
    with pytest.raises(IllegalMoveError, match=f"row {theirs.row} is not in the ledger"):
        ledger.write(ISSUE, [Move(theirs.row, S.COMMITTING)])
    assert ledger.recover(ISSUE) == 0
    assert ledger.counts("other")[S.CLAIMED] == 1
    assert sum(ledger.counts("never planned").values()) == 0
    assert list(ledger.rows("never planned")) == []
    assert ledger.claim("never planned", 5) == []
    assert ledger.paths("never planned") == ("", "")
    assert ledger.recover("never planned") == 0
    assert ledger.next_due("never planned") is None


def test_no_reply_is_too_strange_to_be_recorded(ledger: Ledger) -> None:
    plan(ledger, *people(1))
    (claim,) = ledger.claim(ISSUE, 1)
    bring(ledger, claim, S.SENT, code=250, reply="250 王\udcff\x00\r\n" + "x" * 70_000)
    (row,) = ledger.rows(ISSUE)
    assert row.reply == "250 王\\udcff\\x00\r\n" + "x" * 70_000


def test_a_test_mail_leaves_the_deliveries_alone(ledger: Ledger) -> None:
    ledger.record_test(ISSUE, "p1@example.com", Outcome(S.SENT, "dot", 250, "ok"))
    ledger.record_test(ISSUE, "p1@example.com", Outcome(S.REJECTED, "rcpt", 550, "no\x00"))
    assert plan(ledger, "p1@example.com") == Plan(audience=1, due=1)


# --- plans ----------------------------------------------------------------------------------------------------------


def test_addresses_are_folded_and_counted_once(ledger: Ledger) -> None:
    spellings = ("Ann@example.com", "ann@EXAMPLE.com", "王@example.com", "straße@example.com", "strasse@example.com")
    assert plan(ledger, *spellings).audience == 4
    assert plan(ledger, "ANN@example.com").audience == 1
    assert addresses(ledger.claim(ISSUE, 9)) == ["Ann@example.com"]


def test_who_left_the_list_is_not_claimed_and_who_comes_back_is(ledger: Ledger) -> None:
    ann, bo, cy = people(3)
    plan(ledger, ann, bo, cy)
    assert plan(ledger, bo) == Plan(audience=1, due=1)
    assert addresses(ledger.claim(ISSUE, 9)) == [bo]
    assert sum(ledger.counts(ISSUE).values()) == 3
    assert dict(ledger.counts(ISSUE, planned=True)) == {**dict.fromkeys(State, 0), S.CLAIMED: 1}
    assert [row.address for row in ledger.rows(ISSUE, planned=True)] == [bo]
    assert plan(ledger, bo, ann) == Plan(audience=2, due=1, underway=1)
    assert addresses(ledger.claim(ISSUE, 9)) == [ann]


def test_a_plan_that_was_cut_off_counts_for_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.ledger.ledger._LISTED_AT_ONCE", 40)
    ann, bo, cy = people(3)
    plan(ledger, ann)

    def cut_off() -> Iterator[str]:
        yield from (f"other{number}@example.com" for number in range(250))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.plan(ISSUE, cut_off(), content_hash="h1", subject="Daily")
    assert sum(ledger.counts(ISSUE).values()) == 201, "part of it was stored"
    assert addresses(ledger.claim(ISSUE, 9)) == [ann]
    assert plan(ledger, bo, cy) == Plan(audience=2, due=2)
    assert addresses(ledger.claim(ISSUE, 9)) == [bo, cy]


def test_a_long_list_keeps_its_order(ledger: Ledger) -> None:
    listed = [f"{number * 7919 % 22_001}@example.com" for number in range(22_000)]
    assert ledger.plan(ISSUE, iter(listed), content_hash="h", subject="") == Plan(audience=22_000, due=22_000)
    claimed: list[Claim] = []
    while page := ledger.claim(ISSUE, 7_000, after=claimed[-1].row if claimed else 0):
        claimed += page
    assert addresses(claimed) == listed
    rows = ledger.rows(ISSUE, S.CLAIMED, S.SENT)
    assert next(rows).address == listed[0]
    ledger.write(ISSUE, [Move(claim.row, S.COMMITTING) for claim in claimed[2_000:20_000]])
    ledger.write(ISSUE, [Move(claim.row, S.SENT) for claim in claimed[2_000:20_000]])
    assert [row.address for row in rows] == listed[1:], "nobody is missed, or met twice, when rows move meanwhile"


def test_the_plan_accounts_for_everyone(ledger: Ledger, clock: Clock) -> None:
    plan(ledger, *people(9))
    claims = ledger.claim(ISSUE, 8)
    soon, later = clock.now + timedelta(minutes=1), clock.now + timedelta(hours=1)
    for claim, to, due_at in zip(
        claims,
        (S.SENT, S.REJECTED, S.UNCERTAIN, S.CLAIMED, S.COMMITTING, S.DEFERRED, S.DEFERRED, S.DEFERRED),
        (None, None, None, None, None, soon, later, None),
        strict=True,
    ):
        bring(ledger, claim, to, **({"due_at": due_at} if due_at else {}))
    numbers = {"audience": 9, "sent": 1, "rejected": 1, "uncertain": 1, "underway": 2}
    assert plan(ledger, *people(9)) == Plan(**numbers, due=2, waiting=2, next_due=soon)
    assert ledger.next_due(ISSUE) == soon
    clock.pass_(minutes=1)
    assert plan(ledger, *people(9)) == Plan(**numbers, due=3, waiting=1, next_due=later)
    assert plan(ledger, *people(9), max_attempts=1) == Plan(**numbers, due=1, exhausted=3)
    assert plan(ledger, *people(9), max_attempts=2) == Plan(**numbers, due=3, waiting=1, next_due=later)


@pytest.mark.parametrize(("to", "changed"), [(S.SENT, True), (S.UNCERTAIN, True), (S.DEFERRED, False)])
def test_changed_content_counts_once_somebody_may_have_it(ledger: Ledger, to: State, changed: bool) -> None:
    ann, bo = people(2)
    assert not plan(ledger, ann, bo, content_hash="h1").content_changed
    assert not plan(ledger, ann, content_hash="h2").content_changed
    bring(ledger, ledger.claim(ISSUE, 1)[0], to)
    assert not plan(ledger, ann, content_hash="h2").content_changed
    assert plan(ledger, ann, content_hash="h3").content_changed is changed
    assert plan(ledger, ann, content_hash="h3").content_changed is changed
    assert plan(ledger, ann, content_hash="h2").content_changed is False


def test_each_row_knows_the_version_it_was_sent_with(ledger: Ledger, clock: Clock) -> None:
    plan(ledger, *people(4), content_hash="h1")
    first, unsure = ledger.claim(ISSUE, 2)
    bring(ledger, first, S.SENT)
    bring(ledger, unsure, S.UNCERTAIN)
    clock.pass_(hours=1)
    assert plan(ledger, *people(4), content_hash="h2").content_changed
    assert list(ledger.holders_of_older(ISSUE)) == []
    ledger.accept_content(ISSUE, "h2", "Daily, corrected")
    assert plan(ledger, *people(4), content_hash="h2").content_changed is False
    bring(ledger, ledger.claim(ISSUE, 1)[0], S.SENT)
    assert list(ledger.holders_of_older(ISSUE)) == [first.address]
    assert [row.version for row in ledger.rows(ISSUE)] == [1, 1, 2, 0]
    now = [
        (version.number, version.content_hash, version.subject, version.current) for version in ledger.versions(ISSUE)
    ]
    assert now == [(1, "h1", "Daily", False), (2, "h2", "Daily, corrected", True)]
    assert [version.since for version in ledger.versions(ISSUE)] == [START, START + timedelta(hours=1)]
    assert ledger.issues()[0].subject == "Daily, corrected"
    # Back to what it was: no third version, and now the others hold another one.
    ledger.accept_content(ISSUE, "h1", "Daily")
    assert [version.current for version in ledger.versions(ISSUE)] == [True, False]
    assert list(ledger.holders_of_older(ISSUE)) == ["p3@example.com"]


def test_a_list_is_compared_with_that_of_the_issue_sent_before(ledger: Ledger, clock: Clock) -> None:
    one, two, three, four, five = people(5)
    assert plan(ledger, one, two, issue="never sent").added is None
    plan(ledger, one, two, issue="january")
    bring(ledger, ledger.claim("january", 1)[0], S.SENT, "january")
    clock.pass_(days=1)
    found = plan(ledger, two, three, four, issue="february")
    assert (found.added, found.gone) == (2, 1)
    bring(ledger, ledger.claim("february", 1)[0], S.SENT, "february")
    clock.pass_(days=1)
    # Whoever left february's list before it was over counts as gone from it, and is new when they come back.
    plan(ledger, two, three, issue="february")
    found = plan(ledger, three, four, five, issue="march")
    assert (found.added, found.gone) == (2, 1)
    # Who left the list at hand since its last plan is not on it either.
    found = plan(ledger, five, one, issue="march")
    assert (found.added, found.gone) == (2, 2)
    found = plan(ledger, two, three, issue="march")
    assert (found.added, found.gone) == (0, 0)


def test_a_segment_is_compared_with_the_last_issue_that_went_to_it(ledger: Ledger, clock: Clock) -> None:
    one, two, three, four, _ = people(5)
    pro, team = (join_segment("/list.csv", f"plan == '{name}'") for name in ("pro", "team"))

    def sent(issue: str, audience: str, *addresses: str) -> tuple[int | None, int | None]:
        found = plan(ledger, *addresses, issue=issue, audience=audience)
        bring(ledger, ledger.claim(issue, 1)[0], S.SENT, issue)
        clock.pass_(days=1)
        return found.added, found.gone

    assert sent("january", "/list.csv", one, two, three) == (None, None)
    assert sent("january pro", pro, one) == (None, None)  # the whole list is no measure of a part of it
    assert sent("february", "/other.csv", one, two) == (0, 1)  # nor a part of the whole
    assert sent("february team", team, four) == (None, None)
    assert sent("february pro", pro, two, four) == (2, 1)


def test_a_plan_keeps_the_paths_for_the_next_run(ledger: Ledger) -> None:
    plan(ledger, *people(1), post="posts/日报.md", audience="list.csv")
    assert ledger.paths(ISSUE) == ("posts/日报.md", "list.csv")
    plan(ledger, *people(1))
    assert ledger.paths(ISSUE) == ("", "")


def test_an_issue_is_withdrawn_only_while_nobody_was_tried(ledger: Ledger) -> None:
    plan(ledger, *people(2), issue="another")
    plan(ledger, *people(2))
    ledger.withdraw(ISSUE)
    assert [row.issue for row in ledger.issues()] == ["another"]
    assert states(ledger) == {}
    assert plan(ledger, *people(3)) == Plan(audience=3, due=3)
    (claim,) = ledger.claim(ISSUE, 1)
    for to in (S.CLAIMED, S.DEFERRED):
        bring(ledger, claim, to)
        ledger.withdraw(ISSUE)
        assert len(states(ledger)) == 3
    plan(ledger, *people(2), issue="another")
    ledger.withdraw("another")
    assert len(states(ledger, "another")) == 2, "it was planned twice: somebody relies on it"
    ledger.withdraw("never planned")


# --- claims ---------------------------------------------------------------------------------------------------------


def test_claims_come_in_list_order_page_by_page(ledger: Ledger, clock: Clock) -> None:
    plan(ledger, *people(6))
    first, second = ledger.claim(ISSUE, 2)
    ledger.write(ISSUE, [Move(first.row, S.DEFERRED), Move(second.row, S.PENDING)])
    assert addresses(ledger.claim(ISSUE, 2, after=second.row)) == ["p3@example.com", "p4@example.com"]
    assert addresses(ledger.claim(ISSUE, 9)) == ["p1@example.com", "p2@example.com", "p5@example.com", "p6@example.com"]
    assert ledger.claim(ISSUE, 9) == []


def test_a_deferred_row_is_claimed_when_its_time_has_come(ledger: Ledger, clock: Clock) -> None:
    plan(ledger, *people(2))
    one, two = ledger.claim(ISSUE, 2)
    due_at = clock.now + timedelta(minutes=5)
    ledger.write(ISSUE, [Move(one.row, S.DEFERRED, "", "rcpt", 450, "4.2.0 later", due_at), Move(two.row, S.PENDING)])
    assert [row.due_at for row in ledger.rows(ISSUE)] == [due_at, None]
    assert addresses(ledger.claim(ISSUE, 9)) == [two.address]
    clock.pass_(minutes=4, seconds=59.999)
    assert ledger.claim(ISSUE, 9) == []
    clock.pass_(seconds=0.001)
    (again,) = ledger.claim(ISSUE, 9)
    assert (again.address, again.attempts) == (one.address, 2)


def test_attempts_count_tries_not_claims_and_have_a_limit(ledger: Ledger) -> None:
    plan(ledger, *people(1))
    for _ in range(2):
        (claim,) = ledger.claim(ISSUE, 1)
        assert claim.attempts == 1
        ledger.write(ISSUE, [Move(claim.row, S.PENDING)])
    ledger.claim(ISSUE, 1)
    ledger.recover(ISSUE)
    for tries in (1, 2, 3):
        (claim,) = ledger.claim(ISSUE, 1, max_attempts=3)
        assert claim.attempts == tries
        ledger.write(ISSUE, [Move(claim.row, S.DEFERRED)])
    assert ledger.claim(ISSUE, 1, max_attempts=3) == []
    assert [claim.attempts for claim in ledger.claim(ISSUE, 1)] == [4]


@pytest.mark.parametrize("where", ["sqlite", "postgresql", "memory"])
def test_threads_of_one_process_share_a_ledger(where: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    place = None if where == "memory" else tmp_path / "newsletter.db"
    if where == "postgresql":
        place = request.getfixturevalue("postgres_url")
    with Ledger.open(place, Clock()) as ledger, ledger.hold(ISSUE), ThreadPoolExecutor(4) as threads:
        plan(ledger, *people(400))

        def mail_all(_number: int) -> int:
            mailed = 0
            while claims := ledger.claim(ISSUE, 5):
                ledger.write(ISSUE, [Move(claim.row, S.COMMITTING) for claim in claims])
                ledger.write(ISSUE, [Move(claim.row, S.SENT) for claim in claims])
                mailed += len(claims)
            return mailed

        running = [threads.submit(mail_all, number) for number in range(4)]
        while not all(thread.done() for thread in running):
            assert len(list(ledger.rows(ISSUE))) == 400
            assert sum(ledger.counts(ISSUE).values()) == 400
        assert sum(thread.result() for thread in running) == 400
        assert ledger.counts(ISSUE)[S.SENT] == 400


# --- moves ----------------------------------------------------------------------------------------------------------

# What each call may start from, and where it leads: written out here so that MOVES is checked, not repeated.
WRITES: dict[State, set[State]] = {
    S.PENDING: {S.CLAIMED},
    S.CLAIMED: set(),
    S.COMMITTING: {S.CLAIMED},
    S.SENT: {S.COMMITTING},
    S.DEFERRED: {S.CLAIMED, S.COMMITTING},
    S.REJECTED: {S.CLAIMED, S.COMMITTING},
    S.UNCERTAIN: {S.COMMITTING},
    S.SUPPRESSED: set(),
}
RESOLUTIONS: dict[State, set[State]] = {
    S.PENDING: {S.UNCERTAIN},
    S.SENT: {S.UNCERTAIN},
    S.DEFERRED: set(),
    S.REJECTED: set(),
}
CLAIMED_FROM = {S.PENDING, S.DEFERRED}
SUPPRESSED_FROM = {S.PENDING, S.CLAIMED, S.DEFERRED}
"""By a plan, a claim, and the write before the dot; `test_suppressed` has each of them."""

REOPENED_FROM = {S.DEFERRED: S.DEFERRED, S.REJECTED: S.PENDING}


def test_the_calls_make_all_moves_of_the_table_and_no_other() -> None:
    made = {(origin, to) for calls in (WRITES, RESOLUTIONS) for to, origins in calls.items() for origin in origins}
    made |= {(origin, S.CLAIMED) for origin in CLAIMED_FROM}
    made |= {(origin, S.SUPPRESSED) for origin in SUPPRESSED_FROM}
    made |= {(origin, to) for origin, to in REOPENED_FROM.items() if origin is not to}
    assert made == {(origin, to) for origin, targets in MOVES.items() for to in targets}
    assert set(MOVES) == set(State)


def stand(ledger: Ledger, origin: State, issue: str = ISSUE) -> int:
    """A row that stands there."""
    plan(ledger, *people(1), issue=issue)
    (claim,) = ledger.claim(issue, 1)
    if origin is S.PENDING:
        ledger.write(issue, [Move(claim.row, S.PENDING)])
    elif origin is S.SUPPRESSED:
        People(ledger.storage, Clock()).leave(claim.address, "")
        assert ledger.write(issue, [Move(claim.row, S.COMMITTING)]) == {claim.row}
    else:
        bring(ledger, claim, origin, issue)
    assert states(ledger, issue) == {claim.address: origin}
    return claim.row


@pytest.mark.parametrize("origin", [state for state in State if state is not S.SUPPRESSED])
def test_each_write_from_each_state(store: Store, clock: Clock, origin: State) -> None:
    with Ledger.open(store, clock) as ledger:
        for number, to in enumerate(State):
            issue = f"{ISSUE}-{number}"
            plan(ledger, *people(1), issue=issue)
            (claim,) = ledger.claim(issue, 1)
            if origin is S.PENDING:
                ledger.write(issue, [Move(claim.row, S.PENDING)])
            else:
                bring(ledger, claim, origin, issue)
            if origin in WRITES[to]:
                ledger.write(issue, [Move(claim.row, to)])
                assert states(ledger, issue) == {claim.address: to}
            else:
                said = f"{issue}: p1@example.com is {origin} and cannot become {to}"
                with pytest.raises(IllegalMoveError) as caught:
                    ledger.write(issue, [Move(claim.row, to)])
                assert str(caught.value) == said
                assert states(ledger, issue) == {claim.address: origin}


@pytest.mark.parametrize("origin", State)
def test_each_resolution_from_each_state(ledger: Ledger, origin: State) -> None:
    stand(ledger, origin)
    for to in RESOLUTIONS:
        if origin not in RESOLUTIONS[to]:
            with pytest.raises(IllegalMoveError, match=f"P1@example.com is {origin} and cannot become {to}"):
                ledger.resolve(ISSUE, "P1@example.com", to)
            assert states(ledger) == {"p1@example.com": origin}
    for to in RESOLUTIONS:
        if origin in RESOLUTIONS[to]:
            issue = f"{ISSUE}-{to}"
            stand(ledger, origin, issue)
            ledger.resolve(issue, "P1@example.com", to)
            assert states(ledger, issue) == {"p1@example.com": to}
            dated = {each.issue: each.first_sent is not None for each in ledger.issues()}
            assert dated[issue] is (to is S.SENT)


def test_a_batch_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    plan(ledger, *people(4))
    one, two, three, four = ledger.claim(ISSUE, 4)
    ledger.write(ISSUE, [Move(two.row, S.COMMITTING)])
    moves = [Move(one.row, S.COMMITTING), Move(two.row, S.SENT), Move(three.row, S.SENT), Move(four.row, S.PENDING)]
    with pytest.raises(IllegalMoveError, match=r"p3@example.com is claimed and cannot become sent"):
        ledger.write(ISSUE, moves)
    assert list(states(ledger).values()) == [S.CLAIMED, S.COMMITTING, S.CLAIMED, S.CLAIMED]
    assert ledger.issues()[0].first_sent is None, "the issue was not dated either"
    ledger.write(ISSUE, [move for move in moves if move.row != three.row])
    assert list(states(ledger).values()) == [S.COMMITTING, S.SENT, S.CLAIMED, S.PENDING]
    assert ledger.issues()[0].first_sent == START
    ledger.write(ISSUE, [])


def test_a_batch_may_take_one_row_all_the_way_but_nowhere_twice(ledger: Ledger) -> None:
    plan(ledger, *people(2))
    one, two = ledger.claim(ISSUE, 2)
    ledger.write(ISSUE, [Move(one.row, S.SENT, code=250), Move(one.row, S.COMMITTING, message_id="<m>")])
    with pytest.raises(IllegalMoveError, match="was to move twice"):
        ledger.write(ISSUE, [Move(two.row, S.COMMITTING), Move(two.row, S.COMMITTING)])
    assert [(row.state, row.message_id) for row in ledger.rows(ISSUE)] == [(S.SENT, "<m>"), (S.CLAIMED, "")]


def test_a_person_may_have_the_deferred_and_the_rejected_tried_once_more(ledger: Ledger, clock: Clock) -> None:
    plan(ledger, *people(4))
    later = clock.now + timedelta(days=1)
    for claim, to in zip(ledger.claim(ISSUE, 4), (S.DEFERRED, S.REJECTED, S.SENT, S.UNCERTAIN), strict=True):
        bring(ledger, claim, to, due_at=later, code=450)
    assert ledger.claim(ISSUE, 9) == []
    assert ledger.reopen(ISSUE, {S.DEFERRED}) == 1
    assert [(row.state, row.attempts, row.due_at, row.code) for row in ledger.rows(ISSUE, S.DEFERRED)] == [
        (S.DEFERRED, 0, None, 450)
    ]
    assert ledger.reopen(ISSUE, [S.DEFERRED, S.REJECTED]) == 2
    assert list(states(ledger).values()) == [S.DEFERRED, S.PENDING, S.SENT, S.UNCERTAIN]
    assert [claim.attempts for claim in ledger.claim(ISSUE, 9, max_attempts=1)] == [1, 1]
    for state in set(State) - {S.DEFERRED, S.REJECTED}:
        with pytest.raises(IllegalMoveError, match="only deferred and rejected recipients can be tried once more"):
            ledger.reopen(ISSUE, {state, S.REJECTED})
    assert ledger.reopen(ISSUE, []) == 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("plan"), st.sets(st.sampled_from(people(5)))),
        st.tuples(st.just("claim"), st.integers(1, 3)),
        st.tuples(st.just("write"), st.lists(st.tuples(st.integers(0, 4), st.sampled_from(State)), max_size=3)),
        st.tuples(st.just("resolve"), st.tuples(st.sampled_from(people(5)), st.sampled_from([S.PENDING, S.SENT]))),
        st.tuples(st.just("reopen"), st.sets(st.sampled_from([S.DEFERRED, S.REJECTED]))),
        st.tuples(st.just("recover"), st.none()),
        st.tuples(st.just("leave"), st.sampled_from(people(5))),
        st.tuples(st.just("come back"), st.sampled_from(people(5))),
    ),
    max_size=25,
)


class Model:
    """What the ledger should say: who stands where, in the order of their first listing, by the table above."""

    def __init__(self) -> None:
        self.stands: dict[str, State] = {}
        self.listed: set[str] = set()
        self.left: set[str] = set()

    def suppress_rows(self, who: Sequence[str]) -> list[str]:
        """Of these, who has left and has still to be mailed; suppressed from now on."""
        off = [each for each in who if each in self.left and self.stands[each] in SUPPRESSED_FROM]
        self.stands.update(dict.fromkeys(off, S.SUPPRESSED))
        return off

    def claim(self, most: int) -> list[str]:
        while True:
            due = [who for who, state in self.stands.items() if who in self.listed and state in CLAIMED_FROM][:most]
            off = self.suppress_rows(due)
            due = [who for who in due if who not in off]
            if due or not off:
                return due

    def write(self, moves: Sequence[tuple[str, State]]) -> bool:
        """Whether the moves are legal; then they are made."""
        before = self.stands
        self.stands = dict(before)
        self.suppress_rows([who for who, to in moves if to is S.COMMITTING])
        after, self.stands = self.stands, before
        for who, to in sorted(moves, key=lambda move: [S.COMMITTING, *State].index(move[1])):
            if after[who] is S.SUPPRESSED and WRITES[to]:
                continue
            if to not in MOVES[after[who]] or after[who] not in WRITES[to]:
                return False
            after[who] = to
        self.stands = after
        return True


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_any_walk_keeps_to_the_table_and_the_numbers_add_up(database: str, request: pytest.FixtureRequest) -> None:
    place = None if database == "sqlite" else request.getfixturevalue("postgres_url")
    runs = iter(range(10_000))
    opened = Ledger.open(place, Clock())

    @settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(STEPS)
    def walk(steps: list[tuple[str, Any]]) -> None:
        issue = f"walk-{next(runs)}"
        model = Model()
        walk_with(opened, issue, model, steps)

    with opened:
        walk()


def walk_with(ledger: Ledger, issue: str, model: Model, steps: list[tuple[str, Any]]) -> None:
    rows: dict[str, int] = {}
    for who in people(5):  # what the walk before left behind
        People(ledger.storage, Clock()).undo_leave(who, "")
    for name, value in steps:
        if name == "plan":
            listed = sorted(value)
            found = plan(ledger, *listed, issue=issue)
            for who in listed:
                model.stands.setdefault(who, S.PENDING)
            model.listed = set(value)
            standing = {who: state for who, state in model.stands.items() if who in value and who in model.left}
            model.stands |= {w: S.SUPPRESSED for w, s in standing.items() if s in CLAIMED_FROM}
            parts = (found.due, found.waiting, found.sent, found.rejected, found.uncertain, found.underway)
            assert sum(parts) + found.exhausted + found.suppressed == found.audience == len(listed)
        elif name == "claim":
            claims = ledger.claim(issue, value)
            assert addresses(claims) == model.claim(value)
            for claim in claims:
                model.stands[claim.address] = S.CLAIMED
                rows[claim.address] = claim.row
        elif name == "write":
            known = list(rows)
            moves = [(known[place % len(known)], to) for place, to in value] if known else []
            sent = [Move(rows[who], to) for who, to in moves]
            if model.write(moves):
                ledger.write(issue, sent)
            else:
                with pytest.raises(IllegalMoveError):
                    ledger.write(issue, sent)
        elif name == "resolve":
            who, to = value
            if model.stands.get(who) is S.UNCERTAIN:
                ledger.resolve(issue, who, to)
                model.stands[who] = to
            else:
                with pytest.raises(IllegalMoveError):
                    ledger.resolve(issue, who, to)
        elif name == "leave":
            People(ledger.storage, Clock()).leave(value, "")
            model.left.add(value)
        elif name == "come back":
            People(ledger.storage, Clock()).undo_leave(value, "")
            model.left.discard(value)
        elif name == "reopen":
            ledger.reopen(issue, value)
            if S.REJECTED in value:
                model.stands = {w: S.PENDING if s is S.REJECTED else s for w, s in model.stands.items()}
        else:
            lost = sum(state is S.COMMITTING for state in model.stands.values())
            assert ledger.recover(issue) == lost
            fate = {S.CLAIMED: S.PENDING, S.COMMITTING: S.UNCERTAIN}
            model.stands = {who: fate.get(state, state) for who, state in model.stands.items()}
        found_rows = list(ledger.rows(issue))
        assert [(row.address, row.state) for row in found_rows] == list(model.stands.items())
        assert sum(ledger.counts(issue).values()) == len(model.stands)
        assert all(row.attempts >= 0 for row in found_rows)


# --- what the report asks -------------------------------------------------------------------------------------------


def test_the_report_adds_up_by_time_domain_and_reply(ledger: Ledger, clock: Clock) -> None:
    plan(
        ledger, "a@one.example", "b@one.example", "c@one.example", "d@two.example", "e@two.example", '"f@x"@two.example'
    )
    claims = ledger.claim(ISSUE, 5)
    bring(ledger, claims[0], S.SENT, code=250, reply="2.0.0 Ok: queued as 1")
    bring(ledger, claims[1], S.SENT, code=250, reply="2.0.0 Ok: queued as 2")
    clock.pass_(seconds=9)
    bring(ledger, claims[2], S.REJECTED, code=550, reply="5.1.1 no such user c")
    bring(ledger, claims[3], S.REJECTED, code=550, reply="5.1.1 no such user d")
    bring(ledger, claims[4], S.REJECTED, code=550, reply="frequency limited")
    spans = ledger.timeline(ISSUE, 3)
    assert [dict(span.counts) for span in spans] == [{S.SENT: 2}, {}, {S.REJECTED: 3}]
    assert [span.start - START for span in spans] == [timedelta(seconds=3 * n) for n in range(3)]
    assert [(row.domain, row.total, dict(row.counts)) for row in ledger.by_domain(ISSUE)] == [
        ("one.example", 3, {S.SENT: 2, S.REJECTED: 1}),
        ("two.example", 3, {S.REJECTED: 2, S.PENDING: 1}),
    ]
    assert len(ledger.by_domain(ISSUE, limit=1)) == 1
    assert [(r.state, r.stage, r.code, r.enhanced, r.number, r.example) for r in ledger.by_reply(ISSUE)] == [
        (S.SENT, "dot", 250, "", 2, "2.0.0 Ok: queued as 1"),
        (S.REJECTED, "dot", 550, "5.1.1", 2, "5.1.1 no such user c"),
        (S.REJECTED, "dot", 550, "", 1, "frequency limited"),
    ]
    assert (
        ledger.timeline("never planned") == ledger.by_domain("never planned") == ledger.by_reply("never planned") == ()
    )


def test_the_outcomes_are_counted_by_relay(ledger: Ledger) -> None:
    plan(ledger, *people(5))
    one, two, three, four = ledger.claim(ISSUE, 4)
    bring(ledger, one, S.SENT)
    bring(ledger, two, S.SENT, relay="second")
    bring(ledger, three, S.REJECTED, relay="second")
    ledger.write(ISSUE, [Move(four.row, S.DEFERRED, reply="not tried: no such domain")])
    found = {name: dict(counts) for name, counts in ledger.by_relay(ISSUE).items()}
    assert found == {"relay": {S.SENT: 1}, "second": {S.SENT: 1, S.REJECTED: 1}, "": {S.DEFERRED: 1}}


def test_one_outcome_makes_a_timeline(ledger: Ledger) -> None:
    plan(ledger, *people(1))
    bring(ledger, ledger.claim(ISSUE, 1)[0], S.SENT)
    assert [dict(span.counts) for span in ledger.timeline(ISSUE, 2)] == [{S.SENT: 1}, {}]


def test_runs_are_noted_from_start_to_end(ledger: Ledger, clock: Clock) -> None:
    first = ledger.begin_run(ISSUE, "process 7 on here")
    clock.pass_(minutes=2)
    ledger.end_run(first, "interrupted")
    second = ledger.begin_run(ISSUE, "process 8 on here")
    assert ledger.begin_run("other", "process 9 on here") > second > first
    assert [(run.number, run.owner, run.started, run.ended, run.reason) for run in ledger.runs(ISSUE)] == [
        (first, "process 7 on here", START, START + timedelta(minutes=2), "interrupted"),
        (second, "process 8 on here", START + timedelta(minutes=2), None, ""),
    ]


def test_the_marks_of_the_rate_limits_outlive_the_process(store: Store, clock: Clock) -> None:
    with Ledger.open(store, clock) as ledger:
        assert dict(ledger.rate_limit_state()) == {}
        ledger.save_rate_limits({"relay/day": '{"used": 1}', "relay/hour": "{}"})
        ledger.save_rate_limits({"relay/day": '{"used": 2}'})
        ledger.save_rate_limits({})
    with Ledger.open(store, clock) as ledger:
        assert dict(ledger.rate_limit_state()) == {"relay/day": '{"used": 2}', "relay/hour": "{}"}


def test_issues_come_in_the_order_in_which_they_were_sent(ledger: Ledger, clock: Clock) -> None:
    for issue in ("c", "b", "a"):
        plan(ledger, *people(2), issue=issue)
    for issue in ("b", "c"):
        bring(ledger, ledger.claim(issue, 1)[0], S.SENT, issue)
        clock.pass_(hours=1)
    assert [row.issue for row in ledger.issues()] == ["b", "c", "a"]
    assert [row.counts[S.SENT] for row in ledger.issues()] == [1, 1, 0]
    assert sum(ledger.issues()[2].counts.values()) == 2


# --- places ---------------------------------------------------------------------------------------------------------


def test_a_url_may_name_an_sqlite_file_or_none(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite://", "sqlite:///:memory:"):
        with Ledger.open(url, clock) as ledger:
            assert plan(ledger, *people(1)).due == 1
    assert list(tmp_path.iterdir()) == []
    with Ledger.open(f"sqlite:///{tmp_path / 'a.db'}", clock) as ledger:
        plan(ledger, *people(1))
    with Ledger.open(tmp_path / "a.db", clock) as ledger:
        assert len(list(ledger.rows(ISSUE))) == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("newsletter.db", "the ledger's URL cannot be read; write sqlite:///FILE or postgresql://"),
        ("postgresql://me:geheim@host:port/x", "the ledger's URL cannot be read; write"),
        ("postgresql://me:ge@geheim/geheim@host/x", "the ledger's URL has more than one @; write %40 for one in"),
        ("mysql://me:geheim@host/x", "the ledger's URL begins with mysql, which is not supported; write sqlite:///"),
    ],
)
def test_a_url_that_cannot_be_used_is_named_without_its_password(url: str, words: str, clock: Clock) -> None:
    with pytest.raises(ConfigError) as caught:
        Ledger.open(url, clock)
    shown = "".join(str(error) for error in (caught.value, caught.value.__cause__))
    assert str(caught.value).startswith(words)
    assert "geheim" not in shown
