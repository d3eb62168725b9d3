"""Read a provider's webhook: verify its signature, then its bounces and complaints.

Pure: the clock and the way to a certificate are arguments. The formats are those of

    SES        docs.aws.amazon.com/ses/latest/dg/notification-contents.html, in an envelope of SNS, whose signature is
               docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
    Postmark   postmarkapp.com/developer/webhooks/bounce-webhook; it signs nothing, and logs in by Basic authentication
    Mailgun    documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    SendGrid   twilio.com/docs/sendgrid/for-developers/tracking-events/event, signed with ECDSA

Each other provider has a module of its own beside this one; `webhook_checks` has what all share. To add one more:

    1  a module `webhook_NAME` with `read_NAME(post) -> tuple[Event, ...]`, the address of its documentation on top
    2  first check whose the post is (`check_login`, `check_token`, `check_hmac`), then its time (`check_time`)
    3  name each event by the provider's own id of it, or by all that it says (`event_name`)
    4  a bounce is `refusal(address, the server's words, ...)`: the table judges, the provider's class comes second
    5  what concerns nobody gives no event; what is malformed raises WebhookError
    6  its name in `Provider` and `READERS` below, a field of `WebhookSecrets`
    7  its environment variable in `web/hooks.py`, `VARIABLES`
    8  its row in pyproject.toml's layers
    9  its sample in tests/webhook_samples.py: the tests post it valid, forged, twice and old
   10  its row in docs/serve.md
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from newsletter.bounces.webhooks.aliyun import read_aliyun
from newsletter.bounces.webhooks.brevo import read_brevo
from newsletter.bounces.webhooks.events import (
    EARLY,
    MAX_BODY,
    REPLAY_WINDOW,
    Confirmation,
    Event,
    ForgedError,
    LoadCertificate,
    Post,
    WebhookError,
)
from newsletter.bounces.webhooks.generic import read_generic
from newsletter.bounces.webhooks.mailersend import read_mailersend
from newsletter.bounces.webhooks.mailgun import read_mailgun
from newsletter.bounces.webhooks.mailjet import read_mailjet
from newsletter.bounces.webhooks.postmark import read_postmark
from newsletter.bounces.webhooks.resend import read_resend
from newsletter.bounces.webhooks.sendgrid import read_sendgrid
from newsletter.bounces.webhooks.ses import read_ses
from newsletter.bounces.webhooks.sparkpost import read_sparkpost
from newsletter.bounces.webhooks.tencent import read_tencent

__all__ = [
    "EARLY",
    "MAX_BODY",
    "REPLAY_WINDOW",
    "Confirmation",
    "Event",
    "ForgedError",
    "LoadCertificate",
    "Provider",
    "WebhookError",
    "WebhookSecrets",
    "read_webhook",
]

Provider = Literal[
    "ses",
    "postmark",
    "mailgun",
    "sendgrid",
    "generic",
    "brevo",
    "resend",
    "mailjet",
    "mailersend",
    "sparkpost",
    "tencent",
    "aliyun",
]


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """What each provider is known by; empty for one whose posts are all refused.

    `ses_topics` are the ARNs of our own topics. `postmark` is `user:password`, as in the webhook's address.
    `mailgun` is its HTTP webhook signing key, `sendgrid` its verification key (a public one, in base64), `resend` and
    `mailersend` their signing secrets, `aliyun` the token of EventBridge's target; the others are `user:password`.
    """

    ses_topics: tuple[str, ...] = ()
    postmark: str = field(default="", repr=False)
    mailgun: str = field(default="", repr=False)
    sendgrid: str = ""
    generic: str = field(default="", repr=False)
    brevo: str = field(default="", repr=False)
    resend: str = field(default="", repr=False)
    mailjet: str = field(default="", repr=False)
    mailersend: str = field(default="", repr=False)
    sparkpost: str = field(default="", repr=False)
    tencent: str = field(default="", repr=False)
    aliyun: str = field(default="", repr=False)


READERS: Mapping[str, Callable[[Post], tuple[Event, ...]]] = {
    "generic": read_generic,
    "brevo": read_brevo,
    "resend": read_resend,
    "mailjet": read_mailjet,
    "mailersend": read_mailersend,
    "sparkpost": read_sparkpost,
    "tencent": read_tencent,
    "aliyun": read_aliyun,
}


def read_webhook(
    provider: Provider,
    headers: Mapping[str, str],
    body: bytes,
    secrets: WebhookSecrets,
    now: datetime,
    load_certificate: LoadCertificate,
) -> tuple[Event | Confirmation, ...]:
    """What the post tells of that concerns us; other events are left out. `headers` by their names in lower case.

    ForgedError where the signature does not hold, is missing or too old, or the provider is not configured;
    WebhookError where the content is no such provider's.
    """
    if len(body) > MAX_BODY:
        raise WebhookError(f"more than {MAX_BODY:,} bytes")
    match provider:
        case "ses":
            return read_ses(body, secrets.ses_topics, now, load_certificate)
        case "postmark":
            return read_postmark(headers, body, secrets.postmark, now)
        case "mailgun":
            return read_mailgun(body, secrets.mailgun, now)
        case "sendgrid":
            return read_sendgrid(headers, body, secrets.sendgrid, now)
        case _:
            return READERS[provider](Post(headers, body, getattr(secrets, provider), now))
