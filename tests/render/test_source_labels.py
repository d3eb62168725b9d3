"""Labels of source links: what says nothing gets its host, an arrow stands once, a screen reader hears no two alike."""

from __future__ import annotations

import lxml.html
import pytest
from machine import CHECKOUT
from themes import THEMES

from newsletter.model.issue import Link, Text
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.source_labels import host_of, source_label
from newsletter.render.themes.load import load_theme


def link(label: str, href: str = "https://www.a.example/b") -> Link:
    return Link(href, (Text(label),))


@pytest.mark.parametrize(
    ("label", "words", "host", "arrow"),
    [
        ("原文链接", "原文链接", "a.example", False),
        ("[来源]", "[来源]", "a.example", False),
        ("Read more →", "Read more", "a.example", False),
        ("Quelle", "Quelle", "a.example", False),
        ("المصدر", "المصدر", "a.example", False),
        ("The whole report", "The whole report", "", True),
        ("The whole report →", "The whole report →", "", False),
        ("Next »", "Next »", "", False),
        ("A <> B", "A <> B", "", True),
        ("→", "→", "", True),
    ],
)
def test_what_a_source_link_says(label: str, words: str, host: str, arrow: bool) -> None:
    found = source_label(link(label))
    assert (found.words, found.host, found.arrow) == (words, host, arrow)


@pytest.mark.parametrize(
    ("href", "host"),
    [
        ("https://WWW.Example.com:8080/a?b", "example.com"),
        ("https://xn--fsqu00a.example/", "例子.example"),
        ("mailto:a@example.com", ""),
        ("/a", ""),
        ("https://[", ""),
        ("https://xn--\udcff.example/", "xn--\udcff.example"),
    ],
)
def test_the_host_of_an_address(href: str, host: str) -> None:
    assert host_of(href) == host


@pytest.mark.parametrize("theme", THEMES)
def test_a_screen_reader_hears_no_two_alike(theme: str) -> None:
    text = "# T\n\n" + "\n\n".join(f"{n}. Story {n}. [Source](https://a.example/{n})" for n in range(1, 4))
    email = render_issue(parse_post(text, path="a.md").issue, load_theme(theme, CHECKOUT), Masthead())
    root = lxml.html.document_fromstring("".join(map(str, email.html.parts)))
    links = root.xpath("//a[starts-with(@href, 'https://a.example/')]")
    heard = [" ".join((each.get("aria-label") or each.text_content()).split()) for each in links]
    assert len(set(heard)) == len(heard) == 3
    # What is heard has the words that are seen (WCAG 2.2, 2.5.3).
    assert all(" ".join(each.text_content().split()) in said for each, said in zip(links, heard, strict=True))
