"""Classify one message: report, complaint, unsubscribe request, automatic reply, or personal mail."""

from __future__ import annotations

import re
from dataclasses import replace

from newsletter.bounces.auto_reply import auto_reply, machine_mail
from newsletter.bounces.cloud_notices import cloud_notice
from newsletter.bounces.mime_parts import (
    PARSER_FAULTS,
    Mail,
    addresses_in,
    header,
    message_ids_in,
    parse,
    readable_texts_of,
    returned_of,
    sender_of,
)
from newsletter.bounces.nonstandard_reports import known_bounce
from newsletter.bounces.own_text import own_text, tells_of_failure
from newsletter.bounces.plain_reports import plain_report, report_by_fields, report_to
from newsletter.bounces.results import AutoReply, Bounce, Complaint, Ordinary, Reading, Traces, Unreadable
from newsletter.bounces.standard_reports import (
    delivery_report,
    feedback_report,
    junk_report,
    reported_addresses,
    reported_senders,
)
from newsletter.bounces.unsubscribe_mail import doubtful_wish, unsubscribe
from newsletter.bounces.writers import has_null_path, is_by_machine, is_by_server, is_receipt, refuses_a_post
from newsletter.tokens import TOKEN_CHARS

_PLACE = "{token}"
_DELIVERED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To", "To")
_INLINE_ID = re.compile(
    r"^[ \t>]{0,8}Message-ID:[ \t]{0,8}(<[^\s<>@]{1,200}@[^\s<>@]{1,255}>)", re.MULTILINE | re.IGNORECASE
)


def read_message(raw: bytes, bounce_address: str = "") -> Reading:
    """Classify a message. `bounce_address` is the configured one with `{token}` in it, needed to find its token.

    Never raises on any bytes, and takes bounded time: see `truncate`.
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
    texts = readable_texts_of(mail)
    traces = _traces(mail, bounce_address, texts)
    return _report(mail, traces, texts) or _answer_or_letter(mail, traces)


def _report(mail: Mail, traces: Traces, texts: tuple[str, ...]) -> Bounce | Complaint | AutoReply | None:
    """A machine's report about our mail, the strongest proof first."""
    if is_receipt(mail):
        return None
    sender = sender_of(mail)
    own = own_text(texts)
    by_server = is_by_server(mail)
    report = feedback_report(mail, traces) or junk_report(mail, traces, sender) or cloud_notice(texts, sender, traces)
    if report:
        return report
    report = delivery_report(mail, traces, texts)
    if report:
        if by_server or not isinstance(report, Bounce):
            return report
        # A reader forwards a server's report: only our own returned message shows which recipient it is about.
        return replace(report, forwarded=True) if traces.token or traces.message_ids else None
    if by_server and own.tells_of_success:
        return AutoReply("delivered")
    # Some servers mark their reports as automatic replies (Exim, RFC 3834, 5): look for reports first.
    returns = returned_of(mail) is not None or bool(own.copied)
    failed = by_server or tells_of_failure(header(mail, "Subject")) or own.tells_of_failure
    nobodys = has_null_path(mail)
    surely = by_server or (failed and nobodys) or (failed and returns and is_by_machine(mail))
    if surely or failed:
        # Some of the known nonstandard formats come from addresses like a person's.
        bounce = (report_by_fields(own, traces) if surely else None) or known_bounce(mail, traces, own, surely=surely)
        bounce = bounce or (plain_report(mail, texts, traces) if surely else None)
        if bounce:
            return bounce
    # The report is not understood; but only a server that had our message knows that address.
    understood = by_server or refuses_a_post(mail)
    if traces.token and (understood or (returns and (nobodys or failed or returned_of(mail)))):
        return report_to(texts, traces)
    return None


def _answer_or_letter(mail: Mail, traces: Traces) -> Reading:
    """Look for an unsubscribe request before an automatic reply: Apple Mail marks its requests as replies."""
    found = unsubscribe(mail) or auto_reply(mail)
    if found:
        return found
    doubtful = doubtful_wish(mail)
    if doubtful:
        return doubtful
    if has_null_path(mail) and not is_by_server(mail):
        return AutoReply("Return-Path")  # RFC 3834, 4: a reply has an empty one, to prevent loops
    return machine_mail(mail) or Ordinary(sender_of(mail), header(mail, "Subject"))


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
        addresses += own_text(texts).copied_to
        ids += [found[1] for text in texts for found in _INLINE_ID.finditer(text)][:3]
    ids += message_ids_in(header(mail, "In-Reply-To"))
    return Traces(_token(places, bounce_address), tuple(dict.fromkeys(ids))[:5], tuple(dict.fromkeys(addresses))[:20])


def _token(places: list[str], bounce_address: str) -> str:
    """The token in the first address that has one, in lower case: a host in transit may have changed it."""
    if _PLACE not in bounce_address:
        return ""
    before, _, after = (re.escape(part) for part in bounce_address.partition(_PLACE))
    pattern = re.compile(rf"{before}([0-9a-f]{{{TOKEN_CHARS}}}){after}(?![\w.-])", re.IGNORECASE)
    return next((found[1].lower() for place in places if (found := pattern.search(place))), "")
