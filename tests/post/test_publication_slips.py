"""A slip of the pen in `published` or `draft` holds a post back, as the right key would; other keys are let be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.post.parse import parse_post
from newsletter.post.publication import held_findings, is_slip_of

NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)


def held(*lines: str) -> list[str]:
    text = "\n".join(("---", "title: Hello", *lines, "---", "", "News.", ""))
    issue = parse_post(text, path="2026-03-01-hello.md").issue
    return [finding.at("p.md") for finding in held_findings(issue, NOW, UTC, text)]


@pytest.mark.parametrize("key", ["publshed", "pubilshed", "publishedd", "Publishd", "poblished"])
def test_a_slip_of_published_holds_it_back(key: str) -> None:
    (said,) = held(f"{key}: false")
    assert said.startswith(f"p.md:3: there is no key `{key}`; `published` is meant, it seems, and holds the post back")
    assert held(f"{key}: true") == []


@pytest.mark.parametrize("key", ["darft", "drat", "draftt", "DRAFR"])
def test_a_slip_of_draft_holds_it_back(key: str) -> None:
    (said,) = held(f"{key}: yes")
    assert said.startswith(f"p.md:3: there is no key `{key}`; `draft` is meant")
    assert held(f"{key}: false") == []


@pytest.mark.parametrize(
    "line",
    [
        *("publish: false", "publisher: none", "publishDate: 2026-01-01", "published_at: never", "drafts: true"),
        *("craft: true", "status_line: draft", "unpublished_notes: no", "dra: true", "raft: yes"),
    ],
)
def test_keys_that_are_words_of_their_own_are_let_be(line: str) -> None:
    assert held(line) == []


def test_one_letter_is_a_slip_and_two_are_none() -> None:
    assert not is_slip_of("published", "published")
    assert not is_slip_of("pblshed", "published")
    assert not is_slip_of("", "draft")
