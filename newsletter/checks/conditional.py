"""MSO's conditional comments: one email that reads differently in Word and everywhere else."""

from __future__ import annotations

import re

WORD_VERSION = 16
"""Outlook 2016 to 2024, and the classic one of Microsoft 365. Older ones answer alike to what is asked in practice."""

# Each alternative behind `<!`, which the search leaps to.
_MARK = re.compile(
    r"<!(?:(?:--)?\[if\s(?P<condition>[^\]<>]*)\]>(?:<!-->|\s*<!--\s*-->)?|(?P<end>(?:--\s*<!)?\[endif\](?:--)?>))",
    re.IGNORECASE,
)
_TERM = re.compile(r"(?:(?P<compare>lte|gte|lt|gt)\s+)?(?P<what>mso|ie|vml|true)(?:\s+(?P<version>\d+))?")


def as_word_reads(html: str) -> str:
    """The HTML that is left for Outlook on Windows: what is meant for it stands free, what is not is gone."""
    kept: list[str] = []
    at, shown = 0, True
    for mark in _MARK.finditer(html):
        if shown:
            kept.append(html[at : mark.start()])
        shown = bool(mark["end"]) or (shown and _holds(mark["condition"].lower()))
        at = mark.end()
    if shown:
        kept.append(html[at:])
    return "".join(kept)


def _holds(condition: str) -> bool:
    """Whether Word takes a condition for true: terms with `!`, `&` and `|`, their parentheses disregarded."""
    any_of = condition.replace("(", " ").replace(")", " ").split("|")
    return any(all(map(_term_holds, alternative.split("&"))) for alternative in any_of)


def _term_holds(term: str) -> bool:
    words = term.lstrip("! ")
    negated = term[: len(term) - len(words)].count("!") % 2 == 1
    return _names_word(words.strip()) is not negated


def _names_word(words: str) -> bool:
    found = _TERM.fullmatch(words)
    if not found or found["what"] == "ie":
        return False
    if found["what"] != "mso" or not found["version"]:
        return True
    version = int(found["version"][:9])
    holds = {
        "lt": version > WORD_VERSION,
        "lte": version >= WORD_VERSION,
        "gt": version < WORD_VERSION,
        "gte": version <= WORD_VERSION,
    }
    return holds.get(found["compare"] or "", version == WORD_VERSION)
