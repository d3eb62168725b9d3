"""The text around the content: labels by language, dates, preheader, deck."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import takewhile
from typing import Any

from newsletter.model.issue import Issue, Paragraph, Story, plain_text
from newsletter.model.languages import choose_language
from newsletter.render.columns import columns

PREHEADER_WIDTH = 140
"""Inbox lists show 90 to 140 characters; a shorter preheader is padded, to hide the body's first words."""


_PIECE = re.compile(r"nlfield[0-9a-f]+x\d+z|.", re.DOTALL)  # a field's mark is never split


def choose_labels(
    labels: Mapping[str, Mapping[str, Any]], lang: str, overrides: Mapping[str, str]
) -> Mapping[str, Any]:
    """The frame's labels for a language: the best match of `choose_language`, completed from English."""
    found = choose_language([lang], labels)
    chosen: Mapping[str, Any] = labels[found] if found else {}
    if not found and lang.split("-")[0].lower() not in ("en", "und"):
        chosen = {"date": "{iso}"}  # no English month in a text of another language
    return {**labels["en"], **chosen, **overrides}


def count_label(labels: Mapping[str, Any], name: str, count: int) -> str:
    """A count in words; empty for zero."""
    words: str = labels[f"{name}_one" if count == 1 else name]
    return words.format(count=count) if count else ""


def format_date(issue: Issue, labels: Mapping[str, Any]) -> str:
    return "" if issue.date is None else written_date(issue.date, labels)


def written_date(day: date, labels: Mapping[str, Any]) -> str:
    months = labels["months"]
    written: str = labels["date"].format(
        year=day.year,
        month=day.month,
        day=day.day,
        month_name=months[day.month - 1] if months else "",
        iso=day.isoformat(),
    )
    return written


def dated(issue: Issue, labels: Mapping[str, Any]) -> str:
    """The date with its weekday, if the language's names are known."""
    return "" if issue.date is None else written_day(issue.date, labels)


def written_day(day: date, labels: Mapping[str, Any]) -> str:
    written = written_date(day, labels)
    weekdays = labels.get("weekdays")
    if not weekdays or labels["date"] == "{iso}":
        return written
    return str(labels["dated"].format(weekday=weekdays[day.weekday()], date=written))


def monogram(name: str) -> str:
    """The letter for a newsletter without a logo: its first wide one, else its first."""
    letters = [char for char in name if char.isalnum()]
    return next((char for char in letters if columns(char) == 2), letters[0].upper() if letters else "")


def opening_words(issue: Issue) -> str:
    """The default preheader: the opening paragraph, else the first leads."""
    before = takewhile(lambda block: not isinstance(block, Story), issue.blocks)
    words = (plain_text(b.inlines) for b in before if isinstance(b, Paragraph))
    opening = next((" ".join(text.split())[:PREHEADER_WIDTH] for text in words if text.strip()), "")
    return opening or _first_leads(issue) or issue.title


def _first_leads(issue: Issue) -> str:
    """As many leads as fit an inbox line; the last may be truncated."""
    line = ""
    for story in issue.stories:
        if columns(line) >= PREHEADER_WIDTH:
            break
        if lead := lead_words(story):
            line += f" · {lead}" if line else lead
    return line


def bound_dots(text: str) -> str:
    """A text for a page, where no line may begin with the dot between two of its parts."""
    return text.replace(" · ", "\u00a0· ")


def shorten(text: str, limit: int) -> str:
    """Truncate a text to this many columns, with an ellipsis."""
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
    """A story's topic in short: its lead, else its first words up to a comma or full stop."""
    first = next((plain_text(block.inlines) for block in story.body if isinstance(block, Paragraph)), "")
    text = " ".join((plain_text(story.lead) or re.split(r"[，。,;；：:!?！？]", first)[0]).split())
    return shorten(text, limit)
