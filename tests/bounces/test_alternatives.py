"""Of a pattern's alternatives those are tried whose words the text has: the same is found as by the pattern itself."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.bounces import rules
from newsletter.bounces.alternatives import Alternatives, split, words_of

PATTERNS = sorted({pattern for rule in rules.RULES for pattern in (rule.words, rule.unless, rule.also) if pattern})


@cache
def each() -> list[str]:
    """The alternatives of all patterns."""
    return sorted({one for pattern in PATTERNS for one in split(pattern)})


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("one[ ]two", {"one two"}),
        ("no  such", {"nosuch"}),  # it is a verbose pattern
        (r"no\ such", {"no such"}),
        ("colou?rs[ ]are", {"rs are"}),
        ("ab*cde", {"cde"}),
        ("ab+cde", {"cde"}),
        ("bc(?:def)?gh", {"bc"}),
        ("bc(?:def){0,2}gh", {"bc"}),
        ("bc(?:def){1,2}gh", {"def"}),
        ("bc(?:def){,2}gh", {"bc"}),
        ("(?:this|that)[ ]on", {"this", "that"}),
        ("(?:this|that(?:er)?)on", {"this", "that"}),
        ("(?:this|)on", {"on"}),
        ("this|that", {"this", "that"}),
        (r"this|\w+", set()),
        (r"\b(?<!not[ ])listed(?![ ]there)", {"listed"}),
        (r"(?P<name>full)\b", {"full"}),
        ("[abc]de.fgh$", {"fgh"}),
        (r"[^a]\d\S", set()),
        (r"done\.", {"done."}),
        ("[]]a|[^]]bc", {"]a", "bc"}),
        (r"x{2}yz", {"yz"}),
    ],
)
def test_the_words_of_a_pattern(pattern: str, words: set[str]) -> None:
    assert set(words_of(pattern)) == words


@pytest.mark.parametrize(
    ("pattern", "alternatives"),
    [
        ("one | two", ["one ", " two"]),
        ("a(?:b|c)|d", ["a(?:b|c)", "d"]),
        (r"a[|(]b|\|c|\(d", [r"a[|(]b", r"\|c", r"\(d"]),
        ("(?:a(?:b|c)|d)", ["(?:a(?:b|c)|d)"]),
    ],
)
def test_the_alternatives_of_a_pattern(pattern: str, alternatives: list[str]) -> None:
    assert list(split(pattern)) == alternatives


def test_every_alternative_of_the_table_has_words() -> None:
    assert [one for one in each() if not words_of(one)] == []


@settings(max_examples=40)
@given(st.deferred(lambda: st.sampled_from(each())), st.data())
def test_every_match_has_one_of_the_words(alternative: str, data: st.DataObject) -> None:
    pattern = re.compile(alternative, re.VERBOSE)
    text = data.draw(st.from_regex(pattern))
    found = pattern.search(text)
    assert found is not None
    assert any(word in found[0] for word in words_of(alternative))


WORDS = st.sampled_from(
    [
        *(
            "user",
            "unknown",
            "no such",
            "mailbox",
            "full",
            "over quota",
            "rate limit",
            "blocked",
            "not",
            "found",
            "550",
        ),
        *(
            "delivery",
            "failed",
            "Still",
            "being retried",
            "<a@example.com>",
            "is",
            "does not exist",
            "邮箱",
            "不存在",
            "\n",
        ),
        *(
            "policy",
            "spam",
            "reject",
            "rejected",
            "relay",
            "denied",
            "sender",
            "address",
            "access",
            "lost",
            "temporarily",
        ),
    ]
)


@cache
def pairs() -> list[tuple[Alternatives, re.Pattern[str]]]:
    return [(Alternatives(one, at_word=True), re.compile(f"(?<![a-z])(?:{one})", re.VERBOSE)) for one in PATTERNS[::3]]


@given(st.lists(WORDS, max_size=12))
def test_the_same_is_found_as_by_the_pattern(words: list[str]) -> None:
    text = " ".join(words).lower()
    assert [one.are_in(text) for one, _ in pairs()] == [plain.search(text) is not None for _, plain in pairs()]


def test_a_pattern_may_begin_within_a_word_where_that_is_wanted() -> None:
    assert Alternatives("fail | full").are_in("unfailing")
    assert not Alternatives("fail | full", at_word=True).are_in("unfailing")
    assert Alternatives("fail | full", at_word=True).are_in("it will fail")
