"""Reports in plain text, or in a form close to the standard.

DragonFly, Exchange's NDR without a status part, Notes, sendmail 5, WorkMail, OpenSMTPD, Yahoo Japan, KDDI, m-FILTER,
Active!hunter, Verizon and others to come have in common that a server says, in its own words and before the message
that it brings back, that it could not be delivered, and to whom. That is all that is asked here.
"""

from __future__ import annotations

import re

from newsletter.bounces.mime_parts import Mail, addresses_in, header, returned_of, sender_of
from newsletter.bounces.own_text import OwnText, explained, own_text
from newsletter.bounces.results import MAX_FAILURES, Bounce, Traces
from newsletter.bounces.standard_reports import failures_in, one_each

_OURS = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "Return-Path")
_SURELY_OURS = ("To", "Return-Path")
"""DragonFly has the lost recipient in X-Original-To."""

_FIELD_LINE = re.compile(
    r"^[ \t>]{0,8}(Action|Status|Final-Recipient|Original-Recipient|Diagnostic-Code|Remote-MTA|Reporting-MTA)"
    r":[ \t]*([^\n]{0,500}(?:\n[ \t]+[^\n:]{1,500}){0,3})",
    re.MULTILINE | re.IGNORECASE,
)
_MOST_NAMED = 20


def plain_report(mail: Mail, texts: tuple[str, ...], traces: Traces) -> Bounce | None:
    """The bounce that the text tells of; None where it tells of no failure, or names nobody."""
    own = own_text(texts)
    if not (own.tells_of_failure or OwnText(header(mail, "Subject"), "").tells_of_failure):
        return None
    failures = tuple(explained(address, "", own, delayed=own.is_delay) for address in _recipients(mail, own))
    return Bounce(failures[:MAX_FAILURES], traces) if failures else None


def report_by_fields(own: OwnText, traces: Traces) -> Bounce | None:
    """The fields of RFC 3464 where they stand in the text, as Amazon WorkMail and others write them."""
    found = list(_FIELD_LINE.finditer(own.said))[:200]
    names = {each[1].lower() for each in found}
    if not (names & {"final-recipient", "original-recipient"} and names & {"action", "status"}):
        return None
    groups = one_each((each[1], " ".join(each[2].split())) for each in found)
    failures = failures_in(groups, own)
    return Bounce(failures[:MAX_FAILURES], traces) if failures else None


def _recipients(mail: Mail, own: OwnText) -> tuple[str, ...]:
    """Whom it is about: whom its words and the returned message both name, else whom either names."""
    returned = returned_of(mail)
    sent_to: tuple[str, ...] = addresses_in(header(returned, "To")) if returned is not None else ()
    sent_to = sent_to or own.copied_to
    both = {each.lower() for each in sent_to}
    named = own.named(_ours(mail, returned, _OURS) - both) or own.named(_ours(mail, returned, _SURELY_OURS) - both)
    agreed = tuple(each for each in named if each.lower() in both)
    # A transcript tells of those that the address led to, each with a line of its own.
    return (own.refused or agreed or named or sent_to)[:_MOST_NAMED]


def _ours(mail: Mail, returned: Mail | None, names: tuple[str, ...]) -> set[str]:
    """The addresses of whom the report came to, and of who sent it, in lower case."""
    found = [*(each for name in names for each in addresses_in(header(mail, name))), sender_of(mail)]
    if returned is not None:
        found += [sender_of(returned), *addresses_in(header(returned, "Return-Path"))]
    return {each.lower() for each in found}


def report_to(texts: tuple[str, ...], traces: Traces) -> Bounce:
    """A bounce that names nobody, but came to somebody's own bounce address."""
    own = own_text(texts)
    return Bounce((explained("", "", own, delayed=own.is_delay),), traces)
