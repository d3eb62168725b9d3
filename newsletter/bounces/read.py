"""One message, from anybody -> what it is. The order of the questions is the whole of this file."""

from __future__ import annotations

import re

from newsletter.bounces.letters import auto_reply, machine_mail, unsubscribe
from newsletter.bounces.parts import (
    PARSER_FAULTS,
    Mail,
    addresses_in,
    header,
    message_ids_in,
    parse,
    returned_of,
    sender_of,
    texts_of,
)
from newsletter.bounces.readings import Ordinary, Reading, Traces, Unreadable
from newsletter.bounces.reports import delivery_report, feedback_report, reported_addresses, reported_senders
from newsletter.bounces.zoo import bounce_to, known_bounce
from newsletter.links import TOKEN_CHARS

_PLACE = "{token}"
_DELIVERED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To")
_SYSTEM = re.compile(r"(?:mailer-?daemon|mdaemon|postmaster|mail-?daemon)(?:@|$)", re.IGNORECASE)
_INLINE_ID = re.compile(
    r"^[ \t>]{0,8}Message-ID:[ \t]{0,8}(<[^\s<>@]{1,200}@[^\s<>@]{1,255}>)", re.MULTILINE | re.IGNORECASE
)


def read_message(raw: bytes, bounce_address: str = "") -> Reading:
    """What the message is. `bounce_address` is the configured one with `{token}` in it, by which its token is found.

    Never raises on any bytes, and takes bounded time: see `bounded`.
    """
    if not raw.strip():
        return Unreadable("it is empty")
    try:
        mail = parse(raw)
        if not mail.keys():
            return Unreadable("it has no headers")
        return _read(mail, bounce_address)
    except PARSER_FAULTS as fault:
        return Unreadable(f"it cannot be parsed ({type(fault).__name__})")


def _read(mail: Mail, bounce_address: str) -> Reading:
    texts = tuple(texts_of(mail))
    traces = _traces(mail, bounce_address, texts)
    report = feedback_report(mail, traces) or delivery_report(mail, traces)
    if report:
        return report
    # Servers call their reports automatic answers too (Exim, RFC 3834, 5): theirs are asked about first.
    if _is_system(mail):
        bounce = known_bounce(mail, traces)
        if bounce:
            return bounce
    found = auto_reply(mail) or unsubscribe(mail) or known_bounce(mail, traces)
    if found:
        return found
    # Nobody can make out what it says; but only a server that had our message knows that address.
    if traces.token and (_is_system(mail) or returned_of(mail) is not None):
        return bounce_to(texts, traces)
    return machine_mail(mail) or Ordinary()


def _is_system(mail: Mail) -> bool:
    """Whether a server wrote it: from nobody (RFC 5321, 4.5.5), or from the names that servers use."""
    path = header(mail, "Return-Path").strip("<>")
    if "Return-Path" in mail and (not path or _SYSTEM.match(path)):
        return True
    if mail.get_content_type() == "multipart/report":
        return str(mail.get_param("report-type", "")).lower() != "disposition-notification"
    return "X-Failed-Recipients" in mail or _SYSTEM.match(sender_of(mail)) is not None


def _traces(mail: Mail, bounce_address: str, texts: tuple[str, ...]) -> Traces:
    returned = returned_of(mail)
    ids: list[str] = []
    places = [header(mail, name) for name in _DELIVERED_TO] + list(reported_senders(mail))
    addresses = list(reported_addresses(mail))
    if returned is not None:
        ids += message_ids_in(header(returned, "Message-ID"))
        places.append(header(returned, "Return-Path"))
        addresses += addresses_in(header(returned, "To"))
    else:
        ids += [found[1] for text in texts for found in _INLINE_ID.finditer(text)][:3]
    ids += message_ids_in(header(mail, "In-Reply-To"))
    return Traces(_token(places, bounce_address), tuple(dict.fromkeys(ids))[:5], tuple(dict.fromkeys(addresses))[:20])


def _token(places: list[str], bounce_address: str) -> str:
    """The token in the first address that has one, in lower case: a host on the way may have changed it."""
    if _PLACE not in bounce_address:
        return ""
    before, _, after = (re.escape(part) for part in bounce_address.partition(_PLACE))
    pattern = re.compile(rf"{before}([0-9a-f]{{{TOKEN_CHARS}}}){after}(?![\w.-])", re.IGNORECASE)
    return next((found[1].lower() for place in places if (found := pattern.search(place))), "")
