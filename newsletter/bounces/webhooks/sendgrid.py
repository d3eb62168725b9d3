"""SendGrid's event webhook, signed with ECDSA.

twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.json_tree import message_ids_of, text_at
from newsletter.bounces.results import Bounce, Complaint, Failure, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.events import (
    MAX_EVENTS,
    Event,
    ForgedError,
    Post,
    WebhookError,
    check_time,
    event_name,
    from_stamp,
    json_of,
    unbase64,
)


def read_sendgrid(post: Post) -> tuple[Event, ...]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key, now = post.secret, post.now
    stamp = post.headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = unbase64(post.headers.get("x-twilio-email-event-webhook-signature", ""))
    try:
        public = load_der_public_key(unbase64(key)) if key else None
    except ValueError as error:
        raise ForgedError("the verification key that was configured is none") from error
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ForgedError("no verification key is configured")
    try:
        public.verify(signature, stamp.encode() + post.body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise ForgedError("its signature does not hold") from error
    check_time(from_stamp(stamp), now)
    events = json_of(post.body)
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
        # Not even tried: the address is invalid in SendGrid's view.
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
            # its own class for failures that do not count against the address
            failure = replace(failure, kind=Kind.SENDER_FAULT)
        yield Event(name, at, Bounce((failure,), traces, "SendGrid"))
