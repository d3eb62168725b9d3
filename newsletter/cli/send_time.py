"""The time of `--at`, as it is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from newsletter import errors
from newsletter.errors import InvalidValueError
from newsletter.model.moments import shown_moment
from newsletter.model.schedule import parse_at

if TYPE_CHECKING:
    from newsletter.config.config import Config


def moment_of(at: str, config: Config, tell: Callable[[str], None]) -> datetime | None:
    """When to send; None for at once, also for a time that has just passed, which is told. Raises ConfigError."""
    delivery = config.settings.delivery
    now = datetime.now().astimezone()
    try:
        moment = parse_at(at, now, delivery.time_zone, window=timedelta(seconds=delivery.at_window_s))
    except InvalidValueError as fault:
        raise errors.ConfigError(f"--at {fault.what}; {fault.remedy or 'write --at 08:00'}") from fault
    if moment > now:
        return moment
    if late := (now - moment) // timedelta(minutes=1):
        tell(f"{shown_moment(moment)} was {late:,} min ago, within at_window_s: it goes at once.")
    return None
