"""Read a provider's webhook: authenticate the request, then parse its bounces and complaints.

Pure: the clock and the loader of certificates are arguments. Each provider has a module beside this one, with the
source of its format; `events` has the common parts. CONTRIBUTING.md explains how to add one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
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
from newsletter.frozen import frozen

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


@frozen
class WebhookSecrets:
    """Each provider's credentials; empty ones refuse all requests.

    `ses_topics` are the ARNs of our own topics. `postmark` is `user:password`, as in the webhook's address. `mailgun`
    is its HTTP webhook signing key, `sendgrid` its verification key (a public one, in base64), `resend` and
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


Reader = Callable[[Post], tuple[Event | Confirmation, ...]]

READERS: Mapping[Provider, Reader] = {
    "ses": read_ses,
    "postmark": read_postmark,
    "mailgun": read_mailgun,
    "sendgrid": read_sendgrid,
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
    """The relevant events of a request; others are left out. `headers` by lower-case name.

    ForgedError if the signature is invalid, missing or too old, or the provider is not configured; WebhookError if the
    content is not in the provider's format.
    """
    if len(body) > MAX_BODY:
        raise WebhookError(f"more than {MAX_BODY:,} bytes")
    secret = "" if provider == "ses" else getattr(secrets, provider)
    return READERS[provider](Post(headers, body, secret, now, secrets.ses_topics, load_certificate))
