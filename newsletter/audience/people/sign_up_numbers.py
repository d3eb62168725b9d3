"""Sign-up statistics: current states, and changes per month."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

import sqlalchemy as sa

from newsletter.audience.people.records import Reason, SignUpState
from newsletter.frozen import frozen
from newsletter.ledger.database.schema import consents, people, preferences, suppressions
from newsletter.ledger.database.timestamps import time_of

_STEPS = {"confirmed": "joined", "returned": "joined", "withdrawn": "left"}
_LET_GO = [each.value for each in Reason if each not in (Reason.UNSUBSCRIBED, Reason.FORGOTTEN)]
_PAGE = 1_000


@frozen
class Month:
    """A month in UTC, as 2026-03: confirmations and returns, unsubscribes, suppressions by bounces or by hand."""

    month: str
    joined: int
    left: int
    let_go: int


@frozen
class SignUpNumbers:
    """`confirmed` are on the list; `not_mailed` of them are suppressed. `months` are those with any change.

    Erased subscribers are not counted.
    """

    confirmed: int
    not_mailed: int
    pending: int
    left: int
    months: tuple[Month, ...]


def sign_up_numbers(db: sa.Connection, list_name: str = "") -> SignUpNumbers:
    """The statistics of one list of the sign-up page, or of all."""
    of_list = preferences.c.key == people.c.key
    held = sa.exists().where(suppressions.c.key == people.c.key)
    by_state: Counter[str] = Counter()
    not_mailed = 0
    found = sa.select(people.c.state, preferences.c.lists, held.label("held")).join(preferences, of_list, isouter=True)
    for row in db.execution_options(yield_per=_PAGE).execute(found):
        if _is_of(row.lists, list_name):
            by_state[row.state] += 1
            not_mailed += bool(row.held) and row.state == SignUpState.CONFIRMED
    return SignUpNumbers(
        confirmed=by_state[SignUpState.CONFIRMED],
        not_mailed=not_mailed,
        pending=by_state[SignUpState.PENDING],
        left=by_state[SignUpState.LEFT],
        months=_months(_counted(db, list_name)),
    )


def _counted(db: sa.Connection, list_name: str) -> Mapping[tuple[str, str], int]:
    """The number of each change per month."""
    counted: Counter[tuple[str, str]] = Counter()
    steps = sa.select(consents.c.kind, consents.c.at, preferences.c.lists).where(consents.c.kind.in_(list(_STEPS)))
    steps = steps.join(people, people.c.key == consents.c.key)
    for row in db.execute(steps.join(preferences, preferences.c.key == people.c.key, isouter=True)):
        if _is_of(row.lists, list_name):
            counted[f"{time_of(row.at):%Y-%m}", _STEPS[row.kind]] += 1
    gone = sa.select(suppressions.c.at, preferences.c.lists).where(suppressions.c.reason.in_(_LET_GO))
    gone = gone.join(people, people.c.key == suppressions.c.key)
    for at, lists in db.execute(gone.join(preferences, preferences.c.key == people.c.key, isouter=True)):
        if _is_of(lists, list_name):
            counted[f"{time_of(at):%Y-%m}", "let go"] += 1
    return counted


def _months(counted: Mapping[tuple[str, str], int]) -> tuple[Month, ...]:
    def of(month: str, what: str) -> int:
        return counted.get((month, what), 0)

    months = sorted({month for month, _ in counted})
    return tuple(Month(each, of(each, "joined"), of(each, "left"), of(each, "let go")) for each in months)


def _is_of(lists: str | None, list_name: str) -> bool:
    return not list_name or list_name in json.loads(lists or "[]")
