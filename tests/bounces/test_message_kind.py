"""Reading what comes back. The code classes stand in cases/bounces.md, the wild ones in flufl.bounce's samples."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta

import pytest
from flufl_samples import Sample, read_samples
from growth import calls
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import TESTS, examples
from reports import BOUNCES, complaint, dsn, hard, letter

from newsletter.audience.people.bounce_score import soft_score, stale_days_of
from newsletter.bounces.failure_kind import failure_of
from newsletter.bounces.message_kind import read_message
from newsletter.bounces.results import (
    AutoReply,
    Bounce,
    Complaint,
    Doubtful,
    Kind,
    Ordinary,
    Reading,
    Unreadable,
    Unsubscribe,
)
from newsletter.bounces.rules import RULES, Rule, rule_for
from newsletter.bounces.truncate import MAX_BYTES, MAX_LINES, MAX_PARTS, bounded
from newsletter.delivery.smtp.replies import HARD_BOUNCES
from newsletter.message.unsubscribe import unsubscribe_urls
from newsletter.model.delivery import Sender
from newsletter.model.subscriber import Subscriber
from newsletter.tokens import token

LINE = re.compile(r" {4}(\S.*?) *\| *(.*?) *-> (\w+)")
TOKEN = token("a secret that is long", "bounce", "ada@example.net", "2026-03-02-news")
VERP = BOUNCES.replace("{token}", TOKEN)


def read_cases() -> list[tuple[str, str, str]]:
    lines = [line for line in (TESTS / "cases" / "bounces.md").read_text("utf-8").splitlines() if "->" in line]
    matches = [LINE.fullmatch(line) for line in lines]
    assert all(matches), [line for line, match in zip(lines, matches, strict=True) if not match]
    return [("" if match[1] == "none" else match[1], match[2], match[3]) for match in matches if match]


CASES = read_cases()


# --- what a failure means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "diagnosis", "kind"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_a_failure(status: str, diagnosis: str, kind: str) -> None:
    assert failure_of("a@example.com", status, diagnosis).kind == kind
    assert failure_of("a@example.com", status, diagnosis, delayed=True).kind == "delayed"


@pytest.mark.parametrize(("status", "diagnosis", "kind"), CASES, ids=[f"{c[0]} {c[1]}" for c in CASES])
def test_the_same_in_a_whole_report(status: str, diagnosis: str, kind: str) -> None:
    fields = ["Action: failed", *([f"Status: {status}"] if status else []), f"Diagnostic-Code: {diagnosis}"]
    reading = read_message(dsn(*fields))
    assert isinstance(reading, Bounce)
    assert [(failure.address, failure.kind) for failure in reading.failures] == [("ada@example.net", kind)]
    assert reading.reporter == "mx.example.net"


@given(
    st.sampled_from(["4", "5"]),
    st.integers(0, 8),
    st.integers(0, 50),
    st.sampled_from([0, 421, 450, 550, 554]),
    st.text(),
)
def test_codes_alone_are_hard_for_five(kind: str, subject: int, detail: int, code: int, words: str) -> None:
    status = f"{kind}.{subject}.{detail}"
    rule = rule_for(status, code, words)
    if rule.kind is Kind.HARD:
        assert rule.words or status in HARD_BOUNCES
    if kind == "4" or code in (421, 450):
        assert rule.kind is not Kind.HARD
    if subject == 7:
        assert rule.kind in (Kind.SENDER_FAULT, Kind.SOFT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_names_its_source(rule: Rule) -> None:
    assert rule.name
    assert rule.source
    assert rule.words or rule.status or rule.code or rule is RULES[-1]


def test_what_is_kept_of_a_failure() -> None:
    failure = failure_of("a@example.com", "5.1.1 (gone)", "smtp; 550-5.1.1 No such\n user")
    assert (failure.status, failure.code, failure.words) == ("5.1.1", 550, "No such user")
    assert len(failure_of("a@example.com", "", "x" * 10_000).words) == 500


# --- delivery reports -----------------------------------------------------------------------------------------------


def bounce(raw: bytes, bounce_address: str = "") -> Bounce:
    reading = read_message(raw, bounce_address)
    assert isinstance(reading, Bounce), reading
    return reading


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_a_report_of_success_is_not_a_bounce(action: str) -> None:
    assert isinstance(read_message(dsn(f"Action: {action}", "Status: 2.0.0")), AutoReply)


def test_the_original_recipient_goes_first() -> None:
    raw = dsn("Original-Recipient: rfc822;ada@example.com", "Action: failed", "Status: 5.1.1")
    assert bounce(raw).failures[0].address == "ada@example.com"


def test_a_delay_is_no_failure_yet() -> None:
    assert bounce(dsn("Action: delayed (will try again)", "Status: 4.4.1")).failures[0].kind is Kind.DELAYED


def test_several_recipients_each_with_a_reason_of_their_own() -> None:
    raw = dsn(
        "Action: failed",
        "Status: 5.1.1",
        "",
        "Final-Recipient: rfc822; b@example.net",
        "Action: failed",
        "Status: 5.7.1",
    )
    assert [(f.address, f.kind) for f in bounce(raw).failures] == [
        ("ada@example.net", "hard"),
        ("b@example.net", "lane"),
    ]


def test_an_address_beyond_ascii() -> None:
    """RFC 6533: `utf-8; ...` in message/global-delivery-status."""
    raw = hard("jürgen@example.net").replace(b"message/delivery-status", b"message/global-delivery-status")
    assert bounce(raw.replace(b"rfc822; j", b"utf-8; j")).failures[0].kind is Kind.HARD


def test_a_report_that_names_nobody_leaves_it_to_its_traces() -> None:
    raw = dsn("Final-Recipient: x400; /c=de/s=ada/", "Action: failed", "Status: 5.1.1", address="", to=VERP)
    reading = bounce(raw, BOUNCES)
    assert reading.failures[0].address == ""
    assert reading.traces.token == TOKEN


# --- whose mail it was ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", ["Delivered-To: {}", "X-Original-To: {}", "Envelope-To: <{}>", "To: News <{}>", "to: a@b.example, {}"]
)
def test_the_token_of_a_bounce_address(header: str) -> None:
    raw = hard(to="someone@example.com").replace(b"To: someone@example.com", header.format(VERP).encode(), 1)
    assert bounce(raw, BOUNCES).traces.token == TOKEN
    assert bounce(raw.replace(TOKEN.encode(), TOKEN.upper().encode()), BOUNCES).traces.token == TOKEN
    assert bounce(raw).traces.token == ""


@pytest.mark.parametrize(
    "address", ["bounce+{}@example.com.evil.example", "bounce+{}@example.org", "bounces+{}@example.com"]
)
def test_what_only_looks_like_a_bounce_address(address: str) -> None:
    assert bounce(hard(to=address.format(TOKEN)), BOUNCES).traces.token == ""
    assert bounce(hard(to=VERP.replace(TOKEN, TOKEN[:-1])), BOUNCES).traces.token == ""


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/rfc822", "message/global-headers"])
def test_the_message_that_came_back(kind: str) -> None:
    raw = hard(returned="Message-ID: <abc@example.com>\nTo: Ada <ada@example.com>\nReturn-Path: <" + VERP + ">")
    traces = bounce(raw.replace(b"text/rfc822-headers", kind.encode()), BOUNCES).traces
    assert traces.message_ids == ("<abc@example.com>",)
    assert traces.token == TOKEN
    assert traces.addresses == ("ada@example.com",)


def test_a_message_that_is_quoted_in_the_text() -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.\n\n"
        b"<ada@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        b"--- Below this line is a copy of the message.\n\nReturn-Path: <news@example.com>\n"
        b"Message-ID: <abc@example.com>\nSubject: 550 5.7.1 is only our headline\n"
    )
    reading = bounce(raw)
    assert reading.traces.message_ids == ("<abc@example.com>",)
    assert [(f.address, f.kind, f.status) for f in reading.failures] == [("ada@example.net", "hard", "5.1.1")]


@pytest.mark.parametrize("words", ["很抱歉，您的邮件被退回。", "550 5.1.1 用户不存在"])
def test_a_bounce_that_nobody_can_read_but_that_came_to_a_bounce_address(words: str) -> None:
    raw = letter("退信", words, "Return-Path: <>", f"Delivered-To: {VERP}", sender="postmaster@example.net")
    reading = bounce(raw, BOUNCES)
    assert reading.traces.token == TOKEN
    assert [f.address for f in reading.failures] == [""]
    assert reading.failures[0].kind == ("hard" if "5.1.1" in words else "soft")
    assert read_message(raw) == Ordinary()


@pytest.mark.parametrize(
    "subject", ["You news@example.com are not member (Tea ML)", "Loop Alert: Duplicated Message-ID"]
)
def test_a_mailing_list_that_takes_no_mail_from_us(subject: str) -> None:
    """The address is a list, and none of its readers got the issue: a point, where our token says that it is ours."""
    marked = ("X-MLServer: fml [fml 4.0.3 release (20011202/4.0.3)]", f"Delivered-To: {VERP}")
    raw = letter(subject, "Not a member of this list.", *marked, sender="tea-admin@example.net")
    assert [failure.kind for failure in bounce(raw, BOUNCES).failures] == [Kind.SOFT]
    assert read_message(raw) == Ordinary("tea-admin@example.net", subject)
    person = letter(subject, "Not a member of this list.", f"Delivered-To: {VERP}", sender="ann@example.net")
    assert read_message(person, BOUNCES) == Ordinary("ann@example.net", subject)


def test_a_bounce_from_somebody_whom_no_server_is_called_that_brings_our_message_back() -> None:
    raw = complaint(mail_from=VERP).replace(b"message/feedback-report", b"text/plain")
    raw = raw.replace(b"multipart/report; report-type=feedback-report", b"multipart/mixed")
    assert read_message(raw) == Ordinary()
    delivered = raw.replace(b"To: news@example.com", b"To: " + VERP.encode())
    assert [failure.kind for failure in bounce(delivered, BOUNCES).failures] == [Kind.SOFT]


def test_a_text_in_base64_is_read_too() -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.example\nSubject: failure notice\nContent-Transfer-Encoding: base64\n\n"
        b"SGkuIFRoaXMgaXMgdGhlIHFtYWlsLXNlbmQgcHJvZ3JhbSBhdCBteC5leGFtcGxlLgoKPGFkYUBl\n"
        b"eGFtcGxlLm5ldD46ClNvcnJ5LCBubyBtYWlsYm94IGhlcmUuICgjNS4xLjEpCg==\n"
    )
    assert [(f.address, f.kind) for f in bounce(raw).failures] == [("ada@example.net", "hard")]


# --- complaints -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feedback", ["abuse", "fraud", "virus", "other", "ABUSE"])
def test_a_complaint(feedback: str) -> None:
    reading = read_message(complaint(feedback, mail_from=VERP), BOUNCES)
    assert isinstance(reading, Complaint)
    assert reading.feedback == feedback.lower()
    assert reading.reporter == "SomeGenerator/1.0"
    assert reading.traces.token == TOKEN
    assert reading.traces.message_ids == ("<1@example.com>",)
    assert reading.traces.addresses == ("ada@example.net",)


@pytest.mark.parametrize("feedback", ["not-spam", "auth-failure"])
def test_a_feedback_report_that_complains_of_nothing(feedback: str) -> None:
    assert isinstance(read_message(complaint(feedback)), AutoReply)


# --- leaving by mail ------------------------------------------------------------------------------------------------


def test_what_the_header_list_unsubscribe_writes_is_understood() -> None:
    from urllib.parse import parse_qs, urlsplit

    sender = Sender("News", "news@example.com", unsubscribe_mailto="leave@example.com")
    (url,) = unsubscribe_urls(sender, Subscriber("o'ada+x@example.net"))
    subject = parse_qs(urlsplit(url).query.replace("+", "%2B"))["subject"][0]
    raw = letter(subject, "", sender="Other <other@example.org>")
    assert read_message(raw) == Unsubscribe("o'ada+x@example.net", "other@example.org")


@pytest.mark.parametrize(
    "subject",
    [
        *("unsubscribe", "UNSUBSCRIBE", "Re: Unsubscribe", "please unsubscribe me", "Unsubscribe.", "退订", "取消订阅"),
        *("abmelden", "désinscription", "=?utf-8?b?6YCA6K6i?=", "отписаться", "Fwd: unsubscribe"),
    ],
)
def test_a_wish_to_leave_in_the_subject(subject: str) -> None:
    assert read_message(letter(subject, "")) == Unsubscribe("", "ada@example.net")


@pytest.mark.parametrize(
    "text", ["unsubscribe", "Please unsubscribe me.\n\n> The news of today\n> is long", "退订\n-- \nAda"]
)
def test_a_wish_to_leave_in_the_text(text: str) -> None:
    assert read_message(letter("Re: The news", text)) == Unsubscribe("", "ada@example.net")


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: The news", "Thank you!"),
        ("Re: The news", "> unsubscribe\n\nThat link is broken."),
        ("", ""),
        ("Re: Undelivered mail", "My server said: 550 5.1.1 user unknown. What now?"),
    ],
)
def test_a_letter_is_left_alone(subject: str, text: str) -> None:
    assert read_message(letter(subject, text)) == Ordinary()


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("How do I unsubscribe?", "My colleague would like to."),
        ("Re: The news", "I would never unsubscribe from this."),
        ("unsubscribe rates of newsletters", "a question"),
        ("Re: The news", "Ich habe mich schon zweimal abgemeldet und bekomme keine Mails mehr, oder?"),
        ("Re: 早报", "我上周已经点了退订的链接，怎么今天又收到了"),
    ],
)
def test_a_letter_that_may_ask_to_leave_is_shown_to_a_person(subject: str, text: str) -> None:
    reading = read_message(letter(subject, text))
    assert isinstance(reading, Doubtful)
    assert reading.sender == "ada@example.net"
    assert reading.words


def test_a_wish_to_leave_from_nobody_is_nobodys() -> None:
    assert read_message(letter("unsubscribe", "", sender="")) == Ordinary()


# --- machines' answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "sign"),
    [
        ("Auto-Submitted: auto-replied", "Auto-Submitted"),
        ("Auto-Submitted: auto-generated; x=y", "Auto-Submitted"),
        ("X-Autoreply: yes", "X-Autoreply"),
        ("X-Autorespond: The news", "X-Autorespond"),
        ("Precedence: auto_reply", "Precedence"),
        ("Precedence: bulk", "Precedence"),
    ],
)
def test_an_automatic_answer_by_its_headers(header: str, sign: str) -> None:
    assert read_message(letter("Re: The news", "I am away.", header)) == AutoReply(sign)


@pytest.mark.parametrize(
    "subject",
    [
        *("Automatic reply: The news", "Auto-reply: x", "Out of Office: The news", "Automatische Antwort: News"),
        *(
            "Abwesenheitsnotiz",
            "Réponse automatique : News",
            "Respuesta automática",
            "自动回复: 早报",
            "自動返信",
            "Autosvar: x",
        ),
        *("Fuori ufficio: x", "Ausência temporária", "Fraværsmelding", "Automaattinen vastaus: x", "Autoodpowiedź: x"),
        *("Nieobecność: x", "Automatikus válasz: x", "Răspuns automat: x", "Автоматична відповідь: x", "Отсутствую: x"),
        *("Αυτόματη απάντηση: x", "رد تلقائي: x", "תשובה אוטומטית: x", "自動応答: x", "부재중: x"),
        *("Trả lời tự động: x", "ตอบกลับอัตโนมัติ: x", "Balasan otomatis: x", "स्वचालित उत्तर: x"),
    ],
)
def test_an_automatic_answer_by_its_subject(subject: str) -> None:
    assert read_message(letter(subject)) == AutoReply("Subject")


def test_an_automatic_answer_unsubscribes_nobody() -> None:
    raw = letter("Re: unsubscribe", "unsubscribe", "Auto-Submitted: auto-replied")
    assert read_message(raw) == AutoReply("Auto-Submitted")


def test_an_automatic_answer_to_a_bounce_address_is_not_a_bounce() -> None:
    raw = letter(
        "Abwesend", "Ich bin im Urlaub.", "Return-Path: <>", f"Delivered-To: {VERP}", "Auto-Submitted: auto-replied"
    )
    assert isinstance(read_message(raw, BOUNCES), AutoReply)


def test_a_read_receipt_is_left_alone() -> None:
    raw = dsn("Disposition: manual-action/MDN-sent-manually; displayed")
    raw = raw.replace(b"report-type=delivery-status", b"report-type=disposition-notification")
    raw = raw.replace(b"message/delivery-status", b"message/disposition-notification")
    assert isinstance(read_message(raw), AutoReply)


# --- hostile bytes --------------------------------------------------------------------------------------------------

SYSTEM = b"From: MAILER-DAEMON@mx.example\nContent-Type: text/plain\n\n"
TAGS = (
    b"here is your list of failed recipients\nthe following addresses had\nIntended recipient:\nYour message\n"
    b"this message was created automatically by mail delivery software\nfailed addresses follow:\n"
    b"A message that you sent could not be delivered\nDelivery to the following recipients failed\n"
    b"Sorry, unable to deliver your message to\nA message could not be delivered to:\n"
    b"Your message could not be delivered to\nthis is the email server at\ndid not reach the following recipient(s):\n"
)
MIXED = b"From: a@example.net\nContent-Type: multipart/mixed; boundary=b0\n\n"
NESTED = b"".join(b"--b%d\nContent-Type: multipart/mixed; boundary=b%d\n\n" % (n, n + 1) for n in range(1_000))

HOSTILE = {
    "50 MB on one line": SYSTEM + b"a" * 50_000_000,
    "50 MB of lines": SYSTEM + b"aaa bbb\n" * 6_250_000,
    "10,000 parts": MIXED + b"--b0\nContent-Type: text/plain\n\nx\n" * 10_000,
    "10,000 parts without headers": MIXED + b"--b0\n\nx\n" * 10_000,
    "depth 1,000": MIXED + NESTED,
    "1,000 messages in messages": b"Content-Type: message/rfc822\nFrom: a@b.example\n\n" * 1_000,
    "100,000 headers": b"".join(b"X-%d: y\n" % n for n in range(100_000)) + b"\nx",
    "a header of 1 MB": b"From: " + b"a," * 500_000 + b"\n\nx",
    "a header of 500,000 lines": b"From: a@example.net\nSubject: x\n" + b' y;="\n' * 500_000 + b"\n",
    "60,000 encoded words": b"From: a@example.net\nSubject: " + b"=?utf-8?q?=41?= " * 60_000 + b"\n\n",
    "brackets that never close": b"From: " + b'(<"a' * 300 + b"\n\nx",
    "noise": bytes(range(256)) * 4_000,
    "NULs": b"\0" * 1_000_000,
    "empty": b"",
    "line ends": b"\r\n" * 500_000,
    "long words where addresses are looked for": SYSTEM + TAGS + (b"a" * 10_000 + b"\n") * 300,
    "spaces where addresses are looked for": SYSTEM + TAGS + (b" " * 10_000 + b"\n") * 300,
    "brackets where addresses are looked for": SYSTEM + TAGS + (b"<" * 10_000 + b"\n") * 300,
    "dashes where a copy is looked for": SYSTEM + (b"-" * 900 + b"\n") * 280,
    "dashes in a page": SYSTEM.replace(b"plain", b"html") + (b"-" * 900 + b"\n") * 280,
    "halves of addresses": SYSTEM + (b"a@" * 450 + b"\n") * 280,
    "dashes where a signature is looked for": SYSTEM.replace(b"MAILER-DAEMON", b"ann") + b"-" * 250_000,
    "a charset of nobody's": SYSTEM.replace(b"plain", b"plain; charset=nosuch") + b"\xff\xfe" * 1_000,
    "a charset that takes time": SYSTEM.replace(b"plain", b"plain; charset=punycode") + b"a-" + b"b" * 200_000,
    "a charset of escapes": SYSTEM.replace(b"plain", b"plain; charset=unicode_escape") + b"\\z" * 1_000,
    "5,000 recipients": dsn(
        *("Action: failed\r\nStatus: 5.1.1\r\n\r\nFinal-Recipient: rfc822; b@example.net",) * 5_000
    ),
}
MOST_CALLS = 4_000_000
"""Of functions: twice what the worst of them takes. Without the bounds it is a hundred times that."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_read_in_bounded_work(name: str) -> None:
    reading = read_message(HOSTILE[name], BOUNCES)
    assert calls(lambda: read_message(HOSTILE[name], BOUNCES)) < MOST_CALLS
    if name == "5,000 recipients":
        assert isinstance(reading, Bounce)
        assert len(reading.failures) <= 100
    else:
        assert isinstance(reading, Ordinary | Unreadable), reading


def test_a_report_that_was_cut_off_says_what_it_says() -> None:
    whole = hard()
    cut = whole[: whole.index(b"Diagnostic-Code")]
    assert [(f.address, f.kind) for f in bounce(cut).failures] == [("ada@example.net", "hard")]


def test_a_report_before_50_mb_of_returned_mail_is_read() -> None:
    raw = hard(returned="Message-ID: <abc@example.com>\n" + "x" * 50_000_000)
    assert bounce(raw).failures[0].kind is Kind.HARD


def test_what_is_within_the_limits_stays_as_it_was() -> None:
    raw = hard(returned="Message-ID: <abc@example.com>\n\n" + "a line of text\n" * 1_000)
    assert bounded(raw) == raw.replace(b"\r\n", b"\n")
    assert len(bounded(HOSTILE["50 MB of lines"])) <= MAX_BYTES
    assert bounded(HOSTILE["line ends"]).count(b"\n") < MAX_LINES
    assert bounded(HOSTILE["10,000 parts"]).count(b"Content-Type") <= MAX_PARTS


PIECES = st.sampled_from(
    [
        *(hard().split(b"\r\n") + complaint().split(b"\r\n") + letter().split(b"\r\n") + TAGS.split(b"\n")),
        *(
            b"Content-Transfer-Encoding: base64",
            b"Content-Type: message/rfc822",
            b"Content-Type: text/html; charset=\xff",
        ),
        *(
            b"X-Failed-Recipients: a@example.net",
            b"--",
            b"=?x?",
            b"<a@example.net>:",
            b"Content-Type:",
            b"\x00\xff",
            b"",
        ),
    ]
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(PIECES | st.binary(max_size=30), max_size=40).map(b"\n".join))
def test_no_bytes_raise(raw: bytes) -> None:
    reading: Reading = read_message(raw, BOUNCES)
    if isinstance(reading, Bounce):
        assert all("\n" not in failure.address and len(failure.words) <= 500 for failure in reading.failures)


def test_a_detector_that_breaks_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    raw = (
        SYSTEM.replace(b"text/plain", b"multipart/mixed; boundary=b")
        + b"--b\nContent-Type: message/delivery-status\n\n\xff\n"
    )
    read_message(raw)
    assert capfd.readouterr() == ("", "")


# --- the score ------------------------------------------------------------------------------------------------------

MARCH = date(2026, 3, 1)


def days(*numbers: int) -> list[date]:
    return [MARCH + timedelta(days=number) for number in numbers]


@pytest.mark.parametrize(
    ("numbers", "today", "score"),
    [
        ([], 0, 0),
        ([0], 0, 1),
        ([0, 0, 0], 0, 1),
        ([0, 1, 2, 3, 4], 4, 5),
        ([4, 3, 2, 1, 0], 4, 5),
        ([0, 7, 14], 14, 3),
        ([0, 8], 8, 1),
        ([0, 1, 2, 10], 10, 1),
        ([0, 1, 2], 9, 3),
        ([0, 1, 2], 10, 0),
        ([0, 1, 5], 1, 2),
    ],
)
def test_the_score(numbers: list[int], today: int, score: int) -> None:
    assert soft_score(days(*numbers), MARCH + timedelta(days=today)) == score


@pytest.mark.parametrize(("every", "stale_days"), [(1, 7), (2, 7), (3, 7), (7, 15), (14, 29), (30, 61), (0, 7)])
def test_how_long_soft_bounces_count_follows_the_cadence(every: int, stale_days: int) -> None:
    sent = days(*range(0, every * 6, every)) if every else days(0)
    assert stale_days_of(sent) == stale_days
    assert stale_days_of([*sent, *sent]) == stale_days


def test_one_long_break_does_not_change_the_cadence() -> None:
    assert stale_days_of(days(0, 7, 14, 100, 107, 114)) == 15


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(0, 60))
def test_promises_of_the_score(numbers: list[int], today: int) -> None:
    now = MARCH + timedelta(days=today)
    score = soft_score(days(*numbers), now)
    assert 0 <= score <= len(set(numbers))
    assert soft_score(days(*numbers, *numbers), now) == score
    assert soft_score(days(*numbers, today), now) >= max(score, 1)


# --- the wild -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples() -> tuple[Sample, ...]:
    return read_samples()


# Its tests expect no address here, of the one detector that they ask; the report itself, or its copy, names one.
NAMED_AFTER_ALL = {
    "simple_42.txt": frozenset({"david...@gmail.com"}),
    "bounce_01.txt": frozenset({"swun@example.com.au"}),  # whom the header that came back was addressed to
}


def test_the_samples_of_flufl_bounce(samples: tuple[Sample, ...]) -> None:
    """All 117; docs/bounces.md has the five that name nobody."""
    wrong = {}
    for sample in samples:
        reading = read_message(sample.raw)
        found = reading.failures if isinstance(reading, Bounce) else ()
        expected = NAMED_AFTER_ALL.get(sample.name, sample.addresses)
        for_now = {failure.kind is Kind.DELAYED for failure in found}
        if {failure.address for failure in found} != expected or for_now - {sample.temporary}:
            wrong[sample.name] = reading
    assert len(samples) == 117
    assert wrong == {}


def test_what_the_samples_mean(samples: tuple[Sample, ...]) -> None:
    """The kinds, counted: a change of the rules shows how far it reaches."""
    readings = {sample.name: read_message(sample.raw) for sample in samples}
    kinds = Counter(r.failures[0].kind.value if isinstance(r, Bounce) else "none" for r in readings.values())
    assert kinds == {"hard": 42, "soft": 53, "lane": 7, "delayed": 11, "none": 4}
    assert {name for name, reading in readings.items() if not isinstance(reading, Bounce)} == {
        *("dumbass_01.txt", "groupwise_03.txt", "qmail_08.txt", "simple_43.txt")
    }
