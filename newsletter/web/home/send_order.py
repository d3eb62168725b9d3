"""What a person asks for on the page of a send, and what the command answers. The command implements `Desk`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from newsletter.frozen import frozen
from newsletter.pipeline.send_by_workers import WorkersWatcher
from newsletter.signals import StopRequest

WORKERS = "--workers"
CHOICES = {
    "changed_list": ("--changed-list", "The list is the right one, though many of the last issue are not on it"),
    "go_on": ("--continue", "It changed after some got it: send it as it is now to the others"),
    "erratum": ("--erratum", "It changed: mail it again, marked as a correction, to those who have the old one"),
    "newcomers": ("--newcomers", "Also to those who joined long after the issue first went out"),
    "now": ("--now", "Though it is a draft, or of a day to come"),
    "workers": (WORKERS, "By the workers on other machines, each of which runs `newsletter worker`"),
}
"""The options of `newsletter send` that are a yes or a no: by field, its name there, and what it means."""

Again = Literal["", "deferred", "failed"]
"""Who is tried once more, as by `newsletter retry`: those put off, and with `failed` the refused as well."""


@frozen
class SendOrder:
    """A send of a post to lists, or to a segment of them. `key` names the post on the pages, `issue` in the ledger.

    `at` is when, as `--at` takes it, and empty for at once. `again` goes to the lists that the ledger knows.
    """

    key: str
    post: Path
    to: tuple[str, ...] = ()
    where: str = ""
    canary: int = 0
    choices: frozenset[str] = frozenset()
    issue: str = ""
    at: str = ""
    again: Again = ""


@frozen
class PlannedSend:
    """A send as it would go now. `fingerprint` differs where the post, its readers or their number do.

    `begins`: no issue was ever sent from here. `at` is the one moment that the time of the order means.
    """

    issue: str
    facts: tuple[tuple[str, str], ...]
    due: int
    question: str
    fingerprint: str
    warnings: tuple[str, ...] = ()
    begins: str = ""
    at: str = ""


@frozen
class SendEnd:
    """How a send ended: its numbers by name, and in a sentence what is left to do.

    `open`: some are uncertain, put off or refused, which is the operator's to decide.
    """

    issue: str
    complete: bool
    rows: tuple[tuple[str, int], ...] = ()
    words: str = ""
    notes: tuple[str, ...] = ()
    open: bool = False


@frozen
class Standing:
    """How many recipients of an issue a decision is open about."""

    uncertain: int = 0
    deferred: int = 0
    refused: int = 0


class Desk(Protocol):
    """Plans and sends. Each method blocks, and raises NewsletterError as `newsletter send` does."""

    def lists(self, issue: str) -> tuple[str, ...]:
        """The lists that are at hand, those of the issue first."""
        ...

    def segment(self, issue: str) -> str:
        """The segment that the issue was planned for."""
        ...

    def plan(self, order: SendOrder, /) -> PlannedSend: ...

    def send(self, order: SendOrder, fingerprint: str, watcher: WorkersWatcher, stop: StopRequest, /) -> SendEnd:
        """Mail it, if the plan still has this fingerprint; ConfigError if not.

        Of an order `again` the fingerprint is how many are tried.
        """
        ...

    def test(self, order: SendOrder, address: str, /) -> str:
        """Mail one test; what came of it. Raises NewsletterError where it was not sent."""
        ...

    def has_workers(self) -> bool:
        """Whether the ledger is one from which workers can send."""
        ...

    def standing(self, issue: str, /) -> Standing: ...

    def resolve(self, issue: str, expected: int, /, *, resend: bool) -> int:
        """Settle the uncertain, as `newsletter resolve` does, and return how many; ConfigError for another number."""
        ...
