"""Rules for list columns that mark unsubscribed rows: `state=ignore`, `state:dormant=mail`, `state:dormant=skip`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from newsletter.frozen import frozen

IGNORE, MAIL, SKIP = "ignore", "mail", "skip"

Rule = tuple[str, str, str]
"""A lower-case column, one of its values or nothing, and the word: `ignore`, `mail` or `skip`."""


@frozen
class Rules:
    """The author's rules for columns: `columns` to be ignored, and the meaning of single values of a column."""

    columns: frozenset[str] = frozenset()
    values: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def named(self) -> frozenset[str]:
        """Every column that has a rule, in lower case."""
        return self.columns | {column for column, _ in self.values}


NO_RULES = Rules()


def read_rule(text: str) -> Rule:
    """Parse `state=ignore`, `state:dormant=mail` or `state:dormant=skip`. ValueError if it is none of these."""
    place, equals, word = text.rpartition("=")
    place, word = place.strip().lower(), word.strip().lower()
    column, colon, value = place.rpartition(":")
    if equals and word == IGNORE and place:
        return place, "", word
    if equals and word in (MAIL, SKIP) and colon and column.strip():
        return column.strip(), value.strip(), word
    raise ValueError(f"{text!r} is no rule for a column")


def rules_of(rules: Iterable[Rule]) -> Rules:
    """Collect rules; later ones override earlier ones."""
    columns: set[str] = set()
    values: dict[tuple[str, str], str] = {}
    for column, value, word in rules:
        if word == IGNORE:
            columns.add(column)
        else:
            values[column, value] = word
    return Rules(frozenset(columns), values)
