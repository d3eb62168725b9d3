"""Format a moment: date, time of day, and zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime


def shown_moment(moment: datetime) -> str:
    """`2026-03-02 07:00 Asia/Shanghai` for an aware `moment`: the zone's IANA name, else its short one."""
    return f"{moment:%Y-%m-%d %H:%M} {zone_name(moment)}"


def shown_local(epoch_s: float) -> str:
    """The same for epoch seconds, in this machine's zone; rounded up to the minute, so that it is never too early."""
    return shown_moment(datetime.fromtimestamp(epoch_s + 59, UTC).astimezone())


def zone_name(moment: datetime) -> str:
    key = getattr(moment.tzinfo, "key", None)
    if key:
        return str(key)
    short = f"{moment:%Z}"
    return f"UTC{short}" if re.match(r"[+-]\d", short) else short
