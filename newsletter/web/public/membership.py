"""The steps of sign-up and unsubscribe: the writes, the links and the mail of each.

    ask -> (mail) -> confirm -> (mail)          leave -> (mail) <-> come_back          choose

A front door verifies tokens and forms, calls a step, and wakes the mail queue if the step may have queued a mail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from newsletter.addresses import fold_address
from newsletter.archive.latest_issue import LatestIssue, latest_issue
from newsletter.audience.people.letters import WANTED_FOR, Letter, Letters, fingerprint
from newsletter.audience.people.records import Frequency, Person, Preferences, Reason, SignUpState, Unsubscription
from newsletter.audience.people.store import People
from newsletter.config.config import Config
from newsletter.errors import NewsletterError
from newsletter.frozen import frozen
from newsletter.ledger.counted_links import KnownLink, count_clicks, find_link
from newsletter.ledger.database.timestamps import stamp_of
from newsletter.ledger.ledger import Ledger
from newsletter.model.delivery import Message
from newsletter.model.subscriber import Subscriber
from newsletter.text import printable
from newsletter.tokens import Link, LinkPurpose, make_link, read_link
from newsletter.web.public.confirmation_mail import ConfirmationMails, Latest

CONFIRM_WITHIN = WANTED_FOR
UNDO_WITHIN = timedelta(days=1)
GOODBYE_UNDO_WITHIN = timedelta(days=30)
"""The lifetime of the undo link in a goodbye mail: a subscriber who did not unsubscribe may find it days later."""

LATEST_FOR = timedelta(minutes=1)
"""How long the latest issue is remembered: finding it reads files."""

PAUSE = timedelta(days=30)

MOST_WAITING = 2_000
"""The most queued mails. At ten a second a relay needs three minutes for them."""

KEPT_UNCONFIRMED = timedelta(days=30)
"""An unconfirmed sign-up is deleted after this: the address's owner may not have asked for it."""

log = logging.getLogger("newsletter.web")


@frozen
class Asking:
    """A sign-up form's content. `wording` is the text that was agreed to, `source` the page."""

    address: str
    lang: str
    source: str
    wording: str
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    lists: tuple[str, ...] = ()


@frozen
class Choice:
    """A subscriber's preferences, and whether any mail is wanted at all."""

    wanted: Preferences
    left: bool


class Membership:
    """The steps, on an open store. `url` is the base URL of the pages, without a slash at its end.

    Each write is on disk when a step returns. Safe for several threads.
    """

    def __init__(
        self,
        config: Config,
        people: People,
        mails: ConfirmationMails,
        *,
        url: str,
        clock: Callable[[], datetime],
        on_joined: Callable[[], None] = lambda: None,
    ) -> None:
        self.config = config
        self.url = url
        self._people = people
        self._ledger = Ledger(people.storage, clock)
        self._mails = mails
        self.letters = Letters(people.storage, clock)
        self._clock = clock
        self._on_joined = on_joined
        self._latest: tuple[datetime, LatestIssue | None] | None = None

    # --- links ------------------------------------------------------------------------------------------------------

    def read(self, purpose: LinkPurpose, token: str) -> Link:
        """Decode a token. Raises LinkError."""
        return read_link(self.config.secrets, purpose, token, int(self._clock().timestamp()))

    def link(self, purpose: LinkPurpose, address: str, *, issue: str = "", within: timedelta | None = None) -> str:
        """A link with a token for this address; it expires if `within` is given."""
        expires = None if within is None else int((self._clock() + within).timestamp())
        return make_link(self.config.secret, Link(purpose, address, issue, expires))

    def person(self, address: str) -> Person | None:
        return self._people.person(address)

    def latest_issue(self) -> LatestIssue | None:
        """The newest issue that is on the web, read anew each minute."""
        now = self._clock()
        if self._latest is None or now - self._latest[0] >= LATEST_FOR:
            try:
                found = latest_issue(self.config, self._people.storage)
            except NewsletterError as error:
                log.warning("the latest issue is not shown: %s", printable(str(error)))
                found = None
            self._latest = (now, found)
        return self._latest[1]

    # --- sign-up ----------------------------------------------------------------------------------------------------

    def ask(self, asking: Asking) -> None:
        """Record a sign-up, and mail the address a confirmation link, or that it is already subscribed.

        There is always a mail, so that the response does not reveal who is subscribed.
        """
        self._people.sign_up(
            asking.address,
            source=asking.source,
            wording=asking.wording,
            lang=asking.lang,
            fields=asking.fields,
            lists=asking.lists,
            by_letter=self._has_room(),
        )

    def confirm(self, link: Link) -> SignUpState | None:
        """Confirm a sign-up; returns the new state. Queues a welcome mail for a new subscriber."""
        before = self._people.person(link.address)
        state = self._people.confirm(link.address, source=f"{self.url}/c", asked=link.issue, by_letter=True)
        if state is SignUpState.CONFIRMED and before is not None and before.state is not SignUpState.CONFIRMED:
            self._on_joined()
        return state

    def letter(self, owed: Letter) -> Message | None:
        """The message, with new links; None if it is no longer wanted."""
        match owed.kind:
            case "confirm":
                # Security: the link belongs to this form, and confirms no data that was submitted later.
                asked = fingerprint(owed.lang, owed.fields)
                url = f"{self.url}/c/{self.link('confirm', owed.address, issue=asked, within=CONFIRM_WITHIN)}"
                return self._mails.confirm(owed.address, owed.lang, url, self._clock())
            case "already":
                url = f"{self.url}/p/{self.link('preferences', owed.address)}"
                return self._mails.already(owed.address, owed.lang, url, self._clock())
            case "welcome":
                return self._welcome(owed)
            case "goodbye":
                return self._goodbye(owed)
            case "series":
                return None  # of a queue of its own

    def _welcome(self, owed: Letter) -> Message | None:
        if self._people.is_suppressed(owed.address):
            return None  # unsubscribed since
        latest = self._ledger.latest()
        own = {"email": owed.address, "lang": owed.lang}
        subscriber = Subscriber(owed.address, MappingProxyType({**owed.fields, **own}))
        found = Latest(*latest) if latest else None
        lang = owed.lang or self.config.settings.newsletter.language or "en"
        return self._mails.welcome(subscriber, lang, found, self._clock())

    def _goodbye(self, owed: Letter) -> Message | None:
        suppressions = self._people.suppressions_of([owed.address]).get(fold_address(owed.address), ())
        if [suppression.reason for suppression in suppressions] != [Reason.UNSUBSCRIBED]:
            return None  # returned, bounced or complained since
        url = f"{self.url}/r/{self.link('undo', owed.address, within=GOODBYE_UNDO_WITHIN)}"
        lang = owed.lang or self.config.settings.newsletter.language or "en"
        return self._mails.goodbye(owed.address, lang, url, self._clock())

    def count_answer(self, issue: str, answer: str) -> bool:
        return self._people.count_answer(issue, answer)

    def counted_link(self, code: str) -> KnownLink | None:
        """Where a counted link leads; None for a code that is none of ours."""
        with self._people.storage.read() as db:
            return find_link(db, code, stamp_of(self._clock()))

    def count_clicks(self, clicks: Mapping[str, int]) -> None:
        with self._people.storage.write() as db:
            count_clicks(db, clicks)

    def _has_room(self) -> bool:
        """Whether another mail may be queued. The response to the visitor is the same."""
        waiting = self.letters.waiting()
        if waiting >= MOST_WAITING:
            log.error("a letter was dropped: %d wait for the relay", waiting)
        return waiting < MOST_WAITING

    def letters_waiting(self) -> int:
        """The number of unsent mails. LedgerError if the database is unreadable, or was moved away."""
        self._people.storage.require_in_place()
        return self.letters.waiting()

    def tidy(self) -> None:
        """Delete expired unconfirmed sign-ups, and old mails."""
        self._people.drop_unconfirmed(self._clock() - KEPT_UNCONFIRMED)
        self.letters.forget_old()

    # --- unsubscribe ------------------------------------------------------------------------------------------------

    def leave_all(self, unsubscriptions: Sequence[Unsubscription]) -> int:
        """Returns how many were not unsubscribed before. Goodbye mails are queued while there is room."""
        if any(unsubscription.goodbye for unsubscription in unsubscriptions) and not self._has_room():
            unsubscriptions = [replace(unsubscription, goodbye=False) for unsubscription in unsubscriptions]
        return self._people.leave_all(unsubscriptions)

    def come_back(self, link: Link) -> bool:
        """Undo an unsubscribe. False if the address was not unsubscribed."""
        return self._people.undo_leave(link.address, f"{self.url}/r")

    # --- preferences ------------------------------------------------------------------------------------------------

    def choice(self, address: str) -> Choice:
        wanted = self._people.preferences(address)
        if wanted.paused_until is not None and wanted.paused_until <= self._clock():
            wanted = Preferences(wanted.lists, None, wanted.frequency)
        return Choice(wanted, self._people.is_suppressed(address))

    def choose(self, address: str, *, lists: Sequence[str], often: Frequency, pause: bool) -> Choice:
        """Save a subscriber's preferences. A running pause keeps its end."""
        before = self.choice(address).wanted
        offered = self.config.settings.serve.lists
        # A list that is no longer offered, or never was, cannot be unsubscribed from here.
        kept = [name for name in before.lists if name not in offered]
        paused = (before.paused_until or self._clock() + PAUSE) if pause else None
        wanted = Preferences((*kept, *lists), paused, often)
        self._people.set_preferences(address, wanted)
        return self.choice(address)
