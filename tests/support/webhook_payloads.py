"""Providers' payloads, signed with keys of our own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from newsletter.bounces.webhooks.read import (
    WebhookSecrets,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"


CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem"


MAILGUN_KEY = "key-0123456789"


ADA = "ada@example.net"


AMAZON = rsa.generate_private_key(65537, 1024)  # a short one is made at once


STRANGER = rsa.generate_private_key(65537, 1024)


SENDGRID = ec.generate_private_key(ec.SECP256R1())


SENDGRID_KEY = base64.b64encode(
    SENDGRID.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()


SECRETS = WebhookSecrets((TOPIC,), "hook:a long password", MAILGUN_KEY, SENDGRID_KEY)


def certificate_of(key: rsa.RSAPrivateKey, until: datetime = NOW + timedelta(days=30)) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - timedelta(days=90), until)
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


CERTIFICATE = certificate_of(AMAZON)


def sns(
    message: object, *, kind: str = "Notification", version: str = "2", key: rsa.RSAPrivateKey = AMAZON, **more: str
) -> bytes:
    fields = {
        "Type": kind,
        "MessageId": "22b80b92",
        "TopicArn": TOPIC,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": NOW.strftime("%Y-%m-%dT%H:%M:%S.123Z"),
        "SigningCertURL": CERTIFICATE_URL,
        **more,
    }
    signed = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{fields[name]}\n" for name in signed if name in fields)
    digest = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), digest)).decode()
    return json.dumps({**fields, "SignatureVersion": version, "Signature": signature}).encode()


def ses(kind: str = "Permanent", subtype: str = "General", **recipient: str) -> dict[str, Any]:
    return {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": kind,
            "bounceSubType": subtype,
            "bouncedRecipients": [{"emailAddress": ADA, **recipient}],
            "timestamp": "2026-03-02T08:59:00.000Z",
            "feedbackId": "0100-1",
            "reportingMTA": "dns; amazonses.com",
        },
        "mail": {"headers": [{"name": "Message-ID", "value": "<abc@example.com>"}], "messageId": "0100-ses"},
    }


STAMP = str(int(NOW.timestamp()))


def mailgun(*, stamp: str = STAMP, key: str = MAILGUN_KEY, **event: Any) -> bytes:
    signature = hmac.new(key.encode(), f"{stamp}token-1".encode(), hashlib.sha256).hexdigest()
    headers = {"headers": {"message-id": "abc@example.com"}}
    data = {"recipient": ADA, "id": "1", "timestamp": NOW.timestamp(), "message": headers, **event}
    return json.dumps(
        {"signature": {"timestamp": stamp, "token": "token-1", "signature": signature}, "event-data": data}
    ).encode()


def sendgrid(*events: Mapping[str, Any], stamp: str = STAMP) -> tuple[bytes, dict[str, str]]:
    full = [
        {"email": ADA, "sg_event_id": "1", "smtp-id": "<abc@example.com>", "timestamp": int(STAMP), **e} for e in events
    ]
    body = json.dumps(full).encode() + b"\r\n"
    signature = base64.b64encode(SENDGRID.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    name = "x-twilio-email-event-webhook-"
    return body, {f"{name}signature": signature, f"{name}timestamp": stamp}


BASIC = {"authorization": "Basic " + base64.b64encode(b"hook:a long password").decode()}


def postmark(**event: Any) -> bytes:
    fields = {"RecordType": "Bounce", "Type": "HardBounce", "ID": 42, "Email": ADA, "Inactive": True}
    return json.dumps({**fields, "BouncedAt": "2026-03-02T08:59:00.1234567Z", **event}).encode()
