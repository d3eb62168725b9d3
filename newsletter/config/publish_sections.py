"""Sections about unattended runs: what `newsletter publish` sends and when, and whom it tells."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.config import validators as entries
from newsletter.config.section import Section, key, number, text
from newsletter.config.url_validators import alert_address
from newsletter.model.send_window import time_of_day

HEARTBEAT_VARIABLE = "NEWSLETTER_HEARTBEAT_URL"
WEBHOOK_VARIABLE = "NEWSLETTER_ALERT_WEBHOOK"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSection(Section):
    posts: str = key(
        "The folder of posts that `newsletter publish` looks through. Without it, the site's own folder of posts.",
        text(entries.one_line),
        example="_posts",
    )
    send_at: str = key(
        "The time of day from which `newsletter publish` sends, in `[delivery] time_zone`; a post may say otherwise "
        "with `send_at` beneath `newsletter:`.",
        text(time_of_day),
        example="08:00",
    )
    latest: str = key(
        "The time of day after which `newsletter publish` begins no issue any more: a late runner mails nobody and "
        "exits with 3. A post may say otherwise with `latest` beneath `newsletter:`.",
        text(time_of_day),
        example="12:00",
    )
    max_age_days: float = key(
        "How many days after its date a post is still published; an older one is left alone.",
        number(365),
        default=2.0,
        example=4,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsSection(Section):
    heartbeat: str = key(
        "An address that `newsletter publish` asks at `/start`, by itself after a success, and at `/fail`, as "
        f"healthchecks.io and others take it. Where it is a secret, put it into `{HEARTBEAT_VARIABLE}` instead.",
        text(alert_address),
        example="https://hc-ping.com/your-check",
    )
    webhook: str = key(
        "An address that is posted a JSON object at the start, a success and a failure; its `text` is what chat "
        f"programs show. Where it is a secret, put it into `{WEBHOOK_VARIABLE}` instead.",
        text(alert_address),
        example="https://chat.example.com/hooks/news",
    )
