"""SparkPost's webhooks: lists of events, with Basic authentication."""

from __future__ import annotations

from newsletter.bounces.json_tree import text_at, value_at
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

_KINDS = {"10": Kind.HARD, "30": Kind.SOFT, "90": Kind.SOFT, "70": Kind.DELAYED, "60": Kind.DELAYED}
"""Bounce classes: invalid recipient, no recipient, unsubscribe, transient, an automatic reply
(support.sparkpost.com/docs/deliverability/bounce-classification-codes).
"""

_OURS = frozenset({"23", "25", "50", "51", "52", "53", "54", "80", "100"})
"""Too large, administrative failure, blocks, spam, relaying, a challenge."""


def read_sparkpost(post: Post) -> tuple[Event, ...]:
    check_login(post)
    return tuple(found for event in events_of(post.body) for found in _events(event, post))


def _events(batch: object, post: Post) -> tuple[Event, ...]:
    wrapped = value_at(batch, "msys")
    event = next((each for each in wrapped.values() if isinstance(each, dict)), {}) if isinstance(wrapped, dict) else {}
    kind, address = text_at(event, "type"), text_at(event, "rcpt_to")
    at = from_stamp(text_at(event, "timestamp"))
    if not address or kind not in _TYPES:
        return ()
    check_time(at, post.now)
    name, when = event_name("sparkpost", text_at(event, "event_id"), event), at or post.now
    if kind == "spam_complaint":
        return (Event(name, when, Complaint("abuse", Traces(addresses=(address,)), "SparkPost")),)
    if kind in ("list_unsubscribe", "link_unsubscribe"):
        return (Event(name, when, Unsubscribe(address, "")),)
    number = text_at(event, "bounce_class")
    otherwise = Kind.SENDER_FAULT if number in _OURS else _KINDS.get(number, Kind.SOFT)
    words = text_at(event, "raw_reason") or text_at(event, "reason")
    bounce = refusal(address, words, "SparkPost", otherwise=otherwise, delayed=kind == "delay")
    return (Event(name, when, bounce),)


_TYPES = frozenset({"bounce", "out_of_band", "delay", "spam_complaint", "list_unsubscribe", "link_unsubscribe"})
