"""Send one planned issue unattended: as `send --yes`, without a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.config.config import RelaySettings
from newsletter.ledger.ledger import Ledger
from newsletter.pipeline.list_reference import ListReference
from newsletter.pipeline.plan_send import Sending
from newsletter.pipeline.prepare_send import SendOptions, require_sendable
from newsletter.pipeline.same_issue import under_known_name
from newsletter.pipeline.send_by_workers import ShardQueue, WorkersWatcher, send_by_workers
from newsletter.pipeline.send_result import SendResult
from newsletter.pipeline.send_to_list import SendPlan, send_now
from newsletter.signals import StopRequest


def send_unattended(
    sending: Sending,
    reference: ListReference,
    relays: Sequence[RelaySettings],
    ledger: Ledger,
    watcher: WorkersWatcher,
    queue: ShardQueue | None = None,
    stop: StopRequest | None = None,
) -> SendResult:
    """Mail every due recipient exactly once, by workers if there is a `queue`. Errors as `send_to_list`."""
    require_sendable(sending, [each.relay for each in relays])
    plan = SendPlan(under_known_name(sending, ledger), reference, relays, SendOptions(stop=stop))
    if queue is not None:
        shared = send_by_workers(plan, ledger, queue, confirm=lambda prepared: None, watcher=watcher)
        assert shared is not None  # noqa: S101 - it is waited for
        return shared
    return send_now(plan, ledger, confirm=lambda prepared: None, watcher=watcher)
