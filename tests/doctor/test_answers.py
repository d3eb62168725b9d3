"""What a relay, a web address, a ledger and a clock answered, judged without asking any of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from newsletter.doctor.judge.clock import judge_clock, judge_time_zone
from newsletter.doctor.judge.one_click import WebAnswer, judge_address, judge_one_click
from newsletter.doctor.judge.records import (
    Exposure,
    KeptBackups,
    LedgerHealth,
    judge_backup,
    judge_bounces,
    judge_ledger,
    judge_published,
)
from newsletter.doctor.judge.relay import RelayAnswer, judge_relay
from newsletter.doctor.verdict import Level, Verdict
from newsletter.model.delivery import Relay

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
RELAY = Relay("mail.quill.test", 587, "starttls", "ada", "the-secret-word")
ALL = {"pipelining": "", "8bitmime": "", "size": "35882577", "smtputf8": ""}
BUTTON = '<form method="post"><button>Leave</button></form>'


def levels(verdicts: tuple[Verdict, ...]) -> dict[str, Level]:
    return {verdict.code: verdict.level for verdict in verdicts}


# --- relay ----------------------------------------------------------------------------------------------------------


def test_a_good_relay_is_three_green_lines() -> None:
    verdicts = judge_relay(RelayAnswer(RELAY, ALL, "TLSv1.3", NOW + timedelta(days=60)), NOW)
    assert levels(verdicts) == {"relay": Level.GREEN, "relay-tls": Level.GREEN, "relay-features": Level.GREEN}
    assert "login as ada" in verdicts[0].what
    assert "TLSv1.3" in verdicts[1].what
    assert "60 days" in verdicts[1].what
    assert "SIZE 35.9 MB" in verdicts[2].what


def test_a_failure_keeps_the_words_and_the_remedy() -> None:
    failed = RelayAnswer(RELAY, failure=f"{RELAY}: the relay said 421 busy; now, before any mail; try again later")
    (verdict,) = judge_relay(failed, NOW)
    assert verdict.what == "mail.quill.test:587: the relay said 421 busy; now, before any mail"
    assert verdict.remedy == "try again later"
    assert not verdict.outside
    (passing,) = judge_relay(RelayAnswer(RELAY, failure=f"{RELAY}: no answer; try", passing=True), NOW)
    assert passing.outside


@pytest.mark.parametrize(
    ("answer", "code", "level"),
    [
        (RelayAnswer(RELAY, ALL, "TLSv1.3", NOW + timedelta(days=13, hours=1)), "relay-tls", Level.YELLOW),
        (RelayAnswer(RELAY, ALL, "TLSv1.3"), "relay-tls", Level.GREEN),
        (RelayAnswer(Relay("10.0.0.1", 25, "none"), ALL), "relay-tls", Level.YELLOW),
        (RelayAnswer(Relay("127.0.0.1", 25, "none"), ALL), "relay-tls", Level.GREEN),
        (RelayAnswer(RELAY, {"8bitmime": ""}), "relay-features", Level.YELLOW),
        (RelayAnswer(RELAY, {**ALL, "size": "100000"}), "relay-features", Level.YELLOW),
        (RelayAnswer(RELAY, {**ALL, "size": ""}), "relay-features", Level.GREEN),
        (RelayAnswer(RELAY, {**ALL, "size": "0"}), "relay-features", Level.GREEN),
        (RelayAnswer(RELAY, {}), "relay-features", Level.YELLOW),
    ],
)
def test_a_relay_s_weaknesses(answer: RelayAnswer, code: str, level: Level) -> None:
    assert levels(judge_relay(answer, NOW))[code] is level


# --- one-click ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("post", "get", "level", "said"),
    [
        (WebAnswer(200), WebAnswer(200, page=BUTTON), Level.GREEN, "answered 200"),
        (WebAnswer(202), WebAnswer(404), Level.GREEN, "answered 202"),
        (WebAnswer(404), WebAnswer(404), Level.YELLOW, "nobody's"),
        (WebAnswer(302, "https://quill.test/bye"), WebAnswer(404), Level.RED, "redirect to https://quill.test/bye"),
        (WebAnswer(308), WebAnswer(404), Level.RED, "redirect"),
        (WebAnswer(405), WebAnswer(200, page=BUTTON), Level.RED, "no POST"),
        (WebAnswer(403), WebAnswer(403), Level.RED, "login"),
        (WebAnswer(502), WebAnswer(502), Level.RED, "the server failed"),
        (WebAnswer(failure="nobody answers there"), WebAnswer(), Level.RED, "nobody answers"),
        (WebAnswer(failure="it is on a private address", private=True), WebAnswer(), Level.RED, "private"),
    ],
)
def test_a_post_s_answer(post: WebAnswer, get: WebAnswer, level: Level, said: str) -> None:
    (verdict,) = judge_one_click("https://quill.test", post, get, local=False)
    assert verdict.level is level
    assert said in verdict.what
    assert verdict.outside == (post.status == 502 or post.failure == "nobody answers there")


@pytest.mark.parametrize("page", ["You have left.", "<form method=get><button>", "<form action='/x'>"])
def test_a_get_without_a_button_may_unsubscribe(page: str) -> None:
    other = judge_one_click("https://quill.test", WebAnswer(200, page="Done"), WebAnswer(200, page=page), local=False)
    same = judge_one_click("https://quill.test", WebAnswer(200, page=page), WebAnswer(200, page=page), local=False)
    assert [verdict.level for verdict in (*other, *same)] == [Level.GREEN, Level.YELLOW] * 2
    assert "as POST does" in same[1].what


def test_an_address_of_this_machine_reaches_nobody() -> None:
    verdicts = judge_one_click("http://127.0.0.1", WebAnswer(200), WebAnswer(404), local=True)
    assert [verdict.level for verdict in verdicts] == [Level.GREEN, Level.YELLOW]


def test_the_settings_say_whether_there_is_an_address() -> None:
    assert judge_address("https://quill.test/u/{token}", "") is None
    assert judge_address("", "") is None
    without = judge_address("", "ada@quill.test")
    guessable = judge_address("https://quill.test/u?e={email}", "")
    assert without is not None
    assert guessable is not None
    assert without.level is guessable.level is Level.YELLOW


# --- ledger, bounces, files -----------------------------------------------------------------------------------------

SOUND = LedgerHealth("newsletter.db", version=3, known_version=3, issues=2, free_bytes=10**12)


@pytest.mark.parametrize(
    ("health", "level", "said"),
    [
        (SOUND, Level.GREEN, "sound, 2 issues"),
        (LedgerHealth("n.db", exists=False), Level.GREEN, "not there yet"),
        (LedgerHealth("n.db", failure="the ledger is damaged", remedy="restore it"), Level.RED, "damaged"),
        (LedgerHealth("n.db", version=0, known_version=3), Level.RED, "not a ledger"),
        (LedgerHealth("n.db", version=1, known_version=3), Level.GREEN, "of version 1"),
        (LedgerHealth("n.db", version=4, known_version=3), Level.RED, "version 4"),
        (LedgerHealth("n.db", version=3, known_version=3, unfinished=True), Level.YELLOW, "too large"),
        (LedgerHealth("n.db", version=3, known_version=3, free_bytes=1000), Level.YELLOW, "disk"),
        (LedgerHealth("n.db", exists=False, is_writable=False), Level.RED, "written to"),
    ],
)
def test_a_ledger(health: LedgerHealth, level: Level, said: str) -> None:
    (verdict,) = judge_ledger(health)
    assert verdict.level is level
    assert said in verdict.what


def days_ago(count: int) -> datetime:
    return NOW - timedelta(days=count)


@pytest.mark.parametrize(
    ("sent", "bounce", "level"),
    [
        (None, None, Level.GREEN),
        (days_ago(1), None, Level.GREEN),
        (days_ago(8), None, Level.YELLOW),
        (days_ago(8), days_ago(9), Level.YELLOW),
        (days_ago(8), days_ago(7), Level.GREEN),
    ],
)
def test_how_long_ago_bounces_were_recorded(sent: datetime | None, bounce: datetime | None, level: Level) -> None:
    health = LedgerHealth("n.db", version=3, known_version=3, last_sent=sent, last_bounce=bounce)
    assert judge_bounces(health, NOW, is_read=True).level is level
    assert judge_bounces(health, NOW, is_read=False).level is Level.YELLOW


@pytest.mark.parametrize(
    ("sent", "read", "level", "said"),
    [
        (None, days_ago(30), Level.GREEN, "last read 30 days ago"),
        (days_ago(8), days_ago(1), Level.GREEN, "last read 1 day ago; no bounce is on record"),
        (days_ago(3), days_ago(20), Level.GREEN, "last read 20 days ago"),
        (days_ago(30), days_ago(20), Level.YELLOW, "last read 20 days ago"),
    ],
)
def test_how_long_ago_bounces_were_read(sent: datetime | None, read: datetime, level: Level, said: str) -> None:
    health = LedgerHealth("n.db", version=3, known_version=3, last_sent=sent, bounces_read=read)
    verdict = judge_bounces(health, NOW, is_read=True)
    assert (verdict.level, said in verdict.what) == (level, True)


@pytest.mark.parametrize(
    ("done", "level", "said"),
    [
        (None, Level.YELLOW, "never backed up"),
        (days_ago(1), Level.GREEN, "1 day ago"),
        (days_ago(7), Level.GREEN, "7 days ago"),
        (days_ago(8), Level.YELLOW, "8 days ago"),
        (NOW + timedelta(hours=1), Level.GREEN, "0 days ago"),
    ],
)
def test_how_old_the_last_backup_is(done: datetime | None, level: Level, said: str) -> None:
    health = replace(SOUND, last_sent=days_ago(20), backed_up=done)
    (verdict,) = judge_backup(health, NOW)
    assert (verdict.code, verdict.level, said in verdict.what) == ("backup", level, True)
    assert judge_backup(replace(health, is_file=False), NOW) == ()
    assert judge_backup(replace(health, last_sent=None), NOW) == ()


@pytest.mark.parametrize(
    ("done", "kept", "level", "said"),
    [
        (days_ago(1), KeptBackups("kept", 12), Level.GREEN, "1 day ago; kept has 12 backups"),
        (
            days_ago(0),
            KeptBackups("kept", 1, same_disk=True),
            Level.GREEN,
            "kept has 1 backup, on the ledger's own disk",
        ),
        (days_ago(3), KeptBackups("kept", 12), Level.YELLOW, "3 days ago"),  # a run of each day makes one
        (days_ago(1), KeptBackups("kept", 0), Level.YELLOW, "kept has no backup of it"),
        (None, KeptBackups("kept", 0), Level.YELLOW, "never backed up"),
    ],
)
def test_a_folder_of_backups(done: datetime | None, kept: KeptBackups, level: Level, said: str) -> None:
    (verdict,) = judge_backup(replace(SOUND, last_sent=days_ago(20), backed_up=done), NOW, kept)
    assert (verdict.level, said in verdict.what) == (level, True), verdict.what


def test_an_exposed_file_is_red() -> None:
    assert levels(judge_published((), 3)) == {"published": Level.GREEN}
    found = judge_published((Exposure("list.csv", "a list", "what Jekyll publishes", "move it"),), 3)
    assert levels(found) == {"published": Level.RED}


# --- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off_s", "level", "said"),
    [
        (0, Level.GREEN, "agrees"),
        (-59, Level.GREEN, "agrees"),
        (60, Level.YELLOW, "60 seconds ahead of"),
        (-599, Level.YELLOW, "599 seconds behind"),
        (600, Level.RED, "10 minutes ahead of"),
        (-86_400, Level.RED, "1,440 minutes behind"),
    ],
)
def test_the_clock(off_s: int, level: Level, said: str) -> None:
    date = format_datetime(NOW, usegmt=True)
    (verdict,) = judge_clock(NOW + timedelta(seconds=off_s), "quill.test", date)
    assert verdict.level is level
    assert said in verdict.what


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Foo 2026 00:00:00 GMT"])
def test_no_date_says_nothing(date: str) -> None:
    assert judge_clock(NOW, "quill.test", date) == ()


def test_the_zone_matters_where_there_are_quiet_hours() -> None:
    assert judge_time_zone("", "UTC", is_used=True).level is Level.YELLOW
    assert judge_time_zone("", "UTC", is_used=False).level is Level.GREEN
    assert judge_time_zone("Europe/Paris", "UTC", is_used=True).level is Level.GREEN
