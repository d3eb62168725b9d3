"""Standard reports: delivery status (RFC 3464, RFC 6533) and feedback (RFC 5965).

Reads the fields only. `plain_reports` and `nonstandard_reports` read the formats without a standard.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.mime_parts import Mail, addresses_in, blocks_of, header, message_ids_in, parts_of
from newsletter.bounces.own_text import OwnText, explained, own_text
from newsletter.bounces.results import MAX_FAILURES, AutoReply, Bounce, Complaint, Failure, Traces
from newsletter.bounces.rules import UNDECIDED

_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "auth_failure", "dmarc"})
"""Feedback types that are no complaint: the opposite (RFC 6430), and failed authentication (RFC 6591)."""

_ONCE = frozenset({"original-recipient", "final-recipient", "action", "status"})
_QUOTED = re.compile(r'"[^"@\s]{1,64}"@[^\s<>;,@]{1,255}')
"""A quoted local part (RFC 5321, 4.1.2)."""


def delivery_report(mail: Mail, traces: Traces, texts: tuple[str, ...] = ()) -> Bounce | AutoReply | None:
    """The failures in the first delivery-status part that reports any; None without one.

    A report of success (`delivered`, `relayed`, `expanded`; RFC 3464, 2.3.3) is no bounce, but an automatic reply
    without a consequence. `texts` are the report's text parts: some give the reason only there.
    """
    succeeded = ""
    for part in parts_of(mail, *_STATUS_PARTS):
        blocks = blocks_of(part)
        failures = failures_in(blocks, own_text(texts))
        if failures:
            reporter = next((found for block in blocks if (found := header(block, "Reporting-MTA"))), "")
            if len(failures) == 1 and not failures[0].address and len(traces.addresses) == 1:
                failures = (replace(failures[0], address=traces.addresses[0]),)
            return Bounce(failures[:MAX_FAILURES], traces, _typed(reporter))
        succeeded = succeeded or next((found for block in blocks if (found := _success(block))), "")
    return AutoReply(f"Action: {succeeded}") if succeeded else None


def failures_in(blocks: Sequence[Mail], own: OwnText) -> tuple[Failure, ...]:
    """The failures in groups of fields, deduplicated."""
    groups = [group for block in blocks for group in one_each(block.raw_items())]
    return tuple(dict.fromkeys(failure for group in groups if (failure := _failure(group, own))))


def one_each(fields: Iterable[tuple[str, str]]) -> tuple[Mail, ...]:
    """Split groups without the blank line between recipients: a repeated field begins the next recipient."""
    groups: list[Mail] = [Mail()]
    for name, value in fields:
        if name.lower() in _ONCE and name in groups[-1]:
            groups.append(Mail())
        groups[-1][name] = value
    return tuple(groups)


def _success(block: Mail) -> str:
    action = header(block, "Action").lower()
    return action if action.startswith(("deliver", "relay", "expand", "success")) else ""


def _failure(block: Mail, own: OwnText) -> Failure | None:
    action = header(block, "Action").lower()
    status, diagnosis = header(block, "Status"), _diagnosis(block)
    # opensmtpd writes "error"; some append a comment, some omit Action.
    delayed = action.startswith("delay")
    failed = action.startswith(("fail", "error", "expired", "undeliver", "bounce")) or (
        not _success(block) and status[:1] in ("4", "5")
    )
    if not (delayed or failed):
        return None
    if action.startswith("expired"):
        status = status if status[:1] == "4" else "4.4.7"
    address = _address_in(block)
    # OpenSMTPD reports a permanent failure as a delay, with the same text and fields but for these two.
    delayed = delayed and not ("Will-Retry-Until" not in block and own.says_expired(address))
    return _explained(address, status, diagnosis, own, delayed=delayed)


def _address_in(block: Mail) -> str:
    """Original-Recipient first: it is what we wrote, even if an alias expanded it (RFC 3464, 2.3.1)."""
    for field in ("Original-Recipient", "X-Actual-Recipient", "Final-Recipient"):
        found = _recipient(_typed(header(block, field)))
        if found:
            return found[0]
    return ""


def _diagnosis(block: Mail) -> str:
    """IronPort writes the reply into another field: `<192.0.2.9 #5.0.0 smtp; 550 "Unknown User">`."""
    given = header(block, "Diagnostic-Code")
    more = header(block, "X-Supplementary-Info").strip("<>")
    return given or more.partition("#")[2].partition(" ")[2].replace('"', "") or more


def _explained(address: str, status: str, diagnosis: str, own: OwnText, *, delayed: bool) -> Failure:
    """If neither field is specific, use the text about the address."""
    failure = failure_of(address, status, diagnosis, delayed=delayed, when=own.refused_when(address))
    if delayed or failure.rule not in UNDECIDED:
        return failure
    said = explained(address, status, own)
    return failure if said.rule in UNDECIDED else said


def _recipient(value: str) -> tuple[str, ...]:
    return addresses_in(value) or ((quoted[0],) if (quoted := _QUOTED.search(value)) else ())


def _typed(field: str) -> str:
    """The value after the type in `rfc822; someone@example.com`; some omit the type."""
    kind, separator, value = field.partition(";")
    return value.strip() if separator and "@" not in kind else field


def feedback_report(mail: Mail, traces: Traces) -> Complaint | AutoReply | None:
    """The complaint in a feedback report; None without one. Other feedback types have no consequence."""
    other = ""
    for part in parts_of(mail, "message/feedback-report"):
        for block in blocks_of(part):
            feedback = header(block, "Feedback-Type").lower()
            if not feedback or feedback in _NO_COMPLAINT:
                other = other or feedback
                continue
            reporter = _typed(header(block, "Reporting-MTA")) or header(block, "User-Agent")
            return Complaint(feedback, traces, reporter)
    return AutoReply(f"Feedback-Type: {other}") if other else None


def reported_addresses(mail: Mail) -> tuple[str, ...]:
    """The recipients according to a feedback report: Original-Rcpt-To, which may be repeated (RFC 5965, 3.2)."""
    found: list[str] = []
    for part in parts_of(mail, "message/feedback-report"):
        for block in blocks_of(part):
            for value in block.get_all("Original-Rcpt-To", [])[:MAX_FAILURES]:
                found += addresses_in(str(value))
    return tuple(dict.fromkeys(found))


def reported_senders(mail: Mail) -> tuple[str, ...]:
    """The envelope sender in a feedback report, which is our bounce address."""
    return tuple(
        address
        for part in parts_of(mail, "message/feedback-report")
        for block in blocks_of(part)
        for address in addresses_in(header(block, "Original-Mail-From"))
    )


_MICROSOFT = re.compile(r"@(?:[\w.-]+\.)?(?:hotmail|outlook|live|microsoft)\.com$", re.IGNORECASE)


def junk_report(mail: Mail, traces: Traces, sender: str) -> Complaint | None:
    """A complaint of Microsoft's Junk Mail Reporting Program: our message attached, its recipient in a header
    (no ARF).
    """
    if not _MICROSOFT.search(sender):
        return None
    for part in parts_of(mail, "message/rfc822"):
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        if isinstance(inner, Mail) and "X-HmXmrOriginalRecipient" in inner:
            ids = (*message_ids_in(header(inner, "Message-ID")), *traces.message_ids)
            named = (*addresses_in(header(inner, "X-HmXmrOriginalRecipient")), *traces.addresses)
            found = Traces(traces.token, tuple(dict.fromkeys(ids)), tuple(dict.fromkeys(named)))
            return Complaint("abuse", found, "Microsoft JMRP")
    return None
