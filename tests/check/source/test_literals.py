"""Literals of a post's source: escapes, raw blocks, code spans; and what looking for them costs."""

from __future__ import annotations

import re

import pytest
from growth import assert_linear
from hypothesis import given
from hypothesis import strategies as st

from newsletter.check.source.literals import without_literals
from newsletter.check.source.source_rules import source_findings
from newsletter.post.parse import parse_post

PLAIN = re.compile(
    r"\{%-?\s*raw\s*-?%\}.*?(?:\{%-?\s*endraw\s*-?%\}|\Z)|\\[!-/:-@\[-`{-~]|(?<!`)(`+)(?!`).*?[^`]\1(?!`)", re.DOTALL
)
"""The same as one pattern, which costs the square."""


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("a `b` c", "a  c"),
        ("a ``b`c`` d", "a  d"),
        ("a `b`` c", "a `b`` c"),
        ("a \\* b \\` c ` d", "a  b  c ` d"),
        ("{% raw %} ** \n{% endraw %} b", "\n b"),
        ("{%- raw -%} no end\n", "\n"),
        ("`a\nb\nc` d", "\n\n d"),
        ("", ""),
    ],
)
def test_a_literal_is_taken_out_and_its_lines_stay(source: str, left: str) -> None:
    assert without_literals(source) == left


@given(st.lists(st.sampled_from(["`", "``", "```", "a", "\\", "\n", "{% raw %}", "{%endraw%}", "**"])).map("".join))
def test_it_finds_what_the_plain_pattern_finds(source: str) -> None:
    assert without_literals(source) == PLAIN.sub(lambda found: "\n" * found[0].count("\n"), source)


def test_runs_of_backticks_of_every_length_cost_what_they_are_long() -> None:
    """Each has no other of its length; a search for one is as long as what is left."""

    def runs(count: int) -> str:
        return " ".join("`" * length for length in range(1, count))

    assert without_literals(runs(1_400)) == runs(1_400)
    assert_linear(without_literals, runs(400))


def test_marks_are_looked_for_once_each() -> None:
    text = "---\ntitle: T\n---\n\n" + "".join(f"Words \\[^{n}] and \\** too.\n\n" for n in range(400))
    issue = parse_post(text, path="p.md").issue
    assert [finding for finding in source_findings(issue, text, ()) if finding.code == "residue"] == []
