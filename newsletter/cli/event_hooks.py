"""Run [alerts] `on_event` for bounces and unsubscribes that a command found: counts, without addresses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from newsletter.pipeline.event_hook import hook_of

if TYPE_CHECKING:
    from newsletter.bounces.outcome import BounceReport
    from newsletter.config.config import Config


def tell_of_bounces(config: Config, report: BounceReport, at: datetime) -> tuple[str, ...]:
    """An event for bounces and complaints, and one for unsubscribe requests by mail."""
    news = report.news
    faults: tuple[str, ...] = ()
    if news.bounced:
        counts = {"count": news.bounced, "suppressed": news.suppressed, "complaints": news.complaints}
        faults = hook_of(config).tell("bounced", at, **counts)
    return (*faults, *tell_of_departures(config, news.left, "mail", at))


def tell_of_departures(config: Config, count: int, how: str, at: datetime) -> tuple[str, ...]:
    return hook_of(config).tell("left", at, count=count, how=how) if count else ()
