"""Who was mailed, durably: one row per issue and recipient, in one SQLite file.

The ledger is the truth of a send. A run asks it whom to mail, writes each step down before it happens, and after a
crash the rows alone say who is provably unsent and whose mail nobody can know of. Any move that `MOVES` does not list
is refused by the UPDATE itself, so two runs at once cannot both take a recipient.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from newsletter.errors import ConfigError, located
from newsletter.lock import lock_path, locked
from newsletter.model import Outcome, State, fold_address

# Where a recipient may go from where they stand. Read a line as: from -> to (what happened).
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        # On the list, nothing tried.           -> a run took them
        State.PENDING: frozenset({State.CLAIMED}),
        # A run has them; no final dot went out. -> about to write the dot; let go untried, or the run died;
        #                                           the relay said "later" or "no" before the dot
        State.CLAIMED: frozenset({State.COMMITTING, State.PENDING, State.DEFERRED, State.REJECTED}),
        # The dot may be out: on disk before it. -> 250; 4xx; 5xx; no answer, or the run died
        State.COMMITTING: frozenset({State.SENT, State.DEFERRED, State.REJECTED, State.UNCERTAIN}),
        # The relay said "later".                -> a run took them again
        State.DEFERRED: frozenset({State.CLAIMED}),
        # Nobody can know whether it arrived.    -> a person said: resend; assume sent
        State.UNCERTAIN: frozenset({State.PENDING, State.SENT}),
        # The relay answered for the mail.       -> final
        State.SENT: frozenset(),
        # The relay said "no".                   -> final
        State.REJECTED: frozenset(),
    }
)

OUTCOMES = frozenset({State.SENT, State.DEFERRED, State.REJECTED, State.UNCERTAIN})
_DUE = frozenset({State.PENDING, State.DEFERRED})
_MAY_HAVE_IT = frozenset({State.SENT, State.UNCERTAIN, State.COMMITTING})

VERSION = 1
BUSY_TIMEOUT_S = 5.0
_BATCH = 1_000

_schema = sa.MetaData()
_ledger_version = sa.Table("ledger_version", _schema, sa.Column("version", sa.Integer, nullable=False))
_issues = sa.Table(
    "issues",
    _schema,
    sa.Column("issue", sa.Text, primary_key=True),
    sa.Column("content_hash", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("first_sent", sa.Text),
)
_deliveries = sa.Table(
    "deliveries",
    _schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("issue", sa.Text, sa.ForeignKey("issues.issue"), nullable=False),
    sa.Column("recipient_key", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False, server_default=""),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stage", sa.Text, nullable=False, server_default=""),
    sa.Column("code", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reply", sa.Text, nullable=False, server_default=""),
    sa.Column("updated", sa.Text, nullable=False),
    sa.UniqueConstraint("issue", "recipient_key"),
    sa.CheckConstraint(sa.column("state").in_([state.value for state in State]), name="known_state"),
)
_tests = sa.Table(
    "tests",
    _schema,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("issue", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("code", sa.Integer, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

_ADD_PENDING = sa.text(
    """
    INSERT INTO deliveries (issue, recipient_key, address, state, updated)
    VALUES (:issue, :recipient_key, :address, 'pending', :updated)
    ON CONFLICT (issue, recipient_key) DO NOTHING
    """
)

# SQLite's primary result codes (https://www.sqlite.org/rescode.html) -> what is wrong, what to do.
_TROUBLE: Mapping[int, tuple[str, str]] = {
    sqlite3.SQLITE_BUSY: ("the ledger is locked by another program", "close it, or wait until it has ended"),
    sqlite3.SQLITE_FULL: ("the disk is full", "make room, then run the same command again"),
    sqlite3.SQLITE_READONLY: ("the ledger is read-only", "make the file and its folder writable"),
    sqlite3.SQLITE_CANTOPEN: ("the ledger cannot be opened", "check that its folder exists and is writable"),
    sqlite3.SQLITE_PERM: ("the ledger may not be opened", "make the file and its folder writable"),
    sqlite3.SQLITE_IOERR: ("the disk did not take what was written", "check the disk, then run the command again"),
    sqlite3.SQLITE_NOTADB: ("not a ledger: no SQLite database", "set [ledger] path to another file"),
    sqlite3.SQLITE_CORRUPT: ("the ledger is damaged", "restore it from a backup before anything is sent"),
}


class IllegalMoveError(RuntimeError):
    """A step that `MOVES` does not allow: a fault in the program, nothing that an operator can mend."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the people on a list stand for one issue; every one of them is in exactly one of the tuples.

    `due` are pending or deferred, in list order; `underway` are claimed or committing in another run.
    `content_changed`: somebody already has, or may have, this issue with another content hash.
    """

    due: tuple[str, ...]
    sent: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    underway: tuple[str, ...] = ()
    content_changed: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row: a recipient of an issue. `attempts` counts claims that were not let go untried; `updated` is UTC."""

    issue: str
    address: str
    state: State
    message_id: str
    attempts: int
    stage: str
    code: int
    reply: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An issue that the ledger knows. `first_sent` is UTC, None before the first acceptance."""

    issue: str
    subject: str
    first_sent: datetime | None
    counts: Mapping[State, int]


class Ledger:
    """The open ledger. Safe for several processes; every method is one transaction, on disk when it returns."""

    def __init__(self, engine: sa.Engine, path: Path | None, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._writing = engine.execution_options(begin="BEGIN IMMEDIATE")
        self._path = path
        self._clock = clock

    @classmethod
    def open(cls, path: Path | None, clock: Callable[[], datetime]) -> Ledger:
        """The ledger at `path`, made when it is missing; None keeps it in memory, gone when it is closed.

        ConfigError when the file is none of ours or cannot be used; it is left as it was.
        """
        if path is not None:
            _refuse_foreign_file(path)
        ledger = cls(_engine(path), path, clock)
        try:
            ledger._prepare()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- one run at a time ------------------------------------------------------------------------------------------

    @contextmanager
    def hold(self, issue: str) -> Iterator[None]:
        """Keep every other run off this issue, on this machine, while the block runs. BusyError when one is in it.

        The operating system drops the lock with the process, so a run that was killed leaves nothing to clean up.
        """
        if self._path is None:
            yield
            return
        with locked(lock_path(self._path, issue), issue):
            yield

    def recover(self, issue: str) -> tuple[str, ...]:
        """Settle what a dead run left behind; call it while holding the issue.

        Claimed rows go back to pending: their final dot never went out. Committing rows become uncertain, and their
        addresses are returned, in list order.
        """
        mine = _deliveries.c.issue == issue
        dangling = (
            sa.select(_deliveries.c.address)
            .where(mine, _deliveries.c.state == State.COMMITTING.value)
            .order_by(_deliveries.c.id)
        )
        unsent = (
            sa.update(_deliveries)
            .where(mine, _deliveries.c.state == State.CLAIMED.value)
            .values(state=State.PENDING.value, attempts=_deliveries.c.attempts - 1, updated=self._now())
        )
        unknown = (
            sa.update(_deliveries)
            .where(mine, _deliveries.c.state == State.COMMITTING.value)
            .values(
                state=State.UNCERTAIN.value,
                stage="dot",
                code=0,
                reply="the run ended before the relay's answer was recorded",
                updated=self._now(),
            )
        )
        with self._write() as db:
            addresses = tuple(db.scalars(dangling))
            db.execute(unsent)
            db.execute(unknown)
        return addresses

    # --- a send -----------------------------------------------------------------------------------------------------

    def plan(self, issue: str, recipients: Iterable[str], *, content_hash: str, subject: str) -> Plan:
        """Add who is new on the list, and say how everyone on it stands. Nobody is taken out of the ledger.

        The stored hash follows the content until somebody has, or may have, the issue; then it stays.
        """
        wanted: dict[str, str] = {}
        for address in recipients:
            wanted.setdefault(fold_address(address), address)
        now = self._now()
        with self._write() as db:
            content_changed = _note_content(db, issue, content_hash, subject)
            added = iter(wanted.items())
            while batch := list(islice(added, _BATCH)):
                rows = [{"issue": issue, "recipient_key": k, "address": a, "updated": now} for k, a in batch]
                db.execute(_ADD_PENDING, rows)
            settled = {
                key: State(state)
                for key, state in db.execute(
                    sa.select(_deliveries.c.recipient_key, _deliveries.c.state).where(
                        _deliveries.c.issue == issue, _deliveries.c.state.not_in(_values(_DUE))
                    )
                )
            }

        def standing(*states: State) -> tuple[str, ...]:
            return tuple(address for key, address in wanted.items() if settled.get(key) in states)

        return Plan(
            due=tuple(address for key, address in wanted.items() if key not in settled),
            sent=standing(State.SENT),
            rejected=standing(State.REJECTED),
            uncertain=standing(State.UNCERTAIN),
            underway=standing(State.CLAIMED, State.COMMITTING),
            content_changed=content_changed,
        )

    def accept_content(self, issue: str, content_hash: str, subject: str) -> None:
        """From here on this is the issue, though some have another version: a person said so."""
        change = sa.update(_issues).where(_issues.c.issue == issue)
        with self._write() as db:
            db.execute(change.values(content_hash=content_hash, subject=_storable(subject)))

    def claim(self, issue: str, address: str) -> bool:
        """Take a recipient who is due. False when another run was faster, or they are not due at all."""
        with self._write() as db:
            return self._move(db, issue, address, State.CLAIMED, _DUE, attempts=_deliveries.c.attempts + 1)

    def commit(self, issue: str, address: str, message_id: str) -> None:
        """Write down, durably, that the final dot is about to go out. Only then may it."""
        with self._write() as db:
            moved = self._move(db, issue, address, State.COMMITTING, {State.CLAIMED}, message_id=message_id)
            _insist(db, moved, issue, address, State.COMMITTING)

    def record(self, issue: str, address: str, outcome: Outcome) -> None:
        """Write down what became of a claimed recipient, with the relay's words."""
        if outcome.state not in OUTCOMES:
            raise IllegalMoveError(f"{outcome.state} is no outcome")
        with self._write() as db:
            moved = self._move(
                db,
                issue,
                address,
                outcome.state,
                {State.CLAIMED, State.COMMITTING},
                stage=outcome.stage,
                code=outcome.code,
                reply=_storable(outcome.text),
            )
            _insist(db, moved, issue, address, outcome.state)

    def release(self, issue: str, address: str) -> None:
        """Let a claimed recipient go untried: pending again, the attempt not counted."""
        with self._write() as db:
            attempts = _deliveries.c.attempts - 1
            moved = self._move(db, issue, address, State.PENDING, {State.CLAIMED}, attempts=attempts)
            _insist(db, moved, issue, address, State.PENDING)

    def resolve(self, issue: str, address: str, state: State) -> None:
        """Settle an uncertain recipient on a person's word: PENDING to mail them again, SENT to assume they have it."""
        with self._write() as db:
            moved = self._move(db, issue, address, state, {State.UNCERTAIN})
            _insist(db, moved, issue, address, state)

    def record_test(self, issue: str, address: str, outcome: Outcome) -> None:
        """Write down a `send --test`, apart from the deliveries: a test mail counts for nobody."""
        row = {
            "issue": issue,
            "address": address,
            "state": outcome.state.value,
            "stage": outcome.stage,
            "code": outcome.code,
            "reply": _storable(outcome.text),
            "at": self._now(),
        }
        with self._write() as db:
            db.execute(sa.insert(_tests), row)

    # --- reading ----------------------------------------------------------------------------------------------------

    def counts(self, issue: str) -> Mapping[State, int]:
        """How many recipients stand where; every state is there, with 0 where nobody is."""
        by_state = (
            sa.select(_deliveries.c.state, sa.func.count())
            .where(_deliveries.c.issue == issue)
            .group_by(_deliveries.c.state)
        )
        with self._read() as db:
            found = {State(state): number for state, number in db.execute(by_state)}
        return MappingProxyType({state: found.get(state, 0) for state in State})

    def issues(self) -> tuple[IssueRow, ...]:
        """Every issue, the first sent first, those never sent last."""
        listed = sa.select(_issues.c.issue, _issues.c.subject, _issues.c.first_sent).order_by(
            _issues.c.first_sent.is_(None), _issues.c.first_sent, _issues.c.issue
        )
        with self._read() as db:
            found = db.execute(listed).all()
        return tuple(
            IssueRow(
                row.issue,
                row.subject,
                datetime.fromisoformat(row.first_sent) if row.first_sent else None,
                self.counts(row.issue),
            )
            for row in found
        )

    def rows(self, issue: str, *states: State) -> Iterator[Delivery]:
        """The rows in these states (none given: all), in list order. Read in pages: no lock is held between them."""
        wanted = states or tuple(State)
        last = 0
        while True:
            page = (
                sa.select(_deliveries)
                .where(
                    _deliveries.c.issue == issue,
                    _deliveries.c.state.in_(_values(wanted)),
                    _deliveries.c.id > last,
                )
                .order_by(_deliveries.c.id)
                .limit(_BATCH)
            )
            with self._read() as db:
                found = db.execute(page).all()
            for row in found:
                yield Delivery(
                    issue=row.issue,
                    address=row.address,
                    state=State(row.state),
                    message_id=row.message_id,
                    attempts=row.attempts,
                    stage=row.stage,
                    code=row.code,
                    reply=row.reply,
                    updated=datetime.fromisoformat(row.updated),
                )
            if len(found) < _BATCH:
                return
            last = found[-1].id

    # --- inside -----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        with self._read() as db:
            tables = set(sa.inspect(db).get_table_names())
            version = None
            if _ledger_version.name in tables:
                version = db.scalar(sa.select(_ledger_version.c.version))
        if version is None and tables:
            raise self._unusable("an SQLite database, but not a ledger", "set [ledger] path to another file")
        if version is not None and version > VERSION:
            raise self._unusable(
                f"the ledger has version {version}, this newsletter knows {VERSION}", "upgrade newsletter"
            )
        with _told(self._path), closing(self._engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA journal_mode = WAL")  # only now: it writes to the file
        if version is None:
            with self._write() as db:
                _schema.create_all(db)
                if db.scalar(sa.select(_ledger_version.c.version)) is None:
                    db.execute(sa.insert(_ledger_version), {"version": VERSION})

    def _unusable(self, what: str, remedy: str) -> ConfigError:
        return ConfigError(located(str(self._path), None, what, remedy))

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat()

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        # IMMEDIATE takes the write lock at once: a transaction that reads first could not get it later.
        with _told(self._path), self._writing.begin() as db:
            yield db

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with _told(self._path), self._engine.connect() as db:
            yield db

    def _move(
        self, db: sa.Connection, issue: str, address: str, to: State, among: Collection[State], **values: Any
    ) -> bool:
        """Move the row to `to` when it stands in one of `among` and `MOVES` allows it from there. True when it did."""
        now = self._now()
        statement = (
            sa.update(_deliveries)
            .where(
                _deliveries.c.issue == issue,
                _deliveries.c.recipient_key == fold_address(address),
                _deliveries.c.state.in_(_values(state for state in among if to in MOVES[state])),
            )
            .values(state=to.value, updated=now, **values)
        )
        moved = db.execute(statement).rowcount == 1
        if moved and to is State.SENT:
            first = sa.update(_issues).where(_issues.c.issue == issue, _issues.c.first_sent.is_(None))
            db.execute(first.values(first_sent=now))
        return moved


def _insist(db: sa.Connection, moved: bool, issue: str, address: str, to: State) -> None:
    if moved:
        return
    stands = db.scalar(
        sa.select(_deliveries.c.state).where(
            _deliveries.c.issue == issue, _deliveries.c.recipient_key == fold_address(address)
        )
    )
    raise IllegalMoveError(f"{issue}: {address} is {stands or 'not in the ledger'} and cannot become {to.value}")


def _note_content(db: sa.Connection, issue: str, content_hash: str, subject: str) -> bool:
    """Store the issue's hash. True when another one stands there that somebody has, or may have, been sent."""
    stored = db.scalar(sa.select(_issues.c.content_hash).where(_issues.c.issue == issue))
    if stored is None:
        db.execute(sa.insert(_issues), {"issue": issue, "content_hash": content_hash, "subject": _storable(subject)})
        return False
    if stored == content_hash:
        return False
    reached = sa.exists().where(_deliveries.c.issue == issue, _deliveries.c.state.in_(_values(_MAY_HAVE_IT)))
    if db.scalar(sa.select(reached)):
        return True
    change = sa.update(_issues).where(_issues.c.issue == issue)
    db.execute(change.values(content_hash=content_hash, subject=_storable(subject)))
    return False


def _values(states: Iterable[State]) -> list[str]:
    return [state.value for state in states]


def _storable(text: str) -> str:
    """A server's words in a form that every database takes: no lone surrogates, no NUL; the rest verbatim.

    To fail on a strange reply here would lose the record of a mail that was sent.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


# --- SQLite ---------------------------------------------------------------------------------------------------------


def _engine(path: Path | None) -> sa.Engine:
    if path is None:
        shared = {"check_same_thread": False}
        engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args=shared)
    else:
        url = sa.URL.create("sqlite", database=str(path))
        engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are ours: see on_begin
        connection.execute("PRAGMA foreign_keys = ON")
        # In WAL mode anything below FULL may forget the last commits when the power goes, `committing` among them.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache

    def on_begin(db: sa.Connection) -> None:
        db.exec_driver_sql(db.get_execution_options().get("begin", "BEGIN"))

    sa.event.listen(engine, "connect", on_connect)
    sa.event.listen(engine, "begin", on_begin)
    return engine


@contextmanager
def _told(path: Path | None) -> Iterator[None]:
    """Turn what SQLite says of the file or the disk into a sentence; anything else goes through."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        origin = error.orig if isinstance(error, DatabaseError) else error
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        if code not in _TROUBLE:
            raise
        what, remedy = _TROUBLE[code]
        raise ConfigError(located(str(path or "ledger in memory"), None, what, remedy)) from error


def _refuse_foreign_file(path: Path) -> None:
    """ConfigError when something stands at `path` that SQLite did not write. It is only read."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        return
    except IsADirectoryError as error:
        raise ConfigError(
            located(str(path), None, "the ledger is a folder, not a file", "set [ledger] path to a file in it")
        ) from error
    except OSError as error:
        what = f"the ledger cannot be read: {error.strerror}"
        raise ConfigError(located(str(path), None, what, "make it readable, or set [ledger] path")) from error
    if head not in (b"", b"SQLite format 3\0"):
        what, remedy = _TROUBLE[sqlite3.SQLITE_NOTADB]
        raise ConfigError(located(str(path), None, what, remedy))
