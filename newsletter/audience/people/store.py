"""The subscriber store: sign-ups, consent, preferences, bounces, suppressions.

A suppression is permanent: no list, import or retry lifts it. Only the subscriber does, by signing up again and
confirming, or by undoing the unsubscribe. The operator can lift manual suppressions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

import sqlalchemy as sa

from newsletter.addresses import fold_address
from newsletter.audience.people import bounce_records as bounced
from newsletter.audience.people import forget as forgetting
from newsletter.audience.people import history, unsubscribe_many
from newsletter.audience.people.bounce_score import SOFT_RULE, SoftRule
from newsletter.audience.people.consent import GivenConsent, consents_of
from newsletter.audience.people.letters import add_letter, fingerprint
from newsletter.audience.people.records import (
    BounceDecision,
    BounceEvent,
    ConsentKind,
    Erasure,
    Person,
    Preferences,
    Reason,
    SignUpState,
    SubscriberHistory,
    Suppression,
    Unsubscription,
)
from newsletter.audience.people.sign_up_numbers import SignUpNumbers, sign_up_numbers
from newsletter.audience.people.statements import ASKED, FIRST_LISTS, PREFER, SUPPRESS
from newsletter.audience.people.suppression_rows import every_suppression, suppression_of
from newsletter.ledger.database.schema import consents, people, preferences, suppressions
from newsletter.ledger.database.storage import Storage
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.feedback import count_answer
from newsletter.model.letter_kind import LetterKind
from newsletter.model.subscriber import Subscriber
from newsletter.tokens import AddressHashes

_PAGE = 1_000


class People:
    """The subscribers of an open database. What a method writes is on disk when it returns.

    Addresses are normalized by `normalize_address`; two spellings of one are one subscriber. `secrets`, the newest
    first, are needed to find erased addresses; without them `forget` refuses.
    """

    def __init__(self, storage: Storage, clock: Callable[[], datetime], secrets: Sequence[str] = ()) -> None:
        self.storage = storage
        self._clock = clock
        self._secrets = tuple(secrets)
        self._address_hashes = AddressHashes(secrets)

    @classmethod
    def open(cls, place: Path | str | None, clock: Callable[[], datetime], secrets: Sequence[str] = ()) -> Self:
        """Open the subscribers at `place`, which is the ledger's as well; see `Storage.open`."""
        return cls(Storage.open(place), clock, secrets)

    def close(self) -> None:
        self.storage.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- suppressions -----------------------------------------------------------------------------------------------

    def suppress(self, address: str, reason: Reason, *, issue: str = "", detail: str = "") -> bool:
        """Suppress an address for a reason. False if it was already suppressed for it; the first detail stays.

        The suppression of an erased address is stored under its hash.
        """
        with self.storage.write() as db:
            return self._suppress(db, self._kept_key(db, address), reason, issue, detail)

    def count_answer(self, issue: str, answer: str) -> bool:
        """Count a reader's answer about an issue. False if the ledger does not know the issue."""
        with self.storage.write() as db:
            return count_answer(db, issue, answer)

    def suppress_all(self, addresses: Iterable[str], reason: Reason, *, detail: str = "") -> int:
        """As `suppress`, for some hundreds in one transaction. Returns how many were not suppressed for it before."""
        with self.storage.write() as db:
            # In a fixed order: two processes that update the same rows in different orders would deadlock.
            keys = sorted({self._kept_key(db, address) for address in addresses})
            return sum(self._suppress(db, key, reason, "", detail) for key in keys)

    def undo_suppression(self, address: str, why: str) -> bool:
        """Lift a manual suppression, and store why; other reasons stay. False if there was no manual one."""
        key = fold_address(address)
        mine = (suppressions.c.key == key, suppressions.c.reason == Reason.MANUAL.value)
        with self.storage.write() as db:
            if not db.execute(sa.delete(suppressions).where(*mine)).rowcount:
                return False
            self._consent(db, key, "lifted", "newsletter subscribers suppress --undo", why)
        return True

    def suppressions_of(self, addresses: Iterable[str]) -> Mapping[str, tuple[Suppression, ...]]:
        """The suppressions of these addresses, the oldest reason first, by folded address.

        A few hundred at a time.
        """
        names = {name: key for key in map(fold_address, addresses) for name in (key, *self._address_hashes.all(key))}
        found: dict[str, tuple[Suppression, ...]] = {}
        with self.storage.read() as db:
            rows = db.execute(
                sa.select(suppressions)
                .where(suppressions.c.key.in_(list(names)))
                .order_by(suppressions.c.at, suppressions.c.reason)
            )
            for row in rows:
                key = names[row.key]
                found[key] = (*found.get(key, ()), suppression_of(row))
        return found

    def is_suppressed(self, address: str) -> bool:
        return bool(self.suppressions_of([address]))

    def suppressed(self, *reasons: Reason) -> Iterator[Suppression]:
        """Every suppression for these reasons (default: all), by key. Read in pages."""
        return every_suppression(self.storage, reasons or tuple(Reason))

    def suppressed_count(self) -> Mapping[Reason, int]:
        """The number of suppressions per reason; reasons without any are left out."""
        counted = sa.select(suppressions.c.reason, sa.func.count().label("number")).group_by(suppressions.c.reason)
        with self.storage.read() as db:
            return MappingProxyType({Reason(row.reason): row.number for row in db.execute(counted)})

    def suppressed_people(self) -> int:
        """The number of suppressed addresses: one may have several reasons."""
        with self.storage.read() as db:
            return db.scalar(sa.select(sa.func.count(suppressions.c.key.distinct()))) or 0

    # --- sign up and unsubscribe ------------------------------------------------------------------------------------

    def sign_up(
        self,
        address: str,
        *,
        source: str,
        wording: str,
        lang: str = "",
        fields: Mapping[str, str] | None = None,
        lists: Collection[str] = (),
        by_letter: bool = False,
    ) -> SignUpState:
        """Record that this address was entered in the form, by anyone: double opt-in starts.

        PENDING: mail the link that calls `confirm`; until then only the request is stored. CONFIRMED: already
        subscribed. `lists` are stored if there are no preferences yet. `by_letter` queues the fitting mail in the same
        transaction.
        """
        key, now = fold_address(address), self._now()
        answers = json.dumps(dict(fields or {}), ensure_ascii=False, sort_keys=True)
        kept = None if address == key else address
        row = {"key": key, "address": kept, "now": now, "lang": lang, "fields": answers}
        with self.storage.write() as db:
            state = db.scalar(sa.select(people.c.state).where(people.c.key == key))
            is_mailed = state == SignUpState.CONFIRMED and not self._reasons(db, key)
            if by_letter:
                kind: LetterKind = "already" if is_mailed else "confirm"
                add_letter(db, kind, address, now, lang=lang, fields=answers)
            if is_mailed:
                return SignUpState.CONFIRMED
            db.execute(ASKED, row)
            if lists:
                db.execute(FIRST_LISTS, {"key": key, "lists": json.dumps(sorted(lists), ensure_ascii=False)})
            self._consent(db, key, "asked", source, wording)
        return SignUpState.PENDING

    def confirm(
        self, address: str, *, source: str, wording: str = "", asked: str = "", by_letter: bool = False
    ) -> SignUpState | None:
        """Confirm a sign-up by the link mailed to this address; returns the new state.

        Lifts every suppression, a bounce's as well: the click shows that the address works. CONFIRMED also if it was
        confirmed before; but a subscriber who has unsubscribed since stays LEFT, so that an old link is useless: they
        sign up anew. None for an unknown address.

        `asked` is the `fingerprint` of the form that the link was made for. If another form was filled in since, that
        may have been anyone: its name and language are dropped. `by_letter` queues a welcome mail for new subscribers.
        """
        key = fold_address(address)
        with self.storage.write() as db:
            row = db.execute(sa.select(people).where(people.c.key == key)).one_or_none()
            if row is None or row.state != SignUpState.PENDING:
                return None if row is None else SignUpState(row.state)
            lang, fields, now = row.lang, row.fields, self._now()
            if asked and asked != fingerprint(lang, json.loads(fields)):
                lang, fields = "", "{}"
            values = {"state": SignUpState.CONFIRMED.value, "confirmed": now, "lang": lang, "fields": fields}
            db.execute(sa.update(people).where(people.c.key == key).values(values))
            db.execute(sa.delete(suppressions).where(suppressions.c.key.in_(self._names(key))))
            self._consent(db, key, "confirmed", source, wording)
            if by_letter:
                add_letter(db, "welcome", row.address or key, now, lang=lang, fields=fields)
        return SignUpState.CONFIRMED

    def leave(self, address: str, source: str, *, issue: str = "") -> bool:
        """Unsubscribe an address from every list, known or not. False if it was unsubscribed already."""
        key = fold_address(address)
        with self.storage.write() as db:
            kept = self._kept_key(db, address)
            new = self._suppress(db, kept, Reason.UNSUBSCRIBED, issue, source)
            db.execute(sa.update(people).where(people.c.key == key).values(state=SignUpState.LEFT.value))
            if new and kept == key:
                self._consent(db, key, "withdrawn", source, "")
        return new

    def leave_all(self, unsubscriptions: Sequence[Unsubscription]) -> int:
        """As `leave`, for some hundreds with one fsync. Returns how many were not unsubscribed before."""
        if not unsubscriptions:
            return 0
        with self.storage.write() as db:
            return unsubscribe_many.leave_all(db, unsubscriptions, self._address_hashes, self._now())

    def undo_leave(self, address: str, source: str) -> bool:
        """Undo an unsubscribe; other suppressions stay. False if the address was not unsubscribed."""
        key = fold_address(address)
        mine = (suppressions.c.key == key, suppressions.c.reason == Reason.UNSUBSCRIBED.value)
        with self.storage.write() as db:
            if not db.execute(sa.delete(suppressions).where(*mine)).rowcount:
                return False
            back = sa.update(people).where(people.c.key == key, people.c.state == SignUpState.LEFT.value)
            former = sa.case(
                (people.c.confirmed.is_(None), SignUpState.PENDING.value), else_=SignUpState.CONFIRMED.value
            )
            db.execute(back.values(state=former))
            self._consent(db, key, "returned", source, "")
        return True

    def drop_unconfirmed(self, before: datetime) -> int:
        """Delete sign-ups from before then that were never confirmed, with their consent rows; returns how many."""
        stale = sa.select(people.c.key).where(
            people.c.state == SignUpState.PENDING.value,
            people.c.confirmed.is_(None),
            people.c.created < stamp_of(before),
        )
        with self.storage.write() as db:
            keys = db.scalars(stale).all()
            for key in keys:
                db.execute(sa.delete(people).where(people.c.key == key))
                db.execute(sa.delete(consents).where(consents.c.key == key, consents.c.kind == "asked"))
        return len(keys)

    # --- preferences ------------------------------------------------------------------------------------------------

    def preferences(self, address: str) -> Preferences:
        """A subscriber's preferences, or the defaults."""
        with self.storage.read() as db:
            return history.preferences_of(db, fold_address(address)) or Preferences()

    def set_preferences(self, address: str, wanted: Preferences) -> None:
        """Store a subscriber's preferences; for an erased address, nothing."""
        key = fold_address(address)
        row = {
            "key": key,
            "lists": json.dumps(sorted(wanted.lists), ensure_ascii=False),
            "paused_until": None if wanted.paused_until is None else stamp_of(wanted.paused_until),
            "frequency": wanted.frequency,
        }
        with self.storage.write() as db:
            if self._kept_key(db, address) == key:
                db.execute(PREFER, row)

    def confirmed(self, list_name: str = "") -> Iterator[Subscriber]:
        """Confirmed subscribers in order of their sign-up; of one list, or of all. Read in pages.

        Suppressed and paused subscribers are included: the plan of a send counts them.
        """
        last = 0
        while True:
            page = (
                sa.select(people, preferences.c.lists)
                .join(preferences, preferences.c.key == people.c.key, isouter=True)
                .where(people.c.state == SignUpState.CONFIRMED.value, people.c.id > last)
                .order_by(people.c.id)
                .limit(_PAGE)
            )
            with self.storage.read() as db:
                rows = db.execute(page).all()
            for row in rows:
                if not list_name or list_name in json.loads(row.lists or "[]"):
                    yield _subscriber(history.person(row))
            if len(rows) < _PAGE:
                return
            last = rows[-1].id

    def consents_given(self, addresses: Iterable[str]) -> Mapping[str, GivenConsent]:
        """The consents of those of the addresses that are confirmed, by folded address. A few hundred at a time."""
        with self.storage.read() as db:
            return consents_of(db, [fold_address(address) for address in addresses])

    def numbers(self, list_name: str = "") -> SignUpNumbers:
        """Sign-up statistics of one list, or of all."""
        with self.storage.read() as db:
            return sign_up_numbers(db, list_name)

    # --- bounces ----------------------------------------------------------------------------------------------------

    def record_bounce(self, event: BounceEvent, rule: SoftRule = SOFT_RULE) -> BounceDecision:
        """Store a bounce or complaint once, and decide: hard ones and complaints suppress at once, soft ones by score.

        The decision is stored with the event, for `history`.
        """
        key = fold_address(event.address)
        with self.storage.write() as db:
            if self._kept_key(db, event.address) != key:
                return BounceDecision(new=False, suppressed=None, why="the person was forgotten; nothing is kept")
            decision = bounced.decide(db, key, event, rule, self._now())
            if decision.suppressed is not None:
                self._suppress(db, key, decision.suppressed, event.issue, decision.why)
        return decision

    def find_by_bounce_tokens(self, tokens: Collection[str]) -> Mapping[str, bounced.Recipient]:
        """The recipients of these VERP tokens, by token as given; unknown tokens are left out.

        Makes the tokens of every recipient again, the newest issue first, until all are found: some seconds per
        million. So look up all tokens of a mailbox at once.
        """
        with self.storage.read() as db:
            return bounced.by_tokens(db, self._secrets, tokens)

    def find_by_message_ids(self, message_ids: Collection[str]) -> Mapping[str, bounced.Recipient]:
        """The recipients of these Message-IDs, `<…>`. Scans all deliveries; look up all of a mailbox at once."""
        with self.storage.read() as db:
            return bounced.by_message_ids(db, message_ids)

    # --- one subscriber ---------------------------------------------------------------------------------------------

    def person(self, address: str) -> Person | None:
        """A sign-up in any state."""
        with self.storage.read() as db:
            row = db.execute(sa.select(people).where(people.c.key == fold_address(address))).one_or_none()
        return history.person(row) if row else None

    def history(self, address: str) -> SubscriberHistory:
        """The complete history of one subscriber: requests and consents, deliveries, bounces."""
        key = fold_address(address)
        with self.storage.read() as db:
            return history.read_history(db, address, key, self._names(key))

    def forget(self, address: str) -> Erasure:
        """Erase a subscriber and suppress the address: only a keyed hash of it is kept.

        The ledger's rows stay under the hash, so that an issue's numbers remain correct. The address may remain in
        backups, and on the author's list. ConfigError without a secret.
        """
        key = fold_address(address)
        return forgetting.forget(self.storage, key, self._address_hashes, self._now())

    # --- inside -----------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return stamp_of(self._clock())

    def _names(self, key: str) -> list[str]:
        return [key, *self._address_hashes.all(key)]

    def _kept_key(self, db: sa.Connection, address: str) -> str:
        """The key for a new row of this subscriber: the address, or its hash after an erasure."""
        key = fold_address(address)
        address_hashes = self._address_hashes.all(key)
        hidden = sa.select(suppressions.c.key).where(suppressions.c.key.in_(address_hashes)).limit(1)
        return (db.scalar(hidden) if address_hashes else None) or key

    def _reasons(self, db: sa.Connection, key: str) -> list[str]:
        mine = suppressions.c.key.in_(self._names(key))
        return list(db.scalars(sa.select(suppressions.c.reason).where(mine)))

    def _suppress(self, db: sa.Connection, key: str, reason: Reason, issue: str, detail: str) -> bool:
        row = {"key": key, "reason": reason.value, "at": self._now(), "issue": issue, "detail": history.kept(detail)}
        return bool(db.execute(SUPPRESS, row).rowcount)

    def _consent(self, db: sa.Connection, key: str, kind: ConsentKind, source: str, wording: str) -> None:
        row = {"key": key, "kind": kind, "source": history.kept(source), "wording": history.kept(wording)}
        db.execute(sa.insert(consents), {**row, "at": self._now()})


def _subscriber(person: Person) -> Subscriber:
    own = {"email": person.address, "lang": person.lang}
    return Subscriber(person.address, MappingProxyType({**person.fields, **own}))
