"""Alerts about unattended runs: a heartbeat by GET, a webhook by POST. Neither can stop a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from newsletter.config.config import Config
from newsletter.config.publish_sections import HEARTBEAT_VARIABLE, WEBHOOK_VARIABLE
from newsletter.config.url_validators import alert_address
from newsletter.errors import InvalidValueError
from newsletter.pipeline.publish import PublishReport
from newsletter.safe_http import Address, BlockedAddressError, PinnedTransport, Resolve, is_public, resolve_name
from newsletter.safe_http import system_trust as usual_trust

Event = Literal["start", "success", "failure"]
TIMEOUT_S = 10.0

_PATHS: Mapping[Event, str] = {"start": "/start", "success": "", "failure": "/fail"}
"""What healthchecks.io takes (https://healthchecks.io/docs/http_api/), and those that follow it."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """Where events are sent; nothing goes to an empty address. Network access is injected for tests."""

    heartbeat: str = ""
    webhook: str = ""
    newsletter: str = ""
    allow: Callable[[Address], bool] = is_public
    resolve: Resolve = resolve_name

    def tell(self, event: Event, report: PublishReport | None = None) -> tuple[str, ...]:
        """Notify both -> what went wrong, as sentences without the addresses. Idle runs do not go to the webhook."""
        asked: list[tuple[str, str, dict[str, Any] | None]] = []
        if self.heartbeat:
            asked.append(("[alerts] heartbeat", _with_path(self.heartbeat, _PATHS[event]), None))
        if self.webhook and not (report is not None and report.is_quiet and event == "success"):
            asked.append(("[alerts] webhook", self.webhook, described_event(event, self.newsletter, report)))
        return asyncio.run(self._ask(asked)) if asked else ()

    async def _ask(self, asked: Sequence[tuple[str, str, dict[str, Any] | None]]) -> tuple[str, ...]:
        transport = PinnedTransport(self.resolve, self.allow, usual_trust())
        async with httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S, trust_env=False) as client:
            failures = [await _one(client, *each) for each in asked]
        return tuple(filter(None, failures))


def alerts_of(config: Config, env: Mapping[str, str]) -> tuple[Alerts, tuple[str, ...]]:
    """The addresses of the environment, else of newsletter.toml; and what is wrong with those of the environment."""
    keys = config.settings.alerts
    faults: list[str] = []

    def address(variable: str, written: str) -> str:
        try:
            return alert_address(env.get(variable, "")) or written
        except InvalidValueError as fault:
            faults.append(f"{variable} {fault.what}; write https://example.com/…")
            return written

    heartbeat, webhook = address(HEARTBEAT_VARIABLE, keys.heartbeat), address(WEBHOOK_VARIABLE, keys.webhook)
    return Alerts(heartbeat, webhook, config.settings.newsletter.name), tuple(faults)


def described_event(event: Event, newsletter: str, report: PublishReport | None) -> dict[str, Any]:
    """An event for a program. Security: names and numbers alone; a sentence of an error may quote an address."""
    posts = [each for each in report.posts if each.decision != "left alone"] if report is not None else []
    summaries = [
        {
            "issue": each.post.issue,
            "decision": each.decision,
            "sent": each.result.sent if each.result else 0,
            "left": each.result.left_count if each.result else 0,
        }
        for each in posts
    ]
    words = "; ".join(f"{each['issue'] or 'a post'}: {each['decision']}, {each['sent']:,} mailed" for each in summaries)
    return {
        "event": event,
        "newsletter": newsletter,
        "text": f"{newsletter or 'newsletter'}: publish, {event}" + (f" ({words})" if words else ""),
        "posts": summaries,
        "exit_code": report.exit_code if report is not None else None,
    }


def _with_path(url: str, more: str) -> str:
    """The address with a path behind its own; a query stays at the end."""
    parts = httpx.URL(url)
    return str(parts.copy_with(path=parts.path.rstrip("/") + more)) if more else url


async def _one(client: httpx.AsyncClient, name: str, url: str, body: dict[str, Any] | None) -> str:
    # Security: no sentence here has the address, which may be a key.
    try:
        answer = await (client.get(url) if body is None else client.post(url, json=body))
    except BlockedAddressError:
        return f"{name} was not told: it leads to a private address, or to none"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{name} was not told ({type(error).__name__}); check its address"
    return "" if answer.is_success else f"{name} was not told: the server answers {answer.status_code}"
