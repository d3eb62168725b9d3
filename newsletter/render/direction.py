"""Text direction: by language, else by letters (UAX #9)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

from newsletter.model.issue import Heading, Inlines, Issue, Paragraph, Story, Table, plain_text, walk

Direction = Literal["ltr", "rtl"]

_LANGUAGES = frozenset(
    {
        *("ar", "arc", "ckb", "dv", "fa", "he", "iw", "ji", "ks", "nqo"),
        *("pnb", "prs", "ps", "sd", "syr", "ug", "ur", "yi"),
    }
)
_SCRIPTS = frozenset({"adlm", "arab", "hebr", "mand", "mend", "nkoo", "rohg", "samr", "syrc", "thaa"})


def direction_of(issue: Issue) -> Direction:
    """An issue's direction: its language's, or that of most paragraphs if `lang` is only a default."""
    if is_rtl_language(issue.lang):
        return "rtl"
    return _main_direction(_texts(issue))


def is_rtl_language(tag: str) -> bool:
    """Whether a language (BCP 47) is written from right to left; a script subtag takes precedence: `ar-Latn` is not."""
    parts = tag.lower().replace("_", "-").split("-")
    script = next((part for part in parts[1:] if len(part) == 4 and part.isalpha()), "")
    return script in _SCRIPTS if script else parts[0] in _LANGUAGES


def turned(inlines: Inlines, direction: Direction) -> Direction | None:
    """The direction of a paragraph without letters of the text's own; None if it is the text's."""
    other = None
    for letter in _letters(plain_text(inlines)):
        if letter == direction:
            return None  # nearly always at the first letter
        other = letter
    return other


def begins_rtl(text: str) -> bool:
    """Whether the first strong letter is one from right to left (UAX #9, P2): words set as code, not a program's."""
    return not text.isascii() and next(_letters(text), None) == "rtl"


def isolated(text: str, direction: Direction) -> str:
    """Isolate words of the frame, possibly in another language, in right-to-left text (UAX #9, 2.4.2)."""
    return f"\u2068{text}\u2069" if text and direction == "rtl" else text


def _main_direction(texts: Iterable[str]) -> Direction:
    """Each text has a vote, by its first strong letter, since product names and addresses may occur in any text."""
    votes = [first for text in texts if (first := next(_letters(text), None))]
    return "rtl" if votes.count("rtl") > len(votes) / 2 else "ltr"


def _letters(text: str) -> Iterator[Direction]:
    for char in text:
        strong = _strong(char)
        if strong:
            yield strong


@lru_cache(maxsize=10_000)
def _strong(char: str) -> Direction | None:
    kind = unicodedata.bidirectional(char)
    return "ltr" if kind == "L" else "rtl" if kind in ("R", "AL") else None


def _texts(issue: Issue) -> Iterator[str]:
    yield issue.title
    for block in walk(issue.blocks):
        match block:
            case Paragraph(inlines) | Heading(inlines=inlines):
                yield plain_text(inlines)
            case Story(lead=lead):
                yield plain_text(lead)
            case Table(rows=rows):
                yield from (plain_text(cell) for row in rows for cell in row)
