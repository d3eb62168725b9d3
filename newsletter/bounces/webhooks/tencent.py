"""Tencent Cloud SES callbacks, with Basic authentication in their address."""

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


def read_tencent(post: Post) -> tuple[Event, ...]:
    check_login(post)
    return tuple(found for event in events_of(post.body) for found in _events(event, post))


def _events(event: object, post: Post) -> tuple[Event, ...]:
    address, kind, at = text_at(event, "email"), text_at(event, "event"), from_stamp(text_at(event, "timestamp"))
    if not address or kind not in ("bounce", "dropped", "deferred", "spamreport", "unsubscribe"):
        return ()
    check_time(at, post.now)
    name, when = event_name("tencent", "", event), at or post.now
    traces = Traces(message_ids=message_ids_of(text_at(event, "messageId")))
    if kind == "spamreport":
        reading = Complaint("abuse", Traces(message_ids=traces.message_ids, addresses=(address,)), "Tencent")
        return (Event(name, when, reading),)
    if kind == "unsubscribe":
        return (Event(name, when, Unsubscribe(address, "")),)
    # Dropped: not even tried, for reasons of the account.
    otherwise = Kind.SENDER_FAULT if kind == "dropped" else Kind.SOFT
    words = text_at(event, "reason")
    bounce = refusal(address, words, "Tencent", traces, otherwise=otherwise, delayed=kind == "deferred")
    return (Event(name, when, bounce),)
