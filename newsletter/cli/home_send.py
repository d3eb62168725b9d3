"""Plan, test and start a send from the home: the questions of `newsletter send`, answered on a page."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from newsletter.cli.command_hints import hints_for
from newsletter.cli.console import from_then
from newsletter.cli.named_ledger import utc_now
from newsletter.cli.run_send import question_of
from newsletter.cli.send_output import by_reason, plan_facts, report_rows
from newsletter.cli.send_time import moment_of
from newsletter.cli.workers_queue import open_queue
from newsletter.errors import ConfigError, ContentError, DeliveryError, NewsletterError
from newsletter.frozen import frozen
from newsletter.model.delivery import State
from newsletter.model.moments import shown_moment
from newsletter.pipeline.back_up_after_run import back_up_after_run
from newsletter.pipeline.choose_relays import choose_relays, mark_catchers
from newsletter.pipeline.event_hook import hook_of, tell_sent
from newsletter.pipeline.expected_issues import note_sent, require_newest
from newsletter.pipeline.ledger_numbers import known_ledger, read_known_issues
from newsletter.pipeline.list_reference import ListReference, read_reference
from newsletter.pipeline.list_sources import open_sign_ups
from newsletter.pipeline.plan_send import normalized_test_address, plan_send
from newsletter.pipeline.prepare_send import SendOptions, require_sendable
from newsletter.pipeline.resolve_uncertain import resolve_uncertain
from newsletter.pipeline.send_by_workers import send_by_workers
from newsletter.pipeline.send_to_list import NOTHING_SENT, SendPlan, Wait, open_send, send_now, send_test, send_to_list
from newsletter.pipeline.sender_checks import sender_warnings
from newsletter.web.home.send_order import PlannedSend, SendEnd, SendOrder, Standing

if TYPE_CHECKING:
    from newsletter.config.config import Config, RelaySettings
    from newsletter.model.column_rules import Rule
    from newsletter.model.delivery import Outcome, Relay
    from newsletter.model.subscriber import Subscriber
    from newsletter.pipeline.prepare_send import PreparedSend
    from newsletter.pipeline.send_by_workers import WorkersWatcher
    from newsletter.pipeline.send_result import SendResult
    from newsletter.signals import StopRequest


class _Looked(Exception):  # noqa: N818 - no error: it withdraws a plan that was only looked at
    def __init__(self, prepared: PreparedSend) -> None:
        super().__init__()
        self.prepared = prepared


@frozen
class _Opened:
    """A send with everything that it needs, before anybody is asked."""

    config: Config
    plan: SendPlan
    ledger: Any
    warnings: tuple[str, ...]
    via: str


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

    def has_workers(self) -> bool:
        try:
            return isinstance(self._load().ledger_place, str)
        except NewsletterError:
            return False

    def plan(self, order: SendOrder) -> PlannedSend:
        """What would be sent to whom now; the plan is withdrawn, as where somebody declines."""
        with self._opened(order, None) as opened:
            try:
                send_now(opened.plan, opened.ledger, confirm=_look, watcher=_Silent())
            except _Looked as looked:
                return _described(looked.prepared, order, opened)
        raise AssertionError("a plan is never sent")

    def send(self, order: SendOrder, fingerprint: str, watcher: WorkersWatcher, stop: StopRequest) -> SendEnd:
        if order.again:
            return self._send(self._reopened(order, fingerprint), None, watcher, stop)
        with self._opened(order, stop) as opened:
            moment = opened.plan.at
            if moment is not None:
                confirm = _confirmation(order, fingerprint, opened, stop)
                nobody = send_to_list(opened.plan, opened.ledger, confirm=confirm, watcher=watcher)
                if nobody is not None:
                    return self._ended(nobody, opened)
        if moment is None:
            return self._send(order, fingerprint, watcher, stop)
        _wait(moment, watcher, stop)
        # The list, the sign-ups and the post are read when the mail is sent: what was confirmed is the send itself.
        return self._send(replace(order, at=""), None, watcher, stop)

    def _send(self, order: SendOrder, fingerprint: str | None, watcher: WorkersWatcher, stop: StopRequest) -> SendEnd:
        """Mail it now. Without a fingerprint nothing is asked."""
        with self._opened(order, stop) as opened:
            confirm = _confirmation(order, fingerprint, opened, stop)
            if "workers" not in order.choices:
                result = send_now(opened.plan, opened.ledger, confirm=confirm, watcher=watcher)
            else:
                with open_queue(opened.config.ledger_place) as queue:
                    made = send_by_workers(opened.plan, opened.ledger, queue, confirm=confirm, watcher=watcher)
                if made is None:
                    raise AssertionError("the workers are followed")
                result = made
        return self._ended(result, opened)

    def _ended(self, result: SendResult, opened: _Opened) -> SendEnd:
        config = opened.config
        notes = [*result.notes, *tell_sent(hook_of(config), result, utc_now())]
        if result.sent:
            back_up_after_run(config, config.ledger_place, utc_now, notes.extend, sent=True)
        rows, words = tuple(report_rows(result)), _ending(result, config, self._relay_url)
        is_open = any(result.counts[state] for state in (State.UNCERTAIN, State.DEFERRED, State.REJECTED))
        # A correction is an issue of its own in the ledger, which no page is about.
        is_open = is_open and "+erratum-" not in result.issue
        return SendEnd(result.issue, result.complete, rows, words, tuple(notes), is_open)

    # --- decisions about recipients ---------------------------------------------------------------------------------

    def standing(self, issue: str) -> Standing:
        with known_ledger(self._load(), utc_now) as ledger:
            if ledger is None or not issue:
                return Standing()
            counts = ledger.counts(issue)
            return Standing(counts[State.UNCERTAIN], counts[State.DEFERRED], counts[State.REJECTED])

    def resolve(self, issue: str, expected: int, *, resend: bool) -> int:
        with _ledger_of(self._load()) as ledger:
            require_expected(ledger.counts(issue)[State.UNCERTAIN], expected)
            return len(resolve_uncertain(ledger, issue, (), resend=resend))

    def _reopened(self, order: SendOrder, expected: str) -> SendOrder:
        """The order for those who are tried again, to the lists that it went to before."""
        states = (State.DEFERRED, State.REJECTED) if order.again == "failed" else (State.DEFERRED,)
        with _ledger_of(self._load()) as ledger:
            post, audience = ledger.paths(order.issue)
            kept = read_reference(audience)
            if not post or not kept.lists:
                what = f"{order.issue}: the ledger does not know the files it was sent from"
                raise ConfigError(what, "write newsletter send POST --to LIST.csv")
            with ledger.hold(order.issue):
                counts = ledger.counts(order.issue)
                require_expected(sum(counts[state] for state in states), int(expected or -1))
                ledger.reopen(order.issue, states)
        return replace(order, to=kept.lists, where=kept.where, choices=frozenset({"resumes"}), again="")

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
    def _opened(self, order: SendOrder, stop: StopRequest | None) -> Iterator[_Opened]:
        """As `newsletter send` opens it: the list, the post, the relays, the ledger, with every check of theirs."""
        config = self._load()
        choices = order.choices
        by_workers = "workers" in choices
        if not order.to:
            raise ContentError("nobody to send to", "choose a list, or start with `newsletter preview --to LIST.csv`")
        columns = self._kept_columns(config, order)
        with open_sign_ups(config, order.to) as sign_ups:
            sending = plan_send(
                str(order.post),
                config,
                to=order.to,
                where=order.where,
                columns=columns,
                test=(),
                when=utc_now,
                sign_ups=sign_ups,
            )
        said: list[str] = []
        moment = moment_of(order.at, config, said.append) if order.at else None
        relays: Sequence[RelaySettings] = config.relay_settings
        if not by_workers:
            relays = mark_catchers(choose_relays(config, self._relay_url, config.env), config, waits=moment is not None)
            moment = None if all(each.catches for each in relays) else moment
        servers = [each.relay for each in relays]
        leaving = [each.relay for each in relays if not each.catches]
        warnings = (
            # Not the list's: its rows are addresses, and how many are no good is among the facts.
            *(finding.at(sending.rendering.path) for finding in sending.findings),
            *require_sendable(sending, servers, go="now" in choices, at=moment),
            *sender_warnings(config, leaving, sending.composer.signer),
            *said,
        )
        require_newest(config, config.ledger_place, utc_now)
        options = SendOptions(
            go_on="go_on" in choices,
            erratum="erratum" in choices,
            canary=order.canary,
            force_change="changed_list" in choices or "resumes" in choices,
            watched=True,
            newcomers="newcomers" in choices,
            stop=stop,
        )
        via = "those of the workers" if by_workers else ", ".join(map(str, servers))
        with open_send(sending, config.ledger_place) as (named, ledger):
            plan = SendPlan(named, ListReference(order.to, order.where, columns), relays, options, moment)
            try:
                yield _Opened(config, plan, ledger, warnings, via)
            finally:
                if stop is not None:
                    note_sent(config, ledger)

    @staticmethod
    def _kept_columns(config: Config, order: SendOrder) -> tuple[Rule, ...]:
        """The rules for columns of a send that is gone on with: whom its list has as gone is not mailed now either."""
        if "resumes" not in order.choices or not order.issue:
            return ()
        with known_ledger(config, utc_now) as ledger:
            return read_reference(ledger.paths(order.issue)[1]).columns if ledger is not None else ()


@contextlib.contextmanager
def _ledger_of(config: Config) -> Iterator[Any]:
    with known_ledger(config, utc_now) as ledger:
        if ledger is None:
            raise ConfigError("there is no ledger here", "nothing was sent from this folder")
        yield ledger


def require_expected(found: int, expected: int) -> None:
    if found != expected or not found:
        what = f"{found:,} are so now, and not {expected:,}. Nothing was done"
        raise ConfigError(what, "look at the numbers again")


def _confirmation(
    order: SendOrder, fingerprint: str | None, opened: _Opened, stop: StopRequest
) -> Callable[[PreparedSend], None]:
    """Whether the plan is what was confirmed on the page."""

    def confirm(prepared: PreparedSend) -> None:
        if stop.is_asked:
            raise ConfigError("nothing was sent", "it was stopped before it began")
        if prepared.begins and "first" not in order.choices:
            raise ConfigError(NOTHING_SENT, "confirm that this newsletter begins here")
        if fingerprint is not None and _described(prepared, order, opened).fingerprint != fingerprint:
            what = "the post, the list or the ledger has changed since you confirmed. Nobody was mailed"
            raise ConfigError(what, "look at the plan again")

    return confirm


def _wait(moment: datetime, watcher: WorkersWatcher, stop: StopRequest) -> None:
    """Return at this moment. ConfigError if it is stopped before."""
    stopped = threading.Event()
    with stop.calling(stopped.set):
        watcher.waiting(Wait("for its time, and nobody has been mailed yet", moment.timestamp()))
        while (left := (moment - datetime.now().astimezone()).total_seconds()) > 0:
            if stopped.wait(min(left, 60)):  # looked at each minute: the clock may be set, the machine may sleep
                break
    watcher.waiting(None)
    if stopped.is_set():
        raise ConfigError("nothing was sent", "it was stopped before it began")


def _look(prepared: PreparedSend) -> NoReturn:
    raise _Looked(prepared)


def _described(prepared: PreparedSend, order: SendOrder, opened: _Opened) -> PlannedSend:
    plan, sending, at = prepared.plan, prepared.sending, opened.plan.at
    facts = plan_facts(sending, [Path(name).name for name in order.to], opened.via, prepared)
    if prepared.options.erratum:
        facts |= {"Issue": prepared.issue, "Audience": f"{plan.audience:,} who have an older version"}
    if at is not None:
        facts |= {"At": shown_moment(at)}
    moment = at.timestamp() if at is not None else None
    parts = (prepared.issue, sending.content_hash, plan.audience, plan.due, order.to, order.where, order.canary, moment)
    return PlannedSend(
        issue=prepared.issue,
        facts=tuple(facts.items()),
        due=plan.due,
        question=question_of(plan.due, plan.audience),
        fingerprint=hashlib.sha256(repr((*parts, sorted(order.choices - {"first"}))).encode()).hexdigest()[:32],
        warnings=(*opened.warnings, *prepared.notes),
        begins=f"{NOTHING_SENT}." if prepared.begins else "",
        at=at.isoformat() if at is not None else "",
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
