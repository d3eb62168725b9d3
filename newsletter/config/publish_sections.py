"""Sections about unattended runs: what `newsletter publish` sends and when, its other jobs, and its alerts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from newsletter.config import validators as entries
from newsletter.config.relay_url import PASSWORD_VARIABLE, RELAY_EXAMPLE
from newsletter.config.url_validators import alert_address
from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.model.send_window import time_of_day
from newsletter.text import shown
from newsletter.toml_file.section import Section, array, choice, key, number, text, whole

HEARTBEAT_VARIABLE = "NEWSLETTER_HEARTBEAT_URL"
WEBHOOK_VARIABLE = "NEWSLETTER_ALERT_WEBHOOK"
ALERT_PASSWORD_VARIABLE = f"{PASSWORD_VARIABLE}_ALERTS"


@frozen(kw_only=True)
class PublishSection(Section):
    posts: str = key(
        "The folder of posts that `newsletter publish` looks through. Without it, the site's own folder of posts.",
        text(entries.one_line),
        example="_posts",
    )
    send_at: str = key(
        "The time of day from which `newsletter publish` sends, in `[delivery] time_zone`; a post may say otherwise "
        "with `send_at` beneath `newsletter:`.",
        text(time_of_day),
        example="08:00",
    )
    latest: str = key(
        "The time of day after which `newsletter publish` begins no issue any more: a late runner mails nobody and "
        "exits with 3. A post may say otherwise with `latest` beneath `newsletter:`.",
        text(time_of_day),
        example="12:00",
    )
    max_age_days: float = key(
        "How many days after its date a post is still published; an older one is left alone.",
        number(365),
        default=2.0,
        example=4,
    )


Weekday = Literal["", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@frozen(kw_only=True)
class DigestSection(Section):
    day: str = key(
        "The weekday of the digest: `newsletter publish` makes one post of the issues of the seven days before, and "
        "sends it to the readers who want one mail a week; they get no other issue. Without it no digest is made, and "
        "they get the first issue of each week.",
        choice(Weekday),
        default="",
        example="sunday",
    )
    monthly_day: int = key(
        "The day of the month, 1 to 28, on which it makes one post of the issues of the month before, for the readers "
        "who want one mail a month; they get neither the issues nor the weekly digests. With 0 none is made, and they "
        "get the first issue after four weeks.",
        whole(0, 28),
        default=0,
        example=1,
    )
    folder: str = key(
        "The folder, seen from this file, that it writes these posts to. One that is there already is sent as it is: "
        "write it before with `newsletter digest --out`, or edit it.",
        text(entries.one_line),
        default="digests",
        example="digests",
    )


def _day(value: object) -> date | None:
    """A day, as TOML's own date or as a text."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def a_day(value: object) -> date:
    if (found := _day(value)) is None or not date.min.year < found.year < date.max.year:  # others overflow in a zone
        raise InvalidValueError(f"is {shown(str(value))}, not a day")
    return found


@frozen(kw_only=True)
class SeriesSection(Section):
    since: date | None = key(
        "Who joined on this day or later gets the posts in the folder `series`, from the first one on. Without it, who "
        "joined on the day these posts were first seen, or later.",
        a_day,
        default=None,
        example="2026-03-01",
    )


@frozen(kw_only=True)
class WatchSection(Section):
    publish_minutes: float = key(
        "How often `newsletter publish --watch` looks for posts that are due; it wakes at `send_at` and at the hour of "
        "a post in between.",
        number(1440),
        default=15.0,
        example=5,
    )
    bounces_minutes: float = key(
        "How often it reads the mailbox of `[bounces]`, where one is set.", number(10_080), default=180.0, example=60
    )
    sync: str = key(
        "A file or https address of collected unsubscribe clicks that it reads, as `newsletter sync` does.",
        text(entries.one_line),
        example="https://worker.example.org/clicks",
    )
    sync_minutes: float = key("How often it reads them.", number(10_080), default=60.0, example=15)
    backup: str = key(
        "A file that it backs the ledger up to, as `newsletter ledger backup` does: on another disk, and not where the "
        "site is published.",
        text(entries.one_line),
        example="/mnt/backup/newsletter.db",
    )
    backup_hours: float = key("How often it backs the ledger up.", number(168), default=24.0, example=6)


@frozen(kw_only=True)
class AlertsSection(Section):
    heartbeat: str = key(
        "An address that `newsletter publish` asks at `/start`, by itself after a success, and at `/fail`, as "
        f"healthchecks.io and others take it. Where it is a secret, put it into `{HEARTBEAT_VARIABLE}` instead.",
        text(alert_address),
        example="https://hc-ping.com/your-check",
    )
    webhook: str = key(
        "An address that is posted a JSON object at the start, a success and a failure; its `text` is what chat "
        f"programs show. Where it is a secret, put it into `{WEBHOOK_VARIABLE}` instead.",
        text(alert_address),
        example="https://chat.example.com/hooks/news",
    )
    mail: str = key(
        "An address that gets a mail about each run that failed. It has names and numbers in it, and no subscriber's "
        "address.",
        text(entries.address),
        example="you@example.net",
    )
    mail_relay: str = key(
        "The SMTP server for these mails, as `[relay] url`: another one than the newsletter's, which may be what fails "
        f"and is used where this is not set. Its password is in `{ALERT_PASSWORD_VARIABLE}`.",
        text(str.strip),
        example=RELAY_EXAMPLE,
    )
    on_event: tuple[str, ...] = key(
        "A command, with its arguments, that is run when an issue was sent, somebody joined or left, or mail bounced; "
        "it reads a JSON object from its standard input. See docs/unattended.md.",
        array(text(entries.word), "strings"),
        default=(),
        example=["python3", "tell-us.py"],
    )
