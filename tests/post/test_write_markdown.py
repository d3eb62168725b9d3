"""Trees written as Markdown and parsed again: the cases of the parser, the examples, and signs that mean something."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from cases import Case, parametrize
from machine import CHECKOUT

from newsletter.errors import NewsletterError
from newsletter.model.issue import Issue, Paragraph, Story, Text
from newsletter.model.same_tree import without_lines
from newsletter.model.transform import links_of, words_of
from newsletter.post.parse import decode_post, parse_post
from newsletter.post.write_markdown import MarkdownWriter

HEAD = "---\ntitle: x\ndate: 2026-03-01\n---\n"
OTHERWISE = {
    "Bold lines with text below, most of which lead somewhere": "a picture inside of a story goes to its pictures",
    "Numbered paragraphs across pictures, headings and paragraphs": "the same",
    "Rows of a table": "two runs of words become one",
    "Raw HTML keeps its words apart": "a table without a head has an empty one",
}
"""Cases that are not read back as the very same tree, and why; no word, link or picture of them is lost."""


def said(issue: Issue, *, stories: bool = False) -> list[str]:
    """The blocks, a subscriber's columns by their names, stories without their numbers."""
    blocks = issue.stories if stories else issue.blocks
    plain = [replace(block, number=None) if isinstance(block, Story) else block for block in blocks]
    named = [repr(without_lines(block)) for block in plain]
    return [re.sub(f"{issue.mark}(\\d+)z", lambda found: repr(issue.fields[int(found[1])]), text) for text in named]


def written(issue: Issue) -> Issue:
    text = MarkdownWriter(issue.mark, issue.fields).blocks(issue.blocks)
    return parse_post(HEAD + text + "\n", path="post.md").issue


def check(source: str) -> None:
    try:
        issue = parse_post(HEAD + source, path="post.md").issue
    except NewsletterError:
        return  # a case of what no post may say
    assert said(written(issue)) == said(issue)


def but_for_exceptions(case: Case) -> None:
    if case.title not in OTHERWISE:
        check(case.source)
        return
    issue = parse_post(HEAD + case.source, path="post.md").issue
    again = written(issue)
    assert said(again) != said(issue), "it need not be excused any more"
    assert set(links_of(again.blocks)) == set(links_of(issue.blocks))
    assert letters(again) == letters(issue)


def letters(issue: Issue) -> list[str]:
    return sorted(re.findall(r"\S", "".join(words_of(issue.blocks))))


@parametrize("stories")
def test_stories(case: Case) -> None:
    but_for_exceptions(case)


@parametrize("digests")
def test_digests(case: Case) -> None:
    but_for_exceptions(case)


@parametrize("boxes")
def test_boxes(case: Case) -> None:
    but_for_exceptions(case)


@parametrize("containers")
def test_containers(case: Case) -> None:
    but_for_exceptions(case)


@parametrize("cjk_emphasis")
def test_emphasis(case: Case) -> None:
    but_for_exceptions(case)


@parametrize("links")
def test_links(case: Case) -> None:
    but_for_exceptions(case)


@parametrize("blocks")
def test_blocks(case: Case) -> None:
    but_for_exceptions(case)


@pytest.mark.parametrize("path", sorted((CHECKOUT / "examples").glob("*.md")), ids=lambda path: path.name)
def test_the_examples(path: Path) -> None:
    issue = parse_post(decode_post(path.read_bytes(), path.name), path=path.name).issue
    assert said(written(issue)) == said(issue)


@pytest.mark.parametrize(
    "text",
    [
        "*a* _b_ **c** `d` ~~e~~ [f](g) ![h](i) <b>j</b> &amp; &copy;",
        "# a",
        "1. a",
        "12) a",
        "> a",
        "- a",
        "+ a",
        "= a",
        ": a",
        "a | b",
        "$x$ ^[a] [^1]",
        "{{ site.title }} {% if x %}",
        "say \"yes\" and 'no' -- or ... maybe",
        "ann@example.org https://a.example www.a.example",
        "\\*a\\*",
        "snake_case_name and 2*3*4",
        "**粗体**。后面",
    ],
)
def test_words_are_words_whatever_they_look_like(text: str) -> None:
    written = MarkdownWriter().block(Paragraph((Text(text),)))
    (block,) = parse_post(HEAD + written + "\n", path="post.md").issue.blocks
    assert isinstance(block, Paragraph)
    assert "".join(node.text for node in block.inlines if isinstance(node, Text)) == text


def test_a_subscribers_column_is_written_as_the_author_did() -> None:
    source = 'Dear {{ subscriber.name | default("friend") }}, {{ subscriber["first name"] }}!'
    issue = parse_post(HEAD + source, path="post.md").issue
    assert MarkdownWriter(issue.mark, issue.fields).blocks(issue.blocks) == source
