"""Numbers with their nouns."""

from __future__ import annotations

import re

import pytest
from machine import CHECKOUT

from newsletter.text import counted


@pytest.mark.parametrize(
    ("number", "words", "said"),
    [
        (0, ("issue",), "0 issues"),
        (1, ("issue",), "1 issue"),
        (2, ("issue",), "2 issues"),
        (1_203, ("person", "people"), "1,203 people"),
        (1, ("story", "stories"), "1 story"),
    ],
)
def test_a_number_and_its_noun_agree(number: int, words: tuple[str, ...], said: str) -> None:
    assert counted(number, *words) == said


def test_no_plural_is_made_by_hand() -> None:
    by_hand = re.compile(r"\{'' if [^}]* == 1 else 's'\}|'s' if [^}]* != 1 else ''")
    found = [path for path in (CHECKOUT / "newsletter").rglob("*.py") if by_hand.search(path.read_text("utf-8"))]
    assert found == []
