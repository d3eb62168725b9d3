"""The headline: the title, or a better text if it only repeats the newsletter's name and the date."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from newsletter.model.issue import Issue, Summary
from newsletter.post.markdown.story import normalised
from newsletter.render.text_width import text_width
from newsletter.render.wording import lead_words

MAX_EMS = 34.0
"""Three lines of a headline on a phone; a longer sentence ends at its last comma before that."""

_SENTENCE_END = re.compile(r"[。！？!?…]|\.(?=\s|$)")
_CLAUSE = re.compile(r"[，、；：]|[,;:](?=\s)|\s[–—-]\s")
_DATE_WORDS = frozenset({"no", "nr", "issue", "vol", "the", "of", "第", "期", "年", "月", "日", "号", "號", "호"})


def headline(issue: Issue, name: str, labels: Mapping[str, Any]) -> str:
    """The author's own, else the title if it is informative, else the summary's first sentence, or leads."""
    if issue.headline:
        return issue.headline
    if issue.mark in issue.title or not repeats_name_and_date(issue.title, name, labels):
        return issue.title
    summary = next((block for block in issue.blocks if isinstance(block, Summary)), None)
    sentence = _within(_first_sentence(summary.lines[0])) if summary and summary.lines else ""
    return sentence or _leads(issue) or issue.title


def repeats_name_and_date(title: str, name: str, labels: Mapping[str, Any]) -> bool:
    """Whether a title consists only of the newsletter's name, a date and a number."""
    named = normalised(name)
    words = title.casefold()
    if not named or not normalised(title).startswith(named):
        return False
    for letter in named:  # the name's letters, in order, with anything between them
        words = words[words.index(letter) + 1 :] if letter in words else words
    for calendar in (labels.get("months", ()), labels.get("weekdays", ())):
        for each in calendar:
            words = words.replace(each.casefold(), " ") if each else words
    words = re.sub(r"(?:星期|周|週|礼拜)[一二三四五六日天]", " ", words)
    left = re.findall(r"[^\W\d_]+", re.sub("[第期年月日号號호]", " ", words))
    return all(word in _DATE_WORDS for word in left)


def _first_sentence(text: str) -> str:
    return _SENTENCE_END.split(text, maxsplit=1)[0].strip()


def _within(sentence: str) -> str:
    """A sentence, up to its last clause that fits."""
    if text_width(sentence, 1) <= MAX_EMS:
        return sentence
    ends = [found.start() for found in _CLAUSE.finditer(sentence)]
    fitting = [end for end in ends if text_width(sentence[:end], 1) <= MAX_EMS]
    return sentence[: fitting[-1]].rstrip() if fitting else ""


def _leads(issue: Issue) -> str:
    """The first leads, as many as fit."""
    separator = "；" if issue.lang.startswith(("zh", "ja")) else " · "
    line = ""
    for story in issue.stories[:3]:
        longer = f"{line}{separator}{lead_words(story)}" if line else lead_words(story)
        if text_width(longer, 1) > MAX_EMS:
            break
        line = longer
    return line
