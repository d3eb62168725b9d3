"""Classification results."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

MAX_FAILURES = 100
"""Recipients of one report. Ours are about one; a report about thousands would be somebody's trap."""


class Kind(enum.StrEnum):
    """What a failure says of the address, and so what follows from it."""

    HARD = "hard"
    """There is no such mailbox. Never mail it again."""
    SOFT = "soft"
    """The mailbox did not take it: full, closed, unknown by words alone. One point a day."""
    LANE = "lane"
    """Trouble of ours, not of the address: policy, reputation, rate, size, a bare 550. Nobody pays for it."""
    DELAYED = "delayed"
    """Still being tried; it may yet arrive. No point."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of a bounce. `status` is the enhanced code ("5.1.1", RFC 3463), `code` the SMTP reply's, 0 and ""
    where the report has none; `words` is the diagnosis, shortened; `rule` names the row of the table that decided.
    `address` is "" where the report names nobody.
    """

    address: str
    kind: Kind
    status: str = ""
    code: int = 0
    words: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Traces:
    """What a report shows of the mail that it is about.

    `token` is that of its bounce address (VERP), which only the receiving side has seen. `message_ids` are with their
    angle brackets, the likeliest first. `addresses` are those that it went to, as the report says, beside its failures.
    """

    token: str = ""
    message_ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report of mail that was not delivered, or not yet: at least one failure. `reporter` is the server (MTA).

    `forwarded`: somebody sent on a report that they had got. It counts for whom its traces prove, and for nobody else.
    """

    failures: tuple[Failure, ...]
    traces: Traces = Traces()
    reporter: str = ""
    forwarded: bool = False

    def __post_init__(self) -> None:
        if not self.failures:
            raise ValueError("a bounce has at least one failure")


@dataclass(frozen=True, slots=True)
class Complaint:
    """Somebody pressed "spam", and their provider says so (ARF, RFC 5965). `feedback` is its Feedback-Type."""

    feedback: str
    traces: Traces
    reporter: str = ""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A mail that asks to leave. `named` is whom it says leaves, "" where it says nobody; `sender` is From."""

    named: str
    sender: str

    def __post_init__(self) -> None:
        if not (self.named or self.sender):
            raise ValueError("an unsubscribe says who leaves")


@dataclass(frozen=True, slots=True)
class AutoReply:
    """A machine's answer: a vacation note, a read receipt, a ticket number. `sign` is what gave it away."""

    sign: str


@dataclass(frozen=True, slots=True)
class Ordinary:
    """A person's mail, or anything else that is not ours to act on: whose it is, and its subject, for who looks."""

    sender: str = field(default="", compare=False)
    subject: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A letter that may ask to leave, in words that are not plain: for a person to read. `words` are those that do."""

    words: str
    sender: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nothing that could be taken for mail. `why` is a phrase."""

    why: str


Reading = Bounce | Complaint | Unsubscribe | AutoReply | Doubtful | Ordinary | Unreadable
