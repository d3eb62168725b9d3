"""What a provider's webhook posts -> the bounces and complaints that it tells of, once its signature was checked.

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

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from newsletter.bounces.cloud_notices import ses_reading
from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.json_tree import message_ids_of, text_at, value_at
from newsletter.bounces.results import Bounce, Complaint, Failure, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.aliyun import read_aliyun
from newsletter.bounces.webhooks.brevo import read_brevo
from newsletter.bounces.webhooks.events import (
    EARLY,
    MAX_BODY,
    MAX_EVENTS,
    REPLAY_WINDOW,
    Event,
    ForgedError,
    Post,
    WebhookError,
    check_login,
    check_time,
    event_name,
    from_iso,
    from_stamp,
    json_of,
    unbase64,
)
from newsletter.bounces.webhooks.generic import read_generic
from newsletter.bounces.webhooks.mailersend import read_mailersend
from newsletter.bounces.webhooks.mailjet import read_mailjet
from newsletter.bounces.webhooks.resend import read_resend
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
LoadCertificate = Callable[[str], bytes]
"""The PEM text at an address that was checked. Raises OSError where it cannot be had."""

_SNS_HOST = r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE_URL = re.compile(rf"https://{_SNS_HOST}/SimpleNotificationService-[0-9a-f]{{32,64}}\.pem")
_SUBSCRIBE_URL = re.compile(rf"https://{_SNS_HOST}/\?[\x21-\x7e]{{1,2000}}")


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


@dataclass(frozen=True, slots=True)
class Confirmation:
    """SNS asks whether posts are wanted: a GET of `url`, which is Amazon's, says yes."""

    topic: str
    url: str


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
            return _ses(body, secrets.ses_topics, now, load_certificate)
        case "postmark":
            return _postmark(headers, body, secrets.postmark, now)
        case "mailgun":
            return _mailgun(body, secrets.mailgun, now)
        case "sendgrid":
            return _sendgrid(headers, body, secrets.sendgrid, now)
        case _:
            return READERS[provider](Post(headers, body, getattr(secrets, provider), now))


# --- Amazon SES -----------------------------------------------------------------------------------------------------

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def _ses(
    body: bytes, topics: Sequence[str], now: datetime, load_certificate: LoadCertificate
) -> tuple[Event | Confirmation, ...]:
    envelope = json_of(body)
    topic, kind = text_at(envelope, "TopicArn"), text_at(envelope, "Type")
    # Security: Amazon signs for everybody who has a topic. First of all it must be ours.
    if topic not in topics:
        raise ForgedError("it comes from a topic that is not configured")
    _check_sns(envelope, _NOTIFICATION if kind == "Notification" else _CONFIRMATION, now, load_certificate)
    if kind == "SubscriptionConfirmation":
        url = text_at(envelope, "SubscribeURL")
        if not _SUBSCRIBE_URL.fullmatch(url):
            raise ForgedError("the address to confirm at is not Amazon's")
        return (Confirmation(topic, url),)
    if kind != "Notification":
        return ()
    return tuple(_ses_events(json_of(text_at(envelope, "Message").encode()), now))


def _check_sns(envelope: object, signed: Sequence[str], now: datetime, load_certificate: LoadCertificate) -> None:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.x509 import load_pem_x509_certificate

    url, version = text_at(envelope, "SigningCertURL"), text_at(envelope, "SignatureVersion")
    # Security: whoever chooses the certificate chooses who may sign. It is Amazon's, over https, or nobody's.
    if not _CERTIFICATE_URL.fullmatch(url):
        raise ForgedError("its certificate is not at Amazon's")
    if version not in ("1", "2"):
        raise ForgedError("its signature has a version that is not known")
    try:
        pem = load_certificate(url)
    except OSError as error:
        raise WebhookError("the certificate cannot be fetched") from error
    try:
        certificate = load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ForgedError("its certificate cannot be read") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise ForgedError("its certificate is not of the kind that Amazon has")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ForgedError("its certificate is out of date")
    # A lone surrogate, which JSON can write, has no bytes; Amazon has signed none.
    lines = [f"{name}\n{value}\n" for name in signed if isinstance(value := value_at(envelope, name), str)]
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - what SNS signs with by default
    try:
        key.verify(
            unbase64(text_at(envelope, "Signature")),
            "".join(lines).encode("utf-8", "replace"),
            padding.PKCS1v15(),
            digest,
        )
    except InvalidSignature as error:
        raise ForgedError("its signature does not hold") from error
    check_time(from_iso(text_at(envelope, "Timestamp")), now)


def _ses_events(message: object, now: datetime) -> Iterator[Event]:
    reading = ses_reading(message)
    if reading is None:
        return
    part = "bounce" if isinstance(reading, Bounce) else "complaint"
    at = from_iso(text_at(message, part, "timestamp")) or now
    yield Event(event_name("ses", text_at(message, part, "feedbackId"), message), at, reading)


# --- Postmark -------------------------------------------------------------------------------------------------------

_POSTMARK_KINDS: Mapping[str, Kind] = {
    "HardBounce": Kind.SOFT,
    "BadEmailAddress": Kind.SOFT,
    "SoftBounce": Kind.SOFT,
    "DnsError": Kind.SOFT,
    "Unknown": Kind.SOFT,
    "Transient": Kind.DELAYED,
    "SpamNotification": Kind.LANE,
    "Blocked": Kind.LANE,
    "DMARCPolicy": Kind.LANE,
}
"""Of a type whose details have no code. Others are no bounces: an autoresponder's answer, an address change."""


def _postmark(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> tuple[Event, ...]:
    check_login(Post(headers, body, secret, now))
    event = json_of(body)
    record, kind, address = text_at(event, "RecordType"), text_at(event, "Type"), text_at(event, "Email")
    # Security: whoever has seen a post may send it again, and it has no signature that would grow old.
    at_once = text_at(event, "BouncedAt") or text_at(event, "ChangedAt")
    if at_once:
        check_time(from_iso(at_once), now)
    name, at = event_name("postmark", text_at(event, "ID"), event), from_iso(text_at(event, "BouncedAt")) or now
    if record == "SubscriptionChange":
        return tuple(_postmark_change(event, now))
    if record not in ("Bounce", "SpamComplaint") or not address:
        return ()
    if kind == "SpamComplaint" or record == "SpamComplaint":
        return (Event(name, at, Complaint("abuse", Traces(addresses=(address,)), "Postmark")),)
    if kind == "Unsubscribe":
        return (Event(name, at, Unsubscribe(address, "")),)
    if kind not in _POSTMARK_KINDS:
        return ()
    failure = failure_of(address, "", text_at(event, "Details"), delayed=kind == "Transient")
    if not (failure.status or failure.code):
        # It has taken the address off its own list: it does not even try any more.
        dead = kind == "HardBounce" and value_at(event, "Inactive") is True
        words = failure.words or text_at(event, "Description")
        failure = replace(failure, kind=Kind.HARD if dead else _POSTMARK_KINDS[kind], words=words)
    return (Event(name, at, Bounce((failure,), reporter="Postmark")),)


def _postmark_change(event: object, now: datetime) -> Iterator[Event]:
    address, at = text_at(event, "Recipient"), from_iso(text_at(event, "ChangedAt")) or now
    reason = text_at(event, "SuppressionReason")
    if not address or value_at(event, "SuppressSending") is not True:
        return  # taken off its list again: our own suppression is for the reader to lift
    name = event_name("postmark", "", event)
    if reason == "HardBounce":
        failure = Failure(address, Kind.HARD, words="on Postmark's suppression list", rule="Postmark: HardBounce")
        yield Event(name, at, Bounce((failure,), reporter="Postmark"))
    elif reason == "SpamComplaint":
        yield Event(name, at, Complaint("abuse", Traces(addresses=(address,)), "Postmark"))
    elif text_at(event, "Origin") == "Recipient":
        yield Event(name, at, Unsubscribe(address, ""))


# --- Mailgun --------------------------------------------------------------------------------------------------------


def _mailgun(body: bytes, key: str, now: datetime) -> tuple[Event, ...]:
    post = json_of(body)
    stamp, mark = text_at(post, "signature", "timestamp"), text_at(post, "signature", "token")
    expected = hmac.new(key.encode(), f"{stamp}{mark}".encode(), hashlib.sha256).hexdigest() if key else ""
    # Security: compared in constant time; and without a key nobody is let in.
    if not key or not hmac.compare_digest(text_at(post, "signature", "signature").encode(), expected.encode()):
        raise ForgedError("its signature does not hold")
    # Security: the two are signed as one text without anything between them, and "1" + "2x" is "12" + "x". A token is
    # letters and digits, a time is digits; and what is remembered is the text that was signed, however it is cut.
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or not mark:
        raise ForgedError("its time is not a number")
    check_time(from_stamp(stamp), now)
    event = value_at(post, "event-data")
    address, kind, reason = text_at(event, "recipient"), text_at(event, "event"), text_at(event, "reason")
    # Security: Mailgun signs the time and the token, not the event. Named by what is signed, another event behind that
    # signature is one that was counted before.
    name, at = event_name("mailgun", f"{stamp}{mark}", event), from_stamp(text_at(event, "timestamp")) or now
    traces = Traces(message_ids=message_ids_of(text_at(event, "message", "headers", "message-id")))
    if not address:
        return ()
    if kind == "complained" or reason == "suppress-complaint":
        return (Event(name, at, Complaint("abuse", replace(traces, addresses=(address,)), "Mailgun")),)
    if kind == "unsubscribed" or reason == "suppress-unsubscribe":
        return (Event(name, at, Unsubscribe(address, "")),)
    if kind != "failed":
        return ()
    code, words = text_at(event, "delivery-status", "code"), text_at(event, "delivery-status", "message")
    words = words or text_at(event, "delivery-status", "description")
    diagnosis = f"{code} {words}" if re.fullmatch(r"[45]\d\d", code) and not re.match(r"[45]\d\d\b", words) else words
    status = text_at(event, "delivery-status", "enhanced-code")
    failure = failure_of(address, status, diagnosis, delayed=text_at(event, "severity") == "temporary")
    if reason == "suppress-bounce":
        failure = replace(failure, kind=Kind.HARD)
    return (Event(name, at, Bounce((failure,), traces, "Mailgun")),)


# --- SendGrid -------------------------------------------------------------------------------------------------------


def _sendgrid(headers: Mapping[str, str], body: bytes, key: str, now: datetime) -> tuple[Event, ...]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    stamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = unbase64(headers.get("x-twilio-email-event-webhook-signature", ""))
    try:
        public = load_der_public_key(unbase64(key)) if key else None
    except ValueError as error:
        raise ForgedError("the verification key that was configured is none") from error
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ForgedError("no verification key is configured")
    try:
        public.verify(signature, stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ForgedError("its signature does not hold") from error
    check_time(from_stamp(stamp), now)
    events = json_of(body)
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        raise WebhookError(f"not a list of at most {MAX_EVENTS:,} events")
    return tuple(event for each in events for event in _sendgrid_event(each, now))


def _sendgrid_event(event: object, now: datetime) -> Iterator[Event]:
    address, kind, reason = text_at(event, "email"), text_at(event, "event"), text_at(event, "reason")
    name, at = (
        event_name("sendgrid", text_at(event, "sg_event_id"), event),
        from_stamp(text_at(event, "timestamp")) or now,
    )
    traces = Traces(message_ids=message_ids_of(text_at(event, "smtp-id")))
    if not address:
        return
    if kind == "spamreport" or (kind == "dropped" and reason == "Spam Reporting Address"):
        yield Event(name, at, Complaint("abuse", replace(traces, addresses=(address,)), "SendGrid"))
    elif kind in ("unsubscribe", "group_unsubscribe") or (kind == "dropped" and reason == "Unsubscribed Address"):
        yield Event(name, at, Unsubscribe(address, ""))
    elif kind == "dropped" and reason == "Invalid":
        # It did not even try: the address is none by its form, as it sees it.
        failure = Failure(address, Kind.SOFT, words=f"SendGrid dropped it: {reason}", rule="SendGrid: dropped, Invalid")
        yield Event(name, at, Bounce((failure,), traces, "SendGrid"))
    elif kind == "dropped" and reason == "Bounced Address":
        yield Event(name, at, Bounce((Failure(address, Kind.HARD, words=reason),), traces, "SendGrid"))
    elif kind == "deferred":
        delayed = failure_of(address, "", text_at(event, "response"), delayed=True)
        yield Event(name, at, Bounce((delayed,), traces, "SendGrid"))
    elif kind == "bounce":
        failure = failure_of(address, text_at(event, "status"), reason)
        if text_at(event, "type") == "blocked" and failure.kind is Kind.HARD:
            failure = replace(failure, kind=Kind.LANE)  # its own word for what it does not hold against the address
        yield Event(name, at, Bounce((failure,), traces, "SendGrid"))
