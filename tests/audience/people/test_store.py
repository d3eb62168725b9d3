"""The people's store in both databases: joining, leaving, bounces, one person's story, and being forgotten."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.audience.people.bounce_records import Recipient
from newsletter.audience.people.bounce_score import SoftRule
from newsletter.audience.people.consent import GivenConsent
from newsletter.audience.people.records import (
    BounceEvent,
    BounceKind,
    Person,
    Preferences,
    Reason,
    SignUpState,
    Suppression,
)
from newsletter.audience.people.sign_up_numbers import Month, SignUpNumbers
from newsletter.audience.people.store import People
from newsletter.errors import ConfigError
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import Outcome, State
from newsletter.tokens import is_address_hash, token

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SECRET, OLDER = "a secret of the operator", "the secret of last year"
ISSUE = "2026-03-01-daily"
ADA, BO = "Ada@example.com", "bo@example.com"
Store = Path | str


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(store: Store, clock: Clock) -> Iterator[People]:
    with People.open(store, clock, [SECRET]) as opened:
        yield opened


def join(people: People, address: str) -> None:
    people.sign_up(address, source="https://a.example/join", wording="Mail me the digest.")
    assert people.confirm(address, source="https://a.example/confirm") is SignUpState.CONFIRMED


def reasons(people: People, address: str) -> list[Reason]:
    return [row.reason for rows in people.suppressions_of([address]).values() for row in rows]


def mail(ledger: Ledger, *addresses: str, issue: str = ISSUE, secret: str = SECRET) -> None:
    """An issue that all of these got."""
    ledger.plan(issue, addresses, content_hash="h", subject="Daily")
    claims = ledger.claim(issue, len(addresses))
    moves = [Move(claim.row, State.COMMITTING, message_id=f"<{issue}.{claim.row}@x.test>") for claim in claims]
    ledger.write(issue, moves)
    ledger.write(issue, [Move(move.row, State.SENT, stage="dot", code=250, reply="2.0.0 ok") for move in moves])


# --- joining and leaving --------------------------------------------------------------------------------------------


def test_nobody_is_mailed_before_they_confirm(people: People, clock: Clock) -> None:
    asked = people.sign_up(
        ADA, source="https://a.example/join", wording="Mail me.", lang="de", fields={"name": "Ada"}, lists=["ai"]
    )
    assert asked is SignUpState.PENDING
    assert list(people.confirmed()) == []
    clock.now += timedelta(hours=1)
    assert (
        people.confirm("ada@EXAMPLE.com".lower(), source="https://a.example/c", wording="Yes") is SignUpState.CONFIRMED
    )
    (person,) = people.confirmed()
    assert person.email == ADA
    assert dict(person.fields) == {"name": "Ada", "email": ADA, "lang": "de"}
    assert [each.email for each in people.confirmed("ai")] == [ADA]
    assert list(people.confirmed("other")) == []
    history = people.history(ADA)
    assert history.person == Person(ADA, SignUpState.CONFIRMED, NOW, clock.now, "de", {"name": "Ada"})
    assert [(each.kind, each.at, each.source, each.wording) for each in history.consents] == [
        ("asked", NOW, "https://a.example/join", "Mail me."),
        ("confirmed", clock.now, "https://a.example/c", "Yes"),
    ]
    assert people.sign_up(ADA, source="again", wording="") is SignUpState.CONFIRMED, "nothing to confirm"
    assert people.history(ADA).consents == history.consents


def test_leaving_is_for_good_however_often_it_is_asked(people: People) -> None:
    join(people, ADA)
    assert people.leave(ADA, "one-click", issue=ISSUE)
    assert not people.leave("ada@example.com", "again", issue="later")
    assert people.suppressions_of([ADA]) == {
        "ada@example.com": (Suppression("ada@example.com", Reason.UNSUBSCRIBED, NOW, ISSUE, "one-click"),)
    }
    assert list(people.confirmed()) == []
    assert [each.kind for each in people.history(ADA).consents] == ["asked", "confirmed", "withdrawn"]


def test_who_is_on_no_list_of_ours_can_leave_too(people: People) -> None:
    assert people.leave(BO, "mailto")
    assert people.is_suppressed("Bo@example.com")
    assert people.history(BO).person is None


def test_an_old_link_to_confirm_does_not_bring_back_who_has_left(people: People) -> None:
    assert people.confirm(ADA, source="c") is None, "never asked"
    join(people, ADA)
    assert people.confirm(ADA, source="c") is SignUpState.CONFIRMED, "twice is once"
    people.leave(ADA, "one-click")
    assert people.confirm(ADA, source="c") is SignUpState.LEFT
    assert people.is_suppressed(ADA)
    assert people.sign_up(ADA, source="s", wording="") is SignUpState.PENDING
    assert people.is_suppressed(ADA), "anybody may have asked that"
    assert people.confirm(ADA, source="c") is SignUpState.CONFIRMED
    assert not people.is_suppressed(ADA)


def test_confirming_lifts_every_reason(people: People) -> None:
    for reason in Reason:
        people.suppress(ADA, reason)
    assert len(reasons(people, ADA)) == len(Reason)
    join(people, ADA)
    assert reasons(people, ADA) == []


def test_leaving_can_be_taken_back_and_nothing_else_with_it(people: People) -> None:
    join(people, ADA)
    people.leave(ADA, "one-click")
    people.suppress(ADA, Reason.COMPLAINT)
    assert people.undo_leave(ADA, "page")
    assert reasons(people, ADA) == [Reason.COMPLAINT]
    assert [each.email for each in people.confirmed()] == [ADA]
    assert not people.undo_leave(ADA, "page"), "nothing to take back"
    assert [each.kind for each in people.history(ADA).consents] == ["asked", "confirmed", "withdrawn", "returned"]
    people.sign_up(BO, source="s", wording="")
    people.leave(BO, "p")
    people.undo_leave(BO, "p")
    assert people.history(BO).person == Person(BO, SignUpState.PENDING, NOW), "not confirmed by it"


def test_suppressions_are_counted_and_listed_by_reason(people: People) -> None:
    assert people.suppress(ADA, Reason.MANUAL, detail="by letter")
    assert not people.suppress(ADA, Reason.MANUAL, detail="again")
    for number in range(1_001):
        people.suppress(f"p{number:04}@example.com", Reason.HARD_BOUNCE)
    assert people.suppressed_count() == {Reason.MANUAL: 1, Reason.HARD_BOUNCE: 1_001}
    assert sum(1 for _ in people.suppressed()) == 1_002
    assert [row.detail for row in people.suppressed(Reason.MANUAL)] == ["by letter"]


def test_preferences_are_kept_for_whoever_is_mailed(people: People) -> None:
    assert people.preferences(ADA) == Preferences()
    wanted = Preferences(("ai", "web"), NOW + timedelta(days=30), "weekly")
    people.set_preferences(ADA, wanted)
    assert people.preferences("ada@example.com") == wanted
    people.set_preferences(ADA, Preferences())
    assert people.history(ADA).preferences == Preferences()
    with pytest.raises(ValueError, match="no frequency"):
        Preferences(frequency="hourly")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no time zone"):
        Preferences(paused_until=datetime(2026, 1, 1))


def test_who_never_confirms_is_not_kept(people: People, clock: Clock) -> None:
    people.sign_up(ADA, source="s", wording="")
    join(people, BO)
    clock.now += timedelta(days=30)
    people.sign_up("new@example.com", source="s", wording="")
    assert people.drop_unconfirmed(NOW + timedelta(days=1)) == 1
    assert people.history(ADA).is_unknown
    assert not people.history(BO).is_unknown
    assert not people.history("new@example.com").is_unknown


# --- bounces --------------------------------------------------------------------------------------------------------


def bounce(kind: BounceKind, number: int = 0, at: datetime = NOW, address: str = ADA) -> BounceEvent:
    return BounceEvent(address, at, kind, f"mailbox/{kind}/{number}", "5.1.1", "550 unknown", ISSUE)


@pytest.mark.parametrize(
    ("kind", "reason"), [(BounceKind.HARD, Reason.HARD_BOUNCE), (BounceKind.COMPLAINT, Reason.COMPLAINT)]
)
def test_a_hard_bounce_and_a_complaint_act_at_once(people: People, kind: BounceKind, reason: Reason) -> None:
    decision = people.record_bounce(bounce(kind))
    assert (decision.new, decision.suppressed) == (True, reason)
    (row,) = people.suppressions_of([ADA])["ada@example.com"]
    assert (row.reason, row.issue, row.detail) == (reason, ISSUE, decision.why)
    again = people.record_bounce(bounce(kind))
    assert (again.new, again.suppressed) == (False, None), "the same mailbox, read twice"
    ((event, why),) = people.history(ADA).bounces
    assert (event, why) == (bounce(kind), decision.why)


def test_soft_bounces_act_by_their_score(people: People, clock: Clock) -> None:
    for number in range(4):
        day = clock.now = NOW + timedelta(days=number)
        assert people.record_bounce(bounce(BounceKind.SOFT, number, day)).suppressed is None
        assert people.record_bounce(bounce(BounceKind.SOFT, 10 + number, day)).suppressed is None, "one point a day"
    clock.now = NOW + timedelta(days=9)
    decision = people.record_bounce(bounce(BounceKind.SOFT, 4, clock.now))
    assert decision.suppressed is Reason.SOFT_BOUNCES
    assert "5 days" in decision.why


def test_soft_bounces_of_long_ago_and_of_another_rule(people: People, clock: Clock) -> None:
    clock.now = NOW + timedelta(days=30)
    for number in range(9):
        decision = people.record_bounce(bounce(BounceKind.SOFT, number, NOW + timedelta(days=number)))
        assert (decision.new, decision.suppressed) == (True, None), "an old mailbox, read late"
    assert people.record_bounce(bounce(BounceKind.SOFT, 9, clock.now), SoftRule(threshold=1)).suppressed


@pytest.mark.parametrize("kind", [BounceKind.SENDER_FAULT, BounceKind.DELAYED])
def test_trouble_of_ours_and_a_delay_are_kept_and_lead_to_nothing(people: People, kind: BounceKind) -> None:
    for number in range(9):
        decision = people.record_bounce(bounce(kind, number, NOW - timedelta(days=number)))
        assert (decision.new, decision.suppressed) == (True, None)
    assert not people.is_suppressed(ADA)
    assert [event.kind for event, why in people.history(ADA).bounces if "mailed as before" in why] == [kind] * 9


def test_a_message_that_came_back_is_traced_to_its_recipient(store: Store, clock: Clock) -> None:
    with People.open(store, clock, [SECRET, OLDER]) as people, Ledger.open(store, clock) as ledger:
        mail(ledger, ADA, BO)
        mail(ledger, BO, issue="next")
        tokens = {
            token(OLDER, "bounce", ADA, ISSUE).upper(): Recipient(ISSUE, ADA),
            token(SECRET, "bounce", BO, "next"): Recipient("next", BO),
        }
        assert people.find_by_bounce_tokens([*tokens, "0" * 40, token("x" * 16, "bounce", ADA, ISSUE)]) == tokens
        ids = {row.message_id: Recipient(ISSUE, row.address) for row in ledger.rows(ISSUE)}
        assert people.find_by_message_ids([*ids, "<none@x>"]) == ids


# --- consent and numbers --------------------------------------------------------------------------------------------


def test_consent_is_that_of_the_form_whose_link_was_confirmed(people: People, clock: Clock) -> None:
    people.sign_up(ADA, source="https://a.example/old", wording="Old words.")
    clock.now += timedelta(days=1)
    join(people, ADA)
    confirmed = clock.now
    clock.now += timedelta(days=1)
    people.leave(ADA, "a click")
    people.sign_up(ADA, source="https://a.example/later", wording="Never confirmed.")
    people.sign_up(BO, source="https://a.example/join", wording="Never confirmed.")
    words = ("https://a.example/join", "Mail me the digest.")
    given = GivenConsent(confirmed, *words, confirmed, "https://a.example/confirm")
    assert people.consents_given([ADA, BO, "nobody@example.com"]) == {ADA.lower(): given}
    people.forget(ADA)
    assert people.consents_given([ADA]) == {}


def test_numbers_by_list_and_month(people: People, clock: Clock) -> None:
    for number, lists in enumerate([["daily"], ["daily", "ai"], ["ai"], []]):
        address = f"{number}@example.com"
        people.sign_up(address, source="", wording="", lists=lists)
        people.confirm(address, source="")
    clock.now += timedelta(days=40)
    people.leave("0@example.com", "a click")
    people.suppress("1@example.com", Reason.HARD_BOUNCE)
    clock.now += timedelta(days=40)
    people.undo_leave("0@example.com", "a click")
    people.sign_up("4@example.com", source="", wording="", lists=["ai"])
    everyone = SignUpNumbers(
        4, 1, 1, 0, (Month("2026-03", 4, 0, 0), Month("2026-04", 0, 1, 1), Month("2026-05", 1, 0, 0))
    )
    assert people.numbers() == everyone
    assert people.numbers("ai") == SignUpNumbers(2, 1, 1, 0, (Month("2026-03", 2, 0, 0), Month("2026-04", 0, 0, 1)))
    assert people.numbers("none") == SignUpNumbers(0, 0, 0, 0, ())


def test_many_are_suppressed_in_one_go_and_the_forgotten_under_their_hash(people: People) -> None:
    people.suppress(ADA, Reason.UNSUBSCRIBED, detail="a click")
    people.forget("cy@example.com")
    assert people.suppress_all([ADA, BO, "BO@example.com", "cy@example.com"], Reason.UNSUBSCRIBED, detail="a file") == 2
    rows = {row.key: row.detail for row in people.suppressed(Reason.UNSUBSCRIBED)}
    assert rows.pop(ADA.lower()) == "a click"
    assert rows.pop(BO) == "a file"
    assert all(map(is_address_hash, rows))
    assert len(rows) == 1


def test_a_slip_is_lifted_and_nothing_else(people: People) -> None:
    people.suppress(ADA, Reason.MANUAL)
    people.suppress(ADA, Reason.COMPLAINT)
    assert people.undo_suppression(ADA, "the wrong Ada")
    assert not people.undo_suppression(ADA, "again")
    assert reasons(people, ADA) == [Reason.COMPLAINT]
    assert [(step.kind, step.wording) for step in people.history(ADA).consents] == [("lifted", "the wrong Ada")]


# --- one person -----------------------------------------------------------------------------------------------------


def test_a_story_has_every_issue_with_its_answer(store: Store, clock: Clock) -> None:
    with People.open(store, clock, [SECRET]) as people, Ledger.open(store, clock) as ledger:
        mail(ledger, ADA, BO)
        mail(ledger, ADA, issue="next")
        ledger.record_test(ISSUE, "ada@example.com", Outcome(State.SENT, "dot", 250, "ok"))
        history = people.history("ada@example.com")
        assert [(subject, row.issue, row.state, row.reply) for subject, row in history.deliveries] == [
            ("Daily", ISSUE, State.SENT, "2.0.0 ok"),
            ("Daily", "next", State.SENT, "2.0.0 ok"),
        ]
        assert [row.issue for _, row in history.tests] == [ISSUE]
        assert people.history("nobody@example.com").is_unknown


def test_the_forgotten_leave_nothing_but_a_hash_that_keeps_them_unmailed(store: Store, clock: Clock) -> None:
    with People.open(store, clock, [SECRET]) as people, Ledger.open(store, clock) as ledger:
        join(people, ADA)
        people.set_preferences(ADA, Preferences(("ai",)))
        people.record_bounce(bounce(BounceKind.SOFT))
        mail(ledger, ADA, BO)
        ledger.plan("next", [ADA, BO], content_hash="h", subject="s")
        ledger.record_test(ISSUE, ADA, Outcome(State.REJECTED, "RCPT", 550, "no"))
        people.leave(ADA, "one-click", issue=ISSUE)
        gone = people.forget(ADA)
        assert gone.issues == 2
        assert gone.rows == 7
        assert {row.reason for row in people.suppressed()} == {Reason.UNSUBSCRIBED, Reason.FORGOTTEN}
        assert all(is_address_hash(row.key) for row in people.suppressed())
        assert people.is_suppressed(ADA)
        assert ledger.counts(ISSUE)[State.SENT] == 2, "the numbers still add up"
        assert ledger.counts("next")[State.SUPPRESSED] == 1
        assert [row.address for row in ledger.rows("next", State.PENDING)] == [BO]
        assert len(people.history(ADA).deliveries) == 2, "who knows the address finds them"
        # Nothing that comes later brings the address back.
        people.suppress(ADA, Reason.MANUAL)
        people.leave(ADA, "again")
        assert not people.record_bounce(bounce(BounceKind.HARD)).new
        assert not people.undo_leave(ADA, "page")
        if isinstance(store, Path):
            for file in store.parent.glob(f"{store.name}*"):
                assert b"ada@example" not in file.read_bytes().lower(), file
        else:
            for table in ("people", "consents", "preferences", "suppressions", "bounce_events", "deliveries", "tests"):
                with people.storage.read() as db:
                    assert "ada@" not in str(db.exec_driver_sql(f"SELECT * FROM {table}").all()).lower()
        assert people.forget(ADA).rows == 0, "twice is once"
        # They alone can come back.
        join(people, ADA)
        assert not people.is_suppressed(ADA)


def test_the_forgotten_are_known_after_a_change_of_secrets(store: Store, clock: Clock) -> None:
    with People.open(store, clock, [OLDER]) as people:
        people.forget(ADA)
    with People.open(store, clock, [SECRET, OLDER]) as people:
        assert people.is_suppressed(ADA)
        assert people.forget(BO)
        assert people.is_suppressed(BO)


def test_forgetting_needs_a_secret(store: Store, clock: Clock) -> None:
    with People.open(store, clock) as people:
        people.leave(ADA, "page")
        with pytest.raises(ConfigError, match="forgetting somebody needs NEWSLETTER_SECRET"):
            people.forget(ADA)
        assert people.is_suppressed(ADA)


# --- durable --------------------------------------------------------------------------------------------------------


def test_who_was_told_that_they_left_has_left_whatever_happens_then(store: Store) -> None:
    """A kill right after the answer: what was said is on disk."""
    code = """
import os, signal, sys
from datetime import UTC, datetime
from newsletter.audience.people.store import People
people = People.open(sys.argv[1], lambda: datetime.now(UTC))
for number in range(50):
    people.leave(f"p{number}@example.com", "one-click")
    print(number, flush=True)
    if number == 30:
        os.kill(os.getpid(), signal.SIGKILL)
"""
    url = store if isinstance(store, str) else f"sqlite:///{store}"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    told = [f"p{number}@example.com" for number in done.stdout.split()]
    assert len(told) == 31
    with People.open(store, lambda: NOW) as people:
        assert set(people.suppressions_of(told)) == set(told)


def test_a_backup_of_the_ledger_has_the_suppressions(tmp_path: Path) -> None:
    with People.open(tmp_path / "newsletter.db", lambda: NOW) as people:
        people.leave(ADA, "page")
    (file,) = tmp_path.iterdir()
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("SELECT key, reason FROM suppressions").fetchall() == [("ada@example.com", "unsubscribed")]
