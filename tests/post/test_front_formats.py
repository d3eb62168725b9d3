"""Front matter that is no YAML: TOML and header lines, and YAML as Psych takes it."""

from __future__ import annotations

from datetime import date

import pytest

from newsletter.errors import ContentError
from newsletter.post.parse import parse_post


@pytest.mark.parametrize(
    "front",
    [
        '+++\ntitle = "News"\ndate = 2026-03-01\ntags = ["a", "b"]\n+++\n',
        '+++\ntitle = "News"\ndate = 2026-03-01T08:00:00+08:00\n[taxonomies]\ntags = ["a", "b"]\n+++\n',
        "Title: News\nDate: 2026-03-01 08:00\nTags: a, b\n\n",
        "title:  News\n   \ndate: x\n".replace("   \ndate: x\n", "date: 2026-03-01\ntags: a,b\n\n"),
        "---\ntitle:\tNews\ndate:\t2026-03-01\ntags:\n-\ta\n-\tb\t\n---\n",
        "---\ntitle: News\ndate: 2026-03-01\ntags: [a, b]\n...\n",
    ],
)
def test_every_form_is_read(front: str) -> None:
    issue = parse_post(f"{front}\nWords.\n", path="p.md").issue
    assert (issue.title, issue.date, issue.tags) == ("News", date(2026, 3, 1), ("a", "b"))
    assert issue.findings == ()


def test_lines_count_on_behind_it() -> None:
    issue = parse_post('+++\ntitle = "News"\ndate = "soon"\n+++\n\nA [x](y).\n', path="p.md").issue
    assert [(finding.line, finding.code) for finding in issue.findings] == [
        (3, "front-matter-date"),
        (6, "link-relative"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("+++\ntitle = ?\n+++\nx", 'p.md:2:9: the front matter is not valid TOML (Invalid value); write key = "value"'),
        ("+++\ntitle = 'x'\n", "p.md:1: the front matter is never closed; write `+++` on a line of its own after it"),
        ("+++\nx = " + "[" * 2000 + "\n+++\nx", "p.md:2: the front matter is nested too deep; flatten it"),
    ],
)
def test_toml_at_fault_is_named_by_line(text: str, sentence: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse_post(text, path="p.md")
    assert str(caught.value) == sentence


@pytest.mark.parametrize("text", ["Note: this is text.\n\nMore.\n", "Words.\nTitle: no\n\nMore.\n", "title\n\nMore.\n"])
def test_words_with_a_colon_are_no_front_matter(text: str) -> None:
    issue = parse_post(f"{text}", path="the-name.md").issue
    assert issue.title == "The Name"
