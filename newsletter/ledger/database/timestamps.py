"""Times as the database stores them: milliseconds since the epoch, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp_of(moment: datetime) -> int:
    """An aware time as it is stored; truncated to a millisecond."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def time_of(stamp: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=stamp)


def moment_of(stamp: int | None) -> datetime | None:
    return None if stamp is None else time_of(stamp)
