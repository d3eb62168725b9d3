"""Mailgun's webhooks, signed over timestamp and token.

documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import replace

from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.json_tree import message_ids_of, text_at, value_at
from newsletter.bounces.results import Bounce, Complaint, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.events import Event, ForgedError, Post, check_time, event_name, from_stamp, json_of


def read_mailgun(post: Post) -> tuple[Event, ...]:
    key, now, body = post.secret, post.now, json_of(post.body)
    stamp, mark = text_at(body, "signature", "timestamp"), text_at(body, "signature", "token")
    expected = hmac.new(key.encode(), f"{stamp}{mark}".encode(), hashlib.sha256).hexdigest() if key else ""
    # Security: compare in constant time, and reject everything without a key.
    if not key or not hmac.compare_digest(text_at(body, "signature", "signature").encode(), expected.encode()):
        raise ForgedError("its signature does not hold")
    # Security: time and token are signed as one concatenated text, and "1" + "2x" is "12" + "x". A token is letters and
    # digits, a time is digits; events are named by the signed text, however it is split.
    if not re.fullmatch(r"[0-9]{1,12}", stamp) or not mark:
        raise ForgedError("its time is not a number")
    check_time(from_stamp(stamp), now)
    event = value_at(body, "event-data")
    address, kind, reason = text_at(event, "recipient"), text_at(event, "event"), text_at(event, "reason")
    # Security: Mailgun signs the time and the token, not the event. Named by what is signed, another event with the
    # same signature is recognised as a replay.
    name, at = event_name("mailgun", f"{stamp}{mark}", event), from_stamp(text_at(event, "timestamp")) or now
    traces = Traces(message_ids=message_ids_of(text_at(event, "message", "headers", "message-id")))
    if not address:
        return ()
    if kind == "complained" or reason == "suppress-complaint":
        return (Event(name, at, Complaint("abuse", replace(traces, addresses=(address,)), "Mailgun")),)
    if kind == "unsubscribed" or reason == "suppress-unsubscribe":
        return (Event(name, at, Unsubscribe(address, "")),)
    if kind != "failed":
        return ()
    code, words = text_at(event, "delivery-status", "code"), text_at(event, "delivery-status", "message")
    words = words or text_at(event, "delivery-status", "description")
    diagnosis = f"{code} {words}" if re.fullmatch(r"[45]\d\d", code) and not re.match(r"[45]\d\d\b", words) else words
    status = text_at(event, "delivery-status", "enhanced-code")
    failure = failure_of(address, status, diagnosis, delayed=text_at(event, "severity") == "temporary")
    if reason == "suppress-bounce":
        failure = replace(failure, kind=Kind.HARD)
    return (Event(name, at, Bounce((failure,), traces, "Mailgun")),)
