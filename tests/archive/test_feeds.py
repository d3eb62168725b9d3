"""The feeds, as feedparser and an XML parser read them."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from archived import NOON, Shelf
from lxml import etree
from machine import missing
from pictures import picture

BASE = "https://example.com/archive"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def read(shelf: Shelf, name: str) -> Any:
    try:
        import feedparser
    except ModuleNotFoundError:
        missing("feedparser is not installed")
    found = feedparser.parse((shelf.site / name).read_bytes())
    assert not found.bozo, found.get("bozo_exception")
    return found


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml"])
def test_a_feed_has_the_whole_issue(shelf: Shelf, name: str) -> None:
    (shelf.folder / "posts" / "a.png").write_bytes(picture(size=(900, 400)))
    body = "Ünïcode & <b>words</b>.[^1]\n\n![A picture](a.png)\n\n1. **A story**: text.\n2. **More**: text.\n"
    body += "\n[^1]: A note."
    shelf.publish("2026-02-01-post", body, title="Fish & <chips>", date="2026-02-01", author="Ada", tags="[one]")
    shelf.build()
    found = read(shelf, name)
    assert found.feed.title == "The Daily Lamp"
    assert found.feed.link == f"{BASE}/"
    (entry,) = found.entries
    assert entry.title.startswith("Fish &")
    assert entry.link == entry.id == f"{BASE}/issues/2026-02-01-post.html"
    assert entry.author == "Ada"
    assert [tag.term for tag in entry.tags] == ["one"]
    content = entry.content[0].value
    for words in ("Ünïcode", "words", "A story", "More", "A note."):
        assert words in content
    assert f'src="{BASE}/assets/' in content
    assert f'href="{BASE}/issues/2026-02-01-post.html#fn1"' in content
    assert "../" not in content
    assert entry.published_parsed[:5] == (2026, 3, 1, 13, 0)


def test_the_json_feed(shelf: Shelf) -> None:
    shelf.publish("2026-02-01-post", "Text.", title="A title", date="2026-02-01")
    shelf.build()
    data = json.loads((shelf.site / "feed.json").read_text())
    assert data["version"] == "https://jsonfeed.org/version/1.1"
    assert data["feed_url"] == f"{BASE}/feed.json"
    (item,) = data["items"]
    assert item["id"] == item["url"] == f"{BASE}/issues/2026-02-01-post.html"
    assert "<p>Text.</p>" in item["content_html"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", item["date_published"])


def test_the_newest_twenty_the_last_first(shelf: Shelf) -> None:
    for number in range(1, 26):
        shelf.publish(f"2026-01-{number:02}-n", title=f"Number {number}", date=f"2026-01-{number:02}")
    shelf.build()
    titles = [entry.title for entry in read(shelf, "atom.xml").entries]
    assert titles == [f"Number {number}" for number in range(25, 5, -1)]


def test_a_correction_updates_the_entry(shelf: Shelf) -> None:
    shelf.publish("2026-02-01-post", date="2026-02-01")
    shelf.correct("2026-02-01-post", NOON + timedelta(days=1))
    shelf.build()
    (entry,) = read(shelf, "atom.xml").entries
    assert entry.updated_parsed[:3] == (2026, 3, 2)
    assert entry.published_parsed[:3] == (2026, 3, 1)


def test_a_post_that_is_gone_stays_whole_in_the_feed(shelf: Shelf) -> None:
    path = shelf.publish("2026-02-01-post", "The whole text.", date="2026-02-01")
    shelf.build()
    path.unlink()
    shelf.publish("2026-02-02-next", date="2026-02-02")
    shelf.build()
    assert "The whole text." in read(shelf, "rss.xml").entries[1].content[0].value


def test_control_characters_and_ends_of_sections_break_no_feed(shelf: Shelf) -> None:
    shelf.publish("2026-02-01-post", "Text \x0b \ufffe ]]> &nbsp; \ud7ff.", title="A ]]> title", date="2026-02-01")
    shelf.build()
    for name in ("rss.xml", "atom.xml", "sitemap.xml"):
        etree.fromstring((shelf.site / name).read_bytes())
    assert read(shelf, "rss.xml").entries[0].title == "A ]]> title"


def test_the_sitemap_has_every_page(shelf: Shelf) -> None:
    for day in ("2026-01-05", "2026-02-06"):
        shelf.publish(f"{day}-é", date=day)
    shelf.build()
    root = etree.fromstring((shelf.site / "sitemap.xml").read_bytes())
    places = root.findall("{*}url/{*}loc")
    assert [place.text for place in places] == [
        *(f"{BASE}/", f"{BASE}/months/2026-01.html", f"{BASE}/months/2026-02.html"),
        *(f"{BASE}/issues/2026-01-05-%C3%A9.html", f"{BASE}/issues/2026-02-06-%C3%A9.html"),
    ]


def test_the_text_of_a_feed_is_html_that_readers_can_show(shelf: Shelf) -> None:
    """Seen by the W3C's feed validator: numbers of stories were written as tags that readers see."""
    stories = "".join(f"{number}. **A story** of [a page](https://example.com/{number}).\n" for number in range(1, 5))
    shelf.publish(
        "2026-02-01-post", f"## News\n\n{stories}\n- a\n- b\n\n> A quote.\n", title="A title", date="2026-02-01"
    )
    shelf.build()
    (item,) = json.loads((shelf.site / "feed.json").read_text())["items"]
    assert "<b>1.</b>" in item["content_html"]
    assert "&lt;" not in item["content_html"]
    try:
        import html5lib
    except ModuleNotFoundError:
        missing("html5lib is not installed")
    parser = html5lib.HTMLParser()
    parser.parseFragment(item["content_html"])
    assert not parser.errors


def test_a_summary_in_rss_is_no_markup(shelf: Shelf) -> None:
    shelf.publish("2026-02-01-post", "Use `<script>` & more.", title="A title", date="2026-02-01")
    shelf.build()
    root = etree.fromstring((shelf.site / "rss.xml").read_bytes())
    assert root.findtext(".//item/description") == "Use &lt;script&gt; &amp; more."


def test_the_feeds_of_a_newsletter_without_issues(shelf: Shelf) -> None:
    shelf.build()
    rss = etree.fromstring((shelf.site / "rss.xml").read_bytes())
    assert rss.find("channel/language") is None, "an empty one is none"
    atom = etree.fromstring((shelf.site / "atom.xml").read_bytes())
    assert atom.findtext("{http://www.w3.org/2005/Atom}updated") == "2026-01-01T00:00:00Z"
    assert "language" not in json.loads((shelf.site / "feed.json").read_text())
