"""The ledger on real SQLite files: only legal moves, nothing lost by a crash, one run at a time."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from newsletter import ledger as ledger_module
from newsletter.errors import BusyError, ConfigError
from newsletter.ledger import MOVES, Delivery, IllegalMoveError, Ledger, Plan
from newsletter.model import Outcome, State

ISSUE = "2026-03-01-daily"
START = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
SENT = Outcome(State.SENT, "dot", 250, "2.0.0 Ok: queued as 4F2")
DEFERRED = Outcome(State.DEFERRED, "rcpt", 450, "4.2.0 later")
REJECTED = Outcome(State.REJECTED, "rcpt", 550, "5.1.1 no such user")
UNCERTAIN = Outcome(State.UNCERTAIN, "dot", 0, "timed out")


def ticking() -> Callable[[], datetime]:
    """A clock that moves one second each time it is read."""
    seconds = iter(range(1_000_000))
    return lambda: START + timedelta(seconds=next(seconds))


def open_ledger(folder: Path) -> Ledger:
    return Ledger.open(folder / "newsletter.db", ticking())


def plan(ledger: Ledger, *addresses: str, content_hash: str = "h1") -> Plan:
    return ledger.plan(ISSUE, addresses, content_hash=content_hash, subject="Daily")


def mail(ledger: Ledger, address: str, outcome: Outcome) -> None:
    assert ledger.claim(ISSUE, address)
    ledger.commit(ISSUE, address, f"<{address}>")
    ledger.record(ISSUE, address, outcome)


def states(ledger: Ledger) -> dict[str, State]:
    return {row.address: row.state for row in ledger.rows(ISSUE)}


@contextmanager
def child(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another Python process, killed with SIGKILL when the block ends."""
    script = "import sys, os\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
    script += "from newsletter.ledger import Ledger\nfrom newsletter.model import Outcome, State\n" + code
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def answer_of(run: subprocess.Popen[str]) -> str:
    assert run.stdout is not None
    return run.stdout.readline().rstrip("\n")


def start(run: subprocess.Popen[str]) -> None:
    assert run.stdin is not None
    run.stdin.write("go\n")
    run.stdin.flush()


# --- a send ---------------------------------------------------------------------------------------------------------


def test_a_send_is_written_down_step_by_step(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        assert plan(ledger, "Ann@example.com", "bo@example.com") == Plan(due=("Ann@example.com", "bo@example.com"))
        assert ledger.claim(ISSUE, "ann@example.com")
        ledger.commit(ISSUE, "ann@example.com", "<1@example.com>")
        ledger.record(ISSUE, "ann@example.com", SENT)
        (row,) = ledger.rows(ISSUE, State.SENT)
    assert row == Delivery(
        issue=ISSUE,
        address="Ann@example.com",
        state=State.SENT,
        message_id="<1@example.com>",
        attempts=1,
        stage="dot",
        code=250,
        reply="2.0.0 Ok: queued as 4F2",
        updated=row.updated,
    )
    assert START < row.updated < START + timedelta(minutes=1)
    assert row.updated.tzinfo is UTC


def test_what_was_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com", "bo@example.com", "cy@example.com", "di@example.com", "ed@example.com")
        mail(ledger, "ann@example.com", SENT)
        mail(ledger, "bo@example.com", UNCERTAIN)
        assert ledger.claim(ISSUE, "cy@example.com")
        ledger.record(ISSUE, "cy@example.com", REJECTED)
        assert ledger.claim(ISSUE, "di@example.com")
        ledger.record(ISSUE, "di@example.com", DEFERRED)
    with open_ledger(tmp_path) as ledger:
        again = plan(
            ledger, "new@example.com", "ED@example.com", "di@example.com", "cy@example.com", "bo@example.com",
            "ann@example.com", "new@EXAMPLE.com",
        )  # fmt: skip
        assert again == Plan(
            due=("new@example.com", "ED@example.com", "di@example.com"),
            sent=("ann@example.com",),
            rejected=("cy@example.com",),
            uncertain=("bo@example.com",),
        )
        assert dict(ledger.counts(ISSUE)) == {
            State.PENDING: 2,
            State.CLAIMED: 0,
            State.COMMITTING: 0,
            State.SENT: 1,
            State.DEFERRED: 1,
            State.REJECTED: 1,
            State.UNCERTAIN: 1,
        }


def test_an_issue_knows_nothing_of_another(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com")
        mail(ledger, "ann@example.com", SENT)
        assert ledger.plan("other", ["ann@example.com"], content_hash="h", subject="").due == ("ann@example.com",)
        assert ledger.claim("other", "ann@example.com")
        assert ledger.recover(ISSUE) == ()
        assert ledger.counts("other")[State.CLAIMED] == 1
        assert sum(ledger.counts("never planned").values()) == 0


def test_who_left_the_list_is_not_due(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com", "bo@example.com")
        assert plan(ledger, "bo@example.com").due == ("bo@example.com",)
        assert sum(ledger.counts(ISSUE).values()) == 2


def test_a_plan_shows_what_another_run_has_in_hand(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com", "bo@example.com", "cy@example.com")
        ledger.claim(ISSUE, "ann@example.com")
        ledger.claim(ISSUE, "bo@example.com")
        ledger.commit(ISSUE, "bo@example.com", "<b>")
        assert plan(ledger, "ann@example.com", "bo@example.com", "cy@example.com") == Plan(
            due=("cy@example.com",), underway=("ann@example.com", "bo@example.com")
        )


@pytest.mark.parametrize(
    ("outcome", "changed"), [(SENT, True), (UNCERTAIN, True), (DEFERRED, False), (REJECTED, False)]
)
def test_changed_content_counts_once_somebody_may_have_it(tmp_path: Path, outcome: Outcome, changed: bool) -> None:
    with open_ledger(tmp_path) as ledger:
        assert not plan(ledger, "ann@example.com", "bo@example.com", content_hash="h1").content_changed
        assert not plan(ledger, "ann@example.com", content_hash="h2").content_changed
        mail(ledger, "ann@example.com", outcome)
        assert not plan(ledger, "ann@example.com", content_hash="h2").content_changed
        assert plan(ledger, "ann@example.com", content_hash="h3").content_changed is changed
        assert plan(ledger, "ann@example.com", content_hash="h3").content_changed is changed
        assert plan(ledger, "ann@example.com", content_hash="h2").content_changed is False


def test_the_first_sent_mail_dates_the_issue(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com", "bo@example.com", "cy@example.com")
        mail(ledger, "ann@example.com", REJECTED)
        mail(ledger, "bo@example.com", SENT)
        mail(ledger, "cy@example.com", SENT)
        (bo,) = [row for row in ledger.rows(ISSUE) if row.address == "bo@example.com"]
    with closing(sqlite3.connect(tmp_path / "newsletter.db")) as db:
        assert db.execute("SELECT subject, first_sent FROM issues").fetchall() == [("Daily", bo.updated.isoformat())]


def test_a_long_list_keeps_its_order(tmp_path: Path) -> None:
    addresses = [f"p{number}@example.com" for number in range(2_500, 0, -1)]
    with open_ledger(tmp_path) as ledger:
        assert ledger.plan(ISSUE, iter(addresses), content_hash="h", subject="").due == tuple(addresses)
        rows = ledger.rows(ISSUE, State.PENDING)
        assert [next(rows).address, next(rows).address] == addresses[:2]
        assert ledger.claim(ISSUE, addresses[0]), "nothing is locked while rows are read"
        assert [row.address for row in rows] == addresses[2:]


def test_a_test_mail_leaves_the_deliveries_alone(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        ledger.record_test(ISSUE, "me@example.com", SENT)
        ledger.record_test(ISSUE, "me@example.com", REJECTED)
        assert plan(ledger, "me@example.com").due == ("me@example.com",)
    with closing(sqlite3.connect(tmp_path / "newsletter.db")) as db:
        found = db.execute("SELECT issue, address, state, stage, code, reply FROM tests ORDER BY id").fetchall()
    assert found == [
        (ISSUE, "me@example.com", "sent", "dot", 250, SENT.text),
        (ISSUE, "me@example.com", "rejected", "rcpt", 550, REJECTED.text),
    ]


def test_no_reply_is_too_strange_to_be_recorded(tmp_path: Path) -> None:
    strange = "250 王\udcff\x00\r\n" + "x" * 70_000
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com")
        mail(ledger, "ann@example.com", Outcome(State.SENT, "dot", 250, strange))
        (row,) = ledger.rows(ISSUE)
    assert row.reply == "250 王\\udcff\\x00\r\n" + "x" * 70_000


# --- moves ----------------------------------------------------------------------------------------------------------

S = State
# What each call may start from, and where it leads: written out here so that MOVES is checked, not repeated.
CALLS: dict[str, tuple[Callable[[Ledger, str], object], set[State], State]] = {
    "claim": (lambda ledger, who: ledger.claim(ISSUE, who), {S.PENDING, S.DEFERRED}, S.CLAIMED),
    "commit": (lambda ledger, who: ledger.commit(ISSUE, who, "<m>"), {S.CLAIMED}, S.COMMITTING),
    "release": (lambda ledger, who: ledger.release(ISSUE, who), {S.CLAIMED}, S.PENDING),
    "sent": (lambda ledger, who: ledger.record(ISSUE, who, SENT), {S.COMMITTING}, S.SENT),
    "deferred": (lambda ledger, who: ledger.record(ISSUE, who, DEFERRED), {S.CLAIMED, S.COMMITTING}, S.DEFERRED),
    "rejected": (lambda ledger, who: ledger.record(ISSUE, who, REJECTED), {S.CLAIMED, S.COMMITTING}, S.REJECTED),
    "uncertain": (lambda ledger, who: ledger.record(ISSUE, who, UNCERTAIN), {S.COMMITTING}, S.UNCERTAIN),
    "resend": (lambda ledger, who: ledger.resolve(ISSUE, who, S.PENDING), {S.UNCERTAIN}, S.PENDING),
    "assume sent": (lambda ledger, who: ledger.resolve(ISSUE, who, S.SENT), {S.UNCERTAIN}, S.SENT),
    # A record of what is no outcome, and a resolution to anything else, are never legal.
    "record pending": (lambda ledger, who: ledger.record(ISSUE, who, Outcome(S.PENDING, "")), set(), S.PENDING),
    "record claimed": (lambda ledger, who: ledger.record(ISSUE, who, Outcome(S.CLAIMED, "")), set(), S.CLAIMED),
    "resolve deferred": (lambda ledger, who: ledger.resolve(ISSUE, who, S.DEFERRED), set(), S.DEFERRED),
}
PEOPLE = ("ann@example.com", "Bo@Example.com", "王@example.com")


def test_the_calls_make_all_moves_of_the_table_and_no_other() -> None:
    made = {(origin, to) for _, origins, to in CALLS.values() for origin in origins}
    assert made == {(origin, to) for origin, targets in MOVES.items() for to in targets}
    assert set(MOVES) == set(State)


WAY_TO: dict[State, tuple[str, ...]] = {
    S.PENDING: (),
    S.CLAIMED: ("claim",),
    S.COMMITTING: ("claim", "commit"),
    S.SENT: ("claim", "commit", "sent"),
    S.DEFERRED: ("claim", "deferred"),
    S.REJECTED: ("claim", "rejected"),
    S.UNCERTAIN: ("claim", "commit", "uncertain"),
}


@pytest.mark.parametrize("origin", State)
@pytest.mark.parametrize("name", sorted(CALLS))
def test_each_call_from_each_state(origin: State, name: str) -> None:
    make, origins, to = CALLS[name]
    with Ledger.open(None, ticking()) as ledger:
        plan(ledger, "ann@example.com")
        for step in WAY_TO[origin]:
            CALLS[step][0](ledger, "ann@example.com")
        assert states(ledger) == {"ann@example.com": origin}
        if name == "claim":
            assert make(ledger, "ann@example.com") is (origin in origins)
        elif origin in origins:
            make(ledger, "ann@example.com")
        else:
            with pytest.raises(IllegalMoveError):
                make(ledger, "ann@example.com")
        assert states(ledger) == {"ann@example.com": to if origin in origins else origin}


class Walk(RuleBasedStateMachine):
    """Any sequence of calls: the ledger follows the table above, and refuses the rest without a trace."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger.open(None, ticking())
        self.expected: dict[str, State] = {}

    def teardown(self) -> None:
        self.ledger.close()

    @rule(who=st.sampled_from(PEOPLE), spelling=st.sampled_from([str.lower, str.upper, str]))
    def plan_one(self, who: str, spelling: Callable[[str], str]) -> None:
        due = plan(self.ledger, spelling(who)).due
        state = self.expected.setdefault(who.casefold(), S.PENDING)
        assert due == ((spelling(who),) if state in {S.PENDING, S.DEFERRED} else ())

    @rule(who=st.sampled_from(PEOPLE), name=st.sampled_from(sorted(CALLS)))
    def call(self, who: str, name: str) -> None:
        make, origins, to = CALLS[name]
        legal = self.expected.get(who.casefold()) in origins
        if name == "claim":
            assert make(self.ledger, who) is legal
        elif legal:
            make(self.ledger, who)
        else:
            with pytest.raises(IllegalMoveError):
                make(self.ledger, who)
        if legal:
            self.expected[who.casefold()] = to

    @rule()
    def crash_and_recover(self) -> None:
        lost = {who for who, state in self.expected.items() if state is S.COMMITTING}
        assert {address.casefold() for address in self.ledger.recover(ISSUE)} == lost
        fate = {S.CLAIMED: S.PENDING, S.COMMITTING: S.UNCERTAIN}
        self.expected = {who: fate.get(state, state) for who, state in self.expected.items()}

    @invariant()
    def the_ledger_agrees(self) -> None:
        assert {row.address.casefold(): row.state for row in self.ledger.rows(ISSUE)} == self.expected
        assert sum(self.ledger.counts(ISSUE).values()) == len(self.expected)
        assert all(row.attempts >= 0 for row in self.ledger.rows(ISSUE))


Walk.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestWalk = Walk.TestCase


def test_an_illegal_move_says_where_the_recipient_stands(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        with pytest.raises(
            IllegalMoveError, match=r"ann@example.com is not in the ledger and cannot become committing"
        ):
            ledger.commit(ISSUE, "ann@example.com", "<m>")
        plan(ledger, "ann@example.com")
        with pytest.raises(IllegalMoveError, match=r"ann@example.com is pending and cannot become sent"):
            ledger.record(ISSUE, "ann@example.com", SENT)


def test_attempts_count_tries_not_claims(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com")
        for _ in range(2):
            ledger.claim(ISSUE, "ann@example.com")
            ledger.release(ISSUE, "ann@example.com")
        ledger.claim(ISSUE, "ann@example.com")
        ledger.recover(ISSUE)
        ledger.claim(ISSUE, "ann@example.com")
        ledger.record(ISSUE, "ann@example.com", DEFERRED)
        mail(ledger, "ann@example.com", UNCERTAIN)
        assert [row.attempts for row in ledger.rows(ISSUE)] == [2]


# --- crashes and other processes ------------------------------------------------------------------------------------


def test_a_killed_run_leaves_the_unsent_due_and_the_unknown_uncertain(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.db"
    code = """
ledger = Ledger.open(Path(sys.argv[1]), lambda: datetime.now(UTC))
with ledger.hold("i"):
    ledger.plan("i", ["a@x.test", "b@x.test", "c@x.test", "d@x.test"], content_hash="h", subject="s")
    for who in ("a@x.test", "b@x.test", "c@x.test"):
        ledger.claim("i", who)
    ledger.commit("i", "a@x.test", "<a>")
    ledger.commit("i", "b@x.test", "<b>")
    ledger.record("i", "a@x.test", Outcome(State.SENT, "dot", 250, "ok"))
    print("ready", flush=True)
    sys.stdin.read()
"""
    with child(code, str(path)) as run:
        assert answer_of(run) == "ready"
        with Ledger.open(path, ticking()) as ledger:
            busy = f"i: another run .process {run.pid} on {socket.gethostname()}. is sending this issue; wait"
            with pytest.raises(BusyError, match=busy), ledger.hold("i"):
                pass
            with ledger.hold("another issue"):
                pass
            os.kill(run.pid, signal.SIGKILL)
            assert run.wait() == -signal.SIGKILL
            with ledger.hold("i"):
                assert ledger.recover("i") == ("b@x.test",)
                after = {row.address: row.state for row in ledger.rows("i")}
                assert after == {
                    "a@x.test": State.SENT,
                    "b@x.test": State.UNCERTAIN,
                    "c@x.test": State.PENDING,
                    "d@x.test": State.PENDING,
                }
                (uncertain,) = ledger.rows("i", State.UNCERTAIN)
                assert (uncertain.message_id, uncertain.stage) == ("<b>", "dot")
                assert "the run ended before" in uncertain.reply
                assert ledger.recover("i") == ()
    assert [entry.name for entry in tmp_path.iterdir()] == ["newsletter.db"]


def test_two_processes_never_take_the_same_recipient(tmp_path: Path) -> None:
    path = tmp_path / "newsletter.db"
    people = [f"p{number}@x.test" for number in range(200)]
    code = """
with Ledger.open(Path(sys.argv[1]), lambda: datetime.now(UTC)) as ledger:
    people = [row.address for row in ledger.rows("i")]
    print("ready", flush=True)
    sys.stdin.readline()
    print(*(who for who in people if ledger.claim("i", who)), flush=True)
"""
    with Ledger.open(path, ticking()) as ledger:
        ledger.plan("i", people, content_hash="h", subject="s")
    with child(code, str(path)) as one, child(code, str(path)) as two:
        claimed: list[str] = []
        assert [answer_of(run) for run in (one, two)] == ["ready"] * 2
        for run in (one, two):
            start(run)
        for run in (one, two):
            claimed += answer_of(run).split()
    assert sorted(claimed) == sorted(people)


def test_processes_that_create_the_ledger_at_once_agree(tmp_path: Path) -> None:
    code = """
sys.stdin.readline()
with Ledger.open(Path(sys.argv[1]), lambda: datetime.now(UTC)) as ledger:
    ledger.plan("i", [sys.argv[2]], content_hash="h", subject="s")
    print("planned", flush=True)
"""
    path = str(tmp_path / "newsletter.db")
    with (
        child(code, path, "a@x.test") as one,
        child(code, path, "b@x.test") as two,
        child(code, path, "c@x.test") as three,
    ):
        for run in (one, two, three):
            start(run)
        assert [answer_of(run) for run in (one, two, three)] == ["planned"] * 3
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT version FROM ledger_version").fetchall() == [(1,)]
        assert db.execute("SELECT count(*) FROM deliveries").fetchone() == (3,)


def test_a_hold_ends_with_its_block_even_on_an_error(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        with pytest.raises(KeyboardInterrupt), ledger.hold(ISSUE):
            raise KeyboardInterrupt
        with ledger.hold(ISSUE), pytest.raises(BusyError, match=f"process {os.getpid()} on "), ledger.hold(ISSUE):
            pass
        with ledger.hold(ISSUE), ledger.hold("日报/../" + "x" * 500):
            assert len(list(tmp_path.glob("newsletter.db.*.lock"))) == 2
    assert list(tmp_path.glob("*.lock")) == []


def test_many_runs_that_come_and_go_never_hold_an_issue_together(tmp_path: Path) -> None:
    code = """
from newsletter.errors import BusyError
inside = Path(sys.argv[1]).with_name("inside")
entered = 0
with Ledger.open(Path(sys.argv[1]), lambda: datetime.now(UTC)) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(2_000):
        try:
            with ledger.hold("i"):
                inside.touch(exist_ok=False)
                inside.unlink()
                entered += 1
        except BusyError:
            pass
print("entered" if entered else "never in", flush=True)
"""
    path = str(tmp_path / "newsletter.db")
    with child(code, path) as one, child(code, path) as two, child(code, path) as three:
        runs = (one, two, three)
        assert [answer_of(run) for run in runs] == ["ready"] * 3
        for run in runs:
            start(run)
        assert [answer_of(run) for run in runs] == ["entered"] * 3


def test_a_lock_file_without_an_owner_is_taken_and_one_replaced_is_not_trusted(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        with ledger.hold(ISSUE):
            (lock,) = tmp_path.glob("*.lock")
        lock.write_bytes(b"999999 elsewhere\xff and more than one line\n\n")
        with ledger.hold(ISSUE):
            assert lock.read_text() == f"{os.getpid()} {socket.gethostname()}\n"
        lock.mkdir()
        with pytest.raises(ConfigError, match="the lock cannot be made: Is a directory; make"), ledger.hold(ISSUE):
            pass


# --- the file -------------------------------------------------------------------------------------------------------


def test_the_file_is_durable_before_a_call_returns(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com")
        with ledger._read() as db:
            pragmas = {
                name: db.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "fullfsync")
            }
        assert pragmas == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 5000,
            "fullfsync": 1,
        }
        with closing(sqlite3.connect(tmp_path / "newsletter.db")) as other:
            assert other.execute("SELECT state FROM deliveries").fetchall() == [("pending",)]


def test_in_memory_nothing_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger.open(None, ticking()) as ledger, ledger.hold(ISSUE), ledger.hold(ISSUE):
        plan(ledger, "ann@example.com", "bo@example.com")
        rows = ledger.rows(ISSUE)
        assert next(rows).address == "ann@example.com"
        mail(ledger, "ann@example.com", SENT)
        assert states(ledger) == {"ann@example.com": State.SENT, "bo@example.com": State.PENDING}
    assert list(tmp_path.iterdir()) == []
    with Ledger.open(None, ticking()) as fresh:
        assert states(fresh) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"email,name\nann@example.com,Ann\n", "not a ledger: no SQLite database; set [ledger] path to another file"),
        (b"SQLite format 3\0" + b"\xff" * 4_096, "not a ledger: no SQLite database"),
        (b"S", "not a ledger: no SQLite database"),
    ],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "newsletter.db"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        Ledger.open(path, ticking())
    assert str(caught.value).startswith(f"{path}: {words}")
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "CREATE TABLE bookmarks (url TEXT)",
            "an SQLite database, but not a ledger; set [ledger] path to another file",
        ),
        (
            "CREATE TABLE ledger_version (version INTEGER); INSERT INTO ledger_version VALUES (2)",
            "the ledger has version 2, this newsletter knows 1; upgrade newsletter",
        ),
    ],
)
def test_a_database_of_others_is_refused_and_left_alone(tmp_path: Path, sql: str, words: str) -> None:
    path = tmp_path / "newsletter.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(sql)
    before = path.read_bytes()
    with pytest.raises(ConfigError) as caught:
        Ledger.open(path, ticking())
    assert str(caught.value) == f"{path}: {words}"
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").touch()
    with open_ledger(tmp_path) as ledger:
        assert plan(ledger, "ann@example.com").due == ("ann@example.com",)


def test_a_place_that_cannot_hold_a_ledger_gets_a_sentence(tmp_path: Path) -> None:
    loop = tmp_path / "loop.db"
    loop.symlink_to(loop)
    for path, words in [
        (tmp_path, "the ledger is a folder, not a file; "),
        (tmp_path / "none" / "newsletter.db", "the ledger cannot be opened; check that its folder exists"),
        (loop, "the ledger cannot be read: Too many levels of symbolic links; "),
    ]:
        with pytest.raises(ConfigError) as caught:
            Ledger.open(path, ticking())
        assert str(caught.value).startswith(f"{path}: {words}")


def test_a_locked_ledger_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "BUSY_TIMEOUT_S", 0.01)
    with open_ledger(tmp_path) as ledger, closing(sqlite3.connect(tmp_path / "newsletter.db")) as other:
        plan(ledger, "ann@example.com")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigError, match=r"newsletter.db: the ledger is locked by another program; close it"):
            ledger.claim(ISSUE, "ann@example.com")
        assert states(ledger) == {"ann@example.com": State.PENDING}, "reading goes on"
        other.rollback()
        assert ledger.claim(ISSUE, "ann@example.com")


def test_a_full_disk_gets_a_sentence_and_changes_nothing(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com")
        with ledger._read() as db:
            db.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite takes the present size as the limit
        with pytest.raises(ConfigError, match=r"newsletter.db: the disk is full; make room, then run"):
            plan(ledger, *(f"p{number}@example.com" for number in range(5_000)))
        assert states(ledger) == {"ann@example.com": State.PENDING}
        assert ledger.claim(ISSUE, "ann@example.com")


def test_a_read_only_ledger_gets_a_sentence(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        plan(ledger, "ann@example.com")
        with ledger._read() as db:
            db.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(ConfigError, match=r"newsletter.db: the ledger is read-only; make the file"):
            ledger.claim(ISSUE, "ann@example.com")


def test_a_disk_that_fails_gets_a_sentence(tmp_path: Path) -> None:
    code = """
import resource
from newsletter.errors import ConfigError
with Ledger.open(Path(sys.argv[1]), lambda: datetime.now(UTC)) as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    try:
        ledger.plan("i", [f"p{n}@x.test" for n in range(5_000)], content_hash="h", subject="s")
    except ConfigError as error:
        print(error, flush=True)
"""
    with child(code, str(tmp_path / "newsletter.db")) as run:
        assert "newsletter.db: the disk did not take what was written; check the disk" in answer_of(run)
