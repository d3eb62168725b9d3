"""Abbreviations defined in a post: the first occurrence of each gets its meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping

from newsletter.model.issue import Span, Text

MAX_ABBREVIATIONS = 200
"""With more than this none is marked, since each is searched at every letter."""


class Abbreviations:
    """The abbreviations of one post, matched at word boundaries as in kramdown."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self.meanings = meanings if len(meanings) <= MAX_ABBREVIATIONS else {}
        longest_first = sorted(map(re.escape, self.meanings), key=len, reverse=True)
        pattern = rf"(?<![A-Za-z0-9_])(?:{'|'.join(longest_first)})(?![A-Za-z0-9_])"
        self.pattern = re.compile(pattern) if longest_first else None
        self.explained: set[str] = set()

    def mark(self, text: str) -> list[Text | Span]:
        """A text split at abbreviations. Only the first occurrence of each has its meaning, to avoid repetition."""
        if self.pattern is None:
            return [Text(text)]
        pieces: list[Text | Span] = []
        position = 0
        for found in self.pattern.finditer(text):
            pieces.append(Text(text[position : found.start()]))
            meaning = self.meanings[found[0]] if found[0] not in self.explained else ""
            self.explained.add(found[0])
            pieces.append(Span("abbr", (Text(found[0]),), meaning))
            position = found.end()
        return [*pieces, Text(text[position:])]
