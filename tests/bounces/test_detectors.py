"""flufl.bounce's detectors without the patterns that cannot match: the same people are found."""

from __future__ import annotations

import re
from email.message import Message

import pytest
from flufl.bounce import all_failures as of_flufl
from flufl.bounce._detectors.simplematch import SimpleMatch
from flufl.bounce._detectors.simplewarning import SimpleWarning
from hypothesis import given
from hypothesis import strategies as st

from newsletter.bounces.detectors import all_failures, words_of
from newsletter.bounces.mime_parts import parse

PATTERNS = [*SimpleMatch.PATTERNS, *SimpleWarning.PATTERNS]
STARTS = [words_of(start.pattern) for start, _, _ in PATTERNS]
LINES = st.sampled_from(
    [
        *STARTS,
        *(each.upper() for each in STARTS),
        *("Original message details:", "", "-- ", "550 no such user here", "\u017forry"),
        *("<ada@example.com>", "    bo@example.com", "[cy@example.com]"),
        "De\u0130ivery to the follow\u0131ng recipient failed",
    ]
)


def mail(lines: list[str]) -> Message:
    text = "\n".join(["From: MAILER-DAEMON@example.com", "Subject: news", "", *lines])
    return parse(text.encode())


@pytest.mark.parametrize("start", sorted({start.pattern for start, _, _ in PATTERNS}))
def test_the_words_of_a_pattern_are_in_each_of_its_matches(start: str) -> None:
    words = words_of(start)
    assert len(words) > 10, "else it would be tried on nearly everything"
    assert words == words.lower()
    assert "\\" not in words
    assert not re.search(r"[*?{}|^$]", words)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("one two", "one two"),
        (r"recipient\(s\) could", "recipient(s) could"),
        (r"colou?rs are", "rs are"),
        (r"ab*cde", "cde"),
        (r"a{2}bc", "bc"),
        (r"Del(i|e)very to", "very to"),
        (r"this|that", ""),
        (r"[abc]de\s+fgh", "fgh"),
        (r"done\.$", "done."),
    ],
)
def test_the_words_of_any_pattern(pattern: str, words: str) -> None:
    assert words_of(pattern) == words


@given(st.lists(LINES, max_size=8))
def test_the_same_people_are_found(lines: list[str]) -> None:
    temporary, permanent = all_failures(mail(lines))
    assert (frozenset(temporary), frozenset(permanent)) == of_flufl(mail(lines))
