"""Plan, test and start a send from the home: the questions of `newsletter send`, answered on a page."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from newsletter.cli.command_hints import hints_for
from newsletter.cli.console import from_then
from newsletter.cli.named_ledger import utc_now
from newsletter.cli.run_send import question_of
from newsletter.cli.send_output import by_reason, plan_facts, report_rows
from newsletter.errors import ConfigError, ContentError, DeliveryError
from newsletter.pipeline.back_up_after_run import back_up_after_run
from newsletter.pipeline.choose_relays import choose_relays, mark_catchers
from newsletter.pipeline.event_hook import hook_of, tell_sent
from newsletter.pipeline.expected_issues import note_sent, require_newest
from newsletter.pipeline.ledger_numbers import known_ledger, read_known_issues
from newsletter.pipeline.list_reference import ListReference
from newsletter.pipeline.list_sources import open_sign_ups
from newsletter.pipeline.plan_send import normalized_test_address, plan_send
from newsletter.pipeline.prepare_send import SendOptions, require_sendable
from newsletter.pipeline.send_to_list import NOTHING_SENT, SendPlan, open_send, send_now, send_test
from newsletter.pipeline.sender_checks import sender_warnings
from newsletter.web.home.send_order import PlannedSend, SendEnd, SendOrder

if TYPE_CHECKING:
    from newsletter.config.config import Config
    from newsletter.model.delivery import Outcome, Relay
    from newsletter.model.subscriber import Subscriber
    from newsletter.pipeline.prepare_send import PreparedSend
    from newsletter.pipeline.send_result import SendResult
    from newsletter.pipeline.send_to_list import SendWatcher, Wait
    from newsletter.signals import StopRequest


class _Looked(Exception):  # noqa: N818 - no error: it withdraws a plan that was only looked at
    def __init__(self, prepared: PreparedSend) -> None:
        super().__init__()
        self.prepared = prepared


class HomeDesk:
    """`Desk` of the home. `to` are the lists that the command named, `relay_url` replaces the configured relay."""

    def __init__(self, load: Callable[[], Config], to: tuple[str, ...], relay_url: str | None) -> None:
        self._load, self._to, self._relay_url = load, to, relay_url

    def lists(self, issue: str) -> tuple[str, ...]:
        """Those of the issue, those of the command line, those of other issues, then files and sign-ups at hand."""
        config = self._load()
        with known_ledger(config, utc_now) as ledger:
            known = read_known_issues(ledger, counted=False) if ledger is not None else ()
        own = [each.lists for each in known if each.issue == issue]
        others = [each.lists for each in reversed(known)]
        found = [name for lists in (*own, self._to, *others) for name in lists]
        found += sorted(str(path) for path in config.root.glob("*.csv"))
        if config.settings.serve.url:
            found.append("@signups")
        distinct = {name if name.startswith("@") else os.path.realpath(name): name for name in reversed(found)}
        return tuple(name for name in reversed(distinct.values()) if name.startswith("@") or Path(name).is_file())

    def segment(self, issue: str) -> str:
        with known_ledger(self._load(), utc_now) as ledger:
            known = read_known_issues(ledger, counted=False) if ledger is not None else ()
        return next((each.where for each in known if each.issue == issue), "")

    def plan(self, order: SendOrder) -> PlannedSend:
        """What would be sent to whom now; the plan is withdrawn, as where somebody declines."""
        with self._opened(order, None) as (plan, ledger, warnings, via):
            try:
                send_now(plan, ledger, confirm=_look, watcher=_Silent())
            except _Looked as looked:
                return _described(looked.prepared, order, via, warnings)
        raise AssertionError("a plan is never sent")

    def send(self, order: SendOrder, fingerprint: str, watcher: SendWatcher, stop: StopRequest) -> SendEnd:
        with self._opened(order, stop) as (plan, ledger, warnings, via):

            def confirm(prepared: PreparedSend) -> None:
                if stop.is_asked:
                    raise ConfigError("nothing was sent", "it was stopped before it began")
                if prepared.begins and "first" not in order.choices:
                    raise ConfigError(NOTHING_SENT, "confirm that this newsletter begins here")
                if _described(prepared, order, via, warnings).fingerprint != fingerprint:
                    what = "the post, the list or the ledger has changed since you confirmed. Nobody was mailed"
                    raise ConfigError(what, "look at the plan again")

            result = send_now(plan, ledger, confirm=confirm, watcher=watcher)
        config = plan.sending.config
        notes = [*result.notes, *tell_sent(hook_of(config), result, utc_now())]
        if result.sent:
            back_up_after_run(config, config.ledger_place, utc_now, notes.extend, sent=True)
        rows = tuple(report_rows(result))
        return SendEnd(result.issue, result.complete, rows, _ending(result, config, self._relay_url), tuple(notes))

    def test(self, order: SendOrder, address: str) -> str:
        config = self._load()
        address = normalized_test_address(address.strip(), option="")
        with open_sign_ups(config, order.to) as sign_ups:
            sending = plan_send(
                str(order.post),
                config,
                to=order.to,
                where=order.where if order.to else "",
                test=[address],
                when=utc_now,
                sign_ups=sign_ups,
            )
        relays = choose_relays(config, self._relay_url, config.env)
        require_sendable(sending, [each.relay for each in relays])
        heard = _Silent()
        with open_send(sending, config.ledger_place) as (named, ledger):
            result = send_test(named, relays, ledger, heard)
        if result.complete and result.sent:
            return f"Sent to {address}."
        people = [*result.refused, *result.left, *result.uncertain]
        replies = [f"{outcome.code or ''} {outcome.text}".strip() for _, outcome in people if outcome is not None]
        raise DeliveryError(f"{address}: not sent", next(filter(None, [*replies, result.stopped, *heard.said]), ""))

    @contextlib.contextmanager
    def _opened(
        self, order: SendOrder, stop: StopRequest | None
    ) -> Iterator[tuple[SendPlan, Any, tuple[str, ...], str]]:
        """As `newsletter send` opens it: the list, the post, the relays, the ledger, with every check of theirs."""
        config = self._load()
        if not order.to:
            raise ContentError("nobody to send to", "choose a list, or start with `newsletter preview --to LIST.csv`")
        with open_sign_ups(config, order.to) as sign_ups:
            sending = plan_send(
                str(order.post), config, to=order.to, where=order.where, test=(), when=utc_now, sign_ups=sign_ups
            )
        relays = mark_catchers(choose_relays(config, self._relay_url, config.env), config, waits=False)
        servers = [each.relay for each in relays]
        leaving = [each.relay for each in relays if not each.catches]
        warnings = (
            # Not the list's: its rows are addresses, and how many are no good is among the facts.
            *(finding.at(sending.rendering.path) for finding in sending.findings),
            *require_sendable(sending, servers, go="now" in order.choices),
            *sender_warnings(config, leaving, sending.composer.signer),
        )
        require_newest(config, config.ledger_place, utc_now)
        choices = order.choices
        options = SendOptions(
            go_on="go_on" in choices,
            erratum="erratum" in choices,
            canary=order.canary,
            force_change="changed_list" in choices or "resumes" in choices,
            watched=True,
            newcomers="newcomers" in choices,
            stop=stop,
        )
        via = ", ".join(map(str, servers))
        with open_send(sending, config.ledger_place) as (named, ledger):
            plan = SendPlan(named, ListReference(order.to, order.where), relays, options)
            try:
                yield plan, ledger, warnings, via
            finally:
                if stop is not None:
                    note_sent(config, ledger)


def _look(prepared: PreparedSend) -> NoReturn:
    raise _Looked(prepared)


def _described(prepared: PreparedSend, order: SendOrder, via: str, warnings: tuple[str, ...]) -> PlannedSend:
    plan, sending = prepared.plan, prepared.sending
    facts = plan_facts(sending, [Path(name).name for name in order.to], via, prepared)
    if prepared.options.erratum:
        facts |= {"Issue": prepared.issue, "Audience": f"{plan.audience:,} who have an older version"}
    parts = (prepared.issue, sending.content_hash, plan.audience, plan.due, order.to, order.where, order.canary)
    return PlannedSend(
        issue=prepared.issue,
        facts=tuple(facts.items()),
        due=plan.due,
        question=question_of(plan.due, plan.audience),
        fingerprint=hashlib.sha256(repr((*parts, sorted(order.choices - {"first"}))).encode()).hexdigest()[:32],
        warnings=(*warnings, *prepared.notes),
        begins=f"{NOTHING_SENT}." if prepared.begins else "",
    )


def _ending(result: SendResult, config: Config, relay_url: str | None) -> str:
    """What is to be said of a send beside its numbers."""
    hints = hints_for(config, relay_url, None)
    parts = []
    if result.suppressed:
        parts.append(f"Suppressed: {by_reason(result.suppressed)}.")
    if result.uncertain:
        parts.append(f"`{hints.resolve(result.issue, '--resend')}` or `--assume-sent` decides about the uncertain.")
    if result.stopped:
        parts.append(f"Stopped: {result.stopped}.")
    if result.left_count:
        parts.append(f"“Go on”, or `{hints.resume(result.issue)}`, mails those who are left{from_then(result)}.")
    return " ".join(parts)


class _Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def start(self, total: int, /) -> None: ...

    def outcome(self, recipient: Subscriber, outcome: Outcome, relay: Relay, /) -> None: ...

    def news(self, text: str, /) -> None:
        self.said.append(text)

    def waiting(self, wait: Wait | None, /) -> None: ...
