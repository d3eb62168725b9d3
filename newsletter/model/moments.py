"""A moment in words: date, time of day, and whose clock that is."""

from __future__ import annotations

import re
from datetime import UTC, datetime


def shown_moment(moment: datetime) -> str:
    """`2026-03-02 07:00 Asia/Shanghai` for an aware `moment`: the zone's IANA name, else its short one."""
    return f"{moment:%Y-%m-%d %H:%M} {zone_name(moment)}"


def shown_local(epoch_s: float) -> str:
    """The same of epoch seconds, on this machine's clock; rounded up, rather a minute late than one too early."""
    return shown_moment(datetime.fromtimestamp(epoch_s + 59, UTC).astimezone())


def zone_name(moment: datetime) -> str:
    key = getattr(moment.tzinfo, "key", None)
    if key:
        return str(key)
    short = f"{moment:%Z}"
    return f"UTC{short}" if re.match(r"[+-]\d", short) else short
