"""Send the shown copy as a test to a given address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from newsletter.audience.audience import Audience
from newsletter.errors import ConfigError, NewsletterError
from newsletter.frozen import frozen
from newsletter.message.compose import Composer
from newsletter.model.delivery import Outcome, Relay
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.choose_relays import choose_relays
from newsletter.pipeline.list_sources import open_sign_ups
from newsletter.pipeline.plan_send import normalized_test_address, plan_send
from newsletter.pipeline.prepare_send import require_sendable
from newsletter.pipeline.send_result import SendResult
from newsletter.pipeline.send_to_list import Wait, open_send, send_test
from newsletter.pipeline.sender_checks import sender_warnings
from newsletter.web.preview.live_rendering import LiveRendering, Snapshot
from newsletter.web.preview.reader_view import ReaderView


@frozen
class TestSendResult:
    """The result of a test, as a sentence for the page."""

    sent: bool
    text: str


class _News:
    """Collects messages while the test is sent; its outcome is in its result."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def start(self, total: int) -> None: ...

    def outcome(self, subscriber: Subscriber, outcome: Outcome, relay: Relay) -> None: ...

    def news(self, text: str) -> None:
        self.sentences.append(text)

    def waiting(self, wait: Wait | None) -> None: ...


def relay_words(snapshot: Snapshot, relay_url: str | None) -> tuple[str, bool]:
    """The relay of a test, or why it cannot be sent; and whether it can."""
    if snapshot.config is None:
        return "", False
    try:
        return ", ".join(
            str(each.relay) for each in choose_relays(snapshot.config, relay_url, snapshot.config.env)
        ), True
    except ConfigError as error:
        return str(error), False


def send_test_mail(live: LiveRendering, reading: ReaderView, address: str, relay_url: str | None) -> TestSendResult:
    """Send the copy that is shown. Not for use inside a running event loop."""
    config = reading.config
    try:
        address = normalized_test_address(address.strip(), option="")
        now = datetime.now(UTC)
        to = (live.to,) if live.to is not None else ()
        with open_sign_ups(config, to) as sign_ups:
            sending = plan_send(
                str(live.post),
                config,
                to=to,
                columns=live.columns,
                test=[address],
                when=now,
                images=live.images,
                sign_ups=sign_ups,
            )
        relays = choose_relays(config, relay_url, config.env)
        servers = [each.relay for each in relays]
        require_sendable(sending, servers)
        warnings = sender_warnings(config, servers, sending.composer.signer)
        made = sending.composer
        shown = Composer(
            reading.email,
            made.sender,
            issue=made.issue,
            when=made.when,
            prefix=made.prefix,
            signer=made.signer,
            automatic=made.automatic,
            attempt=made.attempt,
        )
        subscriber = replace(reading.subscriber, email=address, fields={**reading.subscriber.fields, "email": address})
        sending = replace(sending, composer=shown, recipients=Audience.of([subscriber]))
        heard = _News()
        with open_send(sending, config.ledger_place) as (named, ledger):
            report = send_test(named, relays, ledger, heard)
    except NewsletterError as error:
        return TestSendResult(False, str(error))
    return _result(report, address, heard.sentences, warnings)


def _result(report: SendResult, address: str, news: list[str], warnings: Sequence[str]) -> TestSendResult:
    if report.complete and report.sent:
        sentences = [f"Sent to {address}, in {report.seconds:.1f} s.", *(f"Warning: {each}." for each in warnings)]
        return TestSendResult(True, " ".join(sentences))
    for word, people in (("Refused", report.refused), ("Not sent", report.left), ("Uncertain", report.uncertain)):
        for _, outcome in people:
            return TestSendResult(
                False, f"{word}: {_reply(outcome) or report.stopped or '; '.join(news) or 'no answer'}"
            )
    return TestSendResult(False, report.stopped or "; ".join(news) or "nothing was sent")


def _reply(outcome: Outcome | None) -> str:
    return f"{outcome.code or ''} {outcome.text}".strip() if outcome else ""
