"""A request of each provider as its documentation shows it, correctly authenticated. All of it is made up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADA = "ada@example.net"
LOGIN = "hook:a long password"
KEY = base64.b64encode(b"a key of thirty-two bytes, or so").decode()
UNKNOWN = "550 5.1.1 <ada@example.net>: User unknown"


def login(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(secret.encode()).decode()}


def svix(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signed = hmac.new(
        base64.b64decode(secret.removeprefix("whsec_")), b"msg_1." + stamp.encode() + b"." + body, hashlib.sha256
    )
    given = base64.b64encode(signed.digest()).decode()
    return {"svix-id": "msg_1", "svix-timestamp": stamp, "svix-signature": f"v1a,no v1,{given}"}


def over_body(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {"signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def bridge(body: bytes, secret: str, at: datetime) -> dict[str, str]:
    return {"x-eventbridge-signature-token": secret}


@dataclass(frozen=True)
class Sample:
    """`make` returns the event of a kind, at a time: "dead", "complaint", "unsubscribe" or "delayed".

    None if the provider has no such event.
    """

    provider: str
    secret: str
    sign: Callable[[bytes, str, datetime], dict[str, str]]
    make: Callable[[str, datetime], Any]

    def post(self, kind: str, at: datetime = NOW) -> tuple[dict[str, str], bytes]:
        body = json.dumps(self.make(kind, at)).encode()
        return self.sign(body, self.secret, at), body


def stamp(at: datetime) -> int:
    return int(at.timestamp())


def named(kinds: Mapping[str, str], kind: str) -> str:
    return kinds.get(kind, "opened")


def generic(kind: str, at: datetime) -> Any:
    event = {"id": "1", "email": ADA, "at": at.isoformat(), "message_id": "<1@example.com>"}
    kinds = {"dead": "bounce", "complaint": "complaint", "unsubscribe": "unsubscribe", "delayed": "delayed"}
    return [{**event, "kind": named(kinds, kind), **({"words": UNKNOWN} if kind == "dead" else {})}]


def brevo(kind: str, at: datetime) -> Any:
    kinds = {"dead": "hard_bounce", "complaint": "spam", "unsubscribe": "unsubscribed", "delayed": "deferred"}
    return {
        "event": named(kinds, kind),
        "email": ADA,
        "id": 26224,
        "date": "2026-03-02 10:00:00",
        "ts": stamp(at),
        "message-id": "<1@example.com>",
        "ts_event": stamp(at),
        "subject": "The news",
        "reason": UNKNOWN,
    }


def resend(kind: str, at: datetime) -> Any:
    kinds = {"dead": "email.bounced", "complaint": "email.complained", "delayed": "email.delivery_delayed"}
    bounce = {
        "message": "words of theirs",
        "type": "Permanent",
        "subType": "General",
        "diagnosticCode": [f"smtp; {UNKNOWN}"],
    }
    data = {
        "email_id": "56761188",
        "to": [ADA],
        "subject": "The news",
        "message_id": "<1@example.com>",
        "bounce": bounce,
    }
    return {"type": named(kinds, kind), "created_at": at.isoformat(), "data": data}


def mailjet(kind: str, at: datetime) -> Any:
    kinds = {"dead": "bounce", "complaint": "spam", "unsubscribe": "unsub"}
    return [
        {
            "event": named(kinds, kind),
            "time": stamp(at),
            "MessageID": 13792286917004336,
            "email": ADA,
            "blocked": False,
            "hard_bounce": True,
            "error_related_to": "recipient",
            "error": "user unknown",
        }
    ]


def mailersend(kind: str, at: datetime) -> Any:
    kinds = {
        "dead": "activity.hard_bounced",
        "complaint": "activity.spam_complaint",
        "unsubscribe": "activity.unsubscribed",
        "delayed": "activity.deferred",
    }
    email = {"recipient": {"object": "recipient", "email": ADA}, "headers": {"Message-ID": "<1@example.com>"}}
    data = {"object": "activity", "id": "5fc0d006", "email": email, "morph": {"reason": UNKNOWN}}
    return {"type": named(kinds, kind), "created_at": at.isoformat(), "data": data}


def sparkpost(kind: str, at: datetime) -> Any:
    kinds = {"dead": "bounce", "complaint": "spam_complaint", "unsubscribe": "list_unsubscribe", "delayed": "delay"}
    event = {"type": named(kinds, kind), "event_id": "92356927693813856", "rcpt_to": ADA, "timestamp": str(stamp(at))}
    group = "unsubscribe_event" if kind == "unsubscribe" else "message_event"
    return [{"msys": {group: {**event, "bounce_class": "10", "raw_reason": UNKNOWN}}}]


def tencent(kind: str, at: datetime) -> Any:
    kinds = {"dead": "bounce", "complaint": "spamreport", "unsubscribe": "unsubscribe", "delayed": "deferred"}
    return {
        "event": named(kinds, kind),
        "email": ADA,
        "bulkId": "qcloudses-1",
        "timestamp": stamp(at),
        "reason": UNKNOWN,
        "bounceType": "hard_bounce",
        "messageId": "1@example.com",
    }


def aliyun(kind: str, at: datetime) -> Any:
    kinds = {"dead": "dm:Deliver:Fail", "complaint": "dm:Feedback:FblReport", "unsubscribe": "dm:Feedback:UnSubscribe"}
    data = {"rcpt": ADA, "msg_id": "1@example.com", "err_code": "554", "err_msg": UNKNOWN, "failed_type": "SmtpNxBox"}
    when = at.astimezone(UTC) + timedelta(0)
    return {"data": data, "id": "8734", "source": "acs:dm", "time": when.isoformat(), "type": named(kinds, kind)}


SAMPLES = (
    Sample("generic", LOGIN, login, generic),
    Sample("brevo", LOGIN, login, brevo),
    Sample("resend", f"whsec_{KEY}", svix, resend),
    Sample("mailjet", LOGIN, login, mailjet),
    Sample("mailersend", "a signing secret", over_body, mailersend),
    Sample("sparkpost", LOGIN, login, sparkpost),
    Sample("tencent", LOGIN, login, tencent),
    Sample("aliyun", "a token of ours", bridge, aliyun),
)
