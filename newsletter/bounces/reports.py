"""Reports by machines for machines: delivery status (RFC 3464, 6533), and feedback, which is complaints (RFC 5965).

The fields alone are read here. `zoo` has the many forms that are no standard's.
"""

from __future__ import annotations

from newsletter.bounces.parts import Mail, addresses_in, blocks_of, header, parts_of
from newsletter.bounces.readings import MAX_FAILURES, Bounce, Complaint, Failure, Traces
from newsletter.bounces.verdict import failure_of

_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "auth_failure", "dmarc"})
"""Feedback types of no complaint: the opposite (RFC 6430), and failed authentication (RFC 6591)."""


def delivery_report(mail: Mail, traces: Traces) -> Bounce | None:
    """What the first delivery-status part that tells of a failure says; None where there is none.

    A report of success (`delivered`, `relayed`, `expanded`; RFC 3464, 2.3.3) is not a bounce.
    """
    for part in parts_of(mail, *_STATUS_PARTS):
        blocks = blocks_of(part)
        failures = tuple(dict.fromkeys(failure for block in blocks if (failure := _failure(block))))
        if failures:
            reporter = next((found for block in blocks if (found := header(block, "Reporting-MTA"))), "")
            return Bounce(failures[:MAX_FAILURES], traces, _typed(reporter))
    return None


def _failure(block: Mail) -> Failure | None:
    action = header(block, "Action").lower()
    status, diagnosis = header(block, "Status"), header(block, "Diagnostic-Code")
    # opensmtpd writes "error"; some write a comment behind the word, some no Action at all.
    delayed = action.startswith("delayed")
    failed = action.startswith(("fail", "error")) or (not action and status[:1] in ("4", "5"))
    if not (delayed or failed):
        return None
    # Original first: it is what we wrote, where an alias led elsewhere (RFC 3464, 2.3.1).
    for field in ("Original-Recipient", "X-Actual-Recipient", "Final-Recipient"):
        found = addresses_in(_typed(header(block, field)))
        if found:
            return failure_of(found[0], status, diagnosis, delayed=delayed)
    return failure_of("", status, diagnosis, delayed=delayed)


def _typed(field: str) -> str:
    """`rfc822; someone@example.com` -> what follows the type; some write none."""
    kind, separator, value = field.partition(";")
    return value.strip() if separator and "@" not in kind else field


def feedback_report(mail: Mail, traces: Traces) -> Complaint | None:
    """The complaint in a feedback report; None where there is none, or it is of no complaint."""
    for part in parts_of(mail, "message/feedback-report"):
        for block in blocks_of(part):
            feedback = header(block, "Feedback-Type").lower()
            if not feedback or feedback in _NO_COMPLAINT:
                continue
            reporter = _typed(header(block, "Reporting-MTA")) or header(block, "User-Agent")
            return Complaint(feedback, traces, reporter)
    return None


def reported_addresses(mail: Mail) -> tuple[str, ...]:
    """Whom a feedback report says the mail went to: Original-Rcpt-To, as often as it stands (RFC 5965, 3.2)."""
    found: list[str] = []
    for part in parts_of(mail, "message/feedback-report"):
        for block in blocks_of(part):
            for value in block.get_all("Original-Rcpt-To", [])[:MAX_FAILURES]:
                found += addresses_in(str(value))
    return tuple(dict.fromkeys(found))


def reported_senders(mail: Mail) -> tuple[str, ...]:
    """The envelope sender that a feedback report names, which is our bounce address."""
    return tuple(
        address
        for part in parts_of(mail, "message/feedback-report")
        for block in blocks_of(part)
        for address in addresses_in(header(block, "Original-Mail-From"))
    )
