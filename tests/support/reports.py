"""Made-up reports in the formats of mail servers and providers."""

from __future__ import annotations

from collections.abc import Sequence

NEWS = "news@example.com"
BOUNCES = "bounce+{token}@example.com"


def dsn(
    *fields: str,
    address: str = "ada@example.net",
    to: str = NEWS,
    returned: str = "",
    extra: Sequence[str] = (),
) -> bytes:
    """A delivery report (RFC 3464) as Postfix writes it.

    `fields` are those of the recipient beside its address; `returned` are the headers of the returned message.
    """
    lines = [
        "Return-Path: <>",
        f"To: {to}",
        "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)",
        "Subject: Undelivered Mail Returned to Sender",
        "Message-ID: <report-1@mx.example.net>",
        "Auto-Submitted: auto-replied",
        *extra,
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.net",
        "Arrival-Date: Mon, 2 Mar 2026 08:00:00 +0000",
        "",
        *([f"Final-Recipient: rfc822; {address}"] if address else []),
        *fields,
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        *(returned.splitlines() or [f"To: {address}", "Subject: The news"]),
        "",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def hard(address: str = "ada@example.net", *, to: str = NEWS, returned: str = "") -> bytes:
    words = f"Diagnostic-Code: smtp; 550 5.1.1 <{address}>: User unknown"
    return dsn("Action: failed", "Status: 5.1.1", words, address=address, to=to, returned=returned)


def soft(address: str = "ada@example.net", *, to: str = NEWS, returned: str = "") -> bytes:
    words = "Diagnostic-Code: smtp; 552 5.2.2 mailbox full"
    return dsn("Action: failed", "Status: 5.2.2", words, address=address, to=to, returned=returned)


def complaint(
    feedback: str = "abuse",
    *,
    address: str = "ada@example.net",
    mail_from: str = "",
    returned: str = "Message-ID: <1@example.com>\nSubject: The news",
) -> bytes:
    """A feedback report (RFC 5965)."""
    lines = [
        "From: <feedback@isp.example>",
        f"To: {NEWS}",
        "Subject: FW: The news",
        "Message-ID: <complaint-1@isp.example>",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain",
        "",
        "This is an email abuse report for an email message received from IP 192.0.2.1.",
        "",
        "--b",
        "Content-Type: message/feedback-report",
        "",
        f"Feedback-Type: {feedback}",
        "User-Agent: SomeGenerator/1.0",
        "Version: 1",
        *([f"Original-Mail-From: <{mail_from}>"] if mail_from else []),
        *([f"Original-Rcpt-To: <{address}>"] if address else []),
        "",
        "--b",
        "Content-Type: message/rfc822",
        "Content-Disposition: inline",
        "",
        *returned.splitlines(),
        "",
        "The text.",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()


def letter(
    subject: str = "Re: The news", text: str = "Thank you!", *headers: str, sender: str = "Ada <ada@example.net>"
) -> bytes:
    lines = [
        f"From: {sender}",
        f"To: {NEWS}",
        f"Subject: {subject}",
        "Message-ID: <letter-1@example.net>",
        *headers,
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
        "",
    ]
    return "\r\n".join(lines).encode()
