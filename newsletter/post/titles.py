"""Derive a post's title if the front matter has none: from its heading, or its file name."""

from __future__ import annotations

import html
import re

from newsletter.model.issue import Blocks, Heading, plain_text
from newsletter.post.markdown.html_elements import is_known

MAX_MARKED_CHARS = 1_000
"""A longer title keeps its markup: no inbox shows that much, and pairing marks takes quadratic time."""

_TAG = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)[^<>]*>")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_MARKS = re.compile(r"(\*\*|__|~~|(?<!`)`++)(?=\S)(.+?)(?<=\S)\1|(?<![\w*])(\*|_)(?=\S)([^*_]+?)(?<=\S)\3(?![\w*])")


def plain_words(text: str) -> str:
    """A title or description without Markdown's marks, tags and entities, none of which an inbox renders.

    WordPress exports write `city&#39;s`; authors write `**bold**` and [links](https://example.com).
    """
    for _ in range(3 if len(text) <= MAX_MARKED_CHARS else 0):  # marks may be nested
        text = _MARKS.sub(lambda found: found[2] or found[4], _LINK.sub(r"\1", text))
    return (
        html.unescape(_TAG.sub(lambda tag: "" if is_known(tag[1]) else tag[0], text))
        if "&" in text or "<" in text
        else text
    )


def highest_heading(blocks: Blocks, *, of_several: bool) -> Heading | None:
    """The first heading of the highest level that the post's own level has.

    Where there are several of that level, and it is not the first, each is the name of a part, not of the post; then
    none unless `of_several`.
    """
    headings = [block for block in blocks if isinstance(block, Heading) and plain_text(block.inlines).strip()]
    top = min((heading.level for heading in headings), default=0)
    highest = [heading for heading in headings if heading.level == top]
    return highest[0] if len(highest) == 1 or (highest and (top == 1 or of_several)) else None


def title_of_name(name: str) -> str:
    """A file name as Jekyll's title: `2026-03-02-issue-92` is “Issue 92”."""
    words = re.sub(r"^\d{4}-\d{1,2}-\d{1,2}-?", "", name)
    return " ".join(word[:1].upper() + word[1:] for word in re.split(r"[-_\s]+", words) if word)
