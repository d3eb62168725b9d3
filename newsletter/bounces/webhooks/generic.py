"""Generic webhook for any program: bounces and complaints as the JSON of docs/serve.md."""

from __future__ import annotations

from newsletter.bounces.json_tree import message_ids_of, text_at
from newsletter.bounces.results import Bounce, Complaint, Failure, Kind, Traces, Unsubscribe
from newsletter.bounces.webhooks.events import (
    Event,
    Post,
    WebhookError,
    check_login,
    check_time,
    event_name,
    events_of,
    from_iso,
    refusal,
)

_KINDS = {"hard": Kind.HARD, "soft": Kind.SOFT, "ours": Kind.SENDER_FAULT, "delayed": Kind.DELAYED}
_ALL = (*_KINDS, "bounce", "complaint", "unsubscribe")


def read_generic(post: Post) -> tuple[Event, ...]:
    check_login(post)
    return tuple(_event(event, number, post) for number, event in enumerate(events_of(post.body), 1))


def _event(event: object, number: int, post: Post) -> Event:
    address, kind, name = text_at(event, "email"), text_at(event, "kind"), text_at(event, "id")
    if "@" not in address or kind not in _ALL or not name.strip():
        raise WebhookError(f"event {number} lacks an `email`, an `id`, or a `kind` of {', '.join(_ALL)}")
    at = text_at(event, "at")
    if at:
        check_time(from_iso(at), post.now)
    words, status = text_at(event, "words"), text_at(event, "status")
    traces = Traces(message_ids=message_ids_of(text_at(event, "message_id")))
    return Event(
        event_name("generic", name, event),
        from_iso(at) or post.now,
        _reading(address, kind, status, words, traces),
    )


def _reading(address: str, kind: str, status: str, words: str, traces: Traces) -> Bounce | Complaint | Unsubscribe:
    if kind == "complaint":
        return Complaint("abuse", Traces(message_ids=traces.message_ids, addresses=(address,)), "generic hook")
    if kind == "unsubscribe":
        return Unsubscribe(address, "")
    if kind == "bounce":
        return refusal(address, words, "generic hook", traces, status=status)
    failure = Failure(address, _KINDS[kind], status, 0, words[:500], "said by the poster")
    return Bounce((failure,), traces, "generic hook")
