"""Other addresses for an issue's links: UTM tags, and which links stand where."""

from __future__ import annotations

import pytest

from newsletter.post.parse import parse_post
from newsletter.render.link_addresses import PlacedLink, placed_links, tagged, with_addresses


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://a.example", "https://a.example?utm_source=daily&utm_medium=email&utm_campaign=i-1"),
        ("https://a.example/?x=%20&y", "https://a.example/?x=%20&y&utm_source=daily&utm_medium=email&utm_campaign=i-1"),
        ("https://a.example/p#part", "https://a.example/p?utm_source=daily&utm_medium=email&utm_campaign=i-1#part"),
        ("https://a.example/?utm_source=theirs", "https://a.example/?utm_source=theirs"),
        ("https://a.example/?UTM_Term=t#x", "https://a.example/?UTM_Term=t#x"),
    ],
)
def test_tags_are_added_and_none_is_replaced(address: str, wanted: str) -> None:
    assert tagged(address, "daily", "i-1") == wanted


def test_links_stand_under_their_headings_once() -> None:
    text = "[a](https://a.example)\n\n## One *two*\n\n1. **S.** [b](https://b.example) [a](https://a.example)\n\n"
    text += (
        "## Three\n\n| x |\n|---|\n| [c](http://c.example) |\n\n[m](mailto:a@b.example) ![p](https://p.example/p.png)\n"
    )
    issue = parse_post(text, path="2026-03-01-post.md").issue
    assert list(placed_links(issue)) == [
        PlacedLink("https://a.example", ""),
        PlacedLink("https://b.example", "One two"),
        PlacedLink("http://c.example", "Three"),
    ]


def test_only_whole_addresses_of_links_are_replaced() -> None:
    page = (
        '<a href="https://a.example/?x=1&amp;y=2">https://a.example/?x=1&amp;y=2</a><a href="https://a.example/b">b</a>'
    )
    page += '<img src="https://a.example/b">'
    changed = with_addresses(page, {"https://a.example/?x=1&y=2": 'https://s/"l', "https://a.example/b": "https://s/m"})
    assert changed == (
        '<a href="https://s/&quot;l">https://a.example/?x=1&amp;y=2</a><a href="https://s/m">b</a>'
        '<img src="https://a.example/b">'
    )
    assert with_addresses(page, {}) is page
