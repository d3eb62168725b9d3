"""Postmark's bounce, complaint and subscription webhooks.

postmarkapp.com/developer/webhooks/bounce-webhook; requests are not signed, and use Basic authentication.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.json_tree import text_at, value_at
from newsletter.bounces.results import Bounce, Complaint, Failure, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.events import Event, Post, check_login, check_time, event_name, from_iso, json_of

_POSTMARK_KINDS: Mapping[str, Kind] = {
    "HardBounce": Kind.SOFT,
    "BadEmailAddress": Kind.SOFT,
    "SoftBounce": Kind.SOFT,
    "DnsError": Kind.SOFT,
    "Unknown": Kind.SOFT,
    "Transient": Kind.DELAYED,
    "SpamNotification": Kind.SENDER_FAULT,
    "Blocked": Kind.SENDER_FAULT,
    "DMARCPolicy": Kind.SENDER_FAULT,
}
"""For types whose details have no code. Other types are no bounces: an automatic reply, an address change."""


def read_postmark(post: Post) -> tuple[Event, ...]:
    check_login(post)
    event, now = json_of(post.body), post.now
    record, kind, address = text_at(event, "RecordType"), text_at(event, "Type"), text_at(event, "Email")
    # Security: requests have no signature that could expire, so a captured one could be replayed.
    at_once = text_at(event, "BouncedAt") or text_at(event, "ChangedAt")
    if at_once:
        check_time(from_iso(at_once), now)
    name, at = event_name("postmark", text_at(event, "ID"), event), from_iso(text_at(event, "BouncedAt")) or now
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
    failure = failure_of(address, "", text_at(event, "Details"), delayed=kind == "Transient")
    if not (failure.status or failure.code):
        # Postmark has suppressed the address: it does not try it any more.
        dead = kind == "HardBounce" and value_at(event, "Inactive") is True
        words = failure.words or text_at(event, "Description")
        failure = replace(failure, kind=Kind.HARD if dead else _POSTMARK_KINDS[kind], words=words)
    return (Event(name, at, Bounce((failure,), reporter="Postmark")),)


def _postmark_change(event: object, now: datetime) -> Iterator[Event]:
    address, at = text_at(event, "Recipient"), from_iso(text_at(event, "ChangedAt")) or now
    reason = text_at(event, "SuppressionReason")
    if not address or value_at(event, "SuppressSending") is not True:
        return  # reactivated there: only the subscriber can lift our own suppression
    name = event_name("postmark", "", event)
    if reason == "HardBounce":
        failure = Failure(address, Kind.HARD, words="on Postmark's suppression list", rule="Postmark: HardBounce")
        yield Event(name, at, Bounce((failure,), reporter="Postmark"))
    elif reason == "SpamComplaint":
        yield Event(name, at, Complaint("abuse", Traces(addresses=(address,)), "Postmark"))
    elif text_at(event, "Origin") == "Recipient":
        yield Event(name, at, Unsubscribe(address, ""))
