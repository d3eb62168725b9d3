"""Alibaba Cloud DirectMail, through EventBridge.

alibabacloud.com/help/en/eventbridge/user-guide/events-of-the-direct-mail-type

The HTTP target sends the configured token in a header.
"""

from __future__ import annotations

from newsletter.bounces.json_tree import message_ids_of, text_at
from newsletter.bounces.results import Complaint, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.events import (
    Event,
    Post,
    check_time,
    check_token,
    event_name,
    events_of,
    from_iso,
    refusal,
)

_KINDS = {"SmtpNxBox": Kind.HARD, "SmtpMailboxFull": Kind.SOFT, "SmtpBoxFull": Kind.SOFT, "SmtpNxDomain": Kind.SOFT}
"""Its own classes of failures; all others count as the sender's fault."""


def read_aliyun(post: Post) -> tuple[Event, ...]:
    check_token(post, "x-eventbridge-signature-token")
    return tuple(found for event in events_of(post.body) for found in _events(event, post))


def _events(event: object, post: Post) -> tuple[Event, ...]:
    kind, address = text_at(event, "type"), text_at(event, "data", "rcpt")
    at = from_iso(text_at(event, "time"))
    if not address or kind not in ("dm:Deliver:Fail", "dm:Feedback:FblReport", "dm:Feedback:UnSubscribe"):
        return ()
    check_time(at, post.now)
    name, when = event_name("aliyun", text_at(event, "id"), event), at or post.now
    traces = Traces(message_ids=message_ids_of(text_at(event, "data", "msg_id")))
    if kind == "dm:Feedback:FblReport":
        reading = Complaint("abuse", Traces(message_ids=traces.message_ids, addresses=(address,)), "Aliyun")
        return (Event(name, when, reading),)
    if kind == "dm:Feedback:UnSubscribe":
        return (Event(name, when, Unsubscribe(address, "")),)
    otherwise = _KINDS.get(text_at(event, "data", "failed_type"), Kind.SENDER_FAULT)
    words = text_at(event, "data", "err_msg") or text_at(event, "data", "err_code")
    return (Event(name, when, refusal(address, words, "Aliyun", traces, otherwise=otherwise)),)
