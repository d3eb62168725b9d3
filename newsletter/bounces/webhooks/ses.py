"""Amazon SES notifications through SNS.

docs.aws.amazon.com/ses/latest/dg/notification-contents.html, in an envelope of SNS, whose signature is
docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from newsletter.bounces.cloud_notices import ses_reading
from newsletter.bounces.json_tree import text_at, value_at
from newsletter.bounces.results import Bounce
from newsletter.bounces.webhooks.events import (
    Confirmation,
    Event,
    ForgedError,
    LoadCertificate,
    Post,
    WebhookError,
    check_time,
    event_name,
    from_iso,
    json_of,
    unbase64,
)

_SNS_HOST = r"sns\.[a-z0-9-]{3,30}\.amazonaws\.com(?:\.cn)?"


_CERTIFICATE_URL = re.compile(rf"https://{_SNS_HOST}/SimpleNotificationService-[0-9a-f]{{32,64}}\.pem")


_SUBSCRIBE_URL = re.compile(rf"https://{_SNS_HOST}/\?[\x21-\x7e]{{1,2000}}")


_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")


_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def read_ses(post: Post) -> tuple[Event | Confirmation, ...]:
    envelope, now = json_of(post.body), post.now
    topic, kind = text_at(envelope, "TopicArn"), text_at(envelope, "Type")
    # Security: Amazon signs for everyone who has a topic. First check that it is ours.
    if topic not in post.topics:
        raise ForgedError("it comes from a topic that is not configured")
    _check_sns(envelope, _NOTIFICATION if kind == "Notification" else _CONFIRMATION, now, post.load_certificate)
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
    # Security: whoever chooses the certificate chooses who may sign. It must be Amazon's, over https.
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
    # A lone surrogate, which JSON can express, cannot be encoded; Amazon has signed none.
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
