"""What a provider's webhook posts -> the bounces and complaints that it tells of, once its signature was checked.

Pure: the clock and the way to a certificate are arguments. The formats are those of

    SES        docs.aws.amazon.com/ses/latest/dg/notification-contents.html, in an envelope of SNS, whose signature is
               docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
    Postmark   postmarkapp.com/developer/webhooks/bounce-webhook; it signs nothing, and logs in by Basic authentication
    Mailgun    documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    SendGrid   twilio.com/docs/sendgrid/for-developers/tracking-events/event, signed with ECDSA

An event is never taken twice: each has a name, and a replay has the same. So the window for replays may be as long as
providers go on trying, which is a day.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from newsletter.bounces.readings import Bounce, Complaint, Failure, Kind, Traces, Unsubscribe
from newsletter.bounces.verdict import failure_of

Provider = Literal["ses", "postmark", "mailgun", "sendgrid"]
LoadCertificate = Callable[[str], bytes]
"""The PEM text at an address that was checked. Raises OSError where it cannot be had."""

MAX_BODY = 1024 * 1024
"""SendGrid's batches are the largest, with 768 KB."""

MAX_EVENTS = 5_000
REPLAY_WINDOW = timedelta(hours=25)
EARLY = timedelta(minutes=5)
"""How far another clock may be ahead of ours."""

_SNS_HOST = r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?"
_CERTIFICATE_URL = re.compile(rf"https://{_SNS_HOST}/SimpleNotificationService-[0-9a-f]{{32,64}}\.pem")
_SUBSCRIBE_URL = re.compile(rf"https://{_SNS_HOST}/\?[\x21-\x7e]{{1,2000}}")


class WebhookError(ValueError):
    """The post is not what its provider sends; `what` is a phrase."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class ForgedError(WebhookError):
    """It is not shown to be the provider's: nothing in it may be believed."""


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """What each provider is known by; empty for one whose posts are all refused.

    `ses_topics` are the ARNs of our own topics. `postmark` is `user:password`, as in the webhook's address.
    `mailgun` is its HTTP webhook signing key, `sendgrid` its verification key (a public one, in base64).
    """

    ses_topics: tuple[str, ...] = ()
    postmark: str = field(default="", repr=False)
    mailgun: str = field(default="", repr=False)
    sendgrid: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a provider tells. `name` is the same each time that it is told, and begins with the provider's."""

    name: str
    at: datetime
    reading: Bounce | Complaint | Unsubscribe


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


# --- Amazon SES -----------------------------------------------------------------------------------------------------

_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SES_LANE = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
_SES_LISTED = frozenset({"Suppressed", "OnAccountSuppressionList"})
"""Bounced or complained before: SES does not even try any more."""


def _ses(
    body: bytes, topics: Sequence[str], now: datetime, load_certificate: LoadCertificate
) -> tuple[Event | Confirmation, ...]:
    envelope = _json(body)
    topic, kind = _text(envelope, "TopicArn"), _text(envelope, "Type")
    # Security: Amazon signs for everybody who has a topic. First of all it must be ours.
    if topic not in topics:
        raise ForgedError("it comes from a topic that is not configured")
    _check_sns(envelope, _NOTIFICATION if kind == "Notification" else _CONFIRMATION, now, load_certificate)
    if kind == "SubscriptionConfirmation":
        url = _text(envelope, "SubscribeURL")
        if not _SUBSCRIBE_URL.fullmatch(url):
            raise ForgedError("the address to confirm at is not Amazon's")
        return (Confirmation(topic, url),)
    if kind != "Notification":
        return ()
    return tuple(_ses_events(_json(_text(envelope, "Message").encode()), now))


def _check_sns(envelope: object, signed: Sequence[str], now: datetime, load_certificate: LoadCertificate) -> None:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.x509 import load_pem_x509_certificate

    url, version = _text(envelope, "SigningCertURL"), _text(envelope, "SignatureVersion")
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
    lines = [f"{name}\n{value}\n" for name in signed if isinstance(value := _get(envelope, name), str)]
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()  # noqa: S303 - what SNS signs with by default
    try:
        key.verify(
            _unbase64(_text(envelope, "Signature")),
            "".join(lines).encode("utf-8", "replace"),
            padding.PKCS1v15(),
            digest,
        )
    except InvalidSignature as error:
        raise ForgedError("its signature does not hold") from error
    _check_time(_from_iso(_text(envelope, "Timestamp")), now)


def _ses_events(message: object, now: datetime) -> Iterator[Event]:
    kind = _text(message, "notificationType") or _text(message, "eventType")
    ids = [_text(message, "mail", "commonHeaders", "messageId")]
    ids += [
        _text(each, "value")
        for each in _list(message, "mail", "headers")
        if _text(each, "name").lower() == "message-id"
    ]
    traces = Traces(message_ids=_message_ids(*ids))
    if kind == "Bounce":
        name, at = _text(message, "bounce", "feedbackId"), _from_iso(_text(message, "bounce", "timestamp")) or now
        kinds = _text(message, "bounce", "bounceType"), _text(message, "bounce", "bounceSubType")
        failures = tuple(_ses_failure(each, *kinds) for each in _list(message, "bounce", "bouncedRecipients"))
        if failures:
            yield Event(
                _name("ses", name, message), at, Bounce(failures, traces, _text(message, "bounce", "reportingMTA"))
            )
    elif kind == "Complaint":
        name, at = _text(message, "complaint", "feedbackId"), _from_iso(_text(message, "complaint", "timestamp")) or now
        feedback = _text(message, "complaint", "complaintFeedbackType") or "abuse"
        named = tuple(_text(each, "emailAddress") for each in _list(message, "complaint", "complainedRecipients"))
        if feedback != "not-spam":
            reporter = _text(message, "complaint", "userAgent")
            yield Event(
                _name("ses", name, message), at, Complaint(feedback, replace(traces, addresses=named), reporter)
            )


def _ses_failure(recipient: object, kind: str, subtype: str) -> Failure:
    """SES's own kind counts where there is no code, and never makes a dead address of one that another rule spares."""
    status, words = _text(recipient, "status"), _text(recipient, "diagnosticCode")
    failure = failure_of(
        _text(recipient, "emailAddress"), status, words, delayed=_text(recipient, "action") == "delayed"
    )
    if subtype in _SES_LISTED:
        return replace(failure, kind=Kind.HARD, words=failure.words or f"SES: {subtype}")
    if status or words:
        return failure
    if subtype in _SES_LANE:
        chosen = Kind.LANE
    else:
        # A transient one without a word may be an answer from a holiday.
        chosen = Kind.DELAYED if kind == "Transient" and subtype != "MailboxFull" else Kind.SOFT
    return replace(failure, kind=chosen, words=f"SES: {kind}, {subtype}")


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
    expected = "Basic " + base64.b64encode(secret.encode()).decode()
    # Security: compared in constant time; and without a secret nobody is let in.
    if ":" not in secret or not hmac.compare_digest(headers.get("authorization", "").encode(), expected.encode()):
        raise ForgedError("it does not bear the user and password that were configured")
    event = _json(body)
    record, kind, address = _text(event, "RecordType"), _text(event, "Type"), _text(event, "Email")
    name, at = _name("postmark", _text(event, "ID"), event), _from_iso(_text(event, "BouncedAt")) or now
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
    failure = failure_of(address, "", _text(event, "Details"), delayed=kind == "Transient")
    if not (failure.status or failure.code):
        # It has taken the address off its own list: it does not even try any more.
        dead = kind == "HardBounce" and _get(event, "Inactive") is True
        words = failure.words or _text(event, "Description")
        failure = replace(failure, kind=Kind.HARD if dead else _POSTMARK_KINDS[kind], words=words)
    return (Event(name, at, Bounce((failure,), reporter="Postmark")),)


def _postmark_change(event: object, now: datetime) -> Iterator[Event]:
    address, changed = _text(event, "Recipient"), _text(event, "ChangedAt")
    if address and _get(event, "SuppressSending") is True and _text(event, "Origin") == "Recipient":
        yield Event(_name("postmark", "", event), _from_iso(changed) or now, Unsubscribe(address, ""))


# --- Mailgun --------------------------------------------------------------------------------------------------------


def _mailgun(body: bytes, key: str, now: datetime) -> tuple[Event, ...]:
    post = _json(body)
    stamp, mark = _text(post, "signature", "timestamp"), _text(post, "signature", "token")
    expected = hmac.new(key.encode(), f"{stamp}{mark}".encode(), hashlib.sha256).hexdigest() if key else ""
    # Security: compared in constant time; and without a key nobody is let in.
    if not key or not hmac.compare_digest(_text(post, "signature", "signature").encode(), expected.encode()):
        raise ForgedError("its signature does not hold")
    _check_time(_from_stamp(stamp), now)
    event = _get(post, "event-data")
    address, kind, reason = _text(event, "recipient"), _text(event, "event"), _text(event, "reason")
    # Security: Mailgun signs the time and the token, not the event. Named by the token, another event behind the same
    # signature is one that was counted before.
    name, at = _name("mailgun", mark, event), _from_stamp(_text(event, "timestamp")) or now
    traces = Traces(message_ids=_message_ids(_text(event, "message", "headers", "message-id")))
    if not address:
        return ()
    if kind == "complained" or reason == "suppress-complaint":
        return (Event(name, at, Complaint("abuse", replace(traces, addresses=(address,)), "Mailgun")),)
    if kind == "unsubscribed" or reason == "suppress-unsubscribe":
        return (Event(name, at, Unsubscribe(address, "")),)
    if kind != "failed":
        return ()
    code, words = _text(event, "delivery-status", "code"), _text(event, "delivery-status", "message")
    words = words or _text(event, "delivery-status", "description")
    diagnosis = f"{code} {words}" if re.fullmatch(r"[45]\d\d", code) and not re.match(r"[45]\d\d\b", words) else words
    status = _text(event, "delivery-status", "enhanced-code")
    failure = failure_of(address, status, diagnosis, delayed=_text(event, "severity") == "temporary")
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
    signature = _unbase64(headers.get("x-twilio-email-event-webhook-signature", ""))
    try:
        public = load_der_public_key(_unbase64(key)) if key else None
    except ValueError as error:
        raise ForgedError("the verification key that was configured is none") from error
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ForgedError("no verification key is configured")
    try:
        public.verify(signature, stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ForgedError("its signature does not hold") from error
    _check_time(_from_stamp(stamp), now)
    events = _json(body)
    if not isinstance(events, list) or len(events) > MAX_EVENTS:
        raise WebhookError(f"not a list of at most {MAX_EVENTS:,} events")
    return tuple(event for each in events for event in _sendgrid_event(each, now))


def _sendgrid_event(event: object, now: datetime) -> Iterator[Event]:
    address, kind, reason = _text(event, "email"), _text(event, "event"), _text(event, "reason")
    name, at = _name("sendgrid", _text(event, "sg_event_id"), event), _from_stamp(_text(event, "timestamp")) or now
    traces = Traces(message_ids=_message_ids(_text(event, "smtp-id")))
    if not address:
        return
    if kind == "spamreport" or (kind == "dropped" and reason == "Spam Reporting Address"):
        yield Event(name, at, Complaint("abuse", replace(traces, addresses=(address,)), "SendGrid"))
    elif kind in ("unsubscribe", "group_unsubscribe") or (kind == "dropped" and reason == "Unsubscribed Address"):
        yield Event(name, at, Unsubscribe(address, ""))
    elif kind == "dropped" and reason == "Bounced Address":
        yield Event(name, at, Bounce((Failure(address, Kind.HARD, words=reason),), traces, "SendGrid"))
    elif kind == "deferred":
        delayed = failure_of(address, "", _text(event, "response"), delayed=True)
        yield Event(name, at, Bounce((delayed,), traces, "SendGrid"))
    elif kind == "bounce":
        failure = failure_of(address, _text(event, "status"), reason)
        if _text(event, "type") == "blocked" and failure.kind is Kind.HARD:
            failure = replace(failure, kind=Kind.LANE)  # its own word for what it does not hold against the address
        yield Event(name, at, Bounce((failure,), traces, "SendGrid"))


# --- reading --------------------------------------------------------------------------------------------------------


def _json(body: bytes) -> object:
    try:
        tree: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WebhookError("not JSON") from error
    return tree


def _get(tree: object, *path: str) -> object:
    """What stands at a path of names; None where there is nothing."""
    for name in path:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _text(tree: object, *path: str) -> str:
    """A string or a number as text; "" where there is neither."""
    found = _get(tree, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    # A lone surrogate, which JSON can write, belongs to no text.
    return str(found).encode("utf-8", "replace").decode()


def _list(tree: object, *path: str) -> list[Any]:
    found = _get(tree, *path)
    return found[:MAX_EVENTS] if isinstance(found, list) else []


def _name(provider: str, given: str, event: object) -> str:
    """By the provider's own id of the event; where it gives none, by all that it says."""
    if not given.strip() or len(given) > 200:
        given = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()
    return f"{provider}:{given}"


def _message_ids(*texts: str) -> tuple[str, ...]:
    """In angle brackets, as the header has them; Mailgun leaves them out."""
    bare = (text.strip().strip("<>") for text in texts)
    return tuple(dict.fromkeys(f"<{text}>" for text in bare if "@" in text and len(text) < 500))


def _from_iso(text: str) -> datetime | None:
    """Of a time as ISO 8601 writes it; one without a zone is UTC."""
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _from_stamp(text: str) -> datetime | None:
    """Of seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _check_time(at: datetime | None, now: datetime) -> None:
    if at is None or not now - REPLAY_WINDOW <= at <= now + EARLY:
        raise ForgedError("it is too old, or of a time to come")


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
