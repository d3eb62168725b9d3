"""What came back, from a mailbox to the store: whose it was, what follows, and what the mailbox is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from reports import BOUNCES, complaint, dsn, hard, letter, soft

from newsletter.audience.people.bounce_score import SoftRule
from newsletter.audience.people.records import Reason
from newsletter.audience.people.store import People
from newsletter.bounces.mailboxes.local import Mailbox, open_mailbox
from newsletter.bounces.outcome import BounceReport, Effect, Entry, Proof
from newsletter.bounces.process import Incoming, Rules, from_provider, read_bounces, settle
from newsletter.bounces.results import Bounce, Complaint, Failure, Kind, Traces, Unsubscribe
from newsletter.bounces.stored_message import StoredMessage
from newsletter.bounces.webhooks.read import Event
from newsletter.ledger.ledger import Ledger, Move
from newsletter.model.delivery import State
from newsletter.tokens import token

SECRET = "a secret of the operator"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ISSUE = "2026-03-02-news"
ADA, BO = "Ada@example.net", "bo@example.net"
RULES = Rules(BOUNCES, secret=True)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Box:
    """A mailbox in memory, that remembers what it was told of, and what stood in the store by then."""

    name = "box"

    def __init__(self, *messages: bytes, received: datetime | None = None) -> None:
        self.messages = messages
        self.received = received
        self.told: list[str] = []

    def arrivals(self) -> Iterator[StoredMessage]:
        for number, raw in enumerate(self.messages):
            yield StoredMessage(str(number), f"box message {number}", raw, self.received)

    def acknowledge(self, keys: Sequence[str]) -> None:
        self.told += keys


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "newsletter.db"


@pytest.fixture
def people(store: Path, clock: Clock) -> Iterator[People]:
    with Ledger.open(store, clock) as ledger:
        for issue in ("2026-03-01-news", ISSUE):
            ledger.plan(issue, [ADA, BO], content_hash="h", subject="News")
            claims = ledger.claim(issue, 2)
            moves = [Move(each.row, State.COMMITTING, message_id=message_id(issue, each.address)) for each in claims]
            ledger.write(issue, moves)
            ledger.write(issue, [Move(each.row, State.SENT, stage="dot", code=250) for each in claims])
    with People.open(store, clock, [SECRET]) as opened:
        yield opened


def message_id(issue: str, address: str) -> str:
    return f"<{issue}.{address.lower().partition('@')[0]}@example.com>"


def verp(address: str, issue: str = ISSUE) -> str:
    return BOUNCES.replace("{token}", token(SECRET, "bounce", address, issue))


def reading(mailbox: Mailbox, people: People, clock: Clock, rules: Rules) -> BounceReport:
    report = BounceReport()
    for messages, entries in read_bounces(mailbox, people, clock, rules):
        report = report.plus(messages, entries)
    return report


def effects(report: BounceReport) -> dict[Effect, int]:
    return {effect: count for effect, count in report.effects.items() if count}


def run(people: People, clock: Clock, *messages: bytes, rules: Rules = RULES) -> BounceReport:
    return reading(Box(*messages), people, clock, rules)


def only(report: BounceReport) -> Entry:
    (entry,) = report.entries
    return entry


def reasons(people: People, address: str) -> list[Reason]:
    return [row.reason for rows in people.suppressions_of([address]).values() for row in rows]


# --- whose it was ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "proof", "issue"),
    [
        (hard("ada@example.net", to=verp(ADA)), Proof.TOKEN, ISSUE),
        (hard("ada@example.net", to=verp(ADA, "2026-03-01-news").upper()), Proof.TOKEN, "2026-03-01-news"),
        (hard("elsewhere@example.org", to=verp(ADA)), Proof.TOKEN, ISSUE),
        (hard("", to=verp(ADA)), Proof.TOKEN, ISSUE),
        (hard(returned=f"Message-ID: {message_id(ISSUE, ADA)}"), Proof.MESSAGE_ID, ISSUE),
        (hard("forwarded@example.org", returned=f"Message-ID: {message_id(ISSUE, ADA)}"), Proof.MESSAGE_ID, ISSUE),
    ],
)
def test_a_hard_bounce_with_proof_suppresses_at_once(
    people: People, clock: Clock, raw: bytes, proof: Proof, issue: str
) -> None:
    entry = only(run(people, clock, raw))
    assert (entry.effect, entry.address.lower(), entry.issue, entry.proof) == (
        Effect.SUPPRESSED,
        "ada@example.net",
        issue,
        proof,
    )
    assert reasons(people, ADA) == [Reason.HARD_BOUNCE]
    assert reasons(people, BO) == []
    ((event, why),) = people.history(ADA).bounces
    assert (event.evidence, event.issue, why) == (entry.evidence, issue, entry.why)


def test_a_forged_report_takes_nobody_off_the_list(people: People, clock: Clock) -> None:
    """All that a stranger knows is an address: no report of theirs is worth more than a point, one a day."""
    forged = [hard(ADA).replace(b"report-1", b"forged-%d" % number) for number in range(20)]
    report = run(people, clock, *forged)
    assert {entry.effect for entry in report.entries} == {Effect.COUNTED}
    assert {entry.proof for entry in report.entries} == {Proof.ADDRESS}
    assert reasons(people, ADA) == []
    assert "proves nothing" in people.history(ADA).bounces[0][0].diagnostic


def test_a_message_id_proves_nothing_without_a_secret(people: People, clock: Clock) -> None:
    raw = hard(returned=f"Message-ID: {message_id(ISSUE, ADA)}")
    assert only(run(people, clock, raw, rules=Rules())).effect is Effect.COUNTED
    assert reasons(people, ADA) == []


def test_a_report_about_a_stranger_is_left_in_the_mailbox(people: People, clock: Clock) -> None:
    box = Box(hard("nobody@example.org"), dsn("Action: failed", "Status: 5.1.1", address=""))
    report = reading(box, people, clock, RULES)
    assert [entry.effect for entry in report.entries] == [Effect.STRANGER, Effect.STRANGER]
    assert "nobody@example.org, whom we have not mailed" in report.entries[0].why
    assert box.told == []


def test_a_token_of_another_secret_finds_nobody(people: People, clock: Clock) -> None:
    other = BOUNCES.replace("{token}", token("another secret of ours", "bounce", ADA, ISSUE))
    assert only(run(people, clock, hard("x@example.org", to=other))).effect is Effect.STRANGER


# --- what follows ---------------------------------------------------------------------------------------------------


def test_soft_bounces_are_points_and_five_are_enough(people: People, clock: Clock) -> None:
    for day in range(5):
        clock.now = NOW + timedelta(days=day)
        raw = soft(to=verp(ADA)).replace(b"report-1", b"report-%d" % day)
        again = raw.replace(b"report-", b"another-")
        report = run(people, clock, raw, again)
        assert reasons(people, ADA) == ([Reason.SOFT_BOUNCES] if day == 4 else [])
        assert f"day {day + 1} of 5" in report.entries[0].why or day == 4


def test_the_threshold_is_the_operators(people: People, clock: Clock) -> None:
    run(people, clock, soft(to=verp(ADA)), rules=replace(RULES, soft=SoftRule(threshold=1)))
    assert reasons(people, ADA) == [Reason.SOFT_BOUNCES]


def test_an_old_mailbox_lets_nobody_go(people: People, clock: Clock) -> None:
    for day in range(9):
        box = Box(soft(to=verp(ADA)).replace(b"report-1", b"r-%d" % day), received=NOW - timedelta(days=99 - day))
        assert only(reading(box, people, clock, RULES)).effect is Effect.COUNTED
    assert reasons(people, ADA) == []


def test_a_message_of_the_future_is_of_now(people: People, clock: Clock) -> None:
    reading(Box(soft(to=verp(ADA)), received=NOW + timedelta(days=999)), people, clock, RULES)
    assert people.history(ADA).bounces[0][0].at == NOW


@pytest.mark.parametrize(
    "raw",
    [
        dsn("Action: failed", "Status: 5.7.1", "Diagnostic-Code: smtp; 550 5.7.1 blocked", to=verp(ADA)),
        dsn("Action: failed", "Diagnostic-Code: smtp; 550 Connection frequency limited", to=verp(ADA)),
        dsn("Action: delayed", "Status: 4.4.1", to=verp(ADA)),
    ],
)
def test_trouble_of_ours_is_kept_and_leads_to_nothing(people: People, clock: Clock, raw: bytes) -> None:
    for day in range(9):
        clock.now = NOW + timedelta(days=day)
        report = run(people, clock, raw.replace(b"report-1", b"report-%d" % day))
        assert only(report).effect is Effect.COUNTED
    assert reasons(people, ADA) == []
    assert len(people.history(ADA).bounces) == 9


@pytest.mark.parametrize(
    "raw",
    [
        complaint(mail_from=verp(ADA), address=""),
        complaint(returned=f"Message-ID: {message_id(ISSUE, ADA)}", address=""),
        complaint(address="ADA@example.net"),
    ],
)
def test_a_complaint_suppresses_at_once(people: People, clock: Clock, raw: bytes) -> None:
    assert only(run(people, clock, raw)).effect is Effect.SUPPRESSED
    assert reasons(people, ADA) == [Reason.COMPLAINT]
    assert people.history(ADA).bounces[0][0].diagnostic == "abuse SomeGenerator/1.0"


def test_a_complaint_of_nobody_knows_whom(people: People, clock: Clock) -> None:
    assert only(run(people, clock, complaint(address=""))).effect is Effect.STRANGER


@pytest.mark.parametrize(
    ("raw", "leaves"),
    [
        (letter("unsubscribe bo@example.net", "", sender="Ada <ada@example.net>"), BO),
        (letter("unsubscribe", "", sender="Ada <ada@example.net>"), ADA),
        (letter("unsubscribe old@example.org", "", sender="Ada <ada@example.net>"), ADA),
        (letter("unsubscribe new@example.org", "", sender="x@example.org"), "new@example.org"),
    ],
)
def test_who_asks_by_mail_leaves(people: People, clock: Clock, raw: bytes, leaves: str) -> None:
    entry = only(run(people, clock, raw))
    assert (entry.effect, entry.address) == (Effect.SUPPRESSED, leaves.replace("Ada", "ada"))
    assert [row.key for row in people.suppressed()] == [leaves.lower()]
    assert entry.evidence in people.history(leaves).suppressions[0].detail
    assert only(run(people, clock, raw.replace(b"letter-1", b"letter-2"))).effect is Effect.KNOWN


def test_letters_and_automatic_answers_are_left_alone(people: People, clock: Clock) -> None:
    box = Box(letter(), letter("Re: x", "", "Auto-Submitted: auto-replied"), b"", b"\0\0")
    report = reading(box, people, clock, RULES)
    assert effects(report) == {Effect.ALONE: 2, Effect.UNREADABLE: 2}
    assert box.told == []
    assert list(people.suppressed()) == []


def test_a_person_who_was_forgotten_stays_so(people: People, clock: Clock) -> None:
    raw = hard(to=verp(BO), address="bo@example.net")
    people.forget(BO)
    assert only(run(people, clock, raw)).effect in (Effect.STRANGER, Effect.KNOWN)
    assert people.history(BO).bounces == ()


# --- once, and in order ---------------------------------------------------------------------------------------------


def test_reading_twice_counts_once(people: People, clock: Clock, tmp_path: Path) -> None:
    messages = (hard(to=verp(ADA)), soft("bo@example.net", to=verp(BO)), letter())
    first = run(people, clock, *messages)
    assert effects(first) == {Effect.SUPPRESSED: 1, Effect.COUNTED: 1, Effect.ALONE: 1}
    path = tmp_path / "mbox"
    path.write_bytes(b"".join(b"From x\n" + raw.replace(b"\r\n", b"\n") + b"\n" for raw in messages))
    with open_mailbox(str(path), {}) as mailbox:
        again = reading(mailbox, people, clock, RULES)
    assert effects(again) == {Effect.KNOWN: 2, Effect.ALONE: 1}
    assert len(people.history(ADA).bounces) == len(people.history(BO).bounces) == 1


def test_the_mailbox_is_told_after_the_store_has_it(people: People, store: Path, clock: Clock) -> None:
    seen: list[bool] = []

    class Watching(Box):
        def acknowledge(self, keys: Sequence[str]) -> None:
            super().acknowledge(keys)
            with People.open(store, clock, [SECRET]) as other:  # another process would see it, too
                seen.append(other.is_suppressed(ADA))

    box = Watching(letter(), hard(to=verp(ADA)))
    reading(box, people, clock, RULES)
    assert (box.told, seen) == (["1"], [True])


def test_a_run_that_dies_before_it_told_the_mailbox_is_made_good(people: People, clock: Clock) -> None:
    class Dying(Box):
        def acknowledge(self, keys: Sequence[str]) -> None:
            raise OSError("the cable")

    raw = hard(to=verp(ADA))
    with pytest.raises(OSError, match="the cable"):
        reading(Dying(raw), people, clock, RULES)
    box = Box(raw)
    assert only(reading(box, people, clock, RULES)).effect is Effect.KNOWN
    assert box.told == ["0"]


def test_a_dry_run_writes_nothing_down(people: People, clock: Clock) -> None:
    box = Box(hard(to=verp(ADA)), complaint(address=BO), letter("unsubscribe"), soft(to=verp(ADA)))
    report = reading(box, people, clock, replace(RULES, dry_run=True))
    assert effects(report) == {Effect.SUPPRESSED: 3, Effect.COUNTED: 1}
    assert box.told == []
    assert list(people.suppressed()) == []
    assert people.history(ADA).bounces == ()


def test_a_report_tells_first_of_what_mattered(people: People, clock: Clock) -> None:
    report = run(people, clock, *(letter(text=str(number)) for number in range(1_200)), hard(to=verp(ADA)))
    assert report.messages == 1_201
    assert effects(report) == {Effect.ALONE: 1_200, Effect.SUPPRESSED: 1}
    assert len(report.entries) == 1_000
    assert report.entries[0].effect is Effect.SUPPRESSED


# --- what a provider tells ------------------------------------------------------------------------------------------


def told(reading: Bounce | Complaint | Unsubscribe, name: str = "ses:1") -> Incoming:
    (incoming,) = from_provider([Event(name, NOW, reading)])
    return incoming


def test_what_a_provider_has_signed_is_proof(people: People) -> None:
    bounce = Bounce((Failure("ada@example.net", Kind.HARD, "5.1.1"),))
    (entry,) = settle([told(bounce)], people, Rules())
    assert (entry.effect, entry.proof) == (Effect.SUPPRESSED, Proof.PROVIDER)
    assert [entry.effect for entry in settle([told(bounce)], people, Rules())] == [Effect.KNOWN]


def test_a_provider_that_shows_the_message_id_names_the_issue(people: People) -> None:
    traces = Traces(message_ids=(message_id(ISSUE, BO),))
    (entry,) = settle([told(Bounce((Failure(BO, Kind.HARD),), traces))], people, Rules())
    assert (entry.effect, entry.issue) == (Effect.SUPPRESSED, ISSUE)


def test_complaints_and_wishes_to_leave_from_a_provider(people: People) -> None:
    complained = Complaint("abuse", Traces(addresses=(ADA,)), "SES")
    entries = settle([told(complained), told(Unsubscribe(BO, ""), "ses:2")], people, Rules())
    assert [entry.effect for entry in entries] == [Effect.SUPPRESSED] * 2
    assert (reasons(people, ADA), reasons(people, BO)) == ([Reason.COMPLAINT], [Reason.UNSUBSCRIBED])


# --- what is sent on, what is unclear, what follows the cadence -----------------------------------------------------


def sent_on(report: bytes) -> bytes:
    head = b"From: Bo <bo@example.net>\nTo: news@example.com\nSubject: Fwd: Undelivered\nMIME-Version: 1.0\n"
    head += b'Content-Type: multipart/mixed; boundary="o"\n\n--o\nContent-Type: text/plain\n\nLook at this!\n--o\n'
    return head + b"Content-Type: message/rfc822\n\n" + report.replace(b"\r\n", b"\n") + b"\n--o--\n"


def test_a_report_that_a_reader_sends_on_counts_against_nobody(people: People, clock: Clock) -> None:
    box = Box(sent_on(hard(ADA)))
    assert effects(reading(box, people, clock, RULES)) == {Effect.ALONE: 1}
    assert box.told == []
    assert people.history(ADA.lower()).bounces == ()


def test_a_report_of_our_own_mail_that_is_sent_on_counts_for_its_reader_alone(people: People, clock: Clock) -> None:
    """Ada passed the issue on to somebody, whose server said no with her Message-ID in it; Bo's own server said no."""
    returned = f"Message-ID: {message_id(ISSUE, ADA)}\nTo: friend@example.org"
    assert effects(reading(Box(sent_on(hard("friend@example.org", returned=returned))), people, clock, RULES)) == {
        Effect.ALONE: 1
    }
    returned = f"Message-ID: {message_id(ISSUE, BO)}\nTo: {BO}"
    assert effects(reading(Box(sent_on(hard(BO, returned=returned))), people, clock, RULES)) == {Effect.SUPPRESSED: 1}


def test_what_may_be_a_wish_to_leave_is_named_and_stays_new(people: People, clock: Clock) -> None:
    box = Box(letter("Re: The news", "I have clicked unsubscribe twice now. Does it work?", sender=f"Ada <{ADA}>"))
    report = reading(box, people, clock, RULES)
    assert effects(report) == {Effect.UNCLEAR: 1}
    assert report.entries[0].address.lower() == ADA.lower()
    assert "unsubscribe twice" in report.entries[0].why
    assert f"subscribers suppress {ADA}" in report.entries[0].why
    assert box.told == []


def test_which_row_of_the_table_decided_is_kept(people: People, clock: Clock) -> None:
    raw = dsn("Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 blocked using a block list", to=verp(BO))
    reading(Box(raw), people, clock, RULES)
    ((event, decision),) = people.history(BO).bounces
    assert event.kind == "lane"
    assert decision.endswith("(judged by: the sender is on a block list)")


@pytest.mark.parametrize(("every", "suppressed"), [(1, False), (7, True)])
def test_points_last_as_the_newsletter_s_cadence_asks(tmp_path: Path, every: int, suppressed: bool) -> None:
    """Five full mailboxes ten days apart: of a weekly issue all of them count, of a daily one none does."""
    clock = Clock()
    store = tmp_path / "cadence.db"
    with Ledger.open(store, clock) as ledger:
        for number in range(10):
            clock.now = NOW + timedelta(days=number * every)
            ledger.plan(f"issue-{number}", [BO], content_hash="h", subject="News")
            (claim,) = ledger.claim(f"issue-{number}", 1)
            ledger.write(f"issue-{number}", [Move(claim.row, State.COMMITTING, message_id=f"<{number}@example.com>")])
            ledger.write(f"issue-{number}", [Move(claim.row, State.SENT, stage="dot", code=250)])
    with People.open(store, clock, [SECRET]) as people:
        for number in range(5):
            clock.now = NOW + timedelta(days=100 + number * 10)
            reading(Box(soft(BO, to=verp(BO, f"issue-{number}")), received=clock.now), people, clock, RULES)
        assert bool(people.history(BO).suppressions) is suppressed
