"""The numbers of a newsletter. Frozen, without a database, and without any person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from types import MappingProxyType

from newsletter.frozen import frozen

NOTHING: Mapping[str, int] = MappingProxyType({})

REFUSALS = ("unknown", "domain", "closed", "full", "other")
"""Why a server refused: no such mailbox, no such domain or one that takes no mail, closed, full, anything else."""

_BY_CODE: Mapping[str, str] = MappingProxyType(
    {
        "5.1.1": "unknown",
        "5.1.3": "unknown",
        "5.1.4": "unknown",
        "5.1.6": "unknown",
        "5.1.2": "domain",
        "5.1.10": "domain",
        "5.4.4": "domain",
        "5.2.1": "closed",
        "5.2.4": "closed",
        "5.2.2": "full",
    }
)

_BY_BARE_CODE: Mapping[int, str] = MappingProxyType({550: "unknown", 551: "unknown", 552: "full", 553: "unknown"})


def refusal_kind(code: int, enhanced: str) -> str:
    """The kind of a refusal, by RFC 3463's code, else by that of RFC 5321."""
    if enhanced in _BY_CODE:
        return _BY_CODE[enhanced]
    return "other" if enhanced else _BY_BARE_CODE.get(code, "other")


@frozen
class Growth:
    """A month or week from `start` on. `joined` confirmed or came back; `left` unsubscribed; `bounced` and `complained`
    are not mailed any more for that reason, `removed` because the operator said so. Each is counted once."""

    start: date
    joined: int = 0
    left: int = 0
    bounced: int = 0
    complained: int = 0
    removed: int = 0

    @property
    def lost(self) -> int:
        return self.left + self.bounced + self.complained + self.removed

    @property
    def net(self) -> int:
        return self.joined - self.lost


@frozen
class IssueNumbers:
    """An issue that went out. `waiting` have no answer yet; `returned` bounced after the relay took the mail.

    `day` and `week` unsubscribed within so long of the first mail, `unsubscribed` at any time. `clicks` is None where
    links were not counted. `is_pruned`: who got it is not kept any more.
    """

    issue: str
    subject: str
    first_sent: datetime
    sent: int = 0
    refused: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    waiting: int = 0
    uncertain: int = 0
    suppressed: int = 0
    returned: int = 0
    complaints: int = 0
    day: int = 0
    week: int = 0
    unsubscribed: int = 0
    up: int = 0
    down: int = 0
    clicks: int | None = None

    @property
    def refusals(self) -> int:
        return sum(self.refused.values())

    @property
    def audience(self) -> int:
        return self.sent + self.refusals + self.waiting + self.uncertain + self.suppressed

    @property
    def is_pruned(self) -> bool:
        return not self.audience

    @property
    def is_erratum(self) -> bool:
        return "+erratum-" in self.issue


@frozen
class Cadence:
    """How regularly issues went out; corrections are none. `weekdays` begin with Monday, `hours` with midnight."""

    issues: int
    weeks: tuple[tuple[date, int], ...] = ()
    gap_days: float | None = None
    longest: tuple[datetime, datetime] | None = None
    weekdays: tuple[int, ...] = (0,) * 7
    hours: tuple[int, ...] = (0,) * 24


@frozen
class Share:
    """Some of the readers, by what they have in common."""

    name: str
    number: int


@frozen
class Readers:
    """Who is on the list now: who signed up, and who the last issue was for. `ages` are those that are known."""

    total: int = 0
    domains: tuple[Share, ...] = ()
    other_domains: int = 0
    others: int = 0
    languages: tuple[Share, ...] = ()
    ages: tuple[Share, ...] = ()
    median_days: int | None = None


@frozen
class LinkNumbers:
    """A link of an issue, and how often it was followed."""

    issue: str
    number: int
    section: str
    address: str
    clicks: int


@frozen
class Stats:
    """All of it. `months` and `weeks` have no gaps."""

    made: datetime
    months: tuple[Growth, ...]
    weeks: tuple[Growth, ...]
    issues: tuple[IssueNumbers, ...]
    cadence: Cadence
    readers: Readers
    links: tuple[LinkNumbers, ...] = ()

    @property
    def sections(self) -> tuple[Share, ...]:
        """Clicks by section of all issues together, the most first."""
        found: dict[str, int] = {}
        for link in self.links:
            found[link.section] = found.get(link.section, 0) + link.clicks
        return tuple(
            Share(name, number) for name, number in sorted(found.items(), key=lambda item: (-item[1], item[0]))
        )

    @property
    def total(self) -> Growth:
        """The growth of all months."""
        months = self.months
        return Growth(
            months[0].start if months else self.made.date(),
            *(
                sum(getattr(month, name) for month in months)
                for name in ("joined", "left", "bounced", "complained", "removed")
            ),
        )


# --- the age of the list ----------------------------------------------------------------------------------------------

_AGES = (
    (30, "under a month"),
    (91, "1 to 3 months"),
    (182, "3 to 6 months"),
    (365, "6 to 12 months"),
    (730, "1 to 2 years"),
)
_OLDER = "over 2 years"


def ages_of(by_days: Mapping[int, int]) -> tuple[Share, ...]:
    """How many readers are on the list for how long, from their number by whole days; the youngest first."""
    if not by_days:
        return ()
    names = [name for _, name in _AGES] + [_OLDER]
    found = dict.fromkeys(names, 0)
    for days, number in by_days.items():
        found[next((name for end, name in _AGES if days < end), _OLDER)] += number
    return tuple(Share(name, number) for name, number in found.items())


def median_of(by_days: Mapping[int, int]) -> int | None:
    """The age that half of the readers have not reached: the lower of two in the middle."""
    middle = (sum(by_days.values()) + 1) // 2
    seen = 0
    for days in sorted(by_days):
        seen += by_days[days]
        if seen >= middle:
            return days
    return None


def gap_of(moments: Sequence[datetime]) -> float | None:
    """The median time between issues, in days; None for fewer than two."""
    gaps = [(later - earlier) / timedelta(days=1) for earlier, later in pairwise(moments)]
    return median(gaps) if gaps else None
