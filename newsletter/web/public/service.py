"""`newsletter serve`: store, mail queue, pages and server, started and stopped in order."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from newsletter.audience.people.records import Unsubscription
from newsletter.audience.people.store import People
from newsletter.config.config import Config, RelaySettings
from newsletter.config.mail_sections import SECRET_VARIABLE
from newsletter.errors import ConfigError, located
from newsletter.frozen import frozen
from newsletter.group_commit import GroupCommit
from newsletter.model.delivery import is_loopback
from newsletter.pipeline.event_hook import hook_of
from newsletter.pipeline.mail_queue import CLOSING_S, MailQueue, Postman
from newsletter.pipeline.series import wait_s
from newsletter.web.http_server import HEAD_WITHIN_S
from newsletter.web.public.app import Hook, Server, web_app
from newsletter.web.public.appearance import read_appearance
from newsletter.web.public.confirmation_mail import ConfirmationMails
from newsletter.web.public.event_teller import EventTeller
from newsletter.web.public.gateway import BODY_WITHIN_S
from newsletter.web.public.http_server import serve, trusting
from newsletter.web.public.join_pages import ANSWER_AFTER_S
from newsletter.web.public.link_pages import LinkPages
from newsletter.web.public.membership import Membership
from newsletter.web.public.series_rounds import SeriesRounds
from newsletter.web.sockets import http_url

TIDY_EVERY_S = 86_400
MOST_AT_ONCE = 500
"""Unsubscribe clicks of one transaction: some ten milliseconds of work."""


@frozen
class Patience:
    """Time limits of a request head, of a body, and the least duration of a sign-up, in seconds; and the most
    connections, None for as many as the system allows.
    """

    head_s: float = HEAD_WITHIN_S
    body_s: float = BODY_WITHIN_S
    answer_s: float = ANSWER_AFTER_S
    connections: int | None = None


def public_config(config: Config, host: str, port: int) -> Config:
    """The configuration with the base URL of links: the file's, else this machine's own, for trying it out.

    Raises ConfigError if anything is missing that pages or mails need.
    """
    place = str(config.path or "newsletter.toml")
    if not config.secrets:
        what, remedy = "not set, and every link is made with it", "set it to what `openssl rand -hex 32` prints"
        raise ConfigError(located(SECRET_VARIABLE, None, what, remedy))
    if config.settings.serve.url:
        return config
    if not is_loopback(host):
        what = f"no [serve] url is set, and links to {host} would lead nowhere"
        raise ConfigError(located(place, None, what, 'write url = "https://news.example.com" below [serve]'))
    settings = config.settings
    return replace(config, settings=replace(settings, serve=replace(settings.serve, url=http_url(host, port))))


def require_relay(config: Config, relay: RelaySettings | None) -> RelaySettings:
    """Raises ConfigError if there is no relay, or if the mails lack what the law requires."""
    place = str(config.path or "newsletter.toml")
    if relay is None:
        remedy = "set it, or write --relay smtp://host:port"
        raise ConfigError(located(place, None, "no [relay] url is set, and who joins is sent a mail", remedy))
    missing = ", ".join(key for key in config.missing_for_send() if key != "relay.url")
    if missing and not relay.relay.is_loopback:
        raise ConfigError(f"{missing} must be set before mail may leave this machine", path=place)
    return relay


async def run_service(
    config: Config,
    relay: RelaySettings,
    listening: socket.socket,
    *,
    clock: Callable[[], datetime],
    stopping: asyncio.Event,
    on_ready: Callable[[], None] = lambda: None,
    hooks: Mapping[str, Hook] = MappingProxyType({}),
    patience: Patience | None = None,
) -> None:
    """Serve until `stopping` is set. `config` comes from `public_config`. Raises ConfigError."""
    waits = patience or Patience()
    appearance = read_appearance(config)
    mails = ConfirmationMails(config, appearance.words)
    mails.check_own()
    with (
        People.open(config.ledger_place, clock, config.secrets) as people,
        EventTeller(hook_of(config), clock) as events,
    ):
        membership = Membership(
            config,
            people,
            mails,
            url=config.settings.serve.url,
            clock=clock,
            on_joined=lambda: events.put("joined", 1),
        )

        def leave_all(unsubscriptions: Sequence[Unsubscription]) -> int:
            left = membership.leave_all(unsubscriptions)
            events.put("left", left, "click")
            return left

        commits = GroupCommit(leave_all, in_thread=True, at_most=MOST_AT_ONCE)
        turns = asyncio.Lock()
        postman = Postman(relay, membership.letter, clock, wait_s, turns=turns)
        outbox = MailQueue(membership.letters, commits, postman)
        series = SeriesRounds(
            config,
            people,
            commits,
            clock,
            lambda office: Postman(relay, office.message, clock, wait_s, turns=turns, endures=True),
        )
        series.check()
        links = LinkPages(membership, commits, clock, counts=config.settings.serve.count_links)
        parts = Server(clock, commits, outbox, links, hooks, waits.answer_s)
        app = web_app(membership, appearance, parts, body_within_s=waits.body_s)
        work = (outbox.run(), links.run(), _tidy(membership, commits))
        mailing = asyncio.create_task(series.run())
        background = [asyncio.create_task(each) for each in work]
        try:
            await serve(
                trusting(app, config.settings.serve.trusted_proxies),
                listening,
                stopping=stopping,
                on_ready=on_ready,
                head_within_s=waits.head_s,
                most=waits.connections,
            )
            await outbox.flush()
            await links.write(all_held=True)
            series.stop()
            await asyncio.wait({mailing}, timeout=CLOSING_S)
        finally:
            background.append(mailing)
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            commits.close()


async def _tidy(membership: Membership, commits: GroupCommit[Unsubscription, int]) -> None:
    """Once a day, delete expired data."""
    while True:
        await commits.call(membership.tidy)
        await asyncio.sleep(TIDY_EVERY_S)
