"""Reading time of an issue, in minutes."""

from __future__ import annotations

import re

from newsletter.model.issue import Issue
from newsletter.model.transform import words_of

CJK_PER_MINUTE = 400
"""Characters of Chinese, Japanese or Korean per minute for an adult; Medium and WeChat count 400 to 500."""

WORDS_PER_MINUTE = 238
"""Words of other languages, read silently (Brysbaert 2019, a review of 190 studies of English)."""

# Two ranges each: of more `re` makes a table of all characters, which takes it 3 ms.
_CJK = tuple(
    re.compile(characters)
    for characters in (
        "[\u3040-\u30ff\u3400-\u4dbf]",
        "[\u4e00-\u9fff\uac00-\ud7af]",
        "[\uf900-\ufaff\U00020000-\U0003ffff]",
    )
)
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")


def reading_minutes(issue: Issue) -> int:
    """At least 1. Each script is counted at its own speed, since Chinese texts contain English names."""
    text = " ".join(words_of(issue.blocks))
    characters = 0
    for pattern in _CJK:
        text, found = pattern.subn(" ", text)
        characters += found
    words = len(_WORD.findall(text))
    return max(1, round(characters / CJK_PER_MINUTE + words / WORDS_PER_MINUTE))
