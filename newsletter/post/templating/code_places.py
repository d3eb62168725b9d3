"""Where a Markdown text has code: fences, code spans, and lines that are set in far enough."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

_CODE = re.compile(
    r"^[ \t>]*(?P<fence>`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ \t>]*(?P=fence)|\Z)"
    r"|(?<!`)(?P<ticks>`++)[^\n]*?[^`\n](?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
_ITEM = re.compile(r"(?:[-*+:]|\d{1,9}[.)])[ \t]+(?=\S)")
_OWN_TEXT = re.compile(r"\[\^[^\]\s]{1,80}\]:|(?:!!!|\?\?\?\+?|===\+?)[ \t]")
"""A footnote, or a box or tab of MkDocs: its text is set in by four columns."""


class CodePlaces:
    """The code of a text that is not parsed yet; `in` tells of a position."""

    def __init__(self, text: str) -> None:
        self._spans = sorted([*(found.span() for found in _CODE.finditer(text)), *_set_in(text)])
        self._end = len(text)

    def __contains__(self, position: int) -> bool:
        index = bisect_right(self._spans, (position, self._end))
        return index > 0 and position < self._spans[index - 1][1]


def _set_in(text: str) -> Iterator[tuple[int, int]]:
    """Lines of indented code, four columns beyond the text or the item around them; none below a line of HTML."""
    items: list[int] = []  # of each open item, the column of its text
    start, after_blank, above = 0, True, ""
    for line in text.split("\n"):
        end = start + len(line)
        wide = line.expandtabs(4)
        words = wide.lstrip()
        indent = len(wide) - len(words)
        if not words:
            after_blank = True
        else:
            while items and indent < items[-1]:
                items.pop()
            if after_blank and indent >= (items[-1] if items else 0) + 4 and not above.startswith("<"):
                yield start, end
            else:
                above, after_blank = words, False
                if item := _ITEM.match(words):
                    items.append(indent + item.end())
                elif _OWN_TEXT.match(words):
                    items.append(indent + 4)
        start = end + 1
