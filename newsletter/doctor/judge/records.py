"""Judge the ledger, the age of the last recorded bounce, and files that a web site would publish."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from newsletter.doctor.verdict import Verdict, green, red, yellow
from newsletter.frozen import frozen
from newsletter.ledger.chores import LATE
from newsletter.text import counted

LATE_BY_ITSELF = timedelta(days=2)
"""Runs of `publish` back up daily where [ledger] `backups` is set."""

LITTLE_ROOM_BYTES = 200_000_000


@frozen
class LedgerHealth:
    """`name` is the ledger's name in messages. `failure` and `remedy` say why it cannot be used.

    `lists` are the paths that issues were sent to. `unfinished`: the file is too large to be checked within the time
    limit. `version` is 0 if there is no schema yet.
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
    bounces_read: datetime | None = None
    backed_up: datetime | None = None
    is_file: bool = True
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
    issues = counted(health.issues, "issue")
    if health.unfinished:
        return (yellow("ledger", f"{name}: {issues}; too large to check in this time", "write --timeout 600"), *room)
    return room or (green("ledger", f"{name}: sound, {issues}"),)


def judge_bounces(health: LedgerHealth, now: datetime, *, is_read: bool) -> Verdict:
    """`is_read`: a mailbox of [bounces] or a webhook's secret is set.

    A webhook leaves no trace but its recorded events.
    """
    if not is_read:
        what = "nobody reads bounces: dead addresses are mailed again and again, which costs reputation"
        return yellow("bounces", what, "set [bounces] mailbox and run `newsletter bounces` daily, or take webhooks")
    last = max(filter(None, (health.bounces_read, health.last_bounce)), default=None)
    recorded = _bounces_words(health, now)
    if health.last_sent is None:
        return green("bounces", f"{recorded}; nothing was sent yet")
    sent = now - health.last_sent
    unread = last is None or last < health.last_sent or now - last > LATE
    if unread and sent >= LATE:
        what = f"{recorded}, and {_days(sent.days)} have gone since an issue was first sent"
        return yellow("bounces", what, "run `newsletter bounces`, daily from cron")
    return green("bounces", recorded)


def _bounces_words(health: LedgerHealth, now: datetime) -> str:
    newest = "no bounce is on record"
    if health.last_bounce is not None:
        newest = f"the newest bounce on record is {_age(health.last_bounce, now)} old"
    if health.bounces_read is None:
        return newest
    return f"they were last read {_age(health.bounces_read, now)} ago; {newest}"


@frozen
class KeptBackups:
    """The folder of [ledger] `backups` as it is written there, empty for none; and what is in it."""

    folder: str = ""
    count: int = 0
    same_disk: bool = False


_NONE_KEPT = KeptBackups()


def judge_backup(health: LedgerHealth, now: datetime, kept: KeptBackups = _NONE_KEPT) -> tuple[Verdict, ...]:
    """The age of the last backup.

    No verdict for an empty ledger, or one in PostgreSQL, which other programs back up.
    """
    if not health.is_file or health.last_sent is None:
        return ()
    remedy = 'write backups = "backups" under [ledger], or run `newsletter ledger backup FILE` daily, to another disk'
    if kept.folder:
        remedy = "run `newsletter ledger backup`, and mend what it says"
    if health.backed_up is None:
        return (yellow("backup", "the ledger was never backed up: with it goes who was mailed, and who left", remedy),)
    age = now - health.backed_up
    said = f"the ledger was last backed up {_age(health.backed_up, now)} ago"
    if age > (LATE_BY_ITSELF if kept.folder else LATE):
        return (yellow("backup", said, remedy),)
    if kept.folder and not kept.count:
        return (yellow("backup", f"{said}, and {kept.folder} has no backup of it", remedy),)
    if not kept.folder:
        return (green("backup", said),)
    where = f"{said}; {kept.folder} has {counted(kept.count, 'backup')}"
    hint = "a folder on another disk outlives this one" if kept.same_disk else ""
    return (green("backup", where + (", on the ledger's own disk" if kept.same_disk else ""), hint),)


def _age(then: datetime, now: datetime) -> str:
    return _days(max(0, (now - then).days))


def _days(count: int) -> str:
    return counted(count, "day")


@frozen
class Exposure:
    """A file with addresses or secrets in it, and the site that would publish it."""

    file: str
    kind: str
    site: str
    remedy: str


def judge_published(exposures: Sequence[Exposure], looked_at: int) -> tuple[Verdict, ...]:
    if not exposures:
        count = f"{counted(looked_at, 'file')} with addresses or secrets"
        return (green("published", f"{count} looked at, none where a site publishes it"),)
    return tuple(red("published", f"{each.file}: {each.kind}, in {each.site}", each.remedy) for each in exposures)
