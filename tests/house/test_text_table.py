"""Paragraphs and tables by the cells that a terminal shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from newsletter.text_table import table_lines, wrapped


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, [""]),
        ("one two three", 20, ["one two three"]),
        ("one two three", 8, ["one two", "  three"]),
        ("  set in, and long", 12, ["  set in,", "  and long"]),
        ("人工智能每日要闻", 10, ["人工智能每", "  日要闻"]),
        ("a word 人工智能每日", 12, ["a word 人工", "  智能每日"]),
        ("https://example.com/long", 12, ["https://exam", "  ple.com/lo", "  ng"]),
    ],
)
def test_a_paragraph_is_broken(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width, "  ") == lines


@given(st.text("ab 人，é\U0001f600", max_size=80), st.integers(6, 30))
def test_no_line_is_wider_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width, "  ")
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_columns_stand_below_each_other_whatever_they_hold() -> None:
    rows = [("Issue", "Sent"), ("周刊", "1,000"), ("hello", "2")]
    assert list(table_lines(rows, "lr")) == ["Issue   Sent", "周刊   1,000", "hello      2"]


def test_the_widest_column_of_words_makes_room() -> None:
    rows = [("newsletter retry an-issue --failed", "tries the refused once more, when the cause is mended", "12")]
    lines = list(table_lines(rows, "flr", 60))
    assert lines[0].startswith("newsletter retry an-issue --failed  tries the")
    assert lines[0].endswith("  12")
    assert len(lines) > 1
    assert max(map(cell_len, lines)) <= 60
