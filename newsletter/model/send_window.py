"""The daily window in which an issue may begin to go out. The clock is an argument."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta, tzinfo
from typing import Literal

from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.text import shown

Place = Literal["early", "open", "late"]
MINUTE = timedelta(minutes=1)


def time_of_day(text: str) -> str:
    """Normalize a time of day to `08:00`; empty stays empty. Raises InvalidValueError."""
    text = text.strip()
    if not text:
        return text
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text, re.ASCII)
    if found is None:
        raise InvalidValueError(f"is {shown(text)}, not a time of day", 'write "08:00"')
    return f"{int(found[1]):02}:{found[2]}"


@frozen
class SendWindow:
    """From `opens` to `closes`, that minute included, by the wall clock in `zone`; over midnight if `closes` comes
    first. None: from midnight, or until midnight. `zone` None is this machine's own.
    """

    opens: time | None = None
    closes: time | None = None
    zone: tzinfo | None = None

    def place(self, now: datetime, day: datetime | None = None) -> Place:
        """The position of an aware `now` relative to the window. `day` is the post's date: of a window over midnight,
        its first evening.

        Clocks set forward over `opens` open it at the new time; when they are set back, both hours count.
        """
        wall = now.astimezone(self.zone)
        at, opens, closes = _clock(wall), self.opens or time.min, self.closes
        if closes is None or opens <= closes:
            if at < opens:
                return "early"
            return "late" if closes is not None and at > closes else "open"
        if at >= opens:
            return "open"
        first_evening = day is not None and day.astimezone(self.zone).date() == wall.date()
        if at <= closes and not first_evening:
            return "open"
        return "early" if first_evening or at > closes else "late"

    def next_opening(self, now: datetime) -> datetime:
        """The next opening after an aware `now` that is early."""
        wall = now.astimezone(self.zone)
        opens = self.opens or time.min
        moment = datetime.combine(wall.date(), opens)
        if moment <= wall.replace(tzinfo=None):
            moment += timedelta(days=1)
        local = moment.replace(tzinfo=self.zone) if self.zone is not None else moment.astimezone()
        return max(local, (now + MINUTE).astimezone(local.tzinfo))

    def was_open(self, since: datetime, now: datetime) -> bool:
        """Whether it opened and closed between two aware moments, the second of them early."""
        first, wall = since.astimezone(self.zone), now.astimezone(self.zone)
        days = (wall.date() - first.date()) // timedelta(days=1)
        in_time = self.closes is None or self.closes < (self.opens or time.min) or _clock(first) <= self.closes
        return days > (0 if in_time else 1)

    def __str__(self) -> str:
        since, until = (f"{each:%H:%M}" if each else "" for each in (self.opens, self.closes))
        return f"{since or '00:00'} to {until or '24:00'}"


def _clock(wall: datetime) -> time:
    """The wall clock, to the minute."""
    return wall.timetz().replace(second=0, microsecond=0, tzinfo=None)


def window_of(opens: object, closes: object, zone: tzinfo | None) -> SendWindow:
    """The window between two times of day as YAML or TOML parsed them; unlimited where they are missing.

    Raises InvalidValueError whose text begins with the key.
    """
    return SendWindow(_read("send_at", opens), _read("latest", closes), zone)


def _read(key: str, value: object) -> time | None:
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 600 <= value < 1440:
        value = f"{value // 60}:{value % 60:02}"  # YAML 1.1 reads 12:30 as a base-60 number
    if isinstance(value, time):
        return value.replace(tzinfo=None)
    try:
        return time.fromisoformat(time_of_day(str(value)))
    except InvalidValueError as fault:
        raise InvalidValueError(f"{key} {fault.what}", fault.remedy) from fault
