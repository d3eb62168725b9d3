"""The words around the content: labels by language, dates, preheader, deck."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from newsletter.model.issue import Issue, Paragraph, Story, plain_text
from newsletter.model.languages import choose_language
from newsletter.render.columns import columns

PREHEADER_WIDTH = 140
"""Inbox lists show 90 to 140 characters; a shorter preheader is filled so that the body's first words stay out."""


_PIECE = re.compile(r"nlfield[0-9a-f]+x\d+z|.", re.DOTALL)  # a field's mark is cut whole or not at all


def choose_labels(
    labels: Mapping[str, Mapping[str, Any]], lang: str, overrides: Mapping[str, str]
) -> Mapping[str, Any]:
    """The frame's words for a language: those of `choose_language`, English for what they lack."""
    found = choose_language([lang], labels)
    chosen: Mapping[str, Any] = labels[found] if found else {}
    if not found and lang.split("-")[0].lower() not in ("en", "und"):
        chosen = {"date": "{iso}"}  # no English month in a text that is not English
    return {**labels["en"], **chosen, **overrides}


def count_label(labels: Mapping[str, Any], name: str, count: int) -> str:
    """So many of something in words; nothing for none."""
    words: str = labels[f"{name}_one" if count == 1 else name]
    return words.format(count=count) if count else ""


def format_date(issue: Issue, labels: Mapping[str, Any]) -> str:
    if issue.date is None:
        return ""
    months = labels["months"]
    day = issue.date
    written: str = labels["date"].format(
        year=day.year,
        month=day.month,
        day=day.day,
        month_name=months[day.month - 1] if months else "",
        iso=day.isoformat(),
    )
    return written


def dated(issue: Issue, labels: Mapping[str, Any]) -> str:
    """The date with its weekday, where the language's are known."""
    written = format_date(issue, labels)
    weekdays = labels.get("weekdays")
    if issue.date is None or not weekdays or labels["date"] == "{iso}":
        return written
    return str(labels["dated"].format(weekday=weekdays[issue.date.weekday()], date=written))


def monogram(name: str) -> str:
    """The letter that stands for a newsletter without a logo: its first wide one, else its first."""
    letters = [char for char in name if char.isalnum()]
    return next((char for char in letters if columns(char) == 2), letters[0].upper() if letters else "")


def opening_words(issue: Issue) -> str:
    """What an inbox shows where the author says nothing: the opening paragraph, else the first leads."""
    before = takewhile(lambda block: not isinstance(block, Story), issue.blocks)
    words = (plain_text(b.inlines) for b in before if isinstance(b, Paragraph))
    opening = next((" ".join(text.split())[:PREHEADER_WIDTH] for text in words if text.strip()), "")
    return opening or _first_leads(issue) or issue.title


def _first_leads(issue: Issue) -> str:
    """As many leads as an inbox line has room for; the last may be cut."""
    line = ""
    for story in issue.stories:
        if columns(line) >= PREHEADER_WIDTH:
            break
        if lead := lead_words(story):
            line += f" · {lead}" if line else lead
    return line


def shorten(text: str, limit: int) -> str:
    """At most so many columns of a text, cut with an ellipsis."""
    if columns(text) <= limit:
        return text
    kept, room = "", limit
    for piece in _PIECE.finditer(text):
        room -= columns(piece[0])
        if room <= 0:
            break
        kept += piece[0]
    return kept.rstrip() + "…"


def lead_words(story: Story, limit: int = 40) -> str:
    """What a story is about, short: its lead, else its first words up to a comma or full stop."""
    first = next((plain_text(block.inlines) for block in story.body if isinstance(block, Paragraph)), "")
    text = " ".join((plain_text(story.lead) or re.split(r"[，。,;；：:!?！？]", first)[0]).split())
    return shorten(text, limit)
