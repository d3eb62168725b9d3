"""Records of the subscriber tables. Frozen, without a database."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, get_args

from newsletter.frozen import frozen
from newsletter.ledger.records import Delivery


class Reason(enum.StrEnum):
    """The reason of a suppression; only the subscriber's own new consent lifts it."""

    UNSUBSCRIBED = "unsubscribed"
    HARD_BOUNCE = "hard-bounce"
    SOFT_BOUNCES = "soft-bounces"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    FORGOTTEN = "forgotten"


class SignUpState(enum.StrEnum):
    """The state of a sign-up. Only confirmed subscribers are mailed."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    LEFT = "left"


ConsentKind = Literal["asked", "confirmed", "withdrawn", "returned", "lifted"]
"""asked: filled in the form; confirmed: clicked the link; withdrawn: unsubscribed; returned: took that back; lifted:
the operator lifted a manual suppression, and `wording` says why.
"""

Frequency = Literal["every", "weekly", "monthly"]


def frequency_of(word: str) -> Frequency:
    """What a form says; every issue for any other word."""
    return next((each for each in get_args(Frequency) if each == word), "every")


@frozen
class Suppression:
    """A suppression since `at`; `issue` is the one that was unsubscribed from, or bounced. `detail` is free text.

    `key` is the folded address, or after `forget` its hash: see `tokens.AddressHashes`.
    """

    key: str
    reason: Reason
    at: datetime
    issue: str = ""
    detail: str = ""


@frozen
class Person:
    """A sign-up. `fields` are the form's other answers, by column name."""

    address: str
    state: SignUpState
    created: datetime
    confirmed: datetime | None = None
    lang: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@frozen
class Consent:
    """A step of a subscriber's consent. `source` is the page or mail; `wording` the text shown there."""

    kind: ConsentKind
    at: datetime
    source: str = ""
    wording: str = ""


@frozen
class Unsubscription:
    """An unsubscribe request: how it came, and from which issue.

    `at` is its time if that is in the past: a subscriber who has returned since then stays. `goodbye`
    queues a mail that offers to undo it.
    """

    address: str
    source: str
    issue: str = ""
    at: datetime | None = None
    goodbye: bool = False


@frozen
class Preferences:
    """A subscriber's preferences.

    `lists` are those signed up for; no mail before `paused_until`; weekly, monthly: at most one issue in that time.
    """

    lists: tuple[str, ...] = ()
    paused_until: datetime | None = None
    frequency: Frequency = "every"

    def __post_init__(self) -> None:
        if self.frequency not in get_args(Frequency):
            raise ValueError(f"{self.frequency} is no frequency; it is one of {', '.join(get_args(Frequency))}")
        if self.paused_until is not None and self.paused_until.tzinfo is None:
            raise ValueError("paused_until has no time zone")


class BounceKind(enum.StrEnum):
    """As `bounces.results.Kind`, and a complaint. Sender faults and delays are stored without a consequence."""

    HARD = "hard"
    SOFT = "soft"
    SENDER_FAULT = "lane"
    DELAYED = "delayed"
    COMPLAINT = "complaint"


@frozen
class BounceEvent:
    """A bounce or complaint. `evidence` identifies the report, so that the same one counts once.

    `status` is RFC 3463's code, `diagnostic` the server's text, both empty if none was given. `rule` names the row of
    the table that classified it; it is stored with the decision.
    """

    address: str
    at: datetime
    kind: BounceKind
    evidence: str
    status: str = ""
    diagnostic: str = ""
    issue: str = ""
    rule: str = ""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError("a bounce needs the name of its evidence")


@frozen
class BounceDecision:
    """The consequence of an event.

    `new` is False if its evidence was stored before; `suppressed` if it suppresses the address from now on; `why` is a
    sentence for the operator.
    """

    new: bool
    suppressed: Reason | None
    why: str


@frozen
class SubscriberHistory:
    """The complete history of one subscriber, the oldest first. `person` is None without a sign-up."""

    address: str
    person: Person | None
    preferences: Preferences | None
    consents: tuple[Consent, ...]
    suppressions: tuple[Suppression, ...]
    bounces: tuple[tuple[BounceEvent, str], ...]
    deliveries: tuple[tuple[str, Delivery], ...]
    """Each with the subject of its issue."""

    tests: tuple[tuple[str, Delivery], ...] = ()
    series: tuple[tuple[str, str, datetime], ...] = ()
    """The steps of the series: name, state, and its time."""

    @property
    def is_unknown(self) -> bool:
        return (
            not (
                self.person or self.preferences or self.consents or self.suppressions or self.bounces or self.deliveries
            )
            and not self.tests
            and not self.series
        )


@frozen
class Erasure:
    """What was erased: rows (sign-up, consents, preferences, bounces, tests), and issues that contain the hash now."""

    rows: int
    issues: int
