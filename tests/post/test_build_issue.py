"""An issue is a function of a post's metadata and blocks."""

from __future__ import annotations

import pytest

from newsletter.errors import ContentError
from newsletter.model.findings import Finding
from newsletter.model.issue import Blocks, Heading, Issue, Link, Paragraph, Site, Text
from newsletter.post.build_issue import build_issue
from newsletter.post.front_matter import read_front_matter
from newsletter.post.metadata import Metadata, read_metadata
from newsletter.post.templating.placeholders import Marked

TEXT: Blocks = (Paragraph((Text("Rust 2 is out."),), 9),)


def metadata(front: str, path: str = "2026-03-01-hello-world.md", site: Site | None = None) -> Metadata:
    return read_metadata(read_front_matter(f"---\n{front}\n---\ntext\n", path), site or Site(), path=path)


def issue(front: str, blocks: Blocks = TEXT, language: str = "", findings: tuple[Finding, ...] = ()) -> Issue:
    return build_issue(
        metadata(front),
        blocks,
        Marked("", "nlfield0x", ()),
        path="a.md",
        body_line=4,
        findings=findings,
        language=language,
    )


def test_the_same_input_gives_the_same_issue() -> None:
    given = metadata("title: A\nimage: a.png")
    first, second = (
        build_issue(given, TEXT, Marked("", "nlfield0x", ()), path="a.md", body_line=4, language="en") for _ in range(2)
    )
    assert first == second
    assert given == metadata("title: A\nimage: a.png")


def test_a_picture_without_words_is_described_by_the_title() -> None:
    made = issue("image: {path: a.png, alt: A crab}\ntitle: Rust").hero
    assert made is not None
    assert made.alt == "A crab"
    made = issue("image: a.png", (Heading(1, (Text("Rust"),), 5), *TEXT)).hero
    assert made is not None
    assert made.alt == "Rust"


def test_a_heading_that_is_the_title_goes_and_its_link_to_the_web_becomes_the_address() -> None:
    there = "https://blog.example/rust"
    made = issue("title: Rust", (Heading(1, (Link(there, (Text("Rust"),)),), 5), *TEXT))
    assert (made.url, made.blocks) == (there, TEXT)


def test_findings_of_the_head_and_of_the_text_are_in_the_order_of_their_lines() -> None:
    made = issue("title: A\nai: perhaps\ndate: soon", findings=(Finding("x", "of the text", line=9),))
    assert [(finding.code, finding.line) for finding in made.findings] == [
        ("front-matter-ai", 3),
        ("front-matter-date", 4),
        ("x", 9),
    ]


def test_the_front_matter_names_the_language_before_the_caller_and_the_words() -> None:
    assert [issue("lang: zh_TW", language="fr").lang, issue("", language="fr").lang] == ["zh-TW", "fr"]


def test_the_file_name_is_the_day_and_the_title_of_a_post_that_has_neither() -> None:
    made = issue("author: Ann")
    assert (made.title, str(made.date), made.slug) == ("Hello World", "2026-03-01", "2026-03-01-hello-world")
    assert [finding.code for finding in made.findings] == ["title-missing"]


def test_the_address_and_the_page_of_liquid_are_known_before_the_text_is_read() -> None:
    site = Site(url="https://blog.example", permalink="/:year/:title/")
    given = metadata("title: A", site=site)
    assert given.url == "https://blog.example/2026/hello-world/"
    assert (given.page["url"], given.page["date"]) == ("/2026/hello-world/", "2026-03-01")
    assert metadata("title: A\npublished: false", site=site).url == ""


def test_a_post_with_nothing_but_its_title_is_refused_with_its_place() -> None:
    with pytest.raises(ContentError, match=r"^a\.md:4: the post has nothing beside its title"):
        issue("title: A", ())
