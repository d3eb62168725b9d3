"""Brevo's transactional webhooks, with Basic authentication."""

from __future__ import annotations

from newsletter.bounces.json_tree import message_ids_of, text_at
from newsletter.bounces.results import Complaint, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.events import (
    Event,
    Post,
    check_login,
    check_time,
    event_name,
    events_of,
    from_stamp,
    refusal,
)

_KINDS = {
    "hard_bounce": Kind.SOFT,
    "invalid_email": Kind.SOFT,
    "soft_bounce": Kind.SOFT,
    "deferred": Kind.DELAYED,
    "blocked": Kind.SENDER_FAULT,
    "error": Kind.SENDER_FAULT,
}
"""For reasons without a known text."""


def read_brevo(post: Post) -> tuple[Event, ...]:
    check_login(post)
    return tuple(found for event in events_of(post.body) for found in _events(event, post))


def _events(event: object, post: Post) -> tuple[Event, ...]:
    address, kind = text_at(event, "email"), text_at(event, "event")
    at = from_stamp(text_at(event, "ts_event") or text_at(event, "ts"))
    traces = Traces(message_ids=message_ids_of(text_at(event, "message-id")))
    if not address or kind not in (*_KINDS, "spam", "complaint", "unsubscribed"):
        return ()
    check_time(at, post.now)
    # Its `id` is the webhook's, not the event's.
    name = event_name("brevo", "", event)
    if kind in ("spam", "complaint"):
        reading = Complaint("abuse", Traces(message_ids=traces.message_ids, addresses=(address,)), "Brevo")
        return (Event(name, at or post.now, reading),)
    if kind == "unsubscribed":
        return (Event(name, at or post.now, Unsubscribe(address, "")),)
    bounce = refusal(
        address, text_at(event, "reason"), "Brevo", traces, otherwise=_KINDS[kind], delayed=kind == "deferred"
    )
    return (Event(name, at or post.now, bounce),)
