"""Start the send loop for a prepared send: routes, rates, canary."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping, Sequence
from functools import partial

from newsletter.config.config import RelaySettings
from newsletter.delivery.canary import Canary
from newsletter.delivery.deliver import Stopped, deliver
from newsletter.delivery.interrupts import interrupts_or
from newsletter.delivery.rate_limits import RateLimiter, RelayLimits
from newsletter.delivery.recipient_queue import DeliveryLedger
from newsletter.delivery.routes import Route
from newsletter.delivery.run_control import Watcher
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.delivery.throttle import RelayThrottle
from newsletter.pipeline.prepare_send import PreparedSend


def start_delivery(
    prepared: PreparedSend,
    relays: Sequence[RelaySettings],
    ledger: DeliveryLedger,
    saved: Mapping[str, str],
    due: int,
    watcher: Watcher,
) -> Stopped:
    sending, options = prepared.sending, prepared.options
    delivery = sending.config.settings.delivery
    canary = Canary(options.canary, delivery.canary_wait_s, delivery.canary_refusals)
    return asyncio.run(
        deliver(
            ledger,
            sending.composer,
            [
                route_of(
                    each,
                    limiter_of(each, saved),
                    options.connections,
                    held=not (sending.test or each.catches),
                )
                for each in relays
            ],
            due=due,
            watcher=watcher,
            clock=time.time,
            jitter=random.random,
            canary=canary if 0 < options.canary < due else None,
            quiet=None if sending.test else sending.config.quiet_hours,
            max_attempts=delivery.max_attempts,
            longest_wait_s=math.inf if options.watched else delivery.max_wait_s,
            ends=partial(interrupts_or, options.stop),
        )
    )


def limiter_of(settings: RelaySettings, saved: Mapping[str, str]) -> RateLimiter:
    """A relay's rates as they were `saved`."""
    prefix = f"{settings.relay.name}/"
    own = {name.removeprefix(prefix): state for name, state in saved.items() if name.startswith(prefix)}
    return RateLimiter(settings.rates, settings.domains, settings.warm_up, own, time.time())


def route_of(settings: RelaySettings, limits: RelayLimits, connections: int, *, held: bool) -> Route:
    """A relay's route; `connections` of 0 are the relay's own."""
    return Route(
        relay=settings.relay,
        rate_limiter=limits,
        throttle=RelayThrottle(jitter=random.random),
        timeouts=Timeouts.capped(settings.timeout_s, settings.dot_timeout_s),
        connections=connections or settings.connections,
        messages_per_connection=settings.messages_per_connection,
        window=settings.window,
        limits=", ".join([*map(str, settings.rates), *(["warm-up"] if settings.warm_up else [])]),
        held=held,
    )
