"""Find the sentences of the starter post's template, which an author is to replace, in a post."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from newsletter.files import package_folder
from newsletter.pipeline.starter_words import starter_words

_REPLACED = frozenset({"description", "summary_text", "lead", "text"})
"""The template's placeholders for content; its headings and names may stay."""
_WORD = re.compile(r"(\*\*)?\{\{ words\.(\w{1,40}+)[^{}]{0,40}+\}\}(\*\*)?")


@lru_cache(maxsize=1)
def _templates() -> tuple[Mapping[str, int], ...]:
    """For each language the sentences, and how often each occurs."""
    folder = package_folder("templates", "starter")
    places = [found.groups("") for found in _WORD.finditer((folder / "post.md.j2").read_text("utf-8"))]
    languages = starter_words().values()
    return tuple(
        Counter(before + words[name] + after for before, name, after in places if name in _REPLACED)
        for words in languages
    )


def template_sentences(text: str) -> tuple[tuple[int, str], ...]:
    """The template's sentences that are still in a post, in any language, each with its line from 1."""
    present = {sentence for template in _templates() for sentence in template if sentence in text}
    if not present:
        return ()
    return tuple(
        (number, sentence)
        for number, line in enumerate(text.split("\n"), 1)
        for sentence in sorted(present, key=line.find)
        if sentence in line
    )


def is_untouched(text: str) -> bool:
    """Whether every sentence of the template, in one language, is still there."""
    return any(all(text.count(sentence) >= times for sentence, times in template.items()) for template in _templates())
