"""The state of a post, as a table: what its file says and what the ledger has -> one word and numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import pytest

from newsletter.ledger.known_issues import KnownIssue
from newsletter.model.delivery import State
from newsletter.model.issue import Issue
from newsletter.model.issue_name import Identity
from newsletter.pipeline.post_states import KnownIssues, PostFacts, PostState, state_of

NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def facts(day: date | None = date(2026, 3, 9), *, title: str = "Hello", held: str = "", fault: str = "") -> PostFacts:
    head = Issue(slug="hello", name="hello", title=title, blocks=(), lang="", date=day)
    return PostFacts("posts/hello.md", head, held=held, fault=fault)


def known(
    issue: str = "hello", title: str = "Hello", day: date | None = date(2026, 3, 9), **numbers: int
) -> KnownIssue:
    counts = MappingProxyType({state: numbers.get(state.value, 0) for state in State})
    return KnownIssue(issue, title, SENT, counts, Identity(title, day, issue, "list.test"))


def state(post: PostFacts, *issues: KnownIssue) -> PostState:
    return state_of(post, KnownIssues.of(issues), now=NOW, max_age=timedelta(days=2), zone=UTC, list_id="list.test")


@pytest.mark.parametrize(
    ("post", "issues", "kind", "words"),
    [
        (facts(), [], "due", "due since 2026-03-09"),
        (facts(date(2026, 3, 11)), [], "future", "on 2026-03-11"),
        (facts(date(2026, 3, 3)), [], "old", "7 days old"),
        (facts(date(2026, 1, 1)), [], "unsent", "never sent from here"),
        (facts(None), [], "undated", "without a date"),
        (facts(held="it is a draft"), [], "draft", "it is a draft"),
        (facts(fault="posts/hello.md:2: never closed"), [], "broken", "never closed"),
        (facts(), [known(sent=1204)], "sent", "sent to 1,204"),
        (facts(), [known(sent=10, rejected=2)], "sent", "sent to 10, 2 refused"),
        (
            facts(),
            [known(sent=10, pending=3, deferred=1, uncertain=1)],
            "begun",
            "sent to 10, 4 left unsent, 1 uncertain",
        ),
        (facts(), [known(sent=10, uncertain=1)], "uncertain", "sent to 10, 1 uncertain"),
        (facts(), [known(committing=1)], "begun", "1 left unsent"),
        # Planned, and nobody reached: it is as if it had never been begun.
        (facts(), [known(pending=5)], "due", "due since"),
        # What was sent stays sent, whatever the file says now.
        (facts(held="it is a draft"), [known(sent=5)], "sent", "sent to 5"),
        (facts(fault="unreadable"), [known(sent=5)], "sent", "sent to 5"),
        # A corrected title is the same issue; another day is another post under the same name.
        (facts(title="Hello, all"), [known(sent=5)], "sent", "sent to 5"),
        (facts(), [known(sent=5, day=date(2026, 3, 8))], "due", "due since"),
        # Renamed: title and day are those of another issue.
        (facts(), [known("old-name", sent=5)], "renamed", "sent as old-name"),
    ],
)
def test_a_state_says_what_happened_to_a_post(post: PostFacts, issues: list[KnownIssue], kind: str, words: str) -> None:
    found = state(post, *issues)
    assert found.kind == kind
    assert words in found.words


def test_a_guess_by_the_name_finds_its_issue() -> None:
    head = Issue(slug="hello", name="hello", title="Some Name", blocks=(), lang="", date=None)
    found = state(PostFacts("posts/hello.md", head, is_guess=True), known(sent=5))
    assert (found.kind, found.sent) == ("sent", 5)
