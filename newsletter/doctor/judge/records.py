"""Judge the ledger, how long ago bounces were recorded, and files that a web site would publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.doctor.verdict import Verdict, green, red, yellow

LITTLE_ROOM_BYTES = 200_000_000
_BOUNCES_LATE_DAYS = 7


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """`name` is how messages call the ledger. `failure` and `remedy` say why it cannot be used.

    `lists` are the paths that issues were sent to. `unfinished`: the file is too large to be gone through in the time
    given. `version` is 0 where there is none yet.
    """

    name: str
    exists: bool = True
    version: int = 0
    known_version: int = 0
    failure: str = ""
    remedy: str = ""
    outside: bool = False
    unfinished: bool = False
    free_bytes: int | None = None
    is_writable: bool = True
    issues: int = 0
    last_sent: datetime | None = None
    last_bounce: datetime | None = None
    lists: tuple[str, ...] = ()


def judge_ledger(health: LedgerHealth) -> tuple[Verdict, ...]:
    name = health.name
    room: tuple[Verdict, ...] = ()
    if not health.is_writable:
        room = (red("ledger", f"{name}: cannot be written to", "make the file and its folder writable"),)
    elif health.free_bytes is not None and health.free_bytes < LITTLE_ROOM_BYTES:
        left = f"{health.free_bytes / 1_000_000:,.0f} MB"
        room = (yellow("ledger", f"{name}: only {left} are left on its disk", "make room before the next send"),)
    if health.failure:
        return (red("ledger", f"{name}: {health.failure}", health.remedy, outside=health.outside), *room)
    if not health.exists:
        return room or (green("ledger", f"{name}: not there yet; the first send makes it"),)
    if not health.version:
        remedy = "set [ledger] path or url to a place of its own"
        return (red("ledger", f"{name}: a database, but not a ledger", remedy), *room)
    if health.version > health.known_version:
        what = f"{name}: the ledger has version {health.version}, this newsletter knows {health.known_version}"
        return (red("ledger", what, "upgrade newsletter"), *room)
    if health.version < health.known_version:
        old = f"{name}: sound, of version {health.version}; the next send brings it to {health.known_version}"
        return room or (green("ledger", old),)
    counted = f"{health.issues:,} issue{'' if health.issues == 1 else 's'}"
    if health.unfinished:
        return (yellow("ledger", f"{name}: {counted}; too large to check in this time", "write --timeout 600"), *room)
    return room or (green("ledger", f"{name}: sound, {counted}"),)


def judge_bounces(health: LedgerHealth, now: datetime, *, is_read: bool) -> Verdict:
    """`is_read`: a mailbox of [bounces] or a webhook's secret is set. Reading leaves no trace but what it records."""
    if not is_read:
        what = "nobody reads bounces: dead addresses are mailed again and again, which costs reputation"
        return yellow("bounces", what, "set [bounces] mailbox and run `newsletter bounces` daily, or take webhooks")
    last = None if health.last_bounce is None else max(0, (now - health.last_bounce).days)
    recorded = "no bounce is on record" if last is None else f"the newest bounce on record is {_days(last)} old"
    if health.last_sent is None:
        return green("bounces", f"{recorded}; nothing was sent yet")
    since = (now - health.last_sent).days
    unread = health.last_bounce is None or health.last_bounce < health.last_sent
    if unread and since >= _BOUNCES_LATE_DAYS:
        what = f"{recorded}, and {_days(since)} have gone since an issue was first sent"
        return yellow("bounces", what, "run `newsletter bounces`, daily from cron")
    return green("bounces", recorded)


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class Exposure:
    """A file with addresses or secrets in it, and where a web site would publish it from."""

    file: str
    kind: str
    site: str
    remedy: str


def judge_published(exposures: Sequence[Exposure], looked_at: int) -> tuple[Verdict, ...]:
    if not exposures:
        count = f"{looked_at} file{'' if looked_at == 1 else 's'} with addresses or secrets"
        return (green("published", f"{count} looked at, none where a site publishes it"),)
    return tuple(red("published", f"{each.file}: {each.kind}, in {each.site}", each.remedy) for each in exposures)
