"""Send what is due of the series: by a run of `publish`, once, or by `serve` as long as it runs."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field
from datetime import date, datetime, time, tzinfo
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from newsletter.addresses import fold_address
from newsletter.audience.audience import Audience
from newsletter.audience.people.queued_mails import Letter
from newsletter.audience.people.records import Reason, SignUpState
from newsletter.audience.people.series import LIST, Series, SeriesStep, pages
from newsletter.audience.people.store import People
from newsletter.audience.read_audience import is_sign_ups, read_audience
from newsletter.config.config import Config, RelaySettings
from newsletter.errors import EXIT_OK, EXIT_UNSENT, BusyError
from newsletter.frozen import frozen
from newsletter.group_commit import GroupCommit
from newsletter.model.column_rules import Rules
from newsletter.model.delivery import Message, Outcome, State
from newsletter.model.retry_delay import retry_delay_s
from newsletter.model.send_window import window_of
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.mail_queue import MailQueue, Postman
from newsletter.pipeline.render_post import zone_of
from newsletter.pipeline.series_posts import SeriesMails, StepPosts, read_steps


@frozen
class SeriesReport:
    """What a run did of the series. `waiting` are mails for a later run; `busy`: another process sends them.

    Of a dry run, `waiting` is what would be sent.
    """

    outcomes: Mapping[State, int] = field(default_factory=lambda: MappingProxyType({}))
    waiting: int = 0
    closed_until: datetime | None = None
    busy: bool = False
    dry: bool = False
    failure: str = ""
    failure_code: int = EXIT_OK

    @property
    def exit_code(self) -> int:
        if self.failure:
            return self.failure_code
        unsent = self.outcomes.get(State.UNCERTAIN, 0) or (self.waiting and not self.closed_until)
        return EXIT_UNSENT if unsent and not (self.dry or self.busy) else EXIT_OK

    @property
    def is_quiet(self) -> bool:
        return not (self.failure or self.waiting or self.busy or any(self.outcomes.values()))


@frozen
class SeriesLists:
    """The lists of a run of `publish` that are files: their readers get the series as well."""

    to: tuple[str, ...] = ()
    where: str = ""
    rules: Rules | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(Path(name) for name in self.to if not is_sign_ups(name))

    @property
    def name(self) -> str:
        """What the store knows them by."""
        return "\n".join([*(str(file.resolve()) for file in self.files), self.where])

    @property
    def mark(self) -> str:
        """What changes when one of them does. Raises OSError."""
        found = [file.stat() for file in self.files]
        return " ".join(f"{each.st_size}:{each.st_mtime_ns}" for each in found)


class SeriesOffice:
    """The series of an open store: meets its steps, enrols its members, finds what is due, makes the mails."""

    def __init__(
        self, config: Config, people: People, clock: Callable[[], datetime], lists: SeriesLists, opened: ExitStack
    ) -> None:
        self._config = config
        self._people = people
        self._clock = clock
        self._lists = lists
        self._opened = opened
        self.queue = Series(people.storage, clock, lists=bool(lists.files))
        self.mails = SeriesMails(config, clock)
        self._posts: Mapping[str, StepPosts] = {}

    @cached_property
    def _audience(self) -> Audience:
        """The lists, read when somebody on them is asked for: in most runs nobody is."""
        rules = self._lists.rules
        named = [str(file) for file in self._lists.files]
        where = self._lists.where
        audience = (
            read_audience(*named, where=where) if rules is None else read_audience(*named, where=where, rules=rules)
        )
        return self._opened.enter_context(audience)

    def meet(self, steps: Sequence[StepPosts], *, dry: bool = False) -> tuple[SeriesStep, ...]:
        """Take note of the steps, and of who has joined. New steps count as seen since this day began."""
        self._posts = {step.name: step for step in steps}
        zone = zone_of(self._config)
        today = _midnight(self._clock().astimezone(zone).date(), zone)
        met = self.queue.meet({step.name: step.after for step in steps}, today, dry=dry)
        if dry:
            return met
        since = self._config.settings.series.since
        self.queue.enrol_sign_ups(_midnight(since, zone) if since else None)
        if self._lists.files and self.queue.list_mark(self._lists.name) != (mark := self._lists.mark):
            self.queue.enrol_list(self._lists.name, mark, self._unforgotten())
        return met

    def due(self, steps: Sequence[SeriesStep]) -> tuple[Letter, ...]:
        """Who gets which step now; readers of lists only while they are on them."""
        found = self.queue.due_members(steps)
        listed: set[str] = set()
        for page in pages(fold_address(mail.address) for mail in found if mail.origin == LIST):
            listed |= self._audience.find(page).keys()
        return tuple(mail for mail in found if mail.origin != LIST or fold_address(mail.address) in listed)

    def message(self, mail: Letter) -> Message | None:
        """The mail; None where it is no longer wanted."""
        subscriber = self._subscriber(mail)
        step = self._posts.get(mail.step)
        if subscriber is None or step is None or self._people.is_suppressed(mail.address):
            return None
        lang = subscriber.fields.get("lang", "") or self._config.settings.newsletter.language
        path = step.post_for(lang)
        return self.mails.message(path, mail.step, subscriber) if path else None

    def _subscriber(self, mail: Letter) -> Subscriber | None:
        if mail.origin == LIST:
            key = fold_address(mail.address)
            return self._audience.find([key]).get(key)
        person = self._people.person(mail.address)
        if person is None or person.state is not SignUpState.CONFIRMED:
            return None
        own = {"email": person.address, "lang": person.lang}
        return Subscriber(person.address, MappingProxyType({**person.fields, **own}))

    def _unforgotten(self) -> Iterator[str]:
        """The lists' addresses, without those of which only a hash may be kept."""
        if not self._people.suppressed_count().get(Reason.FORGOTTEN):
            yield from self._audience.addresses()
            return
        for page in pages(self._audience.addresses()):
            found = self._people.suppressions_of(page)
            for address in page:
                reasons = {each.reason for each in found.get(fold_address(address), ())}
                if Reason.FORGOTTEN not in reasons:
                    yield address


def closed_until(config: Config, now: datetime) -> datetime | None:
    """When the series may go on: after quiet hours, and in the hours in which `publish` begins an issue."""
    if config.quiet_hours is not None and (until := config.quiet_hours.until(now)):
        return until
    keys = config.settings.publish
    window = window_of(keys.send_at, keys.latest, zone_of(config))
    return None if window.place(now) == "open" else window.next_opening(now)


def send_series(
    config: Config,
    place: Path | str,
    lists: SeriesLists,
    relay_of: Callable[[], RelaySettings],
    clock: Callable[[], datetime],
    *,
    dry: bool = False,
    is_ending: Callable[[], bool] = lambda: False,
) -> SeriesReport | None:
    """Mail what is due, each step once; None where there is no series. Raises NewsletterError before any mail is sent.

    A mail that the relay does not take waits for the next run.
    """
    steps = read_steps(config)
    if not steps:
        return None
    with ExitStack() as opened:
        people = opened.enter_context(People.open(place, clock, config.secrets))
        office = SeriesOffice(config, people, clock, lists, opened)
        office.mails.check(steps)
        due = office.due(office.meet(steps, dry=dry))
        if dry:
            return SeriesReport(waiting=len(due), dry=True)
        if until := closed_until(config, clock()):
            return SeriesReport(waiting=len(due) + office.queue.waiting(), closed_until=until)
        office.queue.put(due)
        if office.queue.is_at_rest():
            return SeriesReport()
        return _drain(config, office, relay_of(), clock, is_ending)


def _drain(
    config: Config,
    office: SeriesOffice,
    relay: RelaySettings,
    clock: Callable[[], datetime],
    is_ending: Callable[[], bool],
) -> SeriesReport:
    outcomes: Counter[State] = Counter()

    def told(outcome: Outcome) -> None:
        outcomes[outcome.state] += 1

    async def drain() -> None:
        store = GroupCommit[None, None](lambda items: None, in_thread=True)
        postman = Postman(relay, office.message, clock, wait_s, endures=True, told=told)
        try:
            queue = MailQueue(office.queue, store, postman)
            await queue.drain(longest_wait_s=config.settings.delivery.max_wait_s, is_ending=is_ending)
        finally:
            store.close()

    try:
        asyncio.run(drain())
    except BusyError:
        return SeriesReport(waiting=office.queue.waiting(), busy=True)
    return SeriesReport(outcomes, office.queue.waiting())


def wait_s(attempt: int) -> float:
    """The delay after a try, with some chance in it, so that many do not come back at once."""
    return retry_delay_s(attempt, random.random()).total_seconds()  # noqa: S311


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    begins = datetime.combine(day, time(), zone)
    return begins if zone else begins.astimezone()
