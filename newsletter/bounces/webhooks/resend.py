"""Resend's webhooks, signed with Svix's scheme."""

from __future__ import annotations

from newsletter.bounces.json_tree import list_at, message_ids_of, text_at, value_at
from newsletter.bounces.results import Complaint, Kind, Traces
from newsletter.bounces.webhooks.events import (
    Event,
    Post,
    check_hmac,
    check_time,
    event_name,
    from_iso,
    from_stamp,
    json_of,
    refusal,
    unbase64,
)


def read_resend(post: Post) -> tuple[Event, ...]:
    mark, stamp = post.headers.get("svix-id", ""), post.headers.get("svix-timestamp", "")
    given = tuple(each[3:] for each in post.headers.get("svix-signature", "").split() if each.startswith("v1,"))
    key = unbase64(post.secret.removeprefix("whsec_"))
    check_hmac(post, key, f"{mark}.{stamp}.".encode() + post.body, given[:10], encoding="base64")
    check_time(from_stamp(stamp), post.now)
    event = json_of(post.body)
    kind, at = text_at(event, "type"), from_iso(text_at(event, "created_at")) or post.now
    name = event_name("resend", mark, event)
    addresses = [each for each in list_at(event, "data", "to") if isinstance(each, str) and "@" in each][:100]
    ids = [text_at(event, "data", "message_id")]
    ids += [
        text_at(each, "value")
        for each in list_at(event, "data", "headers")
        if text_at(each, "name").lower() == "message-id"
    ]
    traces = Traces(message_ids=message_ids_of(*ids))
    if kind == "email.complained":
        return tuple(
            Event(f"{name}/{n}", at, Complaint("abuse", Traces(traces.token, traces.message_ids, (each,)), "Resend"))
            for n, each in enumerate(addresses)
        )
    if kind not in ("email.bounced", "email.delivery_delayed", "email.suppressed"):
        return ()
    return tuple(
        Event(f"{name}/{n}", at, refusal(each, _words(event), "Resend", traces, otherwise=_kind(event), delayed=late))
        for n, each in enumerate(addresses)
        for late in [kind == "email.delivery_delayed"]
    )


def _words(event: object) -> str:
    """The server's own reply, if present; `message` is Resend's explanation of its class."""
    given = value_at(event, "data", "bounce", "diagnosticCode")
    lines = given if isinstance(given, list) else [given]
    return " ".join(each for each in lines if isinstance(each, str))


def _kind(event: object) -> Kind:
    """By SES's classes, which Resend uses. An address on its suppression list is hard: it is not tried any more."""
    kind, subtype = text_at(event, "data", "bounce", "type"), text_at(event, "data", "bounce", "subType")
    if subtype in ("Suppressed", "OnAccountSuppressionList") or text_at(event, "type") == "email.suppressed":
        return Kind.HARD
    if subtype in ("MessageTooLarge", "ContentRejected", "AttachmentRejected"):
        return Kind.SENDER_FAULT
    return Kind.DELAYED if kind == "Transient" and subtype != "MailboxFull" else Kind.SOFT
