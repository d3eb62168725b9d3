"""A send: plan it against the ledger, deliver it, account for everyone. Front doors call this, and `pipeline` before.

Rendering --plan--> Prepared --deliver--> Report; the ledger is held from the plan to the report.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import socket
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from newsletter.addresses import fold_address
from newsletter.audience.audience import Audience
from newsletter.audience.people.store import People
from newsletter.config.config import Config, LaneSettings
from newsletter.delivery.canary import Canary
from newsletter.delivery.deliver import Stopped, Watcher, deliver
from newsletter.delivery.rate_limits import Pace
from newsletter.delivery.routes import Route
from newsletter.delivery.smtp.wire import Timeouts
from newsletter.delivery.throttle import Lane
from newsletter.errors import BusyError, ConfigError, ContentError, LedgerError, LostLedgerError
from newsletter.ledger.ledger import Claim, IllegalMoveError, Ledger, Move, Plan
from newsletter.ledger.presence import require_ledger
from newsletter.model.delivery import Outcome, Relay, State
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.identity import known_issue as known_issue
from newsletter.pipeline.identity import require_same_issue
from newsletter.pipeline.render_post import Sending, zone_of
from newsletter.post.publication import held_findings
from newsletter.post.templating.placeholders import unmark
from newsletter.tokens import Shadows

LISTED = 1_000
"""How many people of each kind a report names; the ledger has all of them."""

FEW = 20
"""A list of fewer people may change as it likes: of five, one who leaves is a fifth."""

_WAITING = (State.PENDING, State.CLAIMED, State.COMMITTING, State.DEFERRED)


@dataclass(frozen=True, slots=True)
class Orders:
    """What the person asked for, beyond what the configuration says. 0 where they said nothing."""

    go_on: bool = False
    erratum: bool = False
    canary: int = 0
    connections: int = 0
    force_change: bool = False
    watched: bool = False
    """A person sees what it waits for, and may end it: then it waits as long as it takes, and not `max_wait_s`."""

    newcomers: bool = False
    """Mail those who joined the list long after the issue first went out, too."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A send that the ledger knows of and nobody has been mailed for yet. `issue` is its name in the ledger.

    `left_out` has how many of the plan must not be mailed, by reason.
    """

    sending: Sending
    plan: Plan
    issue: str
    orders: Orders
    left_out: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be said of a send that nothing refuses."""
        plan, notes = self.plan, []
        have = plan.sent + plan.uncertain
        if plan.content_changed and not plan.due and have and not (self.orders.go_on or self.orders.erratum):
            notes.append(
                f"the issue {self.issue} is not what {have:,} people got, and nobody is left to mail: --erratum mails "
                "it again, marked as a correction, to those who got the old one"
            )
        if plan.newcomers:
            days = self.sending.config.settings.delivery.newcomers_days
            notes.append(
                f"{plan.newcomers:,} joined the list after the issue {self.issue} first went out, more than {days:g} "
                "days ago, and are left out; --newcomers mails them"
            )
        return tuple(notes)


@dataclass(frozen=True, slots=True)
class Report:
    """How a send ended; read from the ledger, so that the numbers are those that a later run will see.

    Of `refused`, `left` and `uncertain` people at most `LISTED` each are named; an Outcome is missing where nothing
    was tried.
    """

    issue: str
    counts: Mapping[State, int]
    already: int
    refused: tuple[tuple[str, Outcome | None], ...]
    left: tuple[tuple[str, Outcome | None], ...]
    uncertain: tuple[tuple[str, Outcome | None], ...]
    suppressed: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """How many were not mailed, by reason: they left, bounced, paused."""

    stopped: str = ""
    seconds: float = 0.0
    next_due: datetime | None = None
    test: bool = False
    held_until: datetime | None = None
    """When quiet hours, rates or pauses let go of those who are left for them; None where they hold nobody."""
    newcomers: int = 0
    notes: tuple[str, ...] = ()

    @property
    def sent(self) -> int:
        """By this run."""
        return self.counts[State.SENT] - self.already

    @property
    def left_count(self) -> int:
        return left_of(self.counts)

    @property
    def go_on_at(self) -> datetime | None:
        """When somebody of the left may be mailed again; None for at once."""
        if self.held_until is not None:
            return self.held_until  # whoever is due earlier has to wait for it, too
        pending = sum(self.counts[state] for state in _WAITING if state is not State.DEFERRED)
        return None if pending else self.next_due

    @property
    def complete(self) -> bool:
        return not self.left_count and not self.counts[State.UNCERTAIN] and not self.stopped


def left_of(counts: Mapping[State, int]) -> int:
    """How many are still to get the issue, or to be told that they will not."""
    return sum(counts[state] for state in _WAITING)


def require_sendable(
    sending: Sending, relays: Sequence[Relay], *, go: bool = False, at: datetime | None = None
) -> tuple[str, ...]:
    """What still lacks for a real send. Relays on this machine only earn warnings, which are returned.

    Raises ConfigError for missing keys, ContentError for a post that is not to be published, or not yet; `go` sends it
    all the same. `at` is when it goes out, where that is later.
    """
    rendering = sending.rendering
    moment = at or sending.composer.now
    held = held_findings(rendering.issue, moment, zone_of(sending.config), rendering.text)
    if held and not (go or sending.test):
        raise ContentError(held[0].at(rendering.path))
    missing = tuple(key for key in sending.config.missing_for_send() if key != "relay.url")
    if not missing:
        return ()
    place = sending.config.path or "newsletter.toml"
    keys = ", ".join(missing)
    if not all(relay.is_loopback for relay in relays):
        raise ConfigError(f"{place}: {keys} must be set before mail may leave this machine; see docs/configuration.md")
    return (f"{keys} not set in newsletter.toml; fine for a relay on this machine, refused for any other",)


# --- planning -------------------------------------------------------------------------------------------------------


def prepare(sending: Sending, ledger: Ledger, orders: Orders, *, post: str = "", audience: str = "") -> Prepared:
    """Write down who is to get the issue. Call it while holding the issue; raises ConfigError where a person must say.

    `post` and `audience` are what `resume` will read again: two paths, the list's with its segment, `join_segment`.
    """
    issue = sending.rendering.issue.slug
    identity = require_same_issue(sending, ledger, accepted=orders.go_on or orders.erratum)
    ledger.recover(issue)
    title = unmark(sending.rendering.issue.title, sending.rendering.issue)
    delivery = sending.config.settings.delivery
    plan = ledger.plan(
        issue,
        sending.recipients.addresses(),
        content_hash=sending.content_hash,
        subject=title,
        post=post,
        audience=audience,
        max_attempts=delivery.max_attempts,
        shadows=Shadows(sending.config.secrets),
        identity=identity,
        newcomers_for=None if orders.newcomers else timedelta(days=delivery.newcomers_days),
    )
    if plan.newcomers and not plan.audience:
        raise ConfigError(
            f"nobody on this list was to get the issue {issue} when it first went out, more than "
            f"{delivery.newcomers_days:g} days ago; see that it is the right list, then write --newcomers"
        )
    if plan.content_changed and (plan.due or orders.erratum):
        _settle_content(plan, sending, ledger, title, orders)
    if orders.erratum:
        return _prepare_erratum(sending, ledger, orders, title, post, audience)
    if not orders.force_change and (strange := _strange(plan, delivery.max_change)):
        ledger.withdraw(issue)
        raise ConfigError(strange)
    return Prepared(sending, plan, issue, orders, ledger.suppressed(issue, planned=True))


def _settle_content(plan: Plan, sending: Sending, ledger: Ledger, title: str, orders: Orders) -> None:
    """Refuse to send two versions of one issue under one name, unless the person says so."""
    issue = sending.rendering.issue.slug
    if not (orders.go_on or orders.erratum):
        have = plan.sent + plan.uncertain
        raise ConfigError(
            f"the issue {issue} is not what {have:,} people got: post, theme or newsletter.toml has changed "
            f"since; write --continue to send it as it is now to the other {plan.due:,}, or --erratum to mail it "
            "again, marked as a correction, to those who got the old one"
        )
    ledger.accept_content(issue, sending.content_hash, title)


def _prepare_erratum(
    sending: Sending, ledger: Ledger, orders: Orders, title: str, post: str, audience: str
) -> Prepared:
    """A correction is an issue of its own, with rows of its own: nobody gets the same one twice either."""
    base = sending.rendering.issue.slug
    version = next(version.number for version in ledger.versions(base) if version.current)
    if version < 2:
        raise ConfigError(f"{base}: everyone who has it got it as it is now; there is nothing to correct")
    issue = f"{base}+erratum-{version}"
    ledger.recover(issue)
    plan = ledger.plan(
        issue,
        _still_listed(ledger.holders_of_older(base), sending.recipients),
        content_hash=sending.content_hash,
        subject=title,
        post=post,
        audience=audience,
        max_attempts=sending.config.settings.delivery.max_attempts,
        shadows=Shadows(sending.config.secrets),
        correction=True,
    )
    # Against the list of another issue it would be compared with the very one that it corrects.
    plan = replace(plan, added=None, gone=None)
    return Prepared(sending.correction(issue), plan, issue, orders, ledger.suppressed(issue, planned=True))


def _still_listed(addresses: Iterable[str], people: Audience) -> Iterator[str]:
    """Those of the addresses who are on the list as it is now: whoever left it gets no correction either."""
    waiting = iter(addresses)
    while batch := list(islice(waiting, 500)):
        found = people.find([fold_address(address) for address in batch])
        yield from (address for address in batch if fold_address(address) in found)


def _strange(plan: Plan, most: float) -> str:
    """What is odd about a list that is not the usual one: the wrong file, or one cut short. Empty where nothing is."""
    if plan.gone is None or plan.added is None or plan.sent:
        return ""
    before = plan.audience - plan.added + plan.gone
    if before < FEW or plan.gone <= most * before:
        return ""
    return (
        f"{plan.gone:,} of the {before:,} people of the last issue are not on this list; "
        "see that it is the right one and whole, then write --changed-list"
    )


# --- delivering -----------------------------------------------------------------------------------------------------


def deliver_to_list(
    prepared: Prepared, lanes: Sequence[LaneSettings], ledger: Ledger, watcher: Watcher, on_start: Callable[[int], None]
) -> Report:
    """Mail everyone who is due, once each, and account for all of them. Raises DeliveryError, ConfigError."""
    with _ledger_kept(prepared):
        return _deliver_to_list(prepared, lanes, ledger, watcher, on_start)


@contextmanager
def _ledger_kept(prepared: Prepared) -> Iterator[None]:
    """Whoever is left when the ledger goes away, or another run writes to the issue, was not mailed: exit code 3, 4."""
    try:
        yield
    except LedgerError as error:
        if not prepared.plan.due:
            raise
        raise LostLedgerError(str(error)) from error
    except IllegalMoveError as error:
        remedy = "another run has written to it; see that no other one sends it, then run the same command again"
        raise BusyError(f"{error}; {remedy}") from error


def _deliver_to_list(
    prepared: Prepared, lanes: Sequence[LaneSettings], ledger: Ledger, watcher: Watcher, on_start: Callable[[int], None]
) -> Report:
    sending, plan, issue = prepared.sending, prepared.plan, prepared.issue
    delivery = sending.config.settings.delivery
    book = _Book(ledger, issue, sending.recipients, delivery.max_attempts)
    on_start(plan.due)
    stopped = Stopped()
    started = time.monotonic()
    if plan.due:
        run = ledger.begin_run(issue, f"{os.getpid()} {socket.gethostname()}")
        reason = "error"
        try:
            stopped = _deliver(prepared, lanes, book, ledger.pace_marks(), plan.due, watcher)
            reason = stopped.reason
        except LedgerError:
            with suppress(LedgerError):  # what was wrong first is what is said
                ledger.end_run(run, reason)
            raise
        except BaseException:
            ledger.end_run(run, reason)
            raise
        ledger.end_run(run, reason)
    return _account(prepared, ledger, stopped, time.monotonic() - started)


def _deliver(
    prepared: Prepared,
    lanes: Sequence[LaneSettings],
    book: _Book | _TestBook,
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


def _route(lane: LaneSettings, marks: Mapping[str, str], connections: int, *, held: bool) -> Route:
    prefix = f"{lane.relay.name}/"
    mine = {name.removeprefix(prefix): mark for name, mark in marks.items() if name.startswith(prefix)}
    return Route(
        relay=lane.relay,
        pace=Pace(lane.rates, lane.domains, lane.warm_up, mine, time.time()),
        lane=Lane(jitter=random.random),
        timeouts=Timeouts.capped(lane.timeout_s, lane.dot_timeout_s),
        connections=connections or lane.connections,
        messages_per_connection=lane.messages_per_connection,
        limits=", ".join([*map(str, lane.rates), *(["warm-up"] if lane.warm_up else [])]),
        held=held,
    )


def _account(prepared: Prepared, ledger: Ledger, stopped: Stopped, seconds: float) -> Report:
    """Read everyone of this list back. Raises RuntimeError where they are not as many as were planned for."""
    issue, plan = prepared.issue, prepared.plan
    counts = ledger.counts(issue, planned=True)
    if sum(counts.values()) != plan.audience:
        raise RuntimeError(f"{issue}: {plan.audience} people were planned for, the ledger has {sum(counts.values())}")

    def named(*states: State) -> tuple[tuple[str, Outcome | None], ...]:
        found = (
            (row.address, Outcome(row.state, row.stage, row.code, row.reply) if row.stage else None)
            for row in ledger.rows(issue, *states, planned=True)
        )
        return tuple(islice(found, LISTED))

    return Report(
        issue=issue,
        counts=counts,
        already=plan.sent,
        refused=named(State.REJECTED),
        left=named(State.DEFERRED, State.PENDING, State.CLAIMED, State.COMMITTING),
        uncertain=named(State.UNCERTAIN),
        suppressed=ledger.suppressed(issue, planned=True),
        stopped=stopped.reason,
        seconds=seconds,
        next_due=ledger.next_due(issue),
        held_until=datetime.fromtimestamp(stopped.until, UTC) if stopped.until is not None else None,
        newcomers=plan.newcomers,
        notes=prepared.notes,
    )


class _Book:
    """The ledger, seen from one issue's send."""

    def __init__(self, ledger: Ledger, issue: str, people: Audience, max_attempts: int) -> None:
        self.ledger = ledger
        self.issue = issue
        self.people = people
        self.max_attempts = max_attempts
        self.is_far = ledger.is_far

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        claims = self.ledger.claim(self.issue, limit, after=after, max_attempts=self.max_attempts)
        people = self.people.find([claim.key for claim in claims])
        return [(claim, people[claim.key]) for claim in claims]

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        return self.ledger.write(self.issue, moves)

    def keep_pace(self, marks: Mapping[str, str]) -> None:
        self.ledger.keep_pace(marks)


# --- a test ---------------------------------------------------------------------------------------------------------


def deliver_test(
    sending: Sending, lanes: Sequence[LaneSettings], ledger: Ledger, watcher: Watcher, on_start: Callable[[int], None]
) -> Report:
    """Mail the test's addresses. It counts for nobody: written down apart, and they get the real issue later.

    To whoever is named, suppressed or not: the author tests with their own, and may have clicked "unsubscribe" in the
    last test.
    """
    issue = sending.rendering.issue.slug
    book = _TestBook(ledger, issue, sending.recipients)
    due = len(sending.recipients)
    on_start(due)
    started = time.monotonic()
    prepared = Prepared(sending, Plan(audience=due, due=due), issue, Orders())
    stopped = _deliver(prepared, lanes, book, ledger.pace_marks(), due, watcher)
    outcomes = book.outcomes

    def named(*states: State) -> tuple[tuple[str, Outcome | None], ...]:
        return tuple((address, outcome) for address, outcome in outcomes.items() if outcome.state in states)

    untried = tuple((p.email, None) for p in sending.recipients if p.email not in outcomes)
    counts = {state: len(named(state)) for state in State}
    counts[State.PENDING] = len(untried)
    return Report(
        issue=issue,
        counts=counts,
        already=0,
        refused=named(State.REJECTED),
        left=(*named(State.DEFERRED), *untried),
        uncertain=named(State.UNCERTAIN),
        stopped=stopped.reason,
        seconds=time.monotonic() - started,
        test=True,
    )


class _TestBook:
    """A test's few people in memory; their outcomes go to the ledger's record of tests."""

    def __init__(self, ledger: Ledger, issue: str, people: Iterable[Subscriber]) -> None:
        self.ledger = ledger
        self.issue = issue
        self.people = tuple(people)
        self.is_far = ledger.is_far
        self.outcomes: dict[str, Outcome] = {}
        self._due = set(range(len(self.people)))

    def claim(self, limit: int, after: int) -> Sequence[tuple[Claim, Subscriber]]:
        rows = [row for row in sorted(self._due) if row + 1 > after][:limit]
        self._due.difference_update(rows)
        return [
            (Claim(row + 1, fold_address(self.people[row].email), self.people[row].email, 1), self.people[row])
            for row in rows
        ]

    def write(self, moves: Sequence[Move]) -> Collection[int]:
        now = datetime.now(UTC)
        for move in moves:
            if move.to in (State.COMMITTING, State.PENDING):
                continue
            outcome = Outcome(move.to, move.stage, move.code, move.reply)
            if move.due_at is not None and move.due_at <= now:
                self._due.add(move.row - 1)
                continue
            address = self.people[move.row - 1].email
            self.outcomes[address] = outcome
            self.ledger.record_test(self.issue, address, outcome)
        return ()

    def keep_pace(self, marks: Mapping[str, str]) -> None:
        self.ledger.keep_pace(marks)


# --- the ledger, for a person ---------------------------------------------------------------------------------------


def open_ledger(config: Config, when: Callable[[], datetime], place: Path | str | None = None) -> Ledger:
    """The ledger of what was sent, at `place` or where the configuration says. ConfigError where there is none."""
    place = place or config.ledger_place
    require_ledger(place)
    return Ledger.open(place, when)


def open_people(config: Config, place: Path | str, when: Callable[[], datetime]) -> People:
    """Those who signed up, left or bounced. Raises ConfigError where nothing was ever kept."""
    require_ledger(place, "nobody has signed up or left here")
    return People.open(place, when, config.secrets)
