"""The page of an issue: valid HTML, everything of the post, nothing of any subscriber."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from archived import SETTINGS, Shelf
from machine import CHECKOUT, missing
from pictures import picture

from newsletter.errors import ConfigError

EVERY_KIND = """\
A paragraph with **bold**, *emphasis*, ~~gone~~, `code`, H<sub>2</sub>O, a note[^1], the same note[^1] and
[a link](https://example.com/x "Title").

> [!WARNING]
> Mind the gap.

> [!SPONSOR]
> Made by somebody.

> What was said.
>
> — Somebody

## Code and tables

```python
def hello() -> None: ...
```

| Name | Number |
|---|--:|
| One | 1 |

- [x] done
- [ ] to do

* plain
  * nested

Term
: What is said of it

[Read the announcement](https://example.com/button)

https://www.youtube.com/watch?v=dQw4w9WgXcQ

![Alt words](a.png "A caption")

1. **A story**: its text. [Source](https://example.com/1)
2. **Another**: its text. [Source](https://example.org/2)

## Code and tables

The same heading again.

## Third

End.

[^1]: The note's words.
"""

HOSTILE = (
    """<script>alert(1)</script> "><img src=x onerror=alert(1)> </title></script> ' & --> <!--/text--> ]]> \u202e"""
)


def parsed(page: str) -> Any:
    """The page's tree; it must be without an error of HTML."""
    try:
        import html5lib
    except ModuleNotFoundError:
        missing("html5lib is not installed")
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(page)
    assert parser.errors == []
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), "an anchor is there once"
    for link in tree.iter("a"):
        if link.get("href", "").startswith("#"):
            assert link.get("href")[1:] in ids, link.get("href")
    return tree


def words_of(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def page_of(shelf: Shelf, body: str, **front: object) -> str:
    shelf.publish("2026-02-01-post", body, **{"title": "The title", "date": "2026-02-01", **front})
    shelf.build()
    return shelf.page("2026-02-01-post")


def test_every_kind_of_block_is_there_in_valid_html(shelf: Shelf) -> None:
    (shelf.folder / "posts" / "a.png").write_bytes(picture(size=(900, 400)))
    tree = parsed(page_of(shelf, EVERY_KIND, author="Ada", tags="[one, two]"))
    text = words_of(tree.find(".//main"))
    for words in (
        "Mind the gap.",
        "Made by somebody.",
        "What was said.",
        "hello",
        "done",
        "nested",
        "What is said of it",
    ):
        assert words in text
    for words in ("Read the announcement", "A caption", "A story", "The note’s words.", "Warning", "Ada"):
        assert words in text
    names = {element.tag for element in tree.iter()}
    assert {"article", "aside", "blockquote", "pre", "table", "thead", "dl", "figure", "figcaption", "nav"} <= names
    (image,) = (element for element in tree.iter("img") if element.get("alt") == "Alt words")
    assert re.fullmatch(r"\.\./assets/[0-9a-f]{16}\.png", image.get("src"))
    assert (image.get("width"), image.get("height")) == ("672", "299")
    assert (shelf.site / "issues" / image.get("src")).resolve().is_file()


def test_the_text_reads_without_scripts_or_styles_of_its_own(shelf: Shelf) -> None:
    (shelf.folder / "posts" / "a.png").write_bytes(picture())
    tree = parsed(page_of(shelf, EVERY_KIND))
    scripts = [element for element in tree.iter("script") if element.get("type") != "application/ld+json"]
    assert scripts == []
    assert [element.tag for element in tree.iter() if element.get("style") is not None] == []
    assert not any(name.startswith("on") for element in tree.iter() for name in element.attrib)


def test_nobody_s_branch_and_nobody_s_fields(shelf: Shelf) -> None:
    page = page_of(
        shelf,
        "Dear {{ subscriber.name | default('reader') }} of {{ subscriber.city }}, hello {{ subscriber.nick }}!\n\n"
        "{% if subscriber.plan == 'pro' %}ONLY FOR PAYERS{% else %}For everyone.{% endif %}\n\n"
        "[Yours](https://example.com/?q={{ subscriber.name | default('a b&c') }}) "
        "[Out]({{ subscriber.link | default('javascript:alert(1)') }})",
        title="For {{ subscriber.name | default('<you>') }}",
    )
    tree = parsed(page)
    text = words_of(tree.find(".//main"))
    assert "Dear reader of, hello!" in text
    assert "For everyone." in text
    assert "ONLY FOR PAYERS" not in page
    assert "For <you>" in words_of(tree.find(".//h1"))
    hrefs = [link.get("href") for link in tree.iter("a")]
    assert "https://example.com/?q=a%20b%26c" in hrefs
    assert not any(href.startswith("javascript") for href in hrefs)
    assert "nlfield" not in page
    assert "nlfield" not in "".join(data.decode("utf-8", "ignore") for data in shelf.files().values())


def test_no_word_about_subscribers_and_no_token(tmp_path: Path) -> None:
    shelf = Shelf(
        tmp_path, settings=SETTINGS + '[serve]\nurl = "https://news.example.com"\n[footer]\nfeedback = "serve"\n'
    )
    page = page_of(shelf, "Text.")
    for part in ("/u/", "/p/", "/f/", "nsubscribe", "daily@example.com", "mailto:"):
        assert part not in page
    assert 'href="https://news.example.com/join"' in page


@pytest.mark.parametrize("key", ["title", "author", "description", "headline"])
def test_hostile_words_are_words(shelf: Shelf, key: str) -> None:
    written = json.dumps(HOSTILE)
    front = {key: written} if key != "headline" else {"newsletter": f"{{headline: {written}}}"}
    page = page_of(shelf, "Text.", **front)
    tree = parsed(page)
    assert [element for element in tree.iter("img") if element.get("onerror")] == []
    (data,) = (element for element in tree.iter("script"))
    assert json.loads(data.text)["@type"] == "Article"
    shelf.build()
    (shelf.folder / "posts" / "2026-02-01-post.md").unlink()
    shelf.build()
    assert shelf.page("2026-02-01-post").count("<!--/text-->") == 1


def test_hostile_words_in_lists(shelf: Shelf) -> None:
    shelf.publish("2026-02-01-post", date="2026-02-01", title=json.dumps(HOSTILE), description=json.dumps(HOSTILE))
    shelf.build()
    for path, data in shelf.files().items():
        if path.endswith(".html"):
            tree = parsed(data.decode())
            assert [element for element in tree.iter("img") if element.get("onerror")] == []


def test_a_language_from_right_to_left(shelf: Shelf) -> None:
    tree = parsed(page_of(shelf, "هذا نص عربي للتجربة.", lang="ar", title="النشرة"))
    assert (tree.get("lang"), tree.get("dir")) == ("ar", "rtl")
    assert "بحث" in words_of(tree.find(".//header"))


def test_each_language_of_the_email_has_the_archive_s_words() -> None:
    of_email = tomllib.loads((CHECKOUT / "templates" / "labels.toml").read_text("utf-8"))
    ours = tomllib.loads((CHECKOUT / "templates" / "archive" / "labels.toml").read_text("utf-8"))
    assert set(ours) == set(of_email)
    for lang, words in ours.items():
        assert set(words) == set(ours["en"]), lang
        for name, text in words.items():
            assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", ours["en"][name])) or (
                name == "month"
            ), (lang, name)


def test_what_the_page_says_of_itself(shelf: Shelf) -> None:
    (shelf.folder / "posts" / "a.png").write_bytes(picture(size=(900, 400)))
    tree = parsed(page_of(shelf, "![A picture](a.png)\n\nText.", author="Ada", description="In short."))
    meta = {each.get("property") or each.get("name"): each.get("content") for each in tree.iter("meta")}
    assert meta["og:title"] == "The title"
    assert meta["og:url"] == "https://example.com/archive/issues/2026-02-01-post.html"
    assert meta["og:image"].startswith("https://example.com/archive/")
    assert meta["description"] == "In short."
    assert meta["article:published_time"] == "2026-03-01T13:00:00+00:00"
    (script,) = tree.iter("script")
    data = json.loads(script.text)
    assert (data["headline"], data["author"]["name"]) == ("The title", "Ada")
    assert data["url"] == meta["og:url"]


def test_every_page_is_valid_and_its_links_lead_to_files(shelf: Shelf) -> None:
    for number in range(1, 14):
        shelf.publish(f"2026-{number % 3 + 1:02}-{number:02}-n", date=f"2026-{number % 3 + 1:02}-{number:02}")
    shelf.build()
    for path, data in shelf.files().items():
        if not path.endswith(".html"):
            continue
        tree = parsed(data.decode())
        for element in (each for name in ("a", "link", "img") for each in tree.iter(name)):
            where = element.get("href") or element.get("src")
            if not where.startswith(("https:", "#")):
                target = (shelf.site / path).parent / where.partition("#")[0]
                assert target.resolve().is_file(), (path, where)


def test_a_page_of_the_author_s_own(shelf: Shelf) -> None:
    own = shelf.folder / "templates" / "archive"
    own.mkdir(parents=True)
    (own / "issue.html.j2").write_text("{{ entry.headline }} in my own page: {{ text }}")
    assert page_of(shelf, "Text.").startswith("The title in my own page")


def test_a_fault_in_the_author_s_own_page_is_a_sentence(shelf: Shelf) -> None:
    own = shelf.folder / "templates" / "archive"
    own.mkdir(parents=True)
    (own / "issue.html.j2").write_text("one\n{{ nothing }}")
    with pytest.raises(ConfigError, match=r"issue\.html\.j2:2: 'nothing' is undefined"):
        page_of(shelf, "Text.")
