"""HTTP endpoints of the providers' webhooks: verify, record, respond.

Matching a bounce may take seconds of reading, so hooks have a database connection and a thread of their own:
unsubscribes do not wait for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from io import BytesIO
from typing import get_args

from newsletter.audience.people.bounce_score import SoftRule
from newsletter.audience.people.store import People
from newsletter.bounces.outcome import Effect, News
from newsletter.bounces.process import Rules, from_provider, settle
from newsletter.bounces.webhooks.events import Confirmation
from newsletter.bounces.webhooks.read import (
    READERS,
    Event,
    ForgedError,
    Provider,
    WebhookError,
    WebhookSecrets,
    read_webhook,
)
from newsletter.bounded_http import fetch_into
from newsletter.config.config import Config
from newsletter.pipeline.event_hook import hook_of
from newsletter.text import printable
from newsletter.web.public.app import Hook
from newsletter.web.public.event_teller import EventTeller

VARIABLES = {name: f"NEWSLETTER_{name.upper()}_WEBHOOK" for name in READERS if name != "ses"}
"""The environment variable with each provider's credentials; SES needs none."""

MOST_WAITING = 50
"""The most queued requests; beyond it providers are told to retry."""

FETCH_TIMEOUT_S = 10.0
MAX_FETCHED_BYTES = 64 * 1024

log = logging.getLogger("newsletter.web")

Fetch = Callable[[str], bytes]
"""Fetch an https URL. Raises OSError."""


def hook_secrets(config: Config, env: Mapping[str, str]) -> WebhookSecrets:
    known = {name: env.get(variable, "") for name, variable in VARIABLES.items()}
    return WebhookSecrets(ses_topics=config.settings.serve.ses_topics, **known)


@contextmanager
def provider_hooks(
    config: Config, secrets: WebhookSecrets, clock: Callable[[], datetime], fetch: Fetch | None = None
) -> Iterator[Mapping[str, Hook]]:
    """The hooks of all configured providers; new bounces and unsubscribes run [alerts] `on_event`.

    Raises ConfigError if the store cannot be opened.
    """
    with (
        People.open(config.ledger_place, clock, config.secrets) as people,
        EventTeller(hook_of(config), clock) as events,
    ):
        thread = ThreadPoolExecutor(1, thread_name_prefix="hooks")  # one request at a time
        hooks = _Hooks(config, people, thread, secrets, clock, fetch or fetch_from_web, events)
        providers: tuple[Provider, ...] = get_args(Provider)
        try:
            yield {name: partial(hooks.take, name) for name in providers if _is_configured(secrets, name)}
        finally:
            thread.shutdown(wait=True)


def _is_configured(secrets: WebhookSecrets, provider: Provider) -> bool:
    return bool(secrets.ses_topics if provider == "ses" else getattr(secrets, provider))


class _Hooks:
    def __init__(
        self,
        config: Config,
        people: People,
        thread: Executor,
        secrets: WebhookSecrets,
        clock: Callable[[], datetime],
        fetch: Fetch,
        events: EventTeller,
    ) -> None:
        keys = config.settings.bounces
        rule = SoftRule(keys.soft_threshold, keys.stale_days)
        self._rules = Rules(config.settings.newsletter.bounce_address, bool(config.secret), rule)
        self._people = people
        self._thread = thread
        self._secrets = secrets
        self._clock = clock
        self._fetch = fetch
        self._events = events
        self._certificates: dict[str, bytes] = {}
        self._waiting = 0

    async def take(self, provider: Provider, headers: Mapping[str, str], body: bytes) -> int:
        """The response's status: 200 once it is on disk; a refused request is not retried."""
        if self._waiting >= MOST_WAITING:
            return 503
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, partial(self._act, provider, headers, body))
        finally:
            self._waiting -= 1

    def _act(self, provider: Provider, headers: Mapping[str, str], body: bytes) -> int:
        try:
            read = read_webhook(provider, headers, body, self._secrets, self._clock(), self._certificate)
            for each in read:
                if isinstance(each, Confirmation):
                    self._fetch(each.url)
        except ForgedError as error:
            log.warning("a post to the hook of %s was refused: %s", provider, printable(error.what))
            return 403
        except WebhookError as error:
            if isinstance(error.__cause__, OSError):
                log.warning("a post to the hook of %s waits: %s", provider, printable(error.what))
                return 503
            log.warning("a post to the hook of %s was not understood: %s", provider, printable(error.what))
            return 400
        except OSError as error:
            log.warning("a post to the hook of %s waits: Amazon did not answer (%s)", provider, printable(str(error)))
            return 503
        events = [each for each in read if isinstance(each, Event)]
        entries = settle(from_provider(events), self._people, self._rules)
        suppressed = sum(entry.effect is Effect.SUPPRESSED for entry in entries)
        news = News().plus(entries)
        self._events.put("bounced", news.bounced, suppressed=news.suppressed, complaints=news.complaints)
        self._events.put("left", news.left, "provider")
        log.info(
            "the hook of %s told of %d events; %d people are not mailed any more", provider, len(events), suppressed
        )
        return 200

    def _certificate(self, url: str) -> bytes:
        """Security: `read_webhook` requests only Amazon's own addresses, and verifies the result."""
        if url not in self._certificates:
            self._certificates = {url: self._fetch(url)}  # there is one at a time
        return self._certificates[url]


def fetch_from_web(url: str) -> bytes:
    """Fetch at most 64 KB from an https URL. Raises OSError."""
    import httpx

    content = BytesIO()
    try:
        limit_s = FETCH_TIMEOUT_S
        status = fetch_into(content, url, max_bytes=MAX_FETCHED_BYTES, read_s=limit_s, total_s=limit_s)
    except httpx.HTTPError as error:
        raise OSError(type(error).__name__) from error
    except TimeoutError as error:
        raise OSError("no answer in time") from error
    if status != 200:
        raise OSError(f"status {status}")
    return content.getvalue()
