"""Start the send loop for a prepared send: routes, rates, canary."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping, Sequence

from newsletter.config.config import RelaySettings
from newsletter.delivery.canary import Canary
from newsletter.delivery.deliver import Stopped, deliver
from newsletter.delivery.rate_limits import RateLimiter
from newsletter.delivery.recipient_queue import DeliveryLedger
from newsletter.delivery.routes import Route
from newsletter.delivery.run_control import Watcher
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.delivery.throttle import RelayThrottle
from newsletter.pipeline.prepare_send import PreparedSend


def start_delivery(
    prepared: PreparedSend,
    lanes: Sequence[RelaySettings],
    book: DeliveryLedger,
    marks: Mapping[str, str],
    due: int,
    watcher: Watcher,
) -> Stopped:
    sending, orders = prepared.sending, prepared.orders
    delivery = sending.config.settings.delivery
    canary = Canary(orders.canary, delivery.canary_wait_s, delivery.canary_refusals)
    return asyncio.run(
        deliver(
            book,
            sending.composer,
            [_route(lane, marks, orders.connections, held=not (sending.test or lane.catches)) for lane in lanes],
            due=due,
            watcher=watcher,
            clock=time.time,
            jitter=random.random,
            canary=canary if 0 < orders.canary < due else None,
            quiet=None if sending.test else sending.config.quiet_hours,
            max_attempts=delivery.max_attempts,
            longest_wait_s=math.inf if orders.watched else delivery.max_wait_s,
        )
    )


def _route(lane: RelaySettings, marks: Mapping[str, str], connections: int, *, held: bool) -> Route:
    prefix = f"{lane.relay.name}/"
    mine = {name.removeprefix(prefix): mark for name, mark in marks.items() if name.startswith(prefix)}
    return Route(
        relay=lane.relay,
        rate_limiter=RateLimiter(lane.rates, lane.domains, lane.warm_up, mine, time.time()),
        throttle=RelayThrottle(jitter=random.random),
        timeouts=Timeouts.capped(lane.timeout_s, lane.dot_timeout_s),
        connections=connections or lane.connections,
        messages_per_connection=lane.messages_per_connection,
        limits=", ".join([*map(str, lane.rates), *(["warm-up"] if lane.warm_up else [])]),
        held=held,
    )
