"""The ledger: one durable row per issue and recipient, in SQLite or PostgreSQL.

The ledger is the only source of a send's state. A run asks it which recipients to mail and writes each step before it
happens; after a crash the rows tell which recipients provably have nothing and which may have the mail. The UPDATE
itself refuses transitions that `MOVES` does not list, so two concurrent runs cannot both take a recipient.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.ledger import plan as planning
from newsletter.ledger import suppression, transitions
from newsletter.ledger.counted_links import register_links
from newsletter.ledger.database.lock import is_dead
from newsletter.ledger.database.schema import runs, tests
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.frequency import NO_DIGESTS, RareReaders, mark_rare
from newsletter.ledger.hold import held, joined
from newsletter.ledger.identity import note_identity
from newsletter.ledger.queries import DomainRow, ReplyRow, TimelineRow
from newsletter.ledger.rate_limit_state import save_rate_limits
from newsletter.ledger.reader import LedgerReader
from newsletter.ledger.records import (
    ALONE,
    Claim,
    Delivery,
    IllegalMoveError,
    IssueRow,
    Move,
    Plan,
    Run,
    Turn,
    Version,
    storable,
)
from newsletter.ledger.state_machine import MOVES
from newsletter.model.delivery import Outcome, State
from newsletter.model.issue_name import Identity
from newsletter.tokens import AddressHashes

__all__ = [
    "MOVES",
    "Claim",
    "Delivery",
    "DomainRow",
    "IllegalMoveError",
    "IssueRow",
    "Ledger",
    "Move",
    "Plan",
    "ReplyRow",
    "Run",
    "TimelineRow",
    "Version",
]

_LISTED_AT_ONCE = 20_000
"""Addresses of one statement of `plan`: more take memory."""

_PAGES_AT_ONCE = 5
"""Statements of one transaction of `plan`. Each transaction writes most pages of a long list's index to the disk, so
fewer write less; but longer ones keep other processes waiting.
"""


class Ledger(LedgerReader):
    """The open ledger. Safe for several processes and threads; what a method writes is on disk when it returns."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime]) -> None:
        super().__init__(storage)
        self._holding: dict[str, sa.Connection] = {}
        self._moves = transitions.Moves(storage.dialect)
        self._clock = clock
        self._dated: set[str] = set()

    @classmethod
    def open(cls, place: Path | str | None, clock: Callable[[], datetime]) -> Ledger:
        """Open the ledger at `place`; see `Storage.open`. None keeps it in memory until it is closed."""
        return cls(Storage.open(place), clock)

    # --- one run at a time ------------------------------------------------------------------------------------------

    @contextmanager
    def hold(self, issue: str) -> Iterator[None]:
        """Exclude every other run from this issue during the block. BusyError, naming the owner, if there is one.

        With PostgreSQL the block's writes use the connection that holds the lock; see `held`.
        """
        with held(self.storage, issue) as db:
            if db is not None:
                self._holding[issue] = db
            try:
                yield
            finally:
                self._holding.pop(issue, None)

    @contextmanager
    def join(self, issue: str, run: int, *, under: str = "") -> Iterator[None]:
        """Send the issue together with other runs that have joined it. BusyError while a run holds it alone, or the
        issue `under` which it is sent, if it is a correction.

        First settles the rows of runs that are dead. The ledger must be in PostgreSQL; see `joined`.
        """
        with joined(self.storage, under or issue, run) as db:
            self._holding[issue] = db
            try:
                self._recover_dead(issue)
                yield
            finally:
                self._holding.pop(issue, None)

    def _recover_dead(self, issue: str) -> None:
        with self._write(issue) as db:
            issue_id, now = self._id_of(db, issue), self._now()
            for run in transitions.runs_with_rows(db, issue_id):
                if is_dead(db, run):
                    transitions.recover(db, issue_id, now, run)

    def beat(self, issue: str) -> None:
        """Keep the connection of a joined run alive. LedgerError if it was lost."""
        with self._write(issue) as db:
            db.execute(sa.text("SELECT 1"))

    def recover(self, issue: str) -> int:
        """Settle the rows that a dead run left; call it while holding the issue. Returns how many became uncertain.

        Claimed rows become pending: their final dot was never sent. Committing rows become uncertain.
        """
        with self._write(issue) as db:
            return transitions.recover(db, self._id_of(db, issue), self._now())

    # --- a send -----------------------------------------------------------------------------------------------------

    def plan(
        self,
        issue: str,
        addresses: Iterable[str],
        *,
        content_hash: str,
        subject: str,
        post: str = "",
        audience: str = "",
        max_attempts: int = 0,
        address_hashes: AddressHashes | None = None,
        correction: bool = False,
        identity: Identity | None = None,
        newcomers_for: timedelta | None = None,
        rare: RareReaders = NO_DIGESTS,
    ) -> Plan:
        """Add the recipients who are new on the list, and count all of it by state. No row is removed.

        Reads `addresses` in batches, each its own transaction; the plan counts once it is complete, and an interrupted
        one is made again. Rows keep the order in which they were first listed. `paths` returns `post` and `audience`.
        Deferred rows with `max_attempts` tries are exhausted; 0 sets no limit.

        The stored content is replaced until a recipient has, or may have, the issue; then it stays.

        Suppressed addresses are marked at once. `address_hashes` match erased addresses; ConfigError if a hash was made
        with another secret. A `correction` goes to recipients of the issue, even if they get one mail a week.

        `identity` is stored with the name. Recipients who are new on the list longer than `newcomers_for` after the
        first acceptance are left out, and counted as newcomers; None sets no limit. `rare` says which issues readers
        get who want one mail a week.
        """
        address_hashes = address_hashes or AddressHashes(())
        with self._write(issue) as db:
            content_changed = planning.note_content(db, issue, content_hash, subject, self._now())
            self._ids.pop(issue, None)  # another process may have withdrawn it, and this one created it anew
            issue_id = self._id_of(db, issue)
            if identity is not None:
                note_identity(db, issue_id, identity)
            number = planning.begin_plan(db, issue_id)
            closed = planning.is_closed(db, issue_id, self._now(), newcomers_for)
            erased_here = suppression.erased_in(db, issue_id)
        newcomers = 0
        waiting = planning.pages_of(addresses, _LISTED_AT_ONCE)
        while pages := list(islice(waiting, _PAGES_AT_ONCE)):
            with self._write(issue) as db:
                planning.take_cache(db, planning.LONG_LIST_CACHE_KB)
                suppression.lock_listing(db)
                hashes = suppression.erased(db, address_hashes) | erased_here
                for page in pages:
                    people = suppression.with_hashes(planning.by_key(page), hashes, address_hashes)
                    if closed:
                        newcomers += planning.list_known(db, issue_id, number, people)
                    else:
                        planning.list_people(db, issue_id, number, people, self._now())
        with self._write(issue) as db:
            planning.take_cache(db, planning.CACHE_KB)
            planning.finish_plan(db, issue_id, number, post, audience)
            suppression.mark(db, issue_id, number, self._now())
            if not correction:
                mark_rare(db, issue_id, number, self._now(), rare)
        with self._read() as db:
            plan = planning.count_plan(
                db,
                issue_id,
                number,
                content_changed=content_changed,
                max_attempts=max_attempts,
                now=self._now(),
            )
        return replace(plan, newcomers=newcomers)

    def withdraw(self, issue: str) -> None:
        """Delete an issue that was planned once and not tried for any recipient, since the user declined.

        Others stay.
        """
        with self._write(issue) as db:
            planning.withdraw(db, self._id_of(db, issue))
        self._ids.pop(issue, None)

    def claim(
        self, issue: str, limit: int, *, after: int = 0, max_attempts: int = 0, turn: Turn = ALONE
    ) -> list[Claim]:
        """Claim the next recipients who are due by the current plan, in list order, from beyond row `after`.

        Returns at most `limit`; they belong to the run of `turn` then, and no other can claim or write them. Deferred
        rows with `max_attempts` tries are skipped; 0 sets no limit.
        """
        with self._write(issue) as db:
            known = planning.known_issue(db, issue)
            if known is None:
                return []
            return self._moves.claim(db, known, limit, turn, after=after, max_attempts=max_attempts, now=self._now())

    def write(self, issue: str, moves: Sequence[Move], run: int = 0) -> frozenset[int]:
        """Write transitions of rows that `run` claimed, all or none: once this has returned they are durable, and a
        final dot may be sent.

        Returns the rows whose recipients were suppressed since the plan: no dot may be sent for them.
        A move goes to `committing`; to an outcome, with the relay's reply; or to `pending`, untried, which does not
        count as an attempt. IllegalMoveError if `MOVES` does not allow one.
        """
        if not moves:
            return frozenset()
        now = self._now()
        dating = issue not in self._dated and any(move.to is State.SENT for move in moves)
        try:
            with self._write(issue) as db:
                off = self._moves.write(db, self._id_of(db, issue), moves, run, now)
                if dating:
                    transitions.date_issue(db, self._id_of(db, issue), now)
        except IllegalMoveError as error:
            with self._read() as db:
                why = transitions.first_refused(db, self._id_of(db, issue), moves, run)
            raise IllegalMoveError(f"{issue}: {why}") from error
        if dating:
            self._dated.add(issue)
        return off

    # --- the operator's decisions -----------------------------------------------------------------------------------

    def resolve(self, issue: str, address: str, state: State) -> None:
        """Settle an uncertain recipient by the operator's decision: PENDING mails them again, SENT assumes delivery."""
        with self._write(issue) as db:
            issue_id, now = self._id_of(db, issue), self._now()
            stands = transitions.settle(db, issue_id, fold_address(address), state, now)
            if stands is not None:
                raise IllegalMoveError(f"{issue}: {address} is {stands} and cannot become {state}")
            if state is State.SENT:
                transitions.date_issue(db, issue_id, now)

    def reopen(self, issue: str, states: Collection[State]) -> int:
        """Retry recipients as the operator decides: the deferred at once, the rejected anew. Returns how many.

        Their attempts count from 0 again. IllegalMoveError for any other state.
        """
        if not transitions.REOPENED.issuperset(states):
            words = " and ".join(sorted(transitions.REOPENED))
            raise IllegalMoveError(f"{issue}: only {words} recipients can be tried once more")
        with self._write(issue) as db:
            return transitions.reopen(db, self._id_of(db, issue), states, self._now())

    def register_links(self, issue: str, links: Sequence[tuple[str, str, str]]) -> None:
        """Keep code, address and section of the links that are counted, so that the server knows where they lead."""
        if links:
            with self._write(issue) as db:
                register_links(db, issue, links)

    def accept_content(self, issue: str, content_hash: str, subject: str) -> None:
        """Make this the issue's content though some recipients have another version, as the operator decides."""
        with self._write(issue) as db:
            planning.accept_content(db, self._id_of(db, issue), content_hash, subject, self._now())

    def record_test(self, issue: str, address: str, outcome: Outcome) -> None:
        """Record a `send --test`, apart from the deliveries: a test mail does not count as one."""
        row = {
            "issue": issue,
            "address": address,
            "state": outcome.state.value,
            "stage": outcome.stage,
            "code": outcome.code,
            "reply": storable(outcome.text),
            "at": self._clock().astimezone(UTC).isoformat(),
        }
        with self._write(issue) as db:
            db.execute(sa.insert(tests), row)

    # --- runs and rates ---------------------------------------------------------------------------------------------

    def begin_run(self, issue: str, owner: str, due: int = 0) -> int:
        """Record that a send to `due` recipients has begun, for the report. Returns the number for `end_run`."""
        self.storage.count_send(due)
        row = {"issue": issue, "owner": storable(owner), "started": self._now()}
        with self._write(issue) as db:
            return int(db.execute(sa.insert(runs).returning(runs.c.id), row).scalar_one())

    def end_run(self, run: int, reason: str) -> None:
        """Record that it has ended, and why."""
        change = sa.update(runs).where(runs.c.id == run).values(ended=self._now(), reason=storable(reason))
        with self._write() as db:
            db.execute(change)

    def save_rate_limits(self, state: Mapping[str, str]) -> None:
        """Save the state of these rate limits for the next run; others stay as they are."""
        if state:
            with self._write() as db:
                save_rate_limits(db, state)

    # --- inside -----------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return stamp_of(self._clock())

    def _write(self, issue: str | None = None) -> AbstractContextManager[sa.Connection]:
        """A transaction, using the connection that holds the issue if there is one."""
        return self.storage.write(self._holding.get(issue or ""))
