"""Confirmed sign-ups as a list: `@signups`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from newsletter.addresses import fold_address
from newsletter.audience.lists.rows import MAX_VALUE_CHARS, Row
from newsletter.audience.people.consent import GivenConsent
from newsletter.audience.people.store import People
from newsletter.frozen import frozen
from newsletter.model.subscriber import Subscriber
from newsletter.text import CONTROL

OWN_COLUMNS = ("email", "name", "lang")
CONSENT_COLUMNS = (
    "consent_asked",
    "consent_page",
    "consent_wording",
    "consent_confirmed",
    "consent_confirmed_on",
)
"""When and where the form was filled in, the wording shown there, and when and where it was confirmed."""

_AT_ONCE = 500


@frozen
class SignUps:
    """The columns and rows of the sign-ups, to be read once."""

    columns: tuple[str, ...]
    rows: Iterator[Row]


def list_sign_ups(people: People, name: str = "", *, consent: bool = False) -> SignUps:
    """All confirmed subscribers, or those of the list called `name`, in order of their sign-up.

    The columns are `email`, `name`, `lang`, and every other field of the form: this reads the table twice. With
    `consent` come those of `CONSENT_COLUMNS`.
    """
    last = CONSENT_COLUMNS if consent else ()
    others = {field for subscriber in people.confirmed(name) for field in subscriber.fields} - {*OWN_COLUMNS, *last}
    columns = (*OWN_COLUMNS, *sorted(others))
    return SignUps((*columns, *last), _rows(people, name, columns, consent))


def _rows(people: People, name: str, columns: tuple[str, ...], consent: bool) -> Iterator[Row]:
    everyone = people.confirmed(name)
    while batch := list(islice(everyone, _AT_ONCE)):
        given = people.consents_given(subscriber.email for subscriber in batch) if consent else {}
        for subscriber in batch:
            values = _values(subscriber, columns)
            if consent:
                values += _consent_values(given.get(fold_address(subscriber.email), GivenConsent()))
            yield Row(None, subscriber.email, [_harmless(value) for value in values])


def _values(subscriber: Subscriber, columns: tuple[str, ...]) -> list[str]:
    values = {**subscriber.fields, "email": subscriber.email}
    return [values.get(column, "") for column in columns]


def _consent_values(given: GivenConsent) -> list[str]:
    return [_iso(given.asked), given.page, given.wording, _iso(given.confirmed), given.confirmed_on]


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _harmless(value: str) -> str:
    """Security: the form's answers are untrusted, and must obey the same limits as a list's values."""
    return CONTROL.sub(" ", value[:MAX_VALUE_CHARS]).strip()
