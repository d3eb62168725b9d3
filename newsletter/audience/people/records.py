"""Records of the people's tables. Frozen, without a database."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from newsletter.ledger.records import Delivery


class Reason(enum.StrEnum):
    """Why somebody is not mailed by anything but their own wish to be back."""

    UNSUBSCRIBED = "unsubscribed"
    HARD_BOUNCE = "hard-bounce"
    SOFT_BOUNCES = "soft-bounces"
    COMPLAINT = "complaint"
    MANUAL = "manual"
    FORGOTTEN = "forgotten"


class Standing(enum.StrEnum):
    """How somebody who signed up stands. Only the confirmed are mailed."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    LEFT = "left"


ConsentKind = Literal["asked", "confirmed", "withdrawn", "returned", "lifted"]
"""They asked to join; confirmed it; withdrew it; took the withdrawal back. Or the operator lifted a suppression
that was entered by hand, and `wording` says why."""

Frequency = Literal["every", "weekly"]


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why somebody is not mailed, since `at`; `issue` is the one that made them leave, or bounced. `detail` is words.

    `key` is the folded address, or after `forget` what stands in its place: see `links.Shadows`.
    """

    key: str
    reason: Reason
    at: datetime
    issue: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed up. `fields` are the form's other answers, by column name."""

    address: str
    standing: Standing
    created: datetime
    confirmed: datetime | None = None
    lang: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Consent:
    """A step of somebody's consent. `source` is the page or mail where; `wording` what they were shown there."""

    kind: ConsentKind
    at: datetime
    source: str = ""
    wording: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """Somebody who leaves: by which way, and because of which issue. `at`, where it is long ago, is when they said so:
    who has come back since then stays. `goodbye` owes them a letter that offers to undo it."""

    address: str
    source: str
    issue: str = ""
    at: datetime | None = None
    goodbye: bool = False


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody wants. `lists` are those they signed up for; no mail before `paused_until`; weekly: at most one
    issue in a week."""

    lists: tuple[str, ...] = ()
    paused_until: datetime | None = None
    frequency: Frequency = "every"

    def __post_init__(self) -> None:
        if self.frequency not in ("every", "weekly"):
            raise ValueError(f"{self.frequency} is no frequency; it is every or weekly")
        if self.paused_until is not None and self.paused_until.tzinfo is None:
            raise ValueError("paused_until has no time zone")


class BounceKind(enum.StrEnum):
    """As `bounces.readings.Kind`, and a complaint. Those of the lane and delays are kept, and lead to nothing."""

    HARD = "hard"
    SOFT = "soft"
    LANE = "lane"
    DELAYED = "delayed"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class BounceEvent:
    """A message that came back, or was complained about. `evidence` names the report: the same one counts once.

    `status` is RFC 3463's code, `diagnostic` the server's words, both empty where none was given. `rule` names the row
    of the table that judged it; it is kept with the decision.
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


@dataclass(frozen=True, slots=True)
class BounceDecision:
    """What an event led to. `new` is False where its evidence was counted before; `suppressed` where it is the reason
    that the person is not mailed from now on; `why` is a sentence for people."""

    new: bool
    suppressed: Reason | None
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one person, the oldest first. `person` is None for somebody who never signed up."""

    address: str
    person: Person | None
    preferences: Preferences | None
    consents: tuple[Consent, ...]
    suppressions: tuple[Suppression, ...]
    bounces: tuple[tuple[BounceEvent, str], ...]
    deliveries: tuple[tuple[str, Delivery], ...]
    """Each with the subject of its issue."""

    tests: tuple[tuple[str, Delivery], ...] = ()

    @property
    def is_unknown(self) -> bool:
        return (
            not (
                self.person or self.preferences or self.consents or self.suppressions or self.bounces or self.deliveries
            )
            and not self.tests
        )


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was taken out: sign-up, consents, preferences, bounces and tests, and issues in which a hash stands now."""

    rows: int
    issues: int
