"""What a person asks for on the page of a send, and what the command answers. The command implements `Desk`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from newsletter.pipeline.send_to_list import SendWatcher
from newsletter.signals import StopRequest

CHOICES = {
    "changed_list": ("--changed-list", "The list is the right one, though many of the last issue are not on it"),
    "go_on": ("--continue", "It changed after some got it: send it as it is now to the others"),
    "erratum": ("--erratum", "It changed: mail it again, marked as a correction, to those who have the old one"),
    "newcomers": ("--newcomers", "Also to those who joined long after the issue first went out"),
    "now": ("--now", "Though it is a draft, or of a day to come"),
}
"""The options of `newsletter send` that decide a question: by field, its name there, and what it means."""


@dataclass(frozen=True, slots=True)
class SendOrder:
    """A send of a post to lists, or to a segment of them. `key` names the post on the pages."""

    key: str
    post: Path
    to: tuple[str, ...] = ()
    where: str = ""
    canary: int = 0
    choices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedSend:
    """A send as it would go now. `fingerprint` differs where the post, its readers or their number do.

    `begins`: no issue was ever sent from here.
    """

    issue: str
    facts: tuple[tuple[str, str], ...]
    due: int
    question: str
    fingerprint: str
    warnings: tuple[str, ...] = ()
    begins: str = ""


@dataclass(frozen=True, slots=True)
class SendEnd:
    """How a send ended: its numbers by name, and in a sentence what is left to do."""

    issue: str
    complete: bool
    rows: tuple[tuple[str, int], ...] = ()
    words: str = ""
    notes: tuple[str, ...] = field(default=())


class Desk(Protocol):
    """Plans and sends. Each method blocks, and raises NewsletterError as `newsletter send` does."""

    def lists(self, issue: str) -> tuple[str, ...]:
        """The lists that are at hand, those of the issue first."""
        ...

    def segment(self, issue: str) -> str:
        """The segment that the issue was planned for."""
        ...

    def plan(self, order: SendOrder, /) -> PlannedSend: ...

    def send(self, order: SendOrder, fingerprint: str, watcher: SendWatcher, stop: StopRequest, /) -> SendEnd:
        """Mail it, if the plan still has this fingerprint; ConfigError if not."""
        ...

    def test(self, order: SendOrder, address: str, /) -> str:
        """Mail one test; what came of it. Raises NewsletterError where it was not sent."""
        ...
