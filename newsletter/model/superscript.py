"""Superscripts and subscripts in plain text: 10⁶ and H₂O if Unicode has the characters, else 10^n."""

from __future__ import annotations

import re

_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_ALL_RAISED = re.compile(r"[0-9+\-=()n]+")
_ALL_LOWERED = re.compile(r"[0-9+\-=()]+")
# Ordinal endings and the like, which read as well on the baseline: 1st, 2ème, nº, ™.
_ENDING = re.compile(r"st|nd|rd|th|er|re|e|è?me|ère|o|a|os|as|º|ª|TM|SM|®|™|©|[*†‡]+", re.IGNORECASE)


def raised(text: str) -> str:
    words = text.strip()
    if not words or _ENDING.fullmatch(words):
        return text
    if _ALL_RAISED.fullmatch(words):
        return words.translate(_RAISED)
    return f"^{words}" if len(words.split()) == 1 and not words.startswith("[") else f"^({words})"


def lowered(text: str) -> str:
    words = text.strip()
    if not words:
        return text
    if _ALL_LOWERED.fullmatch(words):
        return words.translate(_LOWERED)
    return f"_{words}" if len(words.split()) == 1 else f"_({words})"
