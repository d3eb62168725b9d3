"""Make an issue's entry: what lists, feeds and neighbours show of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from newsletter.archive.entry import Entry
from newsletter.archive.issue_text import first_picture
from newsletter.archive.nobody import without_fields
from newsletter.model.archive_address import issue_path
from newsletter.model.issue import Issue
from newsletter.render.direction import direction_of
from newsletter.render.headline import headline
from newsletter.render.inline_html import clean
from newsletter.render.reading_time import reading_minutes
from newsletter.render.standfirst import standfirst, stories_are_most
from newsletter.render.wording import opening_words, shorten

_CJK_SPACE = re.compile("(?<=[。！？；，、：…]) ")
"""Sentences of a summary stand in lines of their own; in one line no space is between them."""

_CUT_AT_END = re.compile("(?<=[。！？.!?])…$")

DESCRIPTION_WIDTH = 220
"""Columns of a description in a list; search engines show 160."""


def make_entry(
    issue: Issue,
    *,
    name: str,
    newsletter: str,
    day: date,
    sent: datetime,
    corrected: datetime | None,
    number: str,
    labels: Mapping[str, Any],
) -> Entry:
    """`name` is the ledger's, `newsletter` the name that a title may only repeat."""

    def words(text: str) -> str:
        return _CJK_SPACE.sub("", " ".join(clean(without_fields(text, issue)).split()))

    issue = replace(issue, date=issue.date or day)
    title = words(issue.title) or name
    opening = words(issue.description) or words(opening_words(issue))
    shown = words(headline(issue, newsletter, labels)) or title
    about = "" if opening == shown else _CUT_AT_END.sub("", shorten(opening, DESCRIPTION_WIDTH))
    return Entry(
        name=name,
        path=issue_path(name),
        title=title,
        lang=issue.lang,
        direction=direction_of(issue),
        day=day,
        sent=sent,
        corrected=corrected,
        headline=shown,
        description=about,
        deck=words(standfirst(issue)),
        author=words(issue.author),
        number=words(issue.number) or number,
        minutes=reading_minutes(issue),
        stories=len(issue.stories) if stories_are_most(issue) else 0,
        tags=tuple(words(tag) for tag in issue.tags),
        ai="" if issue.ai == "none" else issue.ai,
        picture=without_fields(first_picture(issue), issue),
    )
