"""The ledger among processes and on disks: crashes, locks, files of others, and databases in trouble."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import quick_databases
from postgres import PASSWORD, Server
from psycopg import sql

from newsletter.errors import BusyError, ConfigError
from newsletter.ledger.database import engine as database
from newsletter.ledger.database.engine import SERVER_KEEPALIVES, connected, parse_place
from newsletter.ledger.database.schema import VERSION
from newsletter.ledger.ledger import Ledger, Move, Plan
from newsletter.model.delivery import State

Store = Path | str
ISSUE = "2026-03-01-daily"
NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
S = State


def open_ledger(store: Store) -> Ledger:
    return Ledger.open(store, lambda: NOW)


def people(count: int) -> list[str]:
    return [f"p{number}@example.com" for number in range(1, count + 1)]


def plan(ledger: Ledger, *addresses: str) -> Plan:
    return ledger.plan(ISSUE, addresses, content_hash="h1", subject="Daily")


def states(ledger: Ledger) -> list[State]:
    return [row.state for row in ledger.rows(ISSUE)]


def url_of(store: Store) -> str:
    return store if isinstance(store, str) else f"sqlite:///{store}"


@contextmanager
def child(code: str, store: Store, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another Python process with a ledger open, killed with SIGKILL when the block ends."""
    script = "import sys, os\nfrom datetime import UTC, datetime\nfrom pathlib import Path\n"
    script += "from newsletter.errors import BusyError, ConfigError\n"
    script += "from newsletter.ledger.ledger import Ledger, Move\nfrom newsletter.model.delivery import State\n"
    script += "def go():\n    print('ready', flush=True)\n    sys.stdin.readline()\n"
    script += "def opened():\n    return Ledger.open(sys.argv[1], lambda: datetime.now(UTC))\n" + code
    command = [sys.executable, "-c", script, url_of(store), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def answer_of(run: subprocess.Popen[str]) -> str:
    assert run.stdout is not None
    return run.stdout.readline().rstrip("\n")


def start(*runs: subprocess.Popen[str]) -> None:
    """All at once, and only when all of them are ready."""
    assert [answer_of(run) for run in runs] == ["ready"] * len(runs)
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()


# --- crashes and other processes ------------------------------------------------------------------------------------


def test_a_killed_run_leaves_the_unsent_due_and_the_unknown_uncertain(store: Store) -> None:
    code = """
ledger = opened()
with ledger.hold("i"):
    ledger.plan("i", ["a@x.test", "b@x.test", "c@x.test", "d@x.test"], content_hash="h", subject="s")
    a, b, c = (claim.row for claim in ledger.claim("i", 3))
    ledger.write("i", [Move(a, State.COMMITTING, "<a>"), Move(b, State.COMMITTING, "<b>")])
    ledger.write("i", [Move(a, State.SENT, stage="dot", code=250)])
    go()
"""
    with child(code, store) as run, open_ledger(store) as ledger:
        assert answer_of(run) == "ready"
        busy = f"i: another run .process {run.pid} on {socket.gethostname()}. is sending this issue; wait"
        with pytest.raises(BusyError, match=busy), ledger.hold("i"):
            pass
        with ledger.hold("another issue"):
            pass
        os.kill(run.pid, signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL
        with ExitStack() as stack:
            hold_when_free(stack, ledger, "i")
            assert ledger.recover("i") == 1
            assert [(row.address, row.state) for row in ledger.rows("i")] == [
                ("a@x.test", S.SENT),
                ("b@x.test", S.UNCERTAIN),
                ("c@x.test", S.PENDING),
                ("d@x.test", S.PENDING),
            ]
            (uncertain,) = ledger.rows("i", S.UNCERTAIN)
            assert (uncertain.message_id, uncertain.stage) == ("<b>", "dot")
            assert "the run ended before" in uncertain.reply
            assert ledger.recover("i") == 0


def hold_when_free(stack: ExitStack, ledger: Ledger, issue: str) -> None:
    """A server notices a moment later that the process at the other end is dead."""
    while True:
        try:
            stack.enter_context(ledger.hold(issue))
        except BusyError:
            continue
        return


def test_two_processes_never_claim_the_same_recipient(store: Store) -> None:
    code = """
with opened() as ledger:
    go()
    taken = []
    while page := ledger.claim("i", 7):
        taken += page
    rows = [claim.row for claim in taken]
    assert rows == sorted(rows)
    print(*(claim.address for claim in taken), flush=True)
"""
    with open_ledger(store) as ledger:
        ledger.plan("i", people(600), content_hash="h", subject="s")
    with child(code, store) as one, child(code, store) as two:
        start(one, two)
        claimed = [answer_of(run).split() for run in (one, two)]
    assert sorted(claimed[0] + claimed[1]) == sorted(people(600))


def test_processes_that_create_the_ledger_at_once_agree(store: Store) -> None:
    code = """
go()
with opened() as ledger:
    ledger.plan("i", [sys.argv[2]], content_hash="h", subject="s")
    print("planned", flush=True)
"""
    with child(code, store, "a@x.test") as one, child(code, store, "b@x.test") as two, child(code, store, "c") as three:
        start(one, two, three)
        assert [answer_of(run) for run in (one, two, three)] == ["planned"] * 3
    with open_ledger(store) as ledger:
        assert sorted(row.address for row in ledger.rows("i")) == ["a@x.test", "b@x.test", "c"]


def test_a_hold_ends_with_its_block_even_on_an_error(store: Store) -> None:
    with open_ledger(store) as ledger:
        with pytest.raises(KeyboardInterrupt), ledger.hold(ISSUE):
            raise KeyboardInterrupt
        owner = f"process {os.getpid()} on {socket.gethostname()}"
        with ledger.hold(ISSUE), pytest.raises(BusyError, match=owner), ledger.hold(ISSUE):
            pass
        with ledger.hold(ISSUE), ledger.hold("日报/../" + "x" * 500):
            plan(ledger, *people(1))
        with ledger.hold(ISSUE):
            assert len(ledger.claim(ISSUE, 1)) == 1


def test_many_runs_that_come_and_go_never_hold_an_issue_together(store: Store, tmp_path: Path) -> None:
    code = """
inside = Path(sys.argv[2])
entered = 0
with opened() as ledger:
    go()
    while entered < 40:
        try:
            with ledger.hold("i"):
                inside.touch(exist_ok=False)
                inside.unlink()
                entered += 1
        except BusyError:
            pass
print("entered", flush=True)
"""
    inside = str(tmp_path / "inside")
    with open_ledger(store):
        pass
    with child(code, store, inside) as one, child(code, store, inside) as two, child(code, store, inside) as three:
        start(one, two, three)
        assert [answer_of(run) for run in (one, two, three)] == ["entered"] * 3


def test_in_memory_nothing_reaches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Ledger.open(None, lambda: NOW) as ledger, ledger.hold(ISSUE), ledger.hold(ISSUE):
        plan(ledger, *people(2))
        rows = ledger.rows(ISSUE)
        assert next(rows).address == "p1@example.com"
        ledger.claim(ISSUE, 1)
        assert states(ledger) == [S.CLAIMED, S.PENDING]
    assert list(tmp_path.iterdir()) == []
    with Ledger.open(None, lambda: NOW) as fresh:
        assert states(fresh) == []


# --- one file of ours -----------------------------------------------------------------------------------------------


def test_the_lock_files_go_with_the_hold(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "newsletter.db") as ledger, ledger.hold(ISSUE), ledger.hold("another"):
        assert len(list(tmp_path.glob("newsletter.db.*.lock"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["newsletter.db"]


def test_a_lock_file_without_an_owner_is_taken_and_one_replaced_is_not_trusted(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "newsletter.db") as ledger:
        with ledger.hold(ISSUE):
            (lock,) = tmp_path.glob("*.lock")
        lock.write_bytes(b"999999 elsewhere\xff and more than one line\n\n")
        with ledger.hold(ISSUE):
            assert lock.read_text() == f"{os.getpid()} {socket.gethostname()}\n"
        lock.mkdir()
        with pytest.raises(ConfigError, match="the lock cannot be made: Is a directory; make"), ledger.hold(ISSUE):
            pass


def test_the_file_is_durable_before_a_call_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_databases, "FLUSHES", True)
    with open_ledger(tmp_path / "newsletter.db") as ledger:
        plan(ledger, *people(1))
        with ledger._write() as db:
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


def test_a_server_behind_a_silent_firewall_is_given_up_within_a_minute(postgres_url: str) -> None:
    """As libpq has it: a packet that nobody confirms, and a connection on which nothing is said."""
    engine = connected(parse_place(postgres_url))
    with engine.connect() as db:
        asked = db.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    engine.dispose()
    limits = {name: int(asked[name]) for name in asked if name.startswith(("keepalives", "tcp_user_timeout"))}
    silent_s = limits["keepalives_idle"] + limits["keepalives_interval"] * limits["keepalives_count"]
    assert (limits["keepalives"], silent_s, limits["tcp_user_timeout"]) == (1, 60, 60_000)


def test_a_server_gives_up_a_machine_that_died_within_a_minute(postgres_url: str) -> None:
    """With the locks that it held. Over a Unix socket the server has no values of these, but the wish."""
    engine = connected(parse_place(postgres_url))
    with engine.connect() as db:
        found = db.exec_driver_sql("SELECT name, source FROM pg_settings WHERE name LIKE 'tcp_%%'").all()
    engine.dispose()
    assert sorted((name, source) for name, source in found) == [(name, "session") for name in sorted(SERVER_KEEPALIVES)]
    idle, interval, count = (SERVER_KEEPALIVES[f"tcp_keepalives_{name}"] for name in ("idle", "interval", "count"))
    assert idle + interval * count == 60
    assert SERVER_KEEPALIVES["tcp_user_timeout"] == 60_000


def test_postgresql_answers_a_commit_when_it_is_on_disk(postgres_url: str) -> None:
    name = postgres_url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(postgres_url, autocommit=True) as db:
        db.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
    with open_ledger(postgres_url) as ledger, ledger._write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


# --- files and databases of others ----------------------------------------------------------------------------------


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
    for place in (path, f"sqlite:///{path}"):
        with pytest.raises(ConfigError) as caught:
            open_ledger(place)
        assert str(caught.value).startswith(f"{path}: {words}")
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


OF_OTHERS = [
    ("CREATE TABLE issues (number INTEGER)", "a database, but not a ledger; set [ledger] path to another file"),
    (
        f"CREATE TABLE ledger_version (version INTEGER); INSERT INTO ledger_version VALUES ({VERSION + 1})",
        f"the ledger has version {VERSION + 1}, this newsletter knows {VERSION}; upgrade newsletter",
    ),
]


@pytest.mark.parametrize(("text", "words"), OF_OTHERS)
def test_a_file_of_others_is_refused_and_left_alone(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "newsletter.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(text)
    before = path.read_bytes()
    with pytest.raises(ConfigError) as caught:
        open_ledger(path)
    assert str(caught.value).startswith(f"{path}: {words}")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("text", "words"), OF_OTHERS)
def test_a_database_of_others_is_refused_and_left_alone(postgres_url: str, text: str, words: str) -> None:
    with psycopg.connect(postgres_url) as db:
        db.execute(text)
        db.commit()
        tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        before = db.execute(tables).fetchall()
        with pytest.raises(ConfigError) as caught:
            open_ledger(postgres_url)
        db.commit()
        assert db.execute(tables).fetchall() == before
    assert f": {words}" in str(caught.value)


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").touch()
    with open_ledger(tmp_path / "newsletter.db") as ledger:
        assert plan(ledger, *people(1)).due == 1


def test_a_place_that_cannot_hold_a_ledger_gets_a_sentence(tmp_path: Path) -> None:
    loop = tmp_path / "loop.db"
    loop.symlink_to(loop)
    os.mkfifo(tmp_path / "pipe.db")
    for path, words in [
        (tmp_path, "the ledger is a folder, not a file; "),
        (tmp_path / "none" / "newsletter.db", "the ledger cannot be opened; check that its folder exists"),
        (loop, "the ledger cannot be read: Too many levels of symbolic links; "),
        (tmp_path / "pipe.db", "the ledger cannot be read: a pipe, a socket or a device, not a file; "),
    ]:
        with pytest.raises(ConfigError) as caught:
            open_ledger(path)
        assert str(caught.value).startswith(f"{path}: {words}")


# --- SQLite in trouble ----------------------------------------------------------------------------------------------


def test_a_locked_file_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "newsletter.db"
    with open_ledger(path) as ledger, closing(sqlite3.connect(path)) as other:
        plan(ledger, *people(2))
        (claim,) = ledger.claim(ISSUE, 1)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigError, match=r"newsletter.db: the ledger is locked by another program; close it"):
            ledger.write(ISSUE, [Move(claim.row, S.COMMITTING)])
        assert states(ledger) == [S.CLAIMED, S.PENDING], "reading goes on"
        other.rollback()
        ledger.write(ISSUE, [Move(claim.row, S.COMMITTING)])


def limit_pages(ledger: Ledger, pages: int) -> None:
    with ledger._write() as db:
        db.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # never below the present size


def test_a_full_disk_gets_a_sentence_and_nothing_of_the_batch_is_stored(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "newsletter.db") as ledger:
        plan(ledger, *people(30))
        claims = ledger.claim(ISSUE, 20)
        moves = [Move(claim.row, S.COMMITTING, message_id=f"<{claim.key}>") for claim in claims]
        ledger.write(ISSUE, moves[:10])
        limit_pages(ledger, 1)
        long = [Move(move.row, S.SENT, reply="x" * 5_000) for move in moves[:10]]
        for too_much in ([*long, *moves[10:]], long):
            with pytest.raises(ConfigError, match=r"newsletter.db: the disk is full; make room, then run"):
                ledger.write(ISSUE, too_much)
        assert states(ledger) == [S.COMMITTING] * 10 + [S.CLAIMED] * 10 + [S.PENDING] * 10
        with pytest.raises(ConfigError, match="the disk is full"):
            plan(ledger, *people(5_000))
        assert len(states(ledger)) == 30
        limit_pages(ledger, 1_000_000)
        ledger.write(ISSUE, [*long, *moves[10:]])
        assert states(ledger) == [S.SENT] * 10 + [S.COMMITTING] * 10 + [S.PENDING] * 10
    with closing(sqlite3.connect(tmp_path / "newsletter.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_read_only_file_gets_a_sentence(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "newsletter.db") as ledger:
        plan(ledger, *people(1))
        with ledger._write() as db:
            db.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(ConfigError, match=r"newsletter.db: the ledger is read-only; make the file"):
            ledger.claim(ISSUE, 1)


def test_a_disk_that_fails_gets_a_sentence(tmp_path: Path) -> None:
    code = """
import resource
with opened() as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (131072, 131072))
    try:
        ledger.plan("i", [f"p{n}@x.test" for n in range(5_000)], content_hash="h", subject="s")
    except ConfigError as error:
        print(error, flush=True)
"""
    with child(code, tmp_path / "newsletter.db") as run:
        assert "newsletter.db: the disk did not take what was written; check the disk" in answer_of(run)


# --- PostgreSQL in trouble ------------------------------------------------------------------------------------------


def refused(url: str) -> str:
    with pytest.raises(ConfigError) as caught:
        open_ledger(url)
    said = str(caught.value)
    assert PASSWORD not in said
    assert "hunter2" not in said
    return said


def test_a_server_that_cannot_be_had_gets_a_sentence_without_the_password(
    postgres_server: Server, postgres_url: str, tmp_path: Path
) -> None:
    nowhere = refused(
        postgres_url.replace(f"host={str(postgres_server.socket).replace('/', '%2F')}", f"host={tmp_path}")
    )
    assert nowhere.startswith("postgresql://postgres:***@/ledger: ")
    assert "the database cannot be reached (" in nowhere
    assert nowhere.endswith("); check that it runs, and the ledger's URL")
    assert refused("postgresql://me:hunter2@127.0.0.1:1/x").startswith(
        "postgresql://me:***@127.0.0.1:1/x: the database"
    )
    stranger = refused(postgres_server.url("postgres", user="nobody"))
    assert 'password authentication failed for user "nobody"' in stranger
    assert 'database "nowhere" does not exist' in refused(postgres_server.url("nowhere"))
    with_password_in_query = f"postgresql://postgres@/nowhere?host={postgres_server.socket}&password=hunter2"
    assert refused(with_password_in_query).startswith("postgresql://postgres@/nowhere: ")


def test_without_the_driver_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    code = """
sys.modules["psycopg"] = None
try:
    Ledger.open("postgresql://me@127.0.0.1:1/x", lambda: datetime.now(UTC))
except ConfigError as error:
    print(error, flush=True)
"""
    with child(code, tmp_path / "unused.db") as run:
        said = answer_of(run)
    assert said.endswith("needs the driver psycopg; run `pip install 'newsletter-press[postgresql]'`")


def test_a_lost_connection_ends_the_run_that_held_the_issue(postgres_url: str) -> None:
    with open_ledger(postgres_url) as ledger, open_ledger(postgres_url) as other:
        plan(ledger, *people(3))
        with ledger.hold(ISSUE):
            (claim,) = ledger.claim(ISSUE, 1)
            with psycopg.connect(postgres_url, autocommit=True) as db:
                ended = db.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' "
                    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                ).fetchall()
                assert ended == [(True,)]
            with other.hold(ISSUE):
                assert other.recover(ISSUE) == 0
                with pytest.raises(ConfigError, match="the database ended the connection; check the server"):
                    ledger.write(ISSUE, [Move(claim.row, S.COMMITTING)])
                # Not over another connection: somebody else has the issue now, and may have claimed the same row.
                assert [taken.row for taken in other.claim(ISSUE, 1)] == [claim.row]
                with pytest.raises(ConfigError, match="the connection that held the issue was lost; run the same"):
                    ledger.write(ISSUE, [Move(claim.row, S.COMMITTING)])
            assert states(other) == [S.CLAIMED, S.PENDING, S.PENDING]
        with ledger.hold(ISSUE):
            assert ledger.recover(ISSUE) == 0
            assert len(ledger.claim(ISSUE, 5)) == 3


def test_a_locked_table_gets_a_sentence(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    with open_ledger(postgres_url) as ledger, psycopg.connect(postgres_url) as other:
        plan(ledger, *people(1))
        (claim,) = ledger.claim(ISSUE, 1)
        other.execute("LOCK TABLE deliveries IN EXCLUSIVE MODE")
        with pytest.raises(ConfigError, match="the ledger is locked by another program; close it"):
            ledger.write(ISSUE, [Move(claim.row, S.COMMITTING)])
        assert states(ledger) == [S.CLAIMED], "reading goes on"
        other.rollback()
        ledger.write(ISSUE, [Move(claim.row, S.COMMITTING)])


def test_a_read_only_server_gets_a_sentence(postgres_url: str) -> None:
    with open_ledger(postgres_url):
        pass
    with (
        open_ledger(f"{postgres_url}&options=-c%20default_transaction_read_only%3Don") as ledger,
        pytest.raises(ConfigError, match="the ledger is read-only; connect to a server that takes writes"),
    ):
        plan(ledger, *people(1))


@pytest.mark.parametrize(
    ("sqlstate", "words"),
    [
        ("53100", "the database's disk is full; make room there"),
        ("58030", "the database could not read or write its files; check the server's disk"),
        ("42501", "the database user may not use the ledger; grant it"),
    ],
)
def test_what_the_server_says_of_its_disk_is_a_sentence_and_nothing_is_stored(
    postgres_url: str, sqlstate: str, words: str
) -> None:
    with open_ledger(postgres_url) as ledger, psycopg.connect(postgres_url, autocommit=True) as db:
        plan(ledger, *people(2))
        one, two = ledger.claim(ISSUE, 2)
        # The second row of a batch is the one that there is no room for.
        db.execute(
            f"""
            CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF new.id = {two.row} THEN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '{sqlstate}'; END IF;
              RETURN new;
            END $$;
            CREATE TRIGGER full_disk BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION full_disk()
            """
        )
        moves = [Move(one.row, S.COMMITTING), Move(two.row, S.COMMITTING)]
        with pytest.raises(ConfigError, match=words):
            ledger.write(ISSUE, moves)
        assert states(ledger) == [S.CLAIMED, S.CLAIMED]
        db.execute("DROP TRIGGER full_disk ON deliveries")
        ledger.write(ISSUE, moves)
