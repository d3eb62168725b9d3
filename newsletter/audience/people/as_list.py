"""Confirmed sign-ups as a list: `@signups`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from newsletter.audience.lists.rows import MAX_VALUE_CHARS, Row
from newsletter.audience.people.store import People
from newsletter.text import CONTROL

OWN_COLUMNS = ("email", "name", "lang")


@dataclass(frozen=True, slots=True)
class SignUps:
    """Their columns and rows, to be read once."""

    columns: tuple[str, ...]
    rows: Iterator[Row]


def list_sign_ups(people: People, name: str = "") -> SignUps:
    """Everyone confirmed, or those of the list of that `name`, in the order in which they signed up.

    The columns are `email`, `name`, `lang`, and every other field that somebody filled in: two walks over the people.
    """
    others = {field for person in people.confirmed(name) for field in person.fields} - {*OWN_COLUMNS}
    columns = (*OWN_COLUMNS, *sorted(others))
    return SignUps(columns, _rows(people, name, columns))


def _rows(people: People, name: str, columns: tuple[str, ...]) -> Iterator[Row]:
    for person in people.confirmed(name):
        values = {**person.fields, "email": person.email}
        yield Row(None, person.email, [_harmless(values.get(column, "")) for column in columns])


def _harmless(value: str) -> str:
    """Security: the form was filled in by anybody, and what a list may not hold a form may not either."""
    return CONTROL.sub(" ", value[:MAX_VALUE_CHARS]).strip()
