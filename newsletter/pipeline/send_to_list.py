"""Send an issue to its list as one transaction: hold it, prepare, confirm, deliver, account for every recipient.

Commands show what is to be sent and ask through `confirm`; their `SendWatcher` gets the progress.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from newsletter.audience.people.rehearsal import copy_suppressions
from newsletter.config.config import RelaySettings
from newsletter.delivery.run_control import Wait as Wait
from newsletter.delivery.run_control import Watcher
from newsletter.frozen import frozen
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import NOTHING_SENT as NOTHING_SENT
from newsletter.model.delivery import Outcome, Relay
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.dated_backups import require_known_start
from newsletter.pipeline.deliver_test import deliver_test
from newsletter.pipeline.deliver_to_list import deliver_to_list
from newsletter.pipeline.list_reference import ListReference, absolute, write_reference
from newsletter.pipeline.plan_send import Sending
from newsletter.pipeline.prepare_send import PreparedSend, SendOptions, prepare
from newsletter.pipeline.same_issue import under_known_name
from newsletter.pipeline.send_result import SendResult


class SendWatcher(Protocol):
    """Reports the progress of a send."""

    def start(self, total: int, /) -> None: ...
    def outcome(self, recipient: Subscriber, outcome: Outcome, relay: Relay, /) -> None: ...
    def news(self, text: str, /) -> None: ...
    def waiting(self, wait: Wait | None, /) -> None: ...


@frozen
class SendPlan:
    """The issue, its recipients, and the relays of a send.

    `at` is when to send, once it was confirmed; None for at once.
    """

    sending: Sending
    reference: ListReference
    relays: Sequence[RelaySettings]
    options: SendOptions
    at: datetime | None = None


@contextmanager
def open_send(
    sending: Sending, place: Path | str, *, catches: bool = False, must_know: bool = False
) -> Iterator[tuple[Sending, Ledger]]:
    """The ledger at `place`, and the sending under its name there.

    With `catches` the mail goes to a catcher: the ledger is in memory, and only has the suppressions. With `must_know`,
    ConfigError if no ledger has any issue.
    """
    if not (catches or sending.test):
        require_known_start(sending.config, place, begins=not must_know)
    with Ledger.open(None if catches else place, lambda: datetime.now(UTC)) as ledger:
        if catches:
            copy_suppressions(place, ledger.storage)
        yield under_known_name(sending, ledger), ledger


def send_to_list(
    plan: SendPlan, ledger: Ledger, *, confirm: Callable[[PreparedSend], None], watcher: SendWatcher
) -> SendResult | None:
    """Mail every due recipient once `confirm` returns; it raises if the user declines, which withdraws the plan.

    Returns None if it was confirmed and waits for `at`: the post and the lists are then read again. Raises
    ContentError, ConfigError, DeliveryError, BusyError.
    """
    if plan.at is None:
        return send_now(plan, ledger, confirm=confirm, watcher=watcher)
    with prepared_send(plan, ledger, confirm) as prepared:
        if not prepared.plan.due:
            return deliver_to_list(prepared, plan.relays, ledger, _watcher(watcher), watcher.start)
        ledger.withdraw(prepared.issue)
        return None


def send_now(
    plan: SendPlan, ledger: Ledger, *, confirm: Callable[[PreparedSend], None], watcher: SendWatcher
) -> SendResult:
    """The same without waiting."""
    with prepared_send(plan, ledger, confirm) as prepared:
        return deliver_to_list(prepared, plan.relays, ledger, _watcher(watcher), watcher.start)


@contextmanager
def prepared_send(plan: SendPlan, ledger: Ledger, confirm: Callable[[PreparedSend], None]) -> Iterator[PreparedSend]:
    """A confirmed send; the issue is held during the block."""
    sending = plan.sending
    with ledger.hold(sending.rendering.issue.slug):
        begins = ledger.is_new() and not ledger.storage.is_temporary
        post, kept = absolute(sending.rendering.path), write_reference(plan.reference)
        prepared = replace(prepare(sending, ledger, plan.options, post=post, audience=kept), begins=begins)
        try:
            confirm(prepared)
        except BaseException:
            if prepared.plan.due:
                ledger.withdraw(prepared.issue)
            raise
        yield prepared


def send_test(sending: Sending, relays: Sequence[RelaySettings], ledger: Ledger, watcher: SendWatcher) -> SendResult:
    """Mail a test to the given addresses. It is no delivery: they get the issue itself as well."""
    return deliver_test(sending, relays, ledger, _watcher(watcher), watcher.start)


def _watcher(watcher: SendWatcher) -> Watcher:
    return Watcher(watcher.outcome, watcher.news, watcher.waiting)
