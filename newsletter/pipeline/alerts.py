"""Alerts about unattended runs: a heartbeat by GET, a webhook by POST, a mail. A failed alert never stops a run."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from newsletter.config.config import Config
from newsletter.config.publish_sections import HEARTBEAT_VARIABLE, WEBHOOK_VARIABLE
from newsletter.config.settings import Settings
from newsletter.config.url_validators import alert_address
from newsletter.errors import EXIT_BUSY, EXIT_CONTENT, EXIT_UNSENT, EXIT_USAGE, ConfigError, InvalidValueError
from newsletter.frozen import frozen
from newsletter.pipeline.alert_mail import AlertMail, alert_mail_of, send_alert_mail
from newsletter.pipeline.publish import PublishReport
from newsletter.safe_http import Address, BlockedAddressError, PinnedTransport, Resolve, is_public, resolve_name
from newsletter.safe_http import system_trust as usual_trust

if TYPE_CHECKING:
    import httpx

Sentences = tuple[str, ...]
Event = Literal["start", "success", "failure", "trial"]
TIMEOUT_S = 10.0

_PATHS: Mapping[Event, str] = {"start": "/start", "success": "", "failure": "/fail", "trial": ""}
"""healthchecks.io's paths (https://healthchecks.io/docs/http_api/), which other services copy; a trial is a success."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@frozen
class Alerts:
    """The targets of alerts; an empty address gets nothing. Network access is injected for tests."""

    heartbeat: str = ""
    webhook: str = ""
    newsletter: str = ""
    mail: AlertMail | None = None
    allow: Callable[[Address], bool] = is_public
    resolve: Resolve = resolve_name
    now: Callable[[], datetime] = utc_now
    timeout_s: float = TIMEOUT_S

    def tell(self, event: Event, report: PublishReport | None = None, *, exit_code: int | None = None) -> Sentences:
        """Send the alerts about a run of publish. Returns faults as sentences without the addresses.

        The webhook gets no idle runs, the mail only failures. `exit_code` is that of a run without a report.
        """
        idle = report is not None and report.is_quiet and event == "success"
        event_data = described_event(event, self.newsletter, report, exit_code=exit_code)
        return (*self.beat(event), *(() if idle else self.tell_people(event_data)))

    def beat(self, event: Event) -> Sentences:
        """Send the heartbeat alone: the sign of life of a round."""
        if not self.heartbeat:
            return ()
        return self._ask([("[alerts] heartbeat", _with_path(self.heartbeat, _PATHS[event]), None)])

    def try_each(self) -> Sequence[tuple[str, str]]:
        """Send a trial to each target; returns its key and the fault, as a sentence, empty on success."""
        event_data = {**described_event("trial", self.newsletter, job="doctor"), "text": trial_text(self.newsletter)}
        found: list[tuple[str, str]] = []
        if self.heartbeat:
            found.append(("heartbeat", " ".join(self.beat("trial"))))
        if self.webhook:
            found.append(("webhook", " ".join(self._ask([("[alerts] webhook", self.webhook, event_data)]))))
        if self.mail is not None:
            name = self.newsletter or "newsletter"
            body = f"{event_data['text']}\n"
            found.append(("mail", send_alert_mail(self.mail, f"[{name}] A trial of the alerts", body, self.now())))
        return found

    def tell_people(self, event_data: Mapping[str, Any]) -> Sentences:
        """Send the webhook and the mail; `event_data` comes from `described_event`."""
        asked = self._ask([("[alerts] webhook", self.webhook, dict(event_data))]) if self.webhook else ()
        if self.mail is None or event_data["event"] != "failure":
            return asked
        name = self.newsletter or "newsletter"
        mailed = send_alert_mail(self.mail, f"[{name}] {event_data['job']} failed", mail_text(event_data), self.now())
        return (*asked, *filter(None, [mailed]))

    def _ask(self, asked: Sequence[tuple[str, str, dict[str, Any] | None]]) -> Sentences:
        async def ask() -> Sentences:
            told = [await self._tell(usual_trust(), *each) for each in asked]
            return tuple(filter(None, told))

        return asyncio.run(ask())

    async def _tell(self, trust: ssl.SSLContext, name: str, url: str, body: dict[str, Any] | None) -> str:
        import httpx  # not above: few runs tell anybody, and it takes a tenth of a send's start

        # Security: what a name resolves to must be public; an address of one's own network must be written as one.
        allow = (lambda found: True) if is_own_network(url) else self.allow
        transport = PinnedTransport(self.resolve, allow, trust)
        async with httpx.AsyncClient(transport=transport, timeout=self.timeout_s, trust_env=False) as client:
            return await _one(client, self.timeout_s, name, url, body)


def is_own_network(url: str) -> bool:
    """Whether an alert's address names this machine or a private address as such, as `http://192.168.1.5:3001/`."""
    import httpx

    host = httpx.URL(url).host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return (address.is_private or address.is_loopback) and not (address.is_link_local or address.is_unspecified)


def alerts_of(config: Config | None, env: Mapping[str, str]) -> tuple[Alerts, tuple[str, ...]]:
    """The targets from the environment, else from newsletter.toml; and faults of those in the environment.

    Without a configuration, which may be invalid, only those of the environment.
    """
    settings = config.settings if config is not None else Settings()
    keys = settings.alerts
    faults: list[str] = []

    def address(variable: str, written: str) -> str:
        try:
            return alert_address(env.get(variable, "")) or written
        except InvalidValueError as fault:
            faults.append(f"{variable} {fault.what}; write https://example.com/…")
            return written

    heartbeat, webhook = address(HEARTBEAT_VARIABLE, keys.heartbeat), address(WEBHOOK_VARIABLE, keys.webhook)
    mail: AlertMail | None = None
    try:
        mail = alert_mail_of(config, env) if config is not None else None
    except InvalidValueError as fault:
        faults.append(f"[alerts] mail_relay {fault.what}; {fault.remedy or 'write smtp://user@mail.example.com:587'}")
    except ConfigError as error:
        faults.append(f"[alerts] mail_relay: {error}")
    return Alerts(heartbeat, webhook, settings.newsletter.name, mail), tuple(faults)


def described_event(
    event: Event,
    newsletter: str,
    report: PublishReport | None = None,
    *,
    job: str = "publish",
    exit_code: int | None = None,
) -> dict[str, Any]:
    """An event as JSON data. Security: names and numbers alone; an error's sentence may quote an address."""
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
        "job": job,
        "text": f"{newsletter or 'newsletter'}: {job}, {event}" + (f" ({words})" if words else ""),
        "posts": summaries,
        "exit_code": report.exit_code if report is not None else exit_code,
    }


def trial_text(newsletter: str) -> str:
    return f"{newsletter or 'newsletter'}: a trial by newsletter doctor --test-alerts; nothing failed"


_COMMANDS: Mapping[str, str] = {"backup": "newsletter ledger backup", "sync": "newsletter sync SOURCE"}
"""What to run by hand after a job failed, where that is not the command of its name."""

_BLAME: Mapping[int | None, str] = {
    EXIT_CONTENT: "A post is at fault; the others went.",
    EXIT_USAGE: "The configuration, the list or the ledger is at fault.",
    EXIT_UNSENT: "Somebody is still to be mailed, or the window was missed.",
    EXIT_BUSY: "Another run is sending the same issue; it will finish.",
}


def mail_text(event_data: Mapping[str, Any]) -> str:
    """The text of a failure mail: the data of `described_event` as lines."""
    posts = [
        f"  {each['issue'] or 'a post'}: {each['decision']}; {each['sent']:,} mailed" for each in event_data["posts"]
    ]
    left = [f"  {each['issue']}: {each['left']:,} are left" for each in event_data["posts"] if each["left"]]
    command = (
        "newsletter publish --to LIST.csv --dry-run"
        if event_data["job"] == "publish"
        else _COMMANDS.get(event_data["job"], f"newsletter {event_data['job']}")
    )
    lines = [
        str(event_data["text"]),
        "",
        _BLAME.get(event_data["exit_code"], "It ended before its time."),
        *posts,
        *left,
        "",
    ]
    lines += [f"What was wrong is in the output of that run; to see it again: {command}", "newsletter status"]
    return "\n".join(lines) + "\n"


def _with_path(url: str, more: str) -> str:
    """The URL with `path` appended to its path; its query stays at the end."""
    import httpx

    parts = httpx.URL(url)
    return str(parts.copy_with(path=parts.path.rstrip("/") + more)) if more else url


async def _one(client: httpx.AsyncClient, timeout_s: float, name: str, url: str, body: dict[str, Any] | None) -> str:
    import httpx

    # Security: no sentence here contains the URL, which may hold a key.
    asked = client.stream("GET", url) if body is None else client.stream("POST", url, json=body)
    try:
        # A limit for all of it: httpx's own is for each read, and a server that drips bytes would hold the run for
        # ever. The body is not read: it may have no end, or be a compressed bomb.
        async with asyncio.timeout(timeout_s), asked as answer:
            pass
    except BlockedAddressError:
        return f"{name} was not told: its name leads to a private address, or to none"
    except TimeoutError:
        return f"{name} was not told: no answer within {timeout_s:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{name} was not told ({type(error).__name__}); check its address"
    return "" if answer.is_success else f"{name} was not told: the server answers {answer.status_code}"
