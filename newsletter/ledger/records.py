"""The ledger's records: plan, claim, move, delivery, issue, version, run. Frozen, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from newsletter.errors import BusyError
from newsletter.frozen import frozen
from newsletter.model.delivery import State
from newsletter.text import valid_unicode


class IllegalMoveError(BusyError, RuntimeError):
    """A transition that `MOVES` does not allow: another run moved the row, or the program has a bug."""


@frozen
class Plan:
    """The recipients of one issue on a list by state; `audience` is the sum of the eight numbers after it.

    `due` are pending, or deferred and due; `waiting` are deferred and not yet due, the first of them at `next_due`;
    `exhausted` are deferred and have used up their attempts; `underway` are claimed or committing in another run;
    `suppressed` must not be mailed. `content_changed`: a recipient already has, or may have, this issue with other
    content.
    `newcomers` are on the list and not on the plan: they joined too long after the issue first went out.
    `added` and `gone` compare with the list of the issue that was sent last before; None if there is none.
    """

    audience: int
    due: int
    waiting: int = 0
    sent: int = 0
    rejected: int = 0
    uncertain: int = 0
    underway: int = 0
    exhausted: int = 0
    suppressed: int = 0
    content_changed: bool = False
    added: int | None = None
    gone: int | None = None
    next_due: datetime | None = None
    newcomers: int = 0


@frozen
class Claim:
    """A recipient who belongs to this run until written or recovered. `attempts` counts this one, from 1."""

    row: int
    key: str
    address: str
    attempts: int


@frozen
class Turn:
    """The run that claims and writes rows, and the last row that is its to claim; 0 sets no limit."""

    run: int = 0
    last: int = 0


ALONE = Turn()
"""A run without a number, as in tests, for the whole list."""


@frozen
class Move:
    """A transition of one claimed row. An empty `message_id` or `relay` keeps the value of an earlier step."""

    row: int
    to: State
    message_id: str = ""
    stage: str = ""
    code: int = 0
    reply: str = ""
    due_at: datetime | None = None
    relay: str = ""


@frozen
class Delivery:
    """One row: a recipient of an issue. `attempts` excludes claims that were released untried; times are UTC.

    `version` is the number of the content at the last try, 0 before the first; `due_at` is when a deferred recipient
    may be retried, None for at once.
    """

    issue: str
    address: str
    state: State
    message_id: str
    attempts: int
    stage: str
    code: int
    reply: str
    updated: datetime
    relay: str = ""
    version: int = 0
    due_at: datetime | None = None


@frozen
class IssueRow:
    """An issue in the ledger. `first_sent` is UTC, None before the first acceptance."""

    issue: str
    subject: str
    first_sent: datetime | None
    counts: Mapping[State, int]


@frozen
class Version:
    """The content of an issue from `since` (UTC) on; `current` marks the present version."""

    number: int
    content_hash: str
    subject: str
    since: datetime
    current: bool


@frozen
class Run:
    """A send, from `started` to `ended`, in UTC; `ended` is None while it runs, and stays None if it was killed."""

    number: int
    owner: str
    started: datetime
    ended: datetime | None
    reason: str


def storable(text: str) -> str:
    """A server's text in a form that every database accepts: no lone surrogates, no NUL; the rest verbatim.

    An error over a strange reply would lose the record of a sent message.
    """
    return valid_unicode(text).replace("\0", "\\x00")
