"""Classification results."""

from __future__ import annotations

import enum
from dataclasses import field

from newsletter.frozen import frozen

MAX_FAILURES = 100
"""The most recipients of one report. Ours is about one; a report about thousands is hostile."""


class Kind(enum.StrEnum):
    """What a failure says about the address, which decides its consequence."""

    HARD = "hard"
    """The mailbox does not exist. Never mail it again."""
    SOFT = "soft"
    """The mailbox did not accept it: full, closed, unknown by its text alone. One point a day."""
    SENDER_FAULT = "lane"
    """The sender's fault, not the address's: policy, reputation, rate, size, a bare 550.

    It counts against no address.
    """
    DELAYED = "delayed"
    """Still being retried; it may yet arrive. No point."""


@frozen
class Failure:
    """One recipient of a bounce.

    `status` is the enhanced code ("5.1.1", RFC 3463), `code` the SMTP reply's, 0 and "" if the report has none; `words`
    is the diagnosis, truncated; `rule` names the row of the table that decided. `address` is "" if the report names
    none.
    """

    address: str
    kind: Kind
    status: str = ""
    code: int = 0
    words: str = ""
    rule: str = ""


@frozen
class Traces:
    """The traces of the original mail in a report.

    `token` is from its VERP address, which only the receiving side has seen. `message_ids` have their angle brackets,
    the likeliest first. `addresses` are its recipients according to the report, besides those of the failures.
    """

    token: str = ""
    message_ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


@frozen
class Bounce:
    """A report of mail that was not delivered, or not yet: at least one failure. `reporter` is the server (MTA).

    `forwarded`: a reader forwarded a report. It counts only for the subscriber whom its traces prove.
    """

    failures: tuple[Failure, ...]
    traces: Traces = Traces()
    reporter: str = ""
    forwarded: bool = False

    def __post_init__(self) -> None:
        if not self.failures:
            raise ValueError("a bounce has at least one failure")


@frozen
class Complaint:
    """A spam complaint, reported by the mailbox provider (ARF, RFC 5965). `feedback` is its Feedback-Type."""

    feedback: str
    traces: Traces
    reporter: str = ""


@frozen
class Unsubscribe:
    """An unsubscribe request. `named` is the address in it, "" if it has none; `sender` is From."""

    named: str
    sender: str

    def __post_init__(self) -> None:
        if not (self.named or self.sender):
            raise ValueError("an unsubscribe says who leaves")


@frozen
class AutoReply:
    """An automatic reply: a vacation note, a read receipt, a ticket number. `sign` is the evidence for it."""

    sign: str


@frozen
class Ordinary:
    """Personal mail, or anything else that needs no action: its sender and subject, for the operator."""

    sender: str = field(default="", compare=False)
    subject: str = field(default="", compare=False)


@frozen
class Doubtful:
    """A mail that may be an unsubscribe request, without a clear wording: for the operator to read.

    `words` are the wording.
    """

    words: str
    sender: str


@frozen
class Unreadable:
    """No valid mail. `why` is a phrase."""

    why: str


Reading = Bounce | Complaint | Unsubscribe | AutoReply | Doubtful | Ordinary | Unreadable
