"""Amazon SES notifications, by webhook or by SNS email.

docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.json_tree import list_at, message_ids_of, text_at
from newsletter.bounces.results import AutoReply, Bounce, Complaint, Failure, Kind, Traces

_SNS = re.compile(r"no-reply@sns\.(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?", re.IGNORECASE)
_KIND = re.compile(r'"(?:notification|event)Type": ?"(Bounce|Complaint)"')
_RECIPIENT = re.compile(
    r'"emailAddress": ?"([^"\s]{1,320})"(?:, ?"action": ?"[a-z]{1,20}")?(?:, ?"status": ?"([0-9.]{1,12})")?'
    r'(?:, ?"diagnosticCode": ?"([^"]{0,500})")?'
)
_SES_LANE = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
_SES_LISTED = frozenset({"Suppressed", "OnAccountSuppressionList"})
"""Bounced or complained before: SES does not try the address any more."""


def cloud_notice(texts: Sequence[str], sender: str, traces: Traces) -> Bounce | Complaint | AutoReply | None:
    """An SES notification in an SNS email, which anyone could have forged: only its traces prove it."""
    if not _SNS.fullmatch(sender):
        return None
    for text in texts:
        message = _notice_in(text) or _notice_in_pieces(text)
        report = ses_reading(message)
        if report is None:
            continue
        ids = tuple(dict.fromkeys((*report.traces.message_ids, *traces.message_ids)))
        return replace(report, traces=replace(report.traces, token=traces.token, message_ids=ids))
    return AutoReply("SNS")


def ses_reading(message: object) -> Bounce | Complaint | None:
    """A bounce or complaint; None for other notifications."""
    kind = text_at(message, "notificationType") or text_at(message, "eventType")
    ids = [text_at(message, "mail", "commonHeaders", "messageId")]
    ids += [
        text_at(each, "value")
        for each in list_at(message, "mail", "headers")
        if text_at(each, "name").lower() == "message-id"
    ]
    traces = Traces(message_ids=message_ids_of(*ids))
    if kind == "Bounce":
        kinds = text_at(message, "bounce", "bounceType"), text_at(message, "bounce", "bounceSubType")
        failures = tuple(_ses_failure(each, *kinds) for each in list_at(message, "bounce", "bouncedRecipients"))
        return Bounce(failures, traces, text_at(message, "bounce", "reportingMTA")) if failures else None
    feedback = text_at(message, "complaint", "complaintFeedbackType") or "abuse"
    if kind != "Complaint" or feedback == "not-spam":
        return None
    named = tuple(text_at(each, "emailAddress") for each in list_at(message, "complaint", "complainedRecipients"))
    return Complaint(feedback, replace(traces, addresses=named), text_at(message, "complaint", "userAgent"))


def _ses_failure(recipient: object, kind: str, subtype: str) -> Failure:
    """SES's own class counts if there is no code, and never makes an address hard that another rule spares."""
    status, words = text_at(recipient, "status"), text_at(recipient, "diagnosticCode")
    failure = failure_of(
        text_at(recipient, "emailAddress"), status, words, delayed=text_at(recipient, "action") == "delayed"
    )
    if subtype in _SES_LISTED:
        return replace(failure, kind=Kind.HARD, words=failure.words or f"SES: {subtype}", rule=f"SES: {subtype}")
    if status or words:
        return failure
    if subtype in _SES_LANE:
        chosen = Kind.SENDER_FAULT
    else:
        # A transient one without a diagnosis may be a vacation reply.
        chosen = Kind.DELAYED if kind == "Transient" and subtype != "MailboxFull" else Kind.SOFT
    return replace(failure, kind=chosen, words=f"SES: {kind}, {subtype}", rule=f"SES: {kind}, {subtype}")


def _notice_in_pieces(text: str) -> object:
    """Recover a notification whose one long line was broken in transit."""
    plain = text.replace("\\", "")
    kind = _KIND.search(plain)
    recipients = [
        {"emailAddress": found[1], "status": found[2] or "", "diagnosticCode": found[3] or ""}
        for found in _RECIPIENT.finditer(plain)
    ]
    return {
        "notificationType": kind[1] if kind else "",
        "bounce": {"bouncedRecipients": recipients},
        "complaint": {"complainedRecipients": recipients},
    }


def _notice_in(text: str) -> object:
    start = text.find("{")
    if start < 0:
        return None
    try:
        # SNS writes one long line; a host in transit may have folded it.
        tree, _ = json.JSONDecoder().raw_decode(text[start:].replace("\r", "").replace("\n", ""))
    except (ValueError, RecursionError):
        return None
    if text_at(tree, "Type") == "Notification":
        return _notice_in(text_at(tree, "Message"))
    return tree if text_at(tree, "notificationType") or text_at(tree, "eventType") else None
