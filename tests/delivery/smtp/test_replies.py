"""What a server's answer means for the recipient, and for us. The cases stand in cases/replies.md."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import TESTS

from newsletter.delivery.smtp.replies import (
    BEFORE_RCPT,
    HARD_BOUNCES,
    KNOWN,
    Meaning,
    enhanced_code,
    judge,
)
from newsletter.model.delivery import Outcome, State

STAGES = ("greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot")
LINE = re.compile(r" {4}(\w+) +(\d+) ?(.*?) *-> (\w+)")


def read_cases() -> list[tuple[str, int, str, str]]:
    text = (TESTS / "cases" / "replies.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if "->" in line]
    matches = [LINE.fullmatch(line) for line in lines]
    assert all(matches), [line for line, match in zip(lines, matches, strict=True) if not match]
    return [(match[1], int(match[2]), match[3].strip(), match[4]) for match in matches if match]


CASES = read_cases()


def is_hard_bounce(outcome: Outcome) -> bool:
    """Whether the address itself is dead. Words alone are no proof."""
    return outcome.state is State.REJECTED and outcome.code >= 500 and enhanced_code(outcome.text) in HARD_BOUNCES


def word_for(outcome: Outcome) -> str:
    if outcome.state is State.REJECTED:
        return "dead" if is_hard_bounce(outcome) else "gone"
    if outcome.connection:
        return "reconnect"
    if outcome.state is State.DEFERRED:
        return "lane" if outcome.sender_fault else "later"
    return outcome.state.value


@pytest.mark.parametrize(("stage", "code", "text", "expected"), CASES, ids=[f"{c[0]} {c[1]} {c[2]}" for c in CASES])
def test_an_answer(stage: str, code: int, text: str, expected: str) -> None:
    outcome = judge(stage, code, text)
    assert word_for(outcome) == expected
    assert (outcome.stage, outcome.code, outcome.text) == (stage, code, text)


def test_capitals_change_nothing() -> None:
    for stage, code, text, expected in CASES:
        if "RESOLVER" not in text:
            assert word_for(judge(stage, code, text.upper())) == expected, text


# --- the table ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", KNOWN, ids=lambda row: f"{row.provider}: {row.words}")
def test_every_row_is_the_first_to_fit_some_case(row: object) -> None:
    """A row that no case reaches is dead: the rows before it take all its answers, or its pattern fits nothing."""
    firsts = [next((known for known in KNOWN if known.fits(stage, code, text)), None) for stage, code, text, _ in CASES]
    assert row in firsts


def test_every_row_names_its_source() -> None:
    for row in KNOWN:
        assert re.match(r"https?://\S+\Z", row.source), row
        assert set(row.stages.split()) <= set(STAGES), row
        assert row.code == 0 or 400 <= row.code <= 599, row


def test_a_row_that_rejects_says_at_which_stage_and_code() -> None:
    for row in KNOWN:
        if row.meaning is Meaning.GONE:
            assert row.stages, row
            assert not BEFORE_RCPT & set(row.stages.split()), row
            assert row.code >= 500, row


# --- enhanced codes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5.1.1 no such user", "5.1.1"),
        ("  4.7.28 slow", "4.7.28"),
        ("#5.1.0 Address rejected.", "5.1.0"),
        ("2.0.0", "2.0.0"),
        ("5.1.1: x", "5.1.1"),
        ("5.1.1.", "5.1.1"),
        ("5.7.606 banned", "5.7.606"),
        ("no such user (#5.1.1)", ""),
        ("3.1.1 no such class", ""),
        ("5.1", ""),
        ("5.1.1.4 is a host", ""),
        ("5.1.1234", ""),
        ("55.1.1", ""),
        ("", ""),
    ],
)
def test_enhanced_codes_stand_at_the_start(text: str, code: str) -> None:
    assert enhanced_code(text) == code


# --- for any answer -------------------------------------------------------------------------------------------------

ENHANCED = st.builds("{}.{}.{} ".format, st.sampled_from("245"), st.integers(0, 7), st.integers(0, 30)) | st.just("")
WORDS = st.lists(st.sampled_from([case[2] for case in CASES]) | st.text(max_size=20), max_size=3).map(" ".join)


@given(st.sampled_from(STAGES), st.integers(0, 700), ENHANCED, WORDS)
def test_promises_for_any_answer(stage: str, code: int, enhanced: str, words: str) -> None:
    outcome = judge(stage, code, enhanced + words)
    assert (outcome.state is State.SENT) == (stage == "dot" and 200 <= code <= 299)
    if outcome.state is State.REJECTED:
        assert 500 <= code <= 599
        assert stage not in BEFORE_RCPT
    if outcome.sender_fault:
        assert outcome.state is State.DEFERRED
    if outcome.state is State.UNCERTAIN:
        assert stage == "dot"
        assert not 400 <= code <= 599
    if stage in BEFORE_RCPT and 400 <= code <= 599:
        assert outcome.sender_fault
    if code == 421 and stage != "dot":
        assert outcome.sender_fault


@given(st.sampled_from(STAGES), st.integers(500, 599), ENHANCED, WORDS)
def test_only_five_codes_are_hard_bounces(stage: str, code: int, enhanced: str, words: str) -> None:
    outcome = judge(stage, code, enhanced + words)
    if is_hard_bounce(outcome):
        assert enhanced_code(enhanced + words) in HARD_BOUNCES
        assert outcome.state is State.REJECTED


@pytest.mark.parametrize("code", sorted(HARD_BOUNCES))
def test_a_hard_bounce_is_a_rejection(code: str) -> None:
    assert is_hard_bounce(Outcome(State.REJECTED, "RCPT", 550, f"{code} gone"))
    assert not is_hard_bounce(Outcome(State.DEFERRED, "RCPT", 550, f"{code} gone", sender_fault=True))
    assert not is_hard_bounce(Outcome(State.REJECTED, "MAIL", 0, "the relay does not offer SMTPUTF8"))


def test_a_flood_of_words_is_judged_at_once() -> None:
    for flood in ("address " * 4000, "user :" * 5000, "<a@" * 10000, "a" * 32000 + " user unknown", ", : " * 8000):
        assert judge("RCPT", 550, flood).sender_fault
