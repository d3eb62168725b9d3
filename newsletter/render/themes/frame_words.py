"""The words of the frame in all languages that we bring: one file, of which a rendering parses its language's part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from newsletter.toml_file.parse import parse_toml

_SECTION = re.compile(r"^\[([\w-]+)\]$", re.MULTILINE)


class FrameWords(Mapping[str, Mapping[str, Any]]):
    """Labels by language. A section is parsed when it is asked for: all twenty take as long as to parse a post.

    Our own file alone is read so. In another's a line of a text may look like a section's head.
    """

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        heads = list(_SECTION.finditer(text))
        ends = [*(head.start() for head in heads[1:]), len(text)]
        # With the lines before it, so that a fault is told with its own.
        lines = ((text.count("\n", 0, head.start()), head, end) for head, end in zip(heads, ends, strict=True))
        self._sections = {head[1]: "\n" * line + text[head.start() : end] for line, head, end in lines}
        self._read: dict[str, Mapping[str, Any]] = {}

    def __getitem__(self, language: str) -> Mapping[str, Any]:
        if language not in self._read:
            self._read[language] = parse_toml(self._path, self._sections[language])[language]
        return self._read[language]

    def __contains__(self, language: object) -> bool:
        return language in self._sections

    def __iter__(self) -> Iterator[str]:
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)


@lru_cache(maxsize=4)
def frame_words(path: str, text: str) -> FrameWords:
    """Kept, since a preview renders with every save."""
    return FrameWords(path, text)
