"""What Gmail, Outlook and others refuse a sender for: a meaning and a remedy of their own, by code and words."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import newsletter, write_list, write_post
from smtp_server import Rule, SmtpServer

from newsletter.delivery.smtp.replies import enhanced_code, judge
from newsletter.model.delivery import State
from newsletter.report.reply_meanings import meaning_of, remedy_of

GOOGLE = " For more information, go to https://support.google.com/mail/answer/81126 a1-2b3.4 - gsmtp"


@pytest.mark.parametrize(
    ("code", "text", "meaning", "remedy"),
    [
        (550, "5.7.25 No PTR for this IP." + GOOGLE, "Gmail: the relay's address has no name", "PTR"),
        (550, "5.7.26 The sender is unauthenticated." + GOOGLE, "Gmail: neither SPF nor DKIM vouches", "SPF record"),
        (
            550,
            "5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy." + GOOGLE,
            "Gmail: the DMARC policy of the domain in from",
            "[dkim] domain",
        ),
        (550, "5.7.27 SPF did not pass." + GOOGLE, "Gmail: SPF does not allow the relay", "SPF record"),
        (421, "4.7.28 Unusual rate." + GOOGLE, "Gmail: too much mail at once", "[delivery] rate"),
        (550, "5.7.29 Sent without TLS." + GOOGLE, "Gmail: the relay passed the mail on without TLS", "TLS"),
        (421, "4.7.30 DKIM did not pass." + GOOGLE, "Gmail: no DKIM signature of ours holds", "[dkim]"),
        (550, "5.7.30 DKIM did not pass." + GOOGLE, "Gmail: no DKIM signature of ours holds", "[dkim]"),
        (550, "5.7.32 From is not aligned." + GOOGLE, "Gmail: neither SPF nor DKIM is of the domain in from", "sign"),
        (550, "5.7.40 No DMARC record." + GOOGLE, "Gmail: our domain has no DMARC record", "_dmarc"),
        (
            550,
            "5.7.1 Gmail has detected that this message is likely unsolicited mail." + GOOGLE,
            "Gmail: takes the mail for spam",
            "postmaster.google.com",
        ),
        (
            550,
            "5.7.515 Access denied, sending domain EXAMPLE.COM doesn't meet the required authentication level.",
            "Outlook: our domain does not pass SPF, DKIM and DMARC",
            "_dmarc",
        ),
        (
            550,
            "5.7.509 Access denied, sending domain does not pass DMARC verification",
            "Outlook: the mail fails DMARC",
            "",
        ),
        (550, "5.7.606 Access denied, banned sending IP", "Microsoft's block list", "sender.office.com"),
        (550, "5.7.1 part of their network is on our block list (S3150)", "Microsoft's block list", "block list"),
        (
            535,
            "5.7.139 Authentication unsuccessful, basic authentication is disabled",
            "Microsoft 365: the login",
            "xoauth2",
        ),
        (550, "5.7.9 Yahoo requires all senders to authenticate with SPF or DKIM", "Yahoo: neither SPF", "[dkim]"),
        (553, "5.7.2 [TSS09] will be permanently deferred", "Yahoo: the relay's address", "rate"),
        (550, "SPF check failed", "SPF does not allow", "SPF record"),
        (550, "5.7.1 Service unavailable, host blocked using zen.spamhaus.org", "on a block list", "block list"),
        (
            504,
            "5.5.2 <laptop>: Helo command rejected: need fully-qualified hostname",
            "greets it with (EHLO)",
            "ehlo =",
        ),
        (550, "5.7.26 multiple authentication checks failed", "Neither SPF nor DKIM vouches", "SPF record"),
        (550, "5.7.25 reverse DNS", "no name in DNS", "PTR"),
    ],
)
def test_a_refusal_of_the_sender_has_words_and_a_remedy(code: int, text: str, meaning: str, remedy: str) -> None:
    outcome = judge("dot", code, text)
    assert outcome.state is State.DEFERRED  # nobody's address is dead for it
    enhanced = enhanced_code(text)
    assert meaning in meaning_of(outcome.state, "dot", code, enhanced, text)
    said = remedy_of(outcome.state, code, enhanced, text)
    assert said
    assert remedy in said


@pytest.mark.parametrize(
    ("state", "code", "text"),
    [
        (State.REJECTED, 550, "5.1.1 <ada@gmail.com>: no such user - gsmtp"),
        (State.REJECTED, 552, "5.2.2 The recipient's inbox is out of storage space - gsmtp"),
        (State.REJECTED, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found"),
        (State.DEFERRED, 450, "4.2.0 greylisted"),
        (State.DEFERRED, 0, "the connection broke"),
        (State.SENT, 250, "2.0.0 queued; dmarc spamhaus"),
        (State.UNCERTAIN, 0, "no answer to the message (dmarc)"),
    ],
)
def test_what_is_about_the_recipient_has_no_remedy(state: State, code: int, text: str) -> None:
    assert remedy_of(state, code, enhanced_code(text), text) == ""


def test_status_and_report_say_what_to_do(tmp_path: Path) -> None:
    write_post(tmp_path)
    write_list(tmp_path, "ada@example.net")
    with SmtpServer(Rule("dot", "550 5.7.30 DKIM did not pass." + GOOGLE)) as server:
        sent = newsletter(
            *("send", "2026-03-01-hello.md", "--to", "list.csv"),
            *("--relay", server.relay, "--yes", "--first"),
            cwd=tmp_path,
        )
    assert sent.code == 3, sent.err
    meaning, remedy = "Gmail: no DKIM signature of ours holds", "set [dkim]"
    status = newsletter("status", "2026-03-01-hello", cwd=tmp_path)
    assert f"{meaning}; " in status.out
    assert remedy in status.out
    (person,) = newsletter("status", "2026-03-01-hello", "--json", cwd=tmp_path).json["people"]
    assert person["meaning"] == meaning
    assert remedy in person["remedy"]
    report = newsletter("report", "2026-03-01-hello", cwd=tmp_path)
    assert meaning in report.out
    assert "to do: " in report.out
    (reply,) = newsletter("report", "2026-03-01-hello", "--json", cwd=tmp_path).json["replies"]
    assert reply["meaning"] == meaning
    assert remedy in reply["remedy"]
    page = tmp_path / "report.html"
    newsletter("report", "2026-03-01-hello", "--html", page, cwd=tmp_path)
    assert f"To do: {person['remedy']}".replace('"', "&#34;") in page.read_text("utf-8")
