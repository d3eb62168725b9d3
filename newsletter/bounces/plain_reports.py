"""Reports in plain text, or in a form close to the standard.

The formats of DragonFly, Exchange's NDR without a status part, Notes, sendmail 5, WorkMail, OpenSMTPD, Yahoo Japan,
KDDI, m-FILTER, Active!hunter, Verizon and unknown servers have in common that a server says in its own words, before
the returned message, that it could not be delivered, and to whom. Nothing else is required here.
"""

from __future__ import annotations

import re

from newsletter.bounces.mime_parts import Mail, addresses_in, header, returned_of, sender_of
from newsletter.bounces.own_text import OwnText, explained, own_text, tells_of_failure
from newsletter.bounces.results import MAX_FAILURES, Bounce, Traces
from newsletter.bounces.standard_reports import failures_in, one_each

_OURS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Return-Path")
_SURELY_OURS = ("To", "Return-Path")
"""DragonFly puts the lost recipient into X-Original-To."""

_FIELD_LINE = re.compile(
    r"^[ \t>]{0,8}(Action|Status|Final-Recipient|Original-Recipient|Diagnostic-Code|Remote-MTA|Reporting-MTA)"
    r":[ \t]*([^\n]{0,500}(?:\n[ \t]+[^\n:]{1,500}){0,3})",
    re.MULTILINE | re.IGNORECASE,
)
_MOST_NAMED = 20


def plain_report(mail: Mail, texts: tuple[str, ...], traces: Traces) -> Bounce | None:
    """The bounce that the text reports; None if it reports no failure, or no recipient."""
    own = own_text(texts)
    if not (tells_of_failure(header(mail, "Subject")) or own.tells_of_failure):
        return None
    failures = tuple(explained(address, "", own, delayed=own.is_delay) for address in _recipients(mail, own))
    return Bounce(failures[:MAX_FAILURES], traces) if failures else None


def report_by_fields(own: OwnText, traces: Traces) -> Bounce | None:
    """RFC 3464's fields in plain text, as Amazon WorkMail and others write them."""
    found = list(_FIELD_LINE.finditer(own.said))[:200]
    names = {each[1].lower() for each in found}
    if not (names & {"final-recipient", "original-recipient"} and names & {"action", "status"}):
        return None
    groups = one_each((each[1], " ".join(each[2].split())) for each in found)
    failures = failures_in(groups, own)
    return Bounce(failures[:MAX_FAILURES], traces) if failures else None


def _recipients(mail: Mail, own: OwnText) -> tuple[str, ...]:
    """The failed recipients: those in both its text and the returned message, else those in either."""
    returned = returned_of(mail)
    sent_to: tuple[str, ...] = addresses_in(header(returned, "To")) if returned is not None else ()
    sent_to = sent_to or own.copied_to
    both = {each.lower() for each in sent_to}
    named = own.named(_ours(mail, returned, _OURS) - both) or own.named(_ours(mail, returned, _SURELY_OURS) - both)
    agreed = tuple(each for each in named if each.lower() in both)
    # A transcript lists the addresses that an alias expanded to, each on a line of its own.
    return (own.refused or agreed or named or sent_to)[:_MOST_NAMED]


def _ours(mail: Mail, returned: Mail | None, names: tuple[str, ...]) -> set[str]:
    """The report's own recipients and its sender, in lower case."""
    found = [*(each for name in names for each in addresses_in(header(mail, name))), sender_of(mail)]
    if returned is not None:
        found += [sender_of(returned), *addresses_in(header(returned, "Return-Path"))]
    return {each.lower() for each in found}


def report_to(texts: tuple[str, ...], traces: Traces) -> Bounce:
    """A bounce that names no recipient, but was sent to a recipient's VERP address."""
    own = own_text(texts)
    return Bounce((explained("", "", own, delayed=own.is_delay),), traces)
