"""Judge this machine's clock by a server's Date header, and the time zone of the schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from newsletter.doctor.verdict import Verdict, green, red, yellow

SLOW = timedelta(seconds=60)
"""An HTTP date has whole seconds, and a response takes some; a minute is more than that."""

WRONG = timedelta(minutes=10)


def judge_clock(now: datetime, server: str, date: str) -> tuple[Verdict, ...]:
    """`date` is the Date header of `server`'s response at `now`. No verdict for an invalid date."""
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return ()
    difference = now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    off = abs(difference)
    if off < SLOW:
        return (green("clock", f"this machine's clock agrees with {server}'s"),)
    seconds = int(off.total_seconds())
    said = f"{seconds} seconds" if seconds < 600 else f"{seconds // 60:,} minutes"
    what = f"this machine's clock is {said} {'ahead of' if difference > timedelta(0) else 'behind'} {server}'s"
    if off < WRONG:
        return (yellow("clock", what, "let it be set by NTP: `timedatectl set-ntp true`"),)
    remedy = "let it be set by NTP: `timedatectl set-ntp true`; dates, signatures and links depend on it"
    return (red("clock", what, remedy),)


def judge_time_zone(configured: str, machine: str, *, is_used: bool) -> Verdict:
    """`is_used`: there are quiet hours, whose meaning depends on the zone."""
    if configured:
        return green("time-zone", f"times of day are in {configured} ([delivery] time_zone)")
    if is_used:
        what = f"quiet_hours are in this machine's zone, {machine}; on another machine they move"
        return yellow("time-zone", what, 'write time_zone = "Europe/Paris", or yours, under [delivery]')
    return green("time-zone", f"times of day are in this machine's zone, {machine}")
