"""Reports in forms of their own: what servers write beside the standard, and what only looks like a report."""

from __future__ import annotations

import pytest
from reports import BOUNCES, complaint, dsn, hard, letter

from newsletter.bounces.message_kind import read_message
from newsletter.bounces.results import AutoReply, Bounce, Complaint, Kind, Ordinary, Reading
from newsletter.tokens import token

TOKEN = token("a secret that is long", "bounce", "ada@example.net", "2026-03-02-news")
VERP = BOUNCES.replace("{token}", TOKEN)
COPY = "From: News <news@example.com>\nTo: Ada <ada@example.net>\nSubject: The news\nMessage-ID: <1@example.com>\n"


def mail(text: str, *headers: str, charset: str = "utf-8") -> bytes:
    head = [
        *headers,
        "Message-ID: <r@mx.example.net>",
        "MIME-Version: 1.0",
        f"Content-Type: text/plain; charset={charset}",
    ]
    return "\n".join(head).encode() + b"\n\n" + text.encode(charset)


def said(reading: Reading) -> list[tuple[str, str]]:
    assert isinstance(reading, Bounce), reading
    return [(failure.address, failure.kind.value) for failure in reading.failures]


FORMS = {
    "DragonFly, from nobody": mail(
        "This is the DragonFly Mail Agent v0.13 at host.example.\n\nThere was an error delivering your mail to "
        "<ada@example.net>.\n\nmx.example.net [192.0.2.5] did not like our RCPT TO:\n550 5.1.1 no such user\n\n"
        "Message headers follow.\n\n" + COPY,
        "From: MAILER-DAEMON <>",
        "To: news@example.com",
        "X-Original-To: <ada@example.net>",
        "Subject: Mail delivery failed",
    ),
    "sendmail 5: a transcript": mail(
        "   ----- Transcript of session follows -----\nWhile talking to mx.example.net:\n>>> RCPT "
        "To:<ada@example.net>\n"
        "<<< 550 nobody here\n550 <ada@example.net>... User unknown\n\n   ----- Unsent message follows -----\n" + COPY,
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
        "To: news@example.com",
        "Subject: Returned mail: User unknown",
    ),
    "fields in the text": mail(
        "An error occurred while trying to deliver the mail to the following recipients:\nada@example.net\n\n"
        "Technical report:\n\nReporting-MTA: dsn; a.example\n\nAction: failed\n"
        "Final-Recipient: rfc822; ada@example.net\nDiagnostic-Code: smtp; 550 5.1.1 gone\nStatus: 5.1.1\n",
        "From: MAILER-DAEMON@ses.example",
        "To: news@example.com",
        "Subject: Delivery Status Notification (Failure)",
    ),
    "Exchange without a status part": mail(
        "Delivery has failed to these recipients or groups:\n\nada@example.net<mailto:ada@example.net>\nNot found.\n\n"
        "Diagnostic information for administrators:\n\nada@example.net\nRemote Server returned '550 5.1.10 "
        "RESOLVER.ADR.RecipientNotFound; not found'\n\nOriginal message headers:\n\n" + COPY,
        "Return-Path: <>",
        "From: postmaster@example.net",
        "To: news@example.com",
        "Subject: Undeliverable: The news",
        "Auto-Submitted: auto-replied",
    ),
    "OpenSMTPD": mail(
        "    Hi!\n\n    An error has occurred while attempting to deliver a message for\n    the following list of "
        "recipients:\n\nada@example.net: 550 5.1.1 User unknown\n\n    Below is a copy of the original message:\n\n"
        + COPY,
        "Return-Path: <>",
        "From: Mailer Daemon <MAILER-DAEMON@mx.example>",
        "To: news@example.com",
        "Subject: Delivery status notification: error",
    ),
    "Notes, in Japanese": mail(
        "------- Failure Reasons  --------\n\nディレクトリのリストにありません\nada@example.net\n\n"
        "------- Returned Message --------\n" + COPY,
        "Return-Path: <>",
        "From: postmaster@example.net",
        "To: news@example.com",
        "Subject: Undeliverable message",
        charset="iso-2022-jp",
    ),
    "a carrier, from no-reply": mail(
        "次のあて先への送信に失敗しました。\nメールアドレスが見つかりませんでした。\n\n<ada@example.net>\n\n"
        "-------original message\n" + COPY,
        "From: no-reply@carrier.example",
        "To: news@example.com",
        "Subject: =?utf-8?b?44Oh44O844Or44Ko44Op44O86YCa55+l?=",
        charset="iso-2022-jp",
    ),
    "in Chinese": mail(
        "很抱歉，您的邮件被退回。\n收件人 ada@example.net\n原因：550 用户不存在\n",
        "Return-Path: <>",
        "From: postmaster@mail.example",
        "To: news@example.com",
        "Subject: =?utf-8?b?57O757uf6YCA5L+h?=",
    ),
    "in German, as HTML": mail(
        "<html><head><style>p { color: red }</style></head><body><p>Die E-Mail an <b>ada@example.net</b> konnte nicht "
        "zugestellt werden.</p><p>Empf&auml;nger unbekannt</p></body></html>",
        "Return-Path: <>",
        "From: postmaster@mail.example",
        "To: news@example.com",
        "Subject: Unzustellbar: The news",
    ).replace(b"text/plain", b"text/html"),
    "a boundary that was lost": mail(
        "--x\nContent-Type: text/plain\n\nYour message could not be delivered.\n\nada@example.net [User unknown]\n",
        "From: MAILER-DAEMON@mx.example",
        "To: news@example.com",
        "Subject: Returned Mail",
    ).replace(b"text/plain; charset=utf-8", b"multipart/mixed; boundary=gone", 1),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_its_own(name: str) -> None:
    assert said(read_message(FORMS[name])) == [("ada@example.net", "hard")]


def test_several_recipients_of_one_text_have_a_reason_each() -> None:
    raw = FORMS["OpenSMTPD"].replace(b"User unknown\n", b"User unknown\nbob@example.net: 552 5.2.2 Mailbox full\n")
    assert said(read_message(raw.replace(b"To: Ada <ada@example.net>", b"To: list@example.net"))) == [
        ("ada@example.net", "hard"),
        ("bob@example.net", "soft"),
    ]


def test_a_transcript_gives_each_recipient_the_reason_of_its_own_server() -> None:
    text = """   ----- Transcript of session follows -----
While talking to mx.example.net:
>>> MAIL From:<news@example.com>
<<< 501 <news@example.com>... no access from mail server [192.0.2.1], which is an open relay
554 <ada@example.net>... Remote protocol error
550 example.org (smtp)... 550 Host unknown
554 <bob@example.org>... 550 Host unknown (Authoritative answer from name server)
While talking to mx.example.edu:
>>> RCPT To:<eve@example.edu>
<<< 550 5.1.1 nobody
554 <eve@example.edu>... Remote protocol error

   ----- Unsent message follows -----
From: News <news@example.com>
To: list@example.com
"""
    raw = mail(
        text,
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
        "To: news@example.com",
        "Subject: Returned mail",
    )
    assert said(read_message(raw)) == [
        ("ada@example.net", "lane"),
        ("bob@example.org", "hard"),
        ("eve@example.edu", "hard"),
    ]


def test_a_delay_in_plain_words() -> None:
    raw = FORMS["OpenSMTPD"].replace(b"550 5.1.1 User unknown", b"Network error on destination MXs")
    raw = raw.replace(b"    Below", b"    The message is delayed; delivery attempts will continue.\n\n    Below")
    assert said(read_message(raw)) == [("ada@example.net", "delayed")]


# --- status parts ---------------------------------------------------------------------------------------------------


def test_the_reason_of_an_empty_status_is_in_the_text() -> None:
    raw = dsn("Action: failed", "Status: 5.0.0").replace(
        b"message could not be delivered.", b"message failed:\r\n\r\nada@example.net: 552 5.2.2 mailbox full"
    )
    assert said(read_message(raw)) == [("ada@example.net", "soft")]


def test_the_reason_in_a_field_of_ironports() -> None:
    info = 'X-Supplementary-Info: <192.0.2.9 #5.0.0 smtp; 550 "Unknown User">'
    assert said(read_message(dsn("Action: failed", "Status: 5.0.0", info))) == [("ada@example.net", "hard")]


def test_unknown_only_after_the_body_is_a_filters_word() -> None:
    raw = dsn("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp; 550 Unknown user ada@example.net").replace(
        b"message could not be delivered.",
        b"<ada@example.net>: host mx said: 550 Unknown user ada@example.net (in reply to end of DATA command)",
    )
    assert said(read_message(raw)) == [("ada@example.net", "soft")]


@pytest.mark.parametrize(
    ("session", "kind"),
    [
        pytest.param(">>> DATA\n<<< 550 Unknown user ada@example.net\n", "soft", id="DATA itself is refused"),
        pytest.param(
            ">>> DATA\n<<< 550 Unknown user ada@example.net\n550 5.1.1 <ada@example.net>... User unknown\n"
            "<<< 503 5.0.0 Need RCPT (recipient)\n",
            "hard",
            id="PIPELINING: the answer is that to RCPT",
        ),
        pytest.param(">>> RCPT TO:<ada@example.net>\n<<< 550 Unknown user ada@example.net\n", "hard", id="RCPT"),
        pytest.param("-------SMTP command\nDATA\n", "soft", id="the command in a section of its own"),
        pytest.param("-------SMTP command\nRCPT TO:<ada@example.net>\n", "hard", id="the recipient in such a section"),
    ],
)
def test_a_transcript_says_when_somebody_was_refused(session: str, kind: str) -> None:
    raw = dsn("Action: failed", "Status: 5.0.0", "Diagnostic-Code: smtp; 550 Unknown user ada@example.net").replace(
        b"message could not be delivered.",
        f"message failed.\r\n\r\n<ada@example.net>:\r\n    mx.example.net:\r\n{session}".replace("\n", "\r\n").encode(),
    )
    assert said(read_message(raw)) == [("ada@example.net", kind)]


@pytest.mark.parametrize(
    ("when", "kind"),
    [("in reply to RCPT TO command", "hard"), ("in reply to end of DATA command", "soft"), ("", "soft")],
)
def test_docomo_says_unknown_of_a_closed_filter_too(when: str, kind: str) -> None:
    words = "550 Unknown user ada@docomo.ne.jp"
    raw = dsn("Action: failed", "Status: 5.0.0", f"Diagnostic-Code: smtp; {words}").replace(
        b"message could not be delivered.", f"<ada@docomo.ne.jp>: host mx said: {words} ({when})".encode()
    )
    raw = raw.replace(b"ada@example.net", b"ada@docomo.ne.jp")
    assert said(read_message(raw)) == [("ada@docomo.ne.jp", kind)]


def test_a_filter_after_the_body_does_not_outweigh_a_plain_code() -> None:
    raw = dsn("Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 5.1.1 User unknown").replace(
        b"message could not be delivered.",
        b"<ada@example.net>: host mx said: 550 5.1.1 User unknown (in reply to end of DATA command)",
    )
    assert said(read_message(raw)) == [("ada@example.net", "hard")]


def test_a_delay_that_has_expired_is_none() -> None:
    """OpenSMTPD says both of a message that it gave up, and would say so of each issue to a host that is gone."""
    expired = dsn("Action: delayed", "Status: 4.4.7").replace(
        b"message could not be delivered.", b"message is delayed:\r\n\r\nada@example.net: Envelope expired"
    )
    assert said(read_message(expired)) == [("ada@example.net", "soft")]
    still = expired.replace(b"Envelope expired", b"Network error on destination MXs")
    assert said(read_message(still)) == [("ada@example.net", "delayed")]
    until = expired.replace(b"Status: 4.4.7", b"Status: 4.4.7\r\nWill-Retry-Until: Mon, 9 Mar 2026 09:00:00 +0000")
    assert said(read_message(until)) == [("ada@example.net", "delayed")]


def test_an_expired_message_is_a_point() -> None:
    assert said(read_message(dsn("Action: expired", "Status: 5.0.0"))) == [("ada@example.net", "soft")]


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "Delivered (to mailbox)"])
def test_a_success_at_a_bounce_address_counts_as_nothing(action: str) -> None:
    raw = dsn(f"Action: {action}", "Status: 2.1.5", to=VERP)
    assert isinstance(read_message(raw, BOUNCES), AutoReply)


def test_a_damaged_report_at_a_bounce_address_is_a_bounce() -> None:
    raw = hard(to=VERP).replace(b"Content-Type: message/delivery-status", b"Content-Type: text/x-damaged")
    raw = raw.replace(b"Final-Recipient", b"F").replace(b"Diagnostic-Code: smtp; 550 5.1.1", b"D:")
    reading = read_message(raw, BOUNCES)
    assert isinstance(reading, Bounce)
    assert reading.traces.token == TOKEN
    assert [failure.address for failure in reading.failures] == ["ada@example.net"]
    assert reading.failures[0].kind is not Kind.DELAYED


# --- what is none of them -------------------------------------------------------------------------------------------


def forwarded(report: bytes, *headers: str) -> bytes:
    head = ["From: Ann <ann@example.org>", "To: news@example.com", "Subject: Fwd: Undelivered Mail", *headers]
    outer = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="o"\n\n--o\nContent-Type: text/plain\n\nLook!\n'
    inner = b"--o\nContent-Type: message/rfc822\n\n" + report.replace(b"\r\n", b"\n") + b"\n--o--\n"
    return ("\n".join(head) + "\n" + outer).encode() + inner


def test_a_report_that_a_reader_sends_on_is_a_letter() -> None:
    assert read_message(forwarded(hard())) == Ordinary()


def test_a_report_that_is_sent_on_with_our_message_says_so() -> None:
    reading = read_message(forwarded(hard(returned=COPY)))
    assert isinstance(reading, Bounce)
    assert reading.forwarded
    assert reading.traces.message_ids == ("<1@example.com>",)


def test_a_report_that_is_quoted_in_a_letter_is_a_letter() -> None:
    text = "Is this you?\n\n> Final-Recipient: rfc822; bob@example.net\n> Action: failed\n> Status: 5.1.1\n"
    assert read_message(letter("Fwd: Returned mail: see transcript", text)) == Ordinary()


@pytest.mark.parametrize(
    "text",
    [
        "Cc: ada@example.net, bob@example.org, \n\nthe delivery failed last week, can you resend the parcel?",
        "It could not be delivered, and ann@example.org, who knows, is away.",
        "The delivery failed.\n\n-----Original Message-----\nTo: ann@example.org, bob@example.org, cem@example.org\n",
        "delivery failed\n\n> Cc: ann@example.org, bob@example.org, cem@example.org\n> so, bob@example.org, what\n",
    ],
)
def test_a_letter_with_addresses_between_commas_is_one(text: str) -> None:
    assert read_message(letter("The parcel", text)) == Ordinary()


def test_an_answer_that_names_its_recipients_is_a_letter() -> None:
    text = "Hello\n\n----- Original Message -----\nTo: a@example.com, ada@example.net, c@example.org \nSent: Monday \n"
    assert read_message(letter("Re: The news", text)) == Ordinary()


@pytest.mark.parametrize("subject", ["Re: The news", "Failure is an option", "Away"])
def test_a_persons_answer_from_nobody_is_no_bounce(subject: str) -> None:
    raw = letter(subject, "I no longer work here.", "Return-Path: <>", f"Delivered-To: {VERP}")
    assert isinstance(read_message(raw, BOUNCES), AutoReply)


# --- complaints and notices -----------------------------------------------------------------------------------------


def junk(sender: str) -> bytes:
    inner = f"X-HmXmrOriginalRecipient: ada@example.net\n{COPY}\nhello\n"
    return (
        f"From: {sender}\nTo: abuse@example.com\nSubject: complaint about message from 192.0.2.1\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/mixed; boundary="j"\n\n--j\nContent-Type: message/rfc822\n\n{inner}\n--j--\n'
    ).encode()


def test_a_junk_report_of_microsofts() -> None:
    reading = read_message(junk("staff@hotmail.com"))
    assert isinstance(reading, Complaint)
    assert reading.traces.message_ids == ("<1@example.com>",)
    assert reading.traces.addresses[0] == "ada@example.net"
    assert read_message(junk("staff@hotmail.com.example.org")) == Ordinary()


def test_a_report_of_failed_authentication_is_no_bounce() -> None:
    assert read_message(complaint("auth-failure")) == AutoReply("Feedback-Type: auth-failure")


NOTICE = (
    '{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":'
    '[{"emailAddress":"ada@example.net","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user '
    'unknown"}]},"mail":{"commonHeaders":{"messageId":"<1@example.com>"}}}'
)


def test_a_notice_of_amazons_by_mail() -> None:
    text = f"{NOTICE}\n\n--\nTo stop receiving notifications, click to unsubscribe:\nhttps://sns.example/unsubscribe\n"
    reading = read_message(letter("AWS Notification Message", text, sender="no-reply@sns.amazonaws.com"))
    assert said(reading) == [("ada@example.net", "hard")]
    assert isinstance(reading, Bounce)
    assert reading.traces.message_ids == ("<1@example.com>",)
    delivered = text.replace("Bounce", "Delivery", 1)
    raw = letter("AWS Notification Message", delivered, sender="no-reply@sns.amazonaws.com")
    assert isinstance(read_message(raw), AutoReply)
    assert not isinstance(read_message(letter("AWS", text, sender="no-reply@sns.example")), Bounce)


def test_recipients_of_a_status_without_a_line_between() -> None:
    raw = dsn(
        "Action: failed",
        "Status: 5.2.2",
        "Final-Recipient: rfc822; bob@example.net",
        "Action: failed",
        "Status: 5.1.1",
    )
    assert said(read_message(raw)) == [("ada@example.net", "soft"), ("bob@example.net", "hard")]


def test_a_notice_of_amazons_that_was_cut() -> None:
    cut = NOTICE[: NOTICE.index('"mail"')].replace('"', '\\"')
    reading = read_message(letter("AWS", '{"Message": "' + cut, sender="no-reply@sns.amazonaws.com"))
    assert said(reading) == [("ada@example.net", "hard")]


def test_fields_in_a_text_belong_to_the_recipient_that_they_follow() -> None:
    fields = (
        "Your message could not be delivered.\n\nReporting-MTA: dns; mx.example\n\n"
        "Original-Recipient: rfc822;ada@example.net\nFinal-Recipient: rfc822;ada@example.net\nAction: failed\n"
        "Status: 5.1.1\n\nOriginal-Recipient: rfc822;bob@example.net\nFinal-Recipient: rfc822;bob@example.net\n"
        "Action: delayed\nStatus: 4.0.0\n\nOriginal-Recipient: rfc822;cy@example.net\n"
        "Final-Recipient: rfc822;cy@example.net\nAction: failed\nStatus: 5.2.2\n"
    )
    raw = mail(fields, "From: MAILER-DAEMON@mx.example", "To: news@example.com", "Subject: Returned mail")
    assert said(read_message(raw)) == [
        ("ada@example.net", "hard"),
        ("bob@example.net", "delayed"),
        ("cy@example.net", "soft"),
    ]


def test_the_headers_that_came_back_name_nobody_who_failed() -> None:
    """Some write them after the words, without a blank after the colon; the sender is a reader like any other."""
    text = (
        "This message was created automatically by mail delivery software.\nA message that you sent could not be "
        "delivered to one or more of its recipients. This is a permanent error.\n\n"
        "ada@example.net Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <ada@example.net>... User Unknown\n\n\n"
        "Received:from a.example by b.example\nMessage-ID:<77.88@example.com>\nFrom:News <news@example.com>\n"
        "To:<ada@example.net>\nSubject:The news\n"
    )
    headers = (
        "From: mailer-daemon@mail.example",
        "To: news@example.com",
        "Subject: Undelivered Mail Returned to Sender",
    )
    assert said(read_message(mail(text, *headers))) == [("ada@example.net", "hard")]
    spaced = text.replace(":from", ": from").replace(":<", ": <").replace("From:N", "From: N")
    assert said(read_message(mail(spaced, *headers))) == [("ada@example.net", "hard")]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("mx.example.net [192.0.2.5] did not like our RCPT TO:\n550 5.2.1 User unknown", "hard"),
        ("192.0.2.5 does not like recipient.\nRemote host said: 550 5.2.1 User unknown", "hard"),
        ("mx.example.net [192.0.2.5] did not like our DATA:\n550 5.2.1 User unknown", "soft"),
        ("Remote host said: 550 5.2.1 User unknown", "soft"),
    ],
)
def test_a_code_of_a_mailbox_beside_an_unknown_user_counts_as_at_rcpt_or_not(words: str, kind: str) -> None:
    """X.2.1 says that there is a mailbox; at RCPT the server's table of recipients answers."""
    text = f"Your mail could not be delivered.\n\n<ada@example.net>:\n{words}\n\nMessage headers follow.\n\n{COPY}"
    headers = ("From: MAILER-DAEMON <>", "To: news@example.com", "Subject: Mail delivery failed")
    assert said(read_message(mail(text, *headers))) == [("ada@example.net", kind)]


SUCCESS = [
    "Your message has been delivered to the following recipients:\n\nada@example.net",
    "Delivery to these recipients or groups is complete, but no delivery notification was sent by the destination "
    "server:\n\nada@example.net",
    "This is a delivery status notification.\n\nYour mail to ada@example.net was successfully relayed.",
    "Die Nachricht an ada@example.net wurde den folgenden Empfängern zugestellt.",
    "您的邮件已成功送达 ada@example.net",
]
SERVER = ("From: Microsoft Outlook <postmaster@contoso.example>", f"To: {VERP}", "Subject: Relayed: The news")


@pytest.mark.parametrize("text", SUCCESS)
def test_a_report_of_success_in_words_is_no_bounce(text: str) -> None:
    assert isinstance(read_message(mail(text, *SERVER), BOUNCES), AutoReply)


@pytest.mark.parametrize(
    "text",
    [
        f"{SUCCESS[0]}\n\nIt could not be delivered to:\n\nbob@example.net",
        f"{SUCCESS[2]}\n\n550 5.1.1 <bob@example.net>: gone",
        "Your message has been delivered to nobody: bob@example.net is unknown",
    ],
)
def test_success_beside_a_failure_is_a_bounce(text: str) -> None:
    assert isinstance(read_message(mail(text, *SERVER), BOUNCES), Bounce)


@pytest.mark.parametrize("name", ["Jane Doe, Postmaster", "Bo (mail administrator)", "Ann from the Mail Server team"])
@pytest.mark.parametrize("path", [(), ("Return-Path: <jane@example.net>",)])
def test_a_person_with_a_servers_words_in_the_name_is_a_person(name: str, path: tuple[str, ...]) -> None:
    text = "Hello, your news failed for our colleague ada@example.net last week: user unknown. Could you look?\n"
    raw = mail(text, *path, f'From: "{name}" <jane@example.net>', "To: news@example.com", "Subject: Your newsletter")
    assert isinstance(read_message(raw), Ordinary)
