"""The digest that is due: composed on its weekday from the issues of the seven days before, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path

from newsletter.config.config import Config
from newsletter.errors import NewsletterError
from newsletter.files import is_folder, is_there, write_atomically
from newsletter.ledger.ledger import Ledger
from newsletter.pipeline.digest import find_sources, make_digest
from newsletter.pipeline.find_due import Found, FoundPost, find_due
from newsletter.pipeline.rare_readers import digests_made
from newsletter.pipeline.render_post import zone_of
from newsletter.pipeline.send_result import left_of

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def digest_day(weekday: str, today: date) -> date:
    """The last day of that name, today included."""
    return today - timedelta(days=(today.weekday() - WEEKDAYS.index(weekday)) % 7)


def month_day(number: int, today: date) -> date:
    """The last day of that number, today included."""
    day = today.replace(day=number)
    return day if day <= today else (today.replace(day=1) - timedelta(days=1)).replace(day=number)


def compose_due(
    posts: Path,
    config: Config,
    now: datetime,
    max_age: timedelta,
    warn: Callable[[Sequence[str]], None],
) -> None:
    """Write the digests of the last digest days where they are not there yet, and none where there is nothing to tell.

    The days end before it, so that the issue of the day itself changes nothing. A post that cannot be read is a
    warning: the run names it anyway.
    """
    keys = config.settings.digest
    zone = zone_of(config)
    today = now.astimezone(zone).date()
    if keys.day:
        day = digest_day(keys.day, today)
        _compose(posts, config, now, max_age, warn, kind="weekly", since=day - timedelta(days=7), day=day)
    if keys.monthly_day:
        day = month_day(keys.monthly_day, today)
        since = month_day(keys.monthly_day, day - timedelta(days=1))
        _compose(posts, config, now, max_age, warn, kind="monthly", since=since, day=day)


def _compose(
    posts: Path,
    config: Config,
    now: datetime,
    max_age: timedelta,
    warn: Callable[[Sequence[str]], None],
    *,
    kind: str,
    since: date,
    day: date,
) -> None:
    zone = zone_of(config)
    out = config.root / config.settings.digest.folder / f"{day}-{kind}.md"
    if is_there(out) or _is_past(day, now, max_age, zone):
        return
    try:
        sources = find_sources(posts, config, zone, since, day - timedelta(days=1))
        if not sources:
            return
        # Both kinds may be made of the same issues on one day, and are told apart by their titles.
        days = (since, day - timedelta(days=1)) if kind == "monthly" else None
        made = make_digest(sources, name=config.settings.newsletter.name, day=day, kind=kind, days=days)
    except NewsletterError as error:
        warn([f"no digest was made: {error}"])
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(out, made.text.encode())
    warn(made.findings)


def _is_past(day: date, now: datetime, max_age: timedelta, zone: tzinfo | None) -> bool:
    begins = datetime.combine(day, time(), zone)
    return (begins if zone else begins.astimezone()) < now - max_age


def with_digests(found: Found, config: Config, ledger: Ledger | None, now: datetime, max_age: timedelta) -> Found:
    """What is due, and the digests that are; they go out last of all, when their days have."""
    folder = config.root / config.settings.digest.folder
    if not digests_made(config) or not is_folder(folder):
        return found
    digests = find_due(folder, config, ledger, now, max_age)
    known = {Path(post.path).resolve() for post in found.posts}
    more = tuple(post for post in digests.posts if Path(post.path).resolve() not in known)
    return replace(found, posts=(*found.posts, *(_settled(post, ledger) for post in more)))


def _settled(post: FoundPost, ledger: Ledger | None) -> FoundPost:
    """A digest that was planned, and that nobody wants, is done with: no mail of it will ever say so."""
    if post.status != "due" or ledger is None:
        return post
    counts = ledger.counts(post.issue)
    if not any(counts.values()) or left_of(counts):
        return post
    return replace(post, status="sent", reason="no reader wants one mail a week or a month")
