"""Merge the styles of an element once for all elements that have the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

MAX_KNOWN = 1_000
"""Merged styles that are kept; an email has some thirty, and one for each picture."""

Styles = Sequence[Sequence[tuple[str, str]]]


def merge_once(merge: Callable[..., str]) -> Callable[..., str]:
    """premailer's `merge_styles`, which keeps what it gave.

    The rules' parsed styles are the same objects for each element; those of an answer are kept with it, so that no
    other gets their identity.
    """
    known: dict[tuple[Any, ...], tuple[Styles, str]] = {}

    def merged(own: str, styles: Styles, classes: Sequence[str], remove_unset_properties: bool = False) -> str:
        key = (own, *map(id, styles), *classes, remove_unset_properties)
        if (answer := known.get(key)) is None:
            if len(known) >= MAX_KNOWN:
                known.clear()
            text = merge(own, styles, classes, remove_unset_properties=remove_unset_properties)
            answer = known[key] = (styles, text)
        return answer[1]

    return merged
