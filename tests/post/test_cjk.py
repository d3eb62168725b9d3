"""Emphasis beside CJK text: our cases, and the reference implementation on many thousand generated strings."""

from __future__ import annotations

import random
import unicodedata

import pytest
from cases import Case, parametrize, read_cases
from machine import NodeScript
from markdown_it import MarkdownIt

from newsletter.post.markdown.cjk import CjkParserInline, is_cjk, joins_without_space

STRINGS = 8000

# One sort of character per line: what the rule tells apart.
ALPHABET = [
    *"a1é",
    *"中文龍葛〇𠮷",
    *"の゙ｱー㋐",
    *"한글각ퟆힰㅎ",
    *"（）。，、！？：「」『』《》〈〉【】～",
    *"()[]!?.,:;%-",
    *"\"'“”‘’",
    *"…—·×°§",
    *"😀🈁🀄㊗️☎⚡🏽",
    *"︀︁︎️",
    "\U000e0100",
    "\U000e01ef",
    "\u200d",
    *" \t　\u00a0",
    "\\*",
    "&amp;",
]
MARKS = ["*", "**", "**", "**", "***", "_", "__", "~~"]


@pytest.fixture(scope="module")
def friendly() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("strikethrough")
    parser.inline = CjkParserInline()
    parser.inline.ruler.enable(["strikethrough"])
    parser.inline.ruler2.enable(["strikethrough"])
    return parser


@parametrize("cjk_emphasis")
def test_cases(case: Case, friendly: MarkdownIt) -> None:
    assert friendly.renderInline(case.source) == case.expected


def test_the_reference_agrees_with_our_cases(node_script: NodeScript) -> None:
    cases = read_cases("cjk_emphasis")
    answers = node_script("cjk", [case.source for case in cases])
    assert [answer["friendly"] for answer in answers] == [case.expected for case in cases]


def generated_strings() -> list[str]:
    chance = random.Random(20260301)
    strings = []
    for _ in range(STRINGS):
        pieces = [chance.choice(MARKS if chance.random() < 0.4 else ALPHABET) for _ in range(chance.randint(3, 14))]
        strings.append("".join(pieces).strip() or "x")
    return strings


def test_generated_strings_match_the_reference(friendly: MarkdownIt, node_script: NodeScript) -> None:
    strings = generated_strings()
    answers = node_script("cjk", strings)
    differing = [
        (source, ours, answer["friendly"])
        for source, answer in zip(strings, answers, strict=True)
        if (ours := friendly.renderInline(source)) != answer["friendly"]
    ]
    assert differing[:5] == []
    # The strings would prove nothing if the amendment never mattered in them.
    amended = sum(answer["friendly"] != answer["plain"] for answer in answers)
    emphasised = sum("<" in answer["friendly"] for answer in answers)
    assert amended > STRINGS / 20
    assert emphasised > STRINGS / 4


def test_other_parsers_stay_as_they_were(friendly: MarkdownIt) -> None:
    assert friendly.renderInline("**（甲）**乙").startswith("<strong>")
    assert MarkdownIt("commonmark").renderInline("**（甲）**乙") == "**（甲）**乙"


@pytest.mark.parametrize("char", "中の한ᅡ，。「ｱＡ〇　㊗𠮷")
def test_is_cjk(char: str) -> None:
    assert is_cjk(char), unicodedata.name(char)


@pytest.mark.parametrize("char", ["a", " ", "“", "…", "😀", "⚡", "é", "\ufe0f", "·"])
def test_is_not_cjk(char: str) -> None:
    assert not is_cjk(char), unicodedata.name(char)


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        ("中", "文", True),
        ("。", "文", True),
        ("の", "中", True),
        ("한", "글", False),
        ("中", "한", False),
        ("a", "文", False),
        ("中", "a", False),
        ("a", "b", False),
    ],
)
def test_line_ends_between_characters(before: str, after: str, joined: bool) -> None:
    assert joins_without_space(before, after) is joined
