"""A slip of the pen in `published` or `draft` holds a post back, as the right key would; other keys are let be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from newsletter.post.parse import parse_post
from newsletter.post.publication import held_findings
from newsletter.text import is_one_slip

NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)


def held(*lines: str) -> list[str]:
    text = "\n".join(("---", "title: Hello", *lines, "---", "", "News.", ""))
    issue = parse_post(text, path="2026-03-01-hello.md").issue
    return [finding.at("p.md") for finding in held_findings(issue, NOW, UTC, text)]


@pytest.mark.parametrize("key", ["publshed", "pubilshed", "publishedd", "Publishd", "poblished"])
def test_a_slip_of_published_holds_it_back(key: str) -> None:
    (said,) = held(f"{key}: false")
    assert said.startswith(
        f"p.md:3: there is no key `{key}`; as `published` it holds the post back; write `published`, or"
    )
    assert held(f"{key}: true") == []


@pytest.mark.parametrize("key", ["darft", "drat", "draftt", "DRAFR"])
def test_a_slip_of_draft_holds_it_back(key: str) -> None:
    (said,) = held(f"{key}: yes")
    assert said.startswith(
        f"p.md:3: there is no key `{key}`; as `draft` it holds the post back; write `draft`, or send"
    )
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


@pytest.mark.parametrize("line", ["newsletter: false", "newsletter: no", "Newsletter: False", "newsletter: 'off'"])
def test_a_post_that_is_for_no_newsletter_is_held_back(line: str) -> None:
    key, _, value = line.partition(": ")
    (said,) = held("layout: post", line)
    word = value.strip("'").lower()
    assert said == f"p.md:4: `{key}: {word}` says not to send this post; take the line out, or write send --now"
    (said,) = held("newsletter: {stories: false}", "published: false")
    assert said.startswith("p.md:4: `published: false` says")


@pytest.mark.parametrize(
    "line", ["newsletter: true", "newsletter:", "newsletter: {stories: false}", "newsletters: false"]
)
def test_a_newsletter_key_that_holds_nothing_back(line: str) -> None:
    assert held(line) == []


def test_the_line_is_that_of_the_slip() -> None:
    (said,) = held("draft: false", "publshed: false")
    assert said.startswith("p.md:4: there is no key `publshed`")
    (said,) = held("draft: true", "layout: post", "", "drat: no")
    assert said.startswith("p.md:3: it is a draft")


def test_a_word_of_the_text_is_no_key() -> None:
    text = "---\ntitle: Hello\ndraft: true\n---\n\ndarft: yes\n"
    issue = parse_post(text, path="2026-03-01-hello.md").issue
    (said,) = held_findings(issue, NOW, UTC, text)
    assert (said.line, said.code) == (3, "draft")
    assert "it is a draft" in said.what


@pytest.mark.parametrize(
    "text",
    ["+++\ntitle = 'T'\npublshed = false\n+++\n\nNews.\n", "Title: T\nPubIished: False\nPublshed: no\n\nNews.\n"],
)
def test_other_front_matter_has_slips_too(text: str) -> None:
    issue = parse_post(text, path="2026-03-01-hello.md").issue
    (said,) = held_findings(issue, NOW, UTC, text)
    assert "as `published` it holds the post back" in said.what


def test_one_letter_is_a_slip_and_two_are_none() -> None:
    assert not is_one_slip("published", "published")
    assert not is_one_slip("pblshed", "published")
    assert not is_one_slip("", "draft")
