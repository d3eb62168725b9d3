"""What providers post: believed only where it is shown to be theirs, and what it then means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import examples
from webhook_payloads import (
    ADA,
    AMAZON,
    BASIC,
    CERTIFICATE,
    MAILGUN_KEY,
    NOW,
    SECRETS,
    SENDGRID,
    STAMP,
    STRANGER,
    TOPIC,
    certificate_of,
    mailgun,
    postmark,
    sendgrid,
    ses,
    sns,
)

from newsletter.bounces.results import Bounce, Complaint, Kind, Unsubscribe
from newsletter.bounces.webhooks.events import Confirmation
from newsletter.bounces.webhooks.read import (
    MAX_BODY,
    Event,
    ForgedError,
    Provider,
    WebhookError,
    WebhookSecrets,
    read_webhook,
)


def no_certificate(url: str) -> NoReturn:
    raise AssertionError(f"asked for {url}")


def read(provider: Provider, body: bytes, headers: Mapping[str, str] | None = None, **how: Any) -> Any:
    given = {"secrets": SECRETS, "now": NOW, "load_certificate": lambda url: CERTIFICATE, **how}
    return read_webhook(provider, headers or {}, body, **given)


def only(provider: Provider, body: bytes, headers: Mapping[str, str] | None = None) -> Event:
    (event,) = read(provider, body, headers)
    assert isinstance(event, Event)
    assert event.name.startswith(f"{provider}:")
    return event


def failure(event: Event) -> tuple[str, Kind, str]:
    assert isinstance(event.reading, Bounce)
    (found,) = event.reading.failures
    return found.address, found.kind, found.status


# --- what it means --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_bounce_that_ses_tells_of(version: str) -> None:
    diagnosis = "smtp; 550 5.1.1 <ada@example.net>... User unknown"
    event = only("ses", sns(ses(status="5.1.1", diagnosticCode=diagnosis), version=version, Subject="Amazon SES"))
    assert event.name == "ses:0100-1"
    assert event.at == datetime(2026, 3, 2, 8, 59, tzinfo=UTC)
    assert failure(event) == (ADA, Kind.HARD, "5.1.1")
    assert isinstance(event.reading, Bounce)
    assert event.reading.traces.message_ids == ("<abc@example.com>",)


@pytest.mark.parametrize(
    ("kind", "subtype", "recipient", "expected"),
    [
        ("Permanent", "General", {"status": "5.7.1", "diagnosticCode": "smtp; 550 5.7.1 blocked"}, Kind.SENDER_FAULT),
        ("Permanent", "General", {"diagnosticCode": "smtp; 550 too fast"}, Kind.SENDER_FAULT),
        ("Permanent", "General", {}, Kind.SOFT),
        ("Permanent", "Suppressed", {}, Kind.HARD),
        ("Permanent", "OnAccountSuppressionList", {"status": "5.1.1"}, Kind.HARD),
        ("Transient", "MailboxFull", {}, Kind.SOFT),
        ("Transient", "MailboxFull", {"status": "5.2.2"}, Kind.SOFT),
        ("Transient", "General", {}, Kind.DELAYED),
        ("Transient", "General", {"status": "4.4.7", "action": "failed"}, Kind.SOFT),
        ("Transient", "MessageTooLarge", {}, Kind.SENDER_FAULT),
        ("Transient", "ContentRejected", {}, Kind.SENDER_FAULT),
        ("Undetermined", "Undetermined", {}, Kind.SOFT),
        ("Transient", "General", {"status": "4.4.1", "action": "delayed"}, Kind.DELAYED),
    ],
)
def test_what_ses_says_of_a_bounce(kind: str, subtype: str, recipient: dict[str, str], expected: Kind) -> None:
    assert failure(only("ses", sns(ses(kind, subtype, **recipient))))[1] is expected


def test_a_complaint_that_ses_tells_of() -> None:
    complaint = {
        "complainedRecipients": [{"emailAddress": ADA}],
        "feedbackId": "c1",
        "timestamp": "2026-03-02T08:00:00Z",
    }
    event = only("ses", sns({"eventType": "Complaint", "complaint": complaint, "mail": {}}))
    assert isinstance(event.reading, Complaint)
    assert event.reading.traces.addresses == (ADA,)
    complaint["complaintFeedbackType"] = "not-spam"
    assert read("ses", sns({"eventType": "Complaint", "complaint": complaint, "mail": {}})) == ()


def test_what_else_ses_tells_is_left_out() -> None:
    assert read("ses", sns({"notificationType": "Delivery", "delivery": {}})) == ()
    assert read("ses", sns({"notificationType": "Bounce", "bounce": {"feedbackId": "1"}})) == ()


def test_sns_asks_whether_posts_are_wanted() -> None:
    url = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    asked = sns("You have chosen", kind="SubscriptionConfirmation", SubscribeURL=url, Token="abc")
    assert read("ses", asked) == (Confirmation(TOPIC, url),)
    for other in (
        "https://evil.example/?x",
        "http://sns.eu-west-1.amazonaws.com/?x",
        "https://sns.eu-west-1.amazonaws.com.evil.example/?x",
    ):
        with pytest.raises(ForgedError, match="not Amazon's"):
            read("ses", sns("x", kind="SubscriptionConfirmation", SubscribeURL=other, Token="abc"))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"Details": "smtp;550 5.1.1 The email account does not exist"}, Kind.HARD),
        ({"Details": "smtp;550 5.7.1 refused"}, Kind.SENDER_FAULT),
        ({"Details": "Test bounce details"}, Kind.HARD),
        ({"Details": "", "Inactive": False}, Kind.SOFT),
        ({"Type": "SoftBounce", "Details": "mailbox full"}, Kind.SOFT),
        ({"Type": "Transient", "Details": "smtp;451 4.4.1 later"}, Kind.DELAYED),
        ({"Type": "Blocked"}, Kind.SENDER_FAULT),
        ({"Type": "SpamNotification"}, Kind.SENDER_FAULT),
    ],
)
def test_a_bounce_that_postmark_tells_of(event: dict[str, Any], expected: Kind) -> None:
    found = only("postmark", postmark(**event), BASIC)
    assert failure(found)[:2] == (ADA, expected)
    assert found.at == datetime(2026, 3, 2, 8, 59, 0, 123456, tzinfo=UTC)
    assert found.name == "postmark:42"


def test_what_else_postmark_tells() -> None:
    for record in ({"Type": "SpamComplaint"}, {"RecordType": "SpamComplaint", "Type": "SpamComplaint"}):
        assert isinstance(only("postmark", postmark(**record), BASIC).reading, Complaint)
    assert only("postmark", postmark(Type="Unsubscribe"), BASIC).reading == Unsubscribe(ADA, "")
    for kind in ("AutoResponder", "AddressChange", "Subscribe", "VirusNotification", "SomethingNew"):
        assert read("postmark", postmark(Type=kind), BASIC) == ()
    changed = {"RecordType": "SubscriptionChange", "Recipient": ADA, "ChangedAt": "2026-03-02T08:00:00Z"}
    left = json.dumps({**changed, "SuppressSending": True, "Origin": "Recipient"}).encode()
    assert only("postmark", left, BASIC).reading == Unsubscribe(ADA, "")
    listed = {**changed, "SuppressSending": True, "Origin": "Recipient", "SuppressionReason": "HardBounce"}
    assert failure(only("postmark", json.dumps(listed).encode(), BASIC))[:2] == (ADA, Kind.HARD)
    listed["SuppressionReason"] = "SpamComplaint"
    assert isinstance(only("postmark", json.dumps(listed).encode(), BASIC).reading, Complaint)
    for other in ({"SuppressSending": False, "Origin": "Recipient"}, {"SuppressSending": True, "Origin": "Customer"}):
        assert read("postmark", json.dumps({**changed, **other}).encode(), BASIC) == ()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"severity": "permanent", "delivery-status": {"code": 550, "message": "5.1.1 does not exist"}},
            (Kind.HARD, "5.1.1"),
        ),
        (
            {"severity": "permanent", "delivery-status": {"code": 550, "message": "5.7.1 blocked"}},
            (Kind.SENDER_FAULT, "5.7.1"),
        ),
        ({"severity": "permanent", "delivery-status": {"code": 550, "message": "no"}}, (Kind.SENDER_FAULT, "")),
        (
            {"severity": "permanent", "delivery-status": {"code": 550, "message": "gone", "enhanced-code": "5.1.1"}},
            (Kind.HARD, "5.1.1"),
        ),
        ({"severity": "permanent", "delivery-status": {"code": 602, "description": "expired"}}, (Kind.SOFT, "")),
        ({"severity": "permanent", "reason": "suppress-bounce", "delivery-status": {"code": 605}}, (Kind.HARD, "")),
        ({"severity": "temporary", "delivery-status": {"code": 450, "message": "greylisted"}}, (Kind.DELAYED, "")),
    ],
)
def test_a_bounce_that_mailgun_tells_of(event: dict[str, Any], expected: tuple[Kind, str]) -> None:
    found = only("mailgun", mailgun(event="failed", **event))
    assert failure(found) == (ADA, *expected)
    assert isinstance(found.reading, Bounce)
    assert found.reading.traces.message_ids == ("<abc@example.com>",)
    assert (found.name, found.at) == ("mailgun:1772442000token-1", NOW)


def test_what_else_mailgun_tells() -> None:
    assert isinstance(only("mailgun", mailgun(event="complained")).reading, Complaint)
    assert isinstance(only("mailgun", mailgun(event="failed", reason="suppress-complaint")).reading, Complaint)
    assert only("mailgun", mailgun(event="unsubscribed")).reading == Unsubscribe(ADA, "")
    assert read("mailgun", mailgun(event="delivered")) == ()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 gone"}, Kind.HARD),
        ({"event": "bounce", "type": "blocked", "status": "5.1.1", "reason": "550 5.1.1 gone"}, Kind.SENDER_FAULT),
        ({"event": "bounce", "type": "blocked", "status": "5.7.1", "reason": "550 5.7.1 no"}, Kind.SENDER_FAULT),
        ({"event": "bounce", "type": "bounce", "status": "5.2.2", "reason": "552 5.2.2 full"}, Kind.SOFT),
        ({"event": "deferred", "response": "400 try again later"}, Kind.DELAYED),
        ({"event": "dropped", "reason": "Bounced Address"}, Kind.HARD),
    ],
)
def test_a_bounce_that_sendgrid_tells_of(event: dict[str, Any], expected: Kind) -> None:
    found = only("sendgrid", *sendgrid(event))
    assert failure(found)[:2] == (ADA, expected)
    assert isinstance(found.reading, Bounce)
    assert found.reading.traces.message_ids == ("<abc@example.com>",)


def test_a_batch_of_sendgrid() -> None:
    body, headers = sendgrid(
        {"event": "processed"},
        {"event": "spamreport", "sg_event_id": "2"},
        {"event": "unsubscribe", "sg_event_id": "3"},
        {"event": "dropped", "reason": "Unsubscribed Address", "sg_event_id": "4"},
        {"event": "dropped", "reason": "Spam Reporting Address", "sg_event_id": "5"},
        {"event": "dropped", "reason": "Invalid SMTPAPI header", "sg_event_id": "6"},
        {"event": "open", "sg_event_id": "7"},
    )
    found = {event.name: type(event.reading) for event in read("sendgrid", body, headers)}
    assert found == {
        "sendgrid:2": Complaint,
        "sendgrid:3": Unsubscribe,
        "sendgrid:4": Unsubscribe,
        "sendgrid:5": Complaint,
    }


# --- what is not believed -------------------------------------------------------------------------------------------

POSTS: dict[Provider, tuple[bytes, dict[str, str]]] = {
    "ses": (sns(ses(status="5.1.1")), {}),
    "postmark": (postmark(), BASIC),
    "mailgun": (mailgun(event="complained"), {}),
    "sendgrid": sendgrid({"event": "spamreport"}),
}


@pytest.mark.parametrize("provider", POSTS)
def test_a_provider_that_is_not_configured_is_refused(provider: Provider) -> None:
    assert len(read(provider, *POSTS[provider])) == 1
    with pytest.raises(ForgedError):
        read(provider, *POSTS[provider], secrets=WebhookSecrets(), load_certificate=no_certificate)


@pytest.mark.parametrize("provider", ["ses", "sendgrid"])
def test_a_word_that_was_changed_breaks_the_signature(provider: Provider) -> None:
    body, headers = POSTS[provider]
    assert ADA.encode() in body
    with pytest.raises(ForgedError, match="signature does not hold"):
        read(provider, body.replace(b"ada@", b"bob@"), headers)


@pytest.mark.parametrize("provider", ["ses", "mailgun", "sendgrid"])
@pytest.mark.parametrize("hours", [-26, 1])
def test_a_post_of_another_day_is_refused(provider: Provider, hours: int) -> None:
    body, headers = POSTS[provider]
    with pytest.raises(ForgedError, match="too old, or of a time to come"):
        read(provider, body, headers, now=NOW - timedelta(hours=hours))


def test_another_key_does_not_sign() -> None:
    with pytest.raises(ForgedError, match="signature does not hold"):
        read("ses", sns(ses(), key=STRANGER))
    with pytest.raises(ForgedError, match="signature does not hold"):
        read("mailgun", mailgun(event="complained", key="another"))
    with pytest.raises(ForgedError, match="user and password"):
        read("postmark", postmark(), {"authorization": "Basic " + base64.b64encode(b"hook:guess").decode()})
    with pytest.raises(ForgedError, match="user and password"):
        read("postmark", postmark(), {"authorization": "Basic \xff"})


def test_an_old_post_of_postmark_is_refused() -> None:
    """It has no signature that would grow old."""
    for old in (postmark(BouncedAt="2026-02-20T08:00:00Z"), postmark(BouncedAt="2026-04-20T08:00:00Z")):
        with pytest.raises(ForgedError, match="too old, or of a time to come"):
            read("postmark", old, BASIC)


@pytest.mark.parametrize(("time", "token"), [(f"{STAMP}e0", "abc"), (f"{STAMP}e", "0abc"), (STAMP[:-1], "0e0abc")])
def test_a_mailgun_signature_that_is_cut_elsewhere_is_refused(time: str, token: str) -> None:
    """Time and token are signed as one text: `1772442000` + `e0abc` is `1772442000e0` + `abc`, a number as well."""
    signature = hmac.new(MAILGUN_KEY.encode(), f"{STAMP}e0abc".encode(), hashlib.sha256).hexdigest()
    data = {"event": "failed", "severity": "permanent", "recipient": ADA}
    signed = {"timestamp": time, "token": token, "signature": signature}
    body = json.dumps({"signature": signed, "event-data": data}).encode()
    with pytest.raises(ForgedError):
        read("mailgun", body)
    whole = json.dumps({"signature": {**signed, "timestamp": STAMP, "token": "e0abc"}, "event-data": data}).encode()
    assert only("mailgun", whole).name == f"mailgun:{STAMP}e0abc"


def test_what_sendgrid_dropped_as_invalid_is_a_point() -> None:
    event = only("sendgrid", *sendgrid({"event": "dropped", "reason": "Invalid", "sg_event_id": "9"}))
    assert failure(event)[:2] == (ADA, Kind.SOFT)


def test_an_event_behind_a_mailgun_signature_of_another_is_the_same_event() -> None:
    """Its signature covers the token alone: what is put behind it counts as that one, once."""
    names = {only("mailgun", mailgun(event="complained", recipient=who)).name for who in (ADA, "bo@example.net")}
    assert names == {"mailgun:1772442000token-1"}


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-" + "0a" * 16 + ".pem",
        "https://evil.example/?sns.eu-west-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-" + "0a" * 16 + ".pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem",
        "https://sns.eu-west-1.amazonaws.com/my.pem",
        "",
    ],
)
def test_a_certificate_comes_from_amazon_or_is_not_asked_for(url: str) -> None:
    with pytest.raises(ForgedError, match="certificate is not at Amazon's"):
        read("ses", sns(ses(), SigningCertURL=url), load_certificate=no_certificate)


def test_half_a_character_is_refused_like_any_other_change() -> None:
    body = POSTS["ses"][0].replace(b"22b80b92", b"\\ud800")
    with pytest.raises(ForgedError, match="signature does not hold"):
        read("ses", body)


def test_a_topic_of_somebody_elses_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(ForgedError, match="topic"):
        read("ses", sns(ses(), TopicArn=TOPIC + "2"), load_certificate=no_certificate)


@pytest.mark.parametrize(
    ("pem", "words"),
    [
        (certificate_of(AMAZON, until=NOW - timedelta(days=1)), "out of date"),
        (b"not a certificate", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_a_certificate_that_is_none(pem: bytes, words: str) -> None:
    with pytest.raises(ForgedError, match=words):
        read("ses", sns(ses()), load_certificate=lambda url: pem)


def test_a_certificate_that_cannot_be_had_is_nobodys_forgery() -> None:
    def unreachable(url: str) -> NoReturn:
        raise ConnectionError("no network")

    with pytest.raises(WebhookError, match="cannot be fetched") as error:
        read("ses", sns(ses()), load_certificate=unreachable)
    assert not isinstance(error.value, ForgedError)


@pytest.mark.parametrize("provider", POSTS)
def test_a_post_that_is_too_large_is_not_looked_at(provider: Provider) -> None:
    with pytest.raises(WebhookError, match="more than"):
        read(provider, b"[" * (MAX_BODY + 1), load_certificate=no_certificate)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b"null", b"[1]", b'"x"', b'{"signature": []}', b"\xff", b"{}"]
)
@pytest.mark.parametrize("provider", POSTS)
def test_what_is_no_post_of_theirs(provider: Provider, body: bytes) -> None:
    headers: dict[str, str] = BASIC
    if provider == "sendgrid":
        signature = base64.b64encode(SENDGRID.sign(STAMP.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {"x-twilio-email-event-webhook-signature": signature, "x-twilio-email-event-webhook-timestamp": STAMP}
    with suppress(WebhookError):
        assert read(provider, body, headers, load_certificate=no_certificate) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["bounce", "mail", "headers", "email", "event", "status", "message", "x"]), inner
        )
    ),
    max_leaves=20,
)


@settings(max_examples=examples(150), deadline=None)
@given(JSON)
def test_a_signed_post_with_anything_in_it(tree: object) -> None:
    for provider, (body, headers) in (
        ("ses", (sns([tree]), {})),
        ("ses", (sns({"eventType": "Bounce", "mail": tree, "bounce": tree}), {})),
        (
            "postmark",
            (json.dumps({"RecordType": "Bounce", "Type": "HardBounce", "ID": tree, "Details": tree}).encode(), BASIC),
        ),
        ("mailgun", (mailgun(event="failed", **{"delivery-status": tree, "message": tree}), {})),
        ("sendgrid", sendgrid({"event": "bounce", "status": tree, "reason": tree, "sg_event_id": tree})),
    ):
        names = [event.name for event in read(provider, body, headers) if isinstance(event, Event)]  # type: ignore[arg-type]
        assert all(name.startswith(provider) and len(name) <= 300 for name in names)


def test_an_event_without_an_id_is_named_by_what_it_says() -> None:
    one, same, other = ({"event": "spamreport", "sg_event_id": "", "x": x} for x in (1, 1, 2))
    names = [event.name for event in read("sendgrid", *sendgrid(one, same, other))]
    assert names[0] == names[1] != names[2]
