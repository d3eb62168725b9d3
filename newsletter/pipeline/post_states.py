"""The state of a post at a glance: held back, due, sent to how many, who is left. Pure: ledger and clock are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from newsletter.frozen import frozen
from newsletter.ledger.known_issues import KnownIssue
from newsletter.model.delivery import State
from newsletter.model.issue import Issue
from newsletter.model.issue_name import Identity, differences
from newsletter.model.moments import shown_moment
from newsletter.pipeline.find_due import MISSED
from newsletter.pipeline.send_result import left_of
from newsletter.post.publication import due_moment

Kind = Literal["broken", "draft", "undated", "future", "due", "old", "unsent", "renamed", "begun", "uncertain", "sent"]
"""What a reader of the list would call it. `begun` has recipients left; `old` was missed, `unsent` is of long ago."""


@frozen
class PostFacts:
    """What a post's file says of itself above its text. `held` is why it is not sent yet, `fault` why it is unreadable.

    `head` has no blocks: its text was not parsed. `is_guess`: nothing but the name was looked at.
    """

    path: str
    head: Issue
    held: str = ""
    fault: str = ""
    is_guess: bool = False


@frozen
class PostState:
    """A state in words, and in numbers: recipients who have it, are left, are uncertain, were refused."""

    kind: Kind
    words: str
    issue: str = ""
    sent: int = 0
    left: int = 0
    uncertain: int = 0
    refused: int = 0
    deferred: int = 0
    """Of those who are left, who were put off by a relay."""

    @property
    def may_be_sent(self) -> bool:
        """Whether a send makes sense, by hand if need be."""
        return self.kind in ("due", "old", "unsent", "begun", "future", "draft", "undated")


@frozen
class KnownIssues:
    """The ledger's issues by name, and by title, day and newsletter: a post that was renamed is found by these."""

    by_name: Mapping[str, KnownIssue] = field(default_factory=dict)
    by_title: Mapping[tuple[str, date, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Iterable[KnownIssue]) -> KnownIssues:
        by_name = {each.issue: each for each in known}
        by_title = {
            (each.identity.title, each.identity.day, each.identity.newsletter or ""): each.issue
            for each in by_name.values()
            if each.identity.day is not None and each.identity.title and each.first_sent is not None
        }
        return cls(by_name, by_title)


def state_of(
    post: PostFacts, known: KnownIssues, *, now: datetime, max_age: timedelta, zone: tzinfo | None, list_id: str
) -> PostState:
    """The state of a post. `list_id` is the newsletter's: an issue of this name may be another newsletter's."""
    head = post.head
    mine = Identity(head.title, head.date, head.name, list_id)
    issue = known.by_name.get(head.slug)
    # A guess knows neither title nor date for sure.
    if issue is not None and issue.reached and (post.is_guess or not differences(issue.identity, mine) - {"title"}):
        return _of_ledger(issue)
    if post.fault:
        return PostState("broken", post.fault)
    other = known.by_title.get((head.title, head.date, list_id)) if head.date else None
    if other is not None and other != head.slug:
        return PostState("renamed", f"sent as {other}", other)
    if post.held:
        return PostState("draft", post.held)
    since = due_moment(head, zone)
    if since is None:
        return PostState("undated", "without a date, so that nobody knows when it is due")
    if since > now:
        return PostState("future", f"on {_said(since)}")
    if since >= now - max_age:
        return PostState("due", f"due since {_said(since)}")
    days = (now - since) / timedelta(days=1)
    if since >= now - max_age - MISSED:
        return PostState("old", f"never sent, and {days:.0f} days old: too old for `publish`")
    return PostState("unsent", "never sent from here")


def _of_ledger(issue: KnownIssue) -> PostState:
    counts = issue.counts
    sent, refused, uncertain = counts[State.SENT], counts[State.REJECTED], counts[State.UNCERTAIN]
    left = left_of(counts)
    parts = [
        f"sent to {sent:,}",
        f"{left:,} left unsent" if left else "",
        f"{uncertain:,} uncertain" if uncertain else "",
        f"{refused:,} refused" if refused else "",
    ]
    kind: Kind = "begun" if left else "uncertain" if uncertain else "sent"
    words = ", ".join(filter(None, parts))
    return PostState(kind, words, issue.issue, sent, left, uncertain, refused, counts[State.DEFERRED])


def _said(moment: datetime) -> str:
    is_day = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return f"{moment:%Y-%m-%d}" if is_day else shown_moment(moment)
