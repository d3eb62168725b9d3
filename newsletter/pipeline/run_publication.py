"""One run of `newsletter publish`: open the ledger, find due posts, send them, update the expected issues."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.errors import NewsletterError
from newsletter.frozen import frozen
from newsletter.ledger.ledger import Ledger
from newsletter.ledger.presence import has_ledger
from newsletter.model.send_window import SendWindow
from newsletter.pipeline.choose_relays import choose_relays, mark_catchers
from newsletter.pipeline.dated_backups import require_known_start
from newsletter.pipeline.due_digest import compose_due, with_digests
from newsletter.pipeline.event_hook import hook_of, tell_sent
from newsletter.pipeline.expected_issues import note_sent, require_expected
from newsletter.pipeline.find_due import FoundPost, find_due
from newsletter.pipeline.late_chores import late_chores
from newsletter.pipeline.list_reference import ListReference
from newsletter.pipeline.list_sources import open_sign_ups, rules_for
from newsletter.pipeline.plan_send import plan_send
from newsletter.pipeline.publish import Published, PublishReport, publish
from newsletter.pipeline.send_by_workers import ShardQueue, WorkersWatcher
from newsletter.pipeline.send_to_list import open_send
from newsletter.pipeline.send_unattended import send_unattended
from newsletter.pipeline.series import SeriesLists, SeriesReport, send_series
from newsletter.signals import StopRequest

if TYPE_CHECKING:
    from newsletter.config.config import Config, RelaySettings
    from newsletter.model.column_rules import Rule
    from newsletter.model.delivery import Relay
    from newsletter.pipeline.plan_send import Sending
    from newsletter.pipeline.send_result import SendResult


OpenQueue = Callable[[Path | str], AbstractContextManager[ShardQueue]]
"""Opens the workers' queue beside a ledger."""


@frozen
class PublishOrder:
    """The parameters of a run. `first`: a missing ledger is allowed. `dry`: nothing is sent or written.

    With a `catcher` it is a rehearsal, at any hour: all mail goes to that mail catcher, and nothing is recorded. With
    a `queue` the workers send. `stop` drains a send from another thread.
    """

    folder: Path
    to: tuple[str, ...]
    place: Path | str
    max_age: timedelta
    where: str = ""
    columns: tuple[Rule, ...] = ()
    relay_url: str | None = None
    ledger_url: str | None = None
    first: bool = False
    dry: bool = False
    catcher: Relay | None = None
    queue: OpenQueue | None = None
    stop: StopRequest | None = None


Watch = Callable[["Sending"], AbstractContextManager[WorkersWatcher]]
"""Context manager that reports the progress of one issue's send."""


def run_publication(
    config: Config,
    order: PublishOrder,
    *,
    now: Callable[[], datetime],
    env: Mapping[str, str],
    check: Callable[[FoundPost], Sequence[str]],
    watch: Watch,
    warn: Callable[[Sequence[str]], None],
    is_ending: Callable[[], bool] = lambda: False,
    on_post: Callable[[Published], None] = lambda each: None,
    is_known_old: Callable[[Path], bool] = lambda path: False,
) -> PublishReport:
    """Publish what is due at `now()`. `is_known_old` is as in `find_due`.

    Raises ConfigError before any message is sent if the folder, the ledger or [ledger] `expect` is at fault; faults of
    single posts are in the report.
    """
    reference = ListReference(order.to, order.where, order.columns)
    with ExitStack() as opened:
        ledger = opened.enter_context(Ledger.open(order.place, now)) if has_ledger(order.place) else None
        require_expected(config, ledger)

        def plan(post: FoundPost) -> Sending:
            with open_sign_ups(config, order.to, order.ledger_url) as sign_ups:
                sending = plan_send(
                    post.path,
                    config,
                    to=order.to,
                    where=order.where,
                    columns=order.columns,
                    test=(),
                    when=now,
                    sign_ups=sign_ups,
                    catches=order.catcher is not None,
                )
            warn([finding.at(post.path) for finding in sending.findings])
            return sending

        def rehearse(post: FoundPost) -> SendResult:
            assert order.catcher is not None  # noqa: S101 - for the type checker
            with open_send(plan(post), order.place, catches=True) as (sending, memory), watch(sending) as watcher:
                catcher = config.settings_for(order.catcher).as_catcher()
                return send_unattended(sending, reference, [catcher], memory, watcher)

        def send(post: FoundPost) -> SendResult:
            nonlocal ledger
            require_known_start(config, order.place, begins=order.first)
            if ledger is None:
                ledger = opened.enter_context(Ledger.open(order.place, now))
            # Checked before each issue: another run may have put an older copy in its place since.
            require_expected(config, ledger)
            relays: Sequence[RelaySettings] = config.relay_settings
            if order.queue is None:
                relays = mark_catchers(choose_relays(config, order.relay_url, env), config, waits=False)
            sending = plan(post)
            try:
                with watch(sending) as watcher, _opened(order) as queue:
                    result = send_unattended(sending, reference, relays, ledger, watcher, queue, order.stop)
                warn(tell_sent(hook_of(config), result, now()))
                return result
            finally:
                warn(note_sent(config, ledger))

        if not order.dry and order.catcher is None:
            compose_due(order.folder, config, now(), order.max_age, warn)
        found = find_due(order.folder, config, ledger, now(), order.max_age, is_known_old)
        found = with_digests(found, config, ledger, now(), order.max_age)
        if order.catcher is not None:
            posts = tuple(replace(post, window=SendWindow(), is_template=False) for post in found.posts)
            found = replace(found, posts=posts)
            return publish(found, now, check=check, send=rehearse, is_ending=is_ending, on_post=on_post)
        report = publish(found, now, check=check, send=send, dry=order.dry, is_ending=is_ending, on_post=on_post)
        if ledger is not None and any(each.result for each in report.posts):
            warn(late_chores(config, ledger, now()))
        return replace(report, series=_series(config, order, ledger, now, env, is_ending))


def _opened(order: PublishOrder) -> AbstractContextManager[ShardQueue | None]:
    return nullcontext() if order.queue is None else order.queue(order.place)


def _series(
    config: Config,
    order: PublishOrder,
    ledger: Ledger | None,
    now: Callable[[], datetime],
    env: Mapping[str, str],
    is_ending: Callable[[], bool],
) -> SeriesReport | None:
    """The series, after the issues. Without a ledger nobody knows who has which step."""
    if ledger is None:
        return None
    lists = SeriesLists(order.to, order.where, rules_for(config, order.columns))

    def relay() -> RelaySettings:
        return mark_catchers(choose_relays(config, order.relay_url, env), config, waits=False)[0]

    try:
        return send_series(config, order.place, lists, relay, now, dry=order.dry, is_ending=is_ending)
    except NewsletterError as error:
        return SeriesReport(failure=str(error), failure_code=error.exit_code)
