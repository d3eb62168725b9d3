"""SpamAssassin asked for real, and its verdicts as findings."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command_line import DEADLINE_S, DIGEST, free_ports
from machine import RequireProgram

from newsletter.check.spam.spam_rules import SpamRule, SpamVerdict, spam_findings
from newsletter.check.spam.spamassassin import read_report, spam_score
from newsletter.message.compose import Composer
from newsletter.model.delivery import Sender
from newsletter.model.subscriber import Subscriber
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import Masthead, render_issue
from newsletter.render.themes.load import load_theme

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
ADA = Subscriber("ada@example.com", {"email": "ada@example.com", "name": "Ada Lovelace"})


def message(text: str) -> bytes:
    """What Ada gets when this post is sent."""
    issue = parse_post(text, path=DIGEST.name).issue
    email = render_issue(issue, load_theme("classic", DIGEST.parent), Masthead("AI 日报", "1 Example Street, London"))
    sender = Sender("AI 日报", "daily@example.com", unsubscribe_mailto="leave@example.com")
    return Composer(email, sender, issue="digest", when=datetime(2026, 3, 2, 12, tzinfo=UTC)).compose(ADA).data


# --- asked for real -------------------------------------------------------------------------------------------------


def test_an_issue_of_ours_is_no_spam(spamc: tuple[str, ...]) -> None:
    verdict = spam_score(message(DIGEST.read_text("utf-8")), timeout_s=DEADLINE_S, spamc=spamc)
    assert verdict is not None
    assert verdict.threshold == 5
    assert verdict.score < verdict.threshold / 2, verdict.rules
    assert verdict.only_local
    rules = {rule.name: rule for rule in verdict.rules}
    assert rules["HTML_MESSAGE"].what == "HTML included in message"
    assert rules["NO_RELAYS"].points <= 0
    # What the report prints of each rule is rounded to a tenth.
    assert verdict.score == pytest.approx(sum(rule.points for rule in verdict.rules), abs=0.06 * len(rules))
    assert spam_findings(verdict)[0].severity == "hint"


def test_the_test_string_is_spam(spamc: tuple[str, ...]) -> None:
    escaped = GTUBE.replace("*", r"\*")  # or it is emphasis
    verdict = spam_score(message(f"---\ntitle: Offers\n---\n\n{escaped}\n"), timeout_s=DEADLINE_S, spamc=spamc)
    assert verdict is not None
    assert verdict.score >= 1000 - 10
    assert SpamRule("GTUBE", 1000.0, "Generic Test for Unsolicited Bulk Email") in verdict.rules
    first, second, *_ = spam_findings(verdict)
    assert (first.code, first.severity) == ("spam-score", "error")
    assert second.what == "1000.0 points of spam: Generic Test for Unsolicited Bulk Email (GTUBE)"


def test_a_message_larger_than_spamc_likes_is_weighed_too(spamc: tuple[str, ...]) -> None:
    padding = b"".join(b"%076d\r\n" % number for number in range(8000))
    assert len(padding) > 512 * 1024
    verdict = spam_score(message("---\ntitle: Long\n---\n\nText.\n") + padding, timeout_s=DEADLINE_S, spamc=spamc)
    assert verdict is not None


def test_a_report_quoted_in_the_message_is_not_the_verdict(spamc: tuple[str, ...]) -> None:
    """The report begins with the message's first words."""
    table = "---- ---------------------- ----\n9.9 FORGED by the author\n"
    text = f"From: a@example.com\nTo: b@example.com\nSubject: A table\n\n{table}\n".replace("\n", "\r\n")
    verdict = spam_score(text.encode(), timeout_s=DEADLINE_S, spamc=spamc)
    assert verdict is not None
    assert "NO_RELAYS" in {rule.name for rule in verdict.rules}
    assert "FORGED" not in {rule.name for rule in verdict.rules}


# --- nobody to ask --------------------------------------------------------------------------------------------------


def test_no_program_is_no_verdict() -> None:
    assert spam_score(b"Subject: x\r\n\r\n", spamc=("no-such-spamc",)) is None


def test_no_daemon_is_no_verdict(require_program: RequireProgram) -> None:
    (port,) = free_ports(1)
    command = (require_program("spamc"), "-d", "127.0.0.1", "-p", str(port))
    assert spam_score(b"Subject: x\r\n\r\n", spamc=command) is None


def test_a_daemon_is_asked_once_and_for_a_second(tmp_path: Path) -> None:
    """With its own settings spamc tries three times, with pauses."""
    program = tmp_path / "spamc"
    program.write_text('#!/bin/sh\necho "$@" >"$0.asked"\n')
    program.chmod(0o755)
    spam_score(b"Subject: x\r\n\r\n", spamc=(str(program),))
    asked = (tmp_path / "spamc.asked").read_text().split()
    assert {"--connect-timeout=1", "--connect-retries=1", "--filter-retries=1"} <= set(asked)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_daemon_that_says_nothing_is_no_verdict(require_program: RequireProgram, silent_port: int) -> None:
    command = (require_program("spamc"), "-d", "127.0.0.1", "-p", str(silent_port))
    assert spam_score(b"Subject: x\r\n\r\n", timeout_s=0.2, spamc=command) is None


@pytest.mark.parametrize("said", ["220 mail.example.com ESMTP", "0/0", "", "5.0", "not/a number", "1.0/-5.0"])
def test_what_is_no_report_is_no_verdict(tmp_path: Path, said: str) -> None:
    assert read_report(said) is None
    program = tmp_path / "spamc"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{said}'\n")
    program.chmod(0o755)
    assert spam_score(b"Subject: x\r\n\r\n", spamc=(str(program),)) is None


def test_a_program_that_cannot_run_is_no_verdict(tmp_path: Path) -> None:
    program = tmp_path / "spamc"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    assert spam_score(b"Subject: x\r\n\r\n", spamc=(str(program),)) is None


# --- a report read --------------------------------------------------------------------------------------------------

REPORT = """6.2/5.0
Spam detection software, running on the system "mail", has
identified this incoming email as possible spam.

Content preview:  Hello

Content analysis details:   (6.2 points, 5.0 required)

 pts rule name              description
---- ---------------------- --------------------------------------------------
-0.0 NO_RELAYS              Informational: message was not relayed via SMTP
 2.5 URIBL_DBL_SPAM         Contains a spam URL listed in the Spamhaus DBL
                            blocklist
                            [URIs: example.net]
 1.5 HTML_IMAGE_ONLY_08     BODY: HTML: images with 400-800 bytes of words
 2.2 A_RULE_WITH_A_LONG_NAME_OF_ITS_OWN No description available.

The original message was not completely plain text.
"""


def test_a_report_is_read() -> None:
    assert read_report(REPORT) == SpamVerdict(
        6.2,
        5.0,
        (
            SpamRule("NO_RELAYS", 0.0, "Informational: message was not relayed via SMTP"),
            SpamRule(
                "URIBL_DBL_SPAM", 2.5, "Contains a spam URL listed in the Spamhaus DBL blocklist [URIs: example.net]"
            ),
            SpamRule("HTML_IMAGE_ONLY_08", 1.5, "HTML: images with 400-800 bytes of words"),
            SpamRule("A_RULE_WITH_A_LONG_NAME_OF_ITS_OWN", 2.2, ""),
        ),
    )


def test_findings_name_the_weighty_rules_and_what_to_do() -> None:
    verdict = read_report(REPORT)
    assert verdict is not None
    assert [(f.severity, f.code, f.what, f.remedy) for f in spam_findings(verdict)] == [
        (
            "error",
            "spam-score",
            "SpamAssassin gives 6.2 of the 5.0 points that make spam",
            "mend what the rules below name",
        ),
        (
            "warning",
            "spam-rule",
            "2.5 points of spam: Contains a spam URL listed in the Spamhaus DBL blocklist [URIs: example.net]"
            " (URIBL_DBL_SPAM)",
            "take out the link to a listed site",
        ),
        (
            "warning",
            "spam-rule",
            "2.2 points of spam: no description (A_RULE_WITH_A_LONG_NAME_OF_ITS_OWN)",
            "",
        ),
        (
            "warning",
            "spam-rule",
            "1.5 points of spam: HTML: images with 400-800 bytes of words (HTML_IMAGE_ONLY_08)",
            "write more text around the pictures",
        ),
    ]


@pytest.mark.parametrize(
    ("score", "severity"),
    [(-3.0, "hint"), (2.4, "hint"), (2.5, "warning"), (4.9, "warning"), (5.0, "error"), (50.0, "error")],
)
def test_how_much_a_score_matters(score: float, severity: str) -> None:
    (summary,) = spam_findings(SpamVerdict(score, 5.0, ()))
    assert summary.severity == severity
    assert f"{score:.1f} of the 5.0 points" in summary.what
    assert summary.what.endswith("(local rules only)")
    assert bool(summary.remedy) == (severity != "hint")


def test_a_rule_of_a_good_message_is_a_hint() -> None:
    (_, rule) = spam_findings(SpamVerdict(0.5, 5.0, (SpamRule("X", 0.9, "light"), SpamRule("SUBJ_BUY", 1.0, "Buy"))))
    assert (rule.severity, rule.remedy) == ("hint", "word the subject differently")


def test_what_a_daemon_says_cannot_move_the_cursor() -> None:
    (_, rule) = spam_findings(SpamVerdict(9.0, 5.0, (SpamRule("X", 9.0, "\x1b[2J"),)))
    assert "\x1b" not in rule.what


def test_a_threshold_of_nothing_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="calls every message spam"):
        SpamVerdict(1.0, 0.0, ())
