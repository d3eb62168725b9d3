"""Run [alerts] `on_event` for bounces and unsubscribes that a command found: counts, without addresses."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from newsletter.bounces.process import Effect
from newsletter.pipeline.event_hook import hook_of

if TYPE_CHECKING:
    from newsletter.bounces.process import BounceReport
    from newsletter.config.config import Config

_NEW = (Effect.SUPPRESSED, Effect.COUNTED)
WISH = "wish to leave"


def tell_of_bounces(config: Config, report: BounceReport, at: datetime) -> tuple[str, ...]:
    """An event for bounces and complaints, and one for unsubscribe requests by mail."""
    new = [entry for entry in report.entries if entry.effect in _NEW]
    wishes = sum(entry.what == WISH for entry in new)
    complaints = sum(entry.what == "complaint" for entry in new)
    bounced = sum(report.effects[effect] for effect in _NEW) - wishes
    faults: tuple[str, ...] = ()
    if bounced:
        dead = sum(entry.effect is Effect.SUPPRESSED for entry in new) - wishes
        faults = hook_of(config).tell("bounced", at, count=bounced, suppressed=dead, complaints=complaints)
    return (*faults, *tell_of_departures(config, wishes, "mail", at))


def tell_of_departures(config: Config, count: int, how: str, at: datetime) -> tuple[str, ...]:
    return hook_of(config).tell("left", at, count=count, how=how) if count else ()
