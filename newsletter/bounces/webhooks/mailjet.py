"""Mailjet's webhooks, with Basic authentication."""

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

_KINDS = {
    "user unknown": Kind.HARD,
    "mailbox inactive": Kind.SOFT,
    "quota exceeded": Kind.SOFT,
    "invalid domain": Kind.SOFT,
    "no mail host": Kind.SOFT,
    "preblocked": Kind.SOFT,  # on Mailjet's own list of addresses that bounced before
}
"""Its classes of failures on the recipient's side; all others are about the sender, the content or the system."""


def read_mailjet(post: Post) -> tuple[Event, ...]:
    check_login(post)
    return tuple(found for event in events_of(post.body) for found in _events(event, post))


def _events(event: object, post: Post) -> tuple[Event, ...]:
    address, kind, at = text_at(event, "email"), text_at(event, "event"), from_stamp(text_at(event, "time"))
    if not address or kind not in ("bounce", "blocked", "spam", "unsub"):
        return ()
    check_time(at, post.now)
    name, when = event_name("mailjet", "", event), at or post.now
    if kind == "spam":
        return (Event(name, when, Complaint("abuse", Traces(addresses=(address,)), "Mailjet")),)
    if kind == "unsub":
        return (Event(name, when, Unsubscribe(address, "")),)
    error, comment = text_at(event, "error"), text_at(event, "comment")
    otherwise = _KINDS.get(error, Kind.SENDER_FAULT)
    if otherwise is Kind.HARD and value_at(event, "hard_bounce") is not True:
        otherwise = Kind.SOFT
    return (Event(name, when, refusal(address, comment, "Mailjet", otherwise=otherwise)),)
