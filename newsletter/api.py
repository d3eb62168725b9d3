"""The public Python API: parse a post, render it, send it. docs/python.md has examples.

The names in this module are stable; everything else in the package may change in any version.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from newsletter.audience.audience import Audience
from newsletter.config.config import Config
from newsletter.config.load import load_config
from newsletter.errors import (
    BusyError,
    ConfigError,
    ContentError,
    DeliveryError,
    NewsletterError,
)
from newsletter.frozen import frozen
from newsletter.message.fill_slots import fill, slot_values
from newsletter.model.delivery import Outcome, Relay, State
from newsletter.model.findings import Finding
from newsletter.model.issue import Issue
from newsletter.model.subscriber import Subscriber
from newsletter.pipeline.choose_relays import choose_relays, mark_catchers
from newsletter.pipeline.expected_issues import note_sent, require_newest
from newsletter.pipeline.list_reference import ListReference
from newsletter.pipeline.list_sources import open_sign_ups
from newsletter.pipeline.plan_send import plan_send
from newsletter.pipeline.prepare_send import SendOptions, require_sendable
from newsletter.pipeline.render_post import SAMPLE, parse_in_place, render_post
from newsletter.pipeline.send_result import SendResult
from newsletter.pipeline.send_to_list import SendPlan, Wait, open_send, send_now
from newsletter.web.catcher.server import Catcher

__all__ = [
    "BusyError",
    "Catcher",
    "Config",
    "ConfigError",
    "ContentError",
    "DeliveryError",
    "Finding",
    "Issue",
    "NewsletterError",
    "Outcome",
    "RenderedIssue",
    "SendResult",
    "State",
    "parse_post",
    "read_config",
    "render_issue",
    "send_issue",
]

StrPath = str | os.PathLike[str]


def read_config(path: StrPath | None = None) -> Config:
    """Read newsletter.toml at `path`, else the nearest one from the working directory upwards, else return the
    defaults.

    Passwords and secrets come from the environment, and from `.env` beside the file. Raises ConfigError.
    """
    return load_config(None if path is None else Path(path), os.environ, Path.cwd())


def parse_post(text: str, *, name: str = "post.md", config: Config | None = None) -> Issue:
    """Parse a post's Markdown and front matter into a tree of sections, stories and blocks. Reads no file.

    `name` is the post's file name: it appears in findings, and gives the date if it begins with one. Raises
    ContentError with file, line and remedy.
    """
    config = config or read_config()
    return parse_in_place(text, name, Path(name).parent, config).issue


@frozen
class RenderedIssue:
    """An issue's email as one subscriber gets it. `issue` is the parsed post; `findings` lists problems with it."""

    issue: Issue
    subject: str
    html: str
    text: str
    findings: tuple[Finding, ...]


def render_issue(
    post: StrPath, *, config: Config | None = None, subscriber: Mapping[str, str] | None = None
) -> RenderedIssue:
    """Render the post's file for the subscriber with these columns (`email` among them), or for a sample subscriber.

    Unsubscribe links are those of the sample and unsubscribe no real subscriber. Raises ContentError, ConfigError.
    """
    config = config or read_config()
    recipient = SAMPLE if subscriber is None else Subscriber(subscriber.get("email", SAMPLE.email), subscriber)
    rendering = render_post(os.fspath(post), config, tested=Audience.of([recipient]))
    email = rendering.variants.email_for(recipient)
    values = slot_values(rendering.sender(config.sample_sender), recipient)
    subject, html, text = (fill(part, values) for part in (email.subject, email.html, email.text))
    return RenderedIssue(rendering.issue, subject, html, text, rendering.findings)


def send_issue(
    post: StrPath,
    to: StrPath | Sequence[StrPath],
    *,
    config: Config | None = None,
    relay: str | None = None,
    ledger: str | None = None,
    where: str = "",
    first: bool = False,
    on_outcome: Callable[[str, Outcome], None] | None = None,
) -> SendResult:
    """Mail the post to every recipient on the lists who has not received it, as `newsletter send POST --to LIST --yes`.

    A second call mails only the remaining recipients, and none of them twice, however the first call ended. `to` are
    CSV files or `@signups`; `relay` and `ledger` are URLs that replace those of newsletter.toml; `first` allows a new,
    empty ledger; `where` selects recipients from the lists. `on_outcome` is called with each address and the relay's
    answer, on the sending thread.

    Raises ContentError for the post or a list, ConfigError for newsletter.toml or a missing ledger, DeliveryError when
    no relay can be reached, BusyError when another run sends the same issue. A refused message is no error: the result
    counts it, and the recipients left for a later run.
    """
    config = config or read_config()
    lists = tuple(os.fspath(each) for each in ([to] if isinstance(to, str | os.PathLike) else to))
    now = partial(datetime.now, UTC)
    place = config.ledger_at(ledger)
    relays = mark_catchers(choose_relays(config, relay, config.env), config, waits=False)
    with open_sign_ups(config, lists, ledger) as sign_ups:
        sending = plan_send(os.fspath(post), config, to=lists, where=where, test=(), when=now, sign_ups=sign_ups)
    require_sendable(sending, [each.relay for each in relays])
    require_newest(config, place, now)
    with open_send(sending, place, must_know=not first) as (known, opened):
        plan = SendPlan(known, ListReference(lists, where, ()), relays, SendOptions())
        try:
            return send_now(plan, opened, confirm=lambda prepared: None, watcher=_Watcher(on_outcome))
        finally:
            note_sent(config, opened)


class _Watcher:
    """Forwards outcomes; everything else is in the result."""

    def __init__(self, on_outcome: Callable[[str, Outcome], None] | None) -> None:
        self._on_outcome = on_outcome

    def start(self, total: int, /) -> None: ...
    def outcome(self, recipient: Subscriber, outcome: Outcome, relay: Relay, /) -> None:
        if self._on_outcome is not None:
            self._on_outcome(recipient.email, outcome)

    def news(self, text: str, /) -> None: ...
    def waiting(self, wait: Wait | None, /) -> None: ...
