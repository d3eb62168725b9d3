"""MailerSend's webhooks, signed with HMAC-SHA256 over the body."""

from __future__ import annotations

from newsletter.bounces.json_tree import message_ids_of, text_at
from newsletter.bounces.results import Complaint, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.events import (
    Event,
    Post,
    check_hmac,
    check_time,
    event_name,
    from_iso,
    json_of,
    refusal,
)

_KINDS = {
    "activity.hard_bounced": Kind.SOFT,
    "activity.soft_bounced": Kind.SOFT,
    "activity.deferred": Kind.DELAYED,
}
"""For reasons without a known text."""


def read_mailersend(post: Post) -> tuple[Event, ...]:
    check_hmac(post, post.secret.encode(), post.body, (post.headers.get("signature", "").lower(),))
    event = json_of(post.body)
    kind, at = text_at(event, "type"), from_iso(text_at(event, "created_at"))
    address = text_at(event, "data", "email", "recipient", "email")
    # Security: the signature covers the time, which is in the body.
    check_time(at, post.now)
    name, when = event_name("mailersend", text_at(event, "data", "id"), event), at or post.now
    traces = Traces(message_ids=message_ids_of(text_at(event, "data", "email", "headers", "Message-ID")))
    if not address:
        return ()
    if kind == "activity.spam_complaint":
        reading = Complaint("abuse", Traces(message_ids=traces.message_ids, addresses=(address,)), "MailerSend")
        return (Event(name, when, reading),)
    if kind == "activity.unsubscribed":
        return (Event(name, when, Unsubscribe(address, "")),)
    if kind not in _KINDS:
        return ()
    words = text_at(event, "data", "morph", "readable_reason") or text_at(event, "data", "morph", "reason")
    late = kind == "activity.deferred"
    bounce = refusal(address, words, "MailerSend", traces, otherwise=_KINDS[kind], delayed=late)
    return (Event(name, when, bounce),)
