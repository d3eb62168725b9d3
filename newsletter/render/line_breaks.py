"""Where lines of an issue's text may break: Korean between words only, Chinese and Japanese between any letters."""

from __future__ import annotations

import re

from newsletter.model.issue import Issue
from newsletter.model.transform import words_of

_HANGUL = re.compile("[\uac00-\ud7af]")


def keeps_words(issue: Issue) -> bool:
    """Whether `word-break: keep-all` suits an issue: it has more Hangul than Chinese characters and kana."""
    text = " ".join((issue.title, issue.headline, *words_of(issue.blocks)))
    hangul = len(_HANGUL.findall(text))
    return hangul > 0 and hangul > sum("\u3040" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff" for char in text)
