"""The table of mail clients: what ships is what npm's package says, and our own themes rest on nothing that is lost."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import lxml.html
import pytest
from machine import CHECKOUT, missing

from newsletter.check.clients.compatibility import find_gaps
from newsletter.check.clients.fallbacks import FALLBACKS
from newsletter.check.clients.load_support import TABLE, load_support
from newsletter.check.clients.support import Client, Feature, Support, named_clients
from newsletter.errors import ConfigError
from newsletter.model.mail_clients import FAMILIES

DOCUMENT = CHECKOUT / "docs" / "clients.md"
DOCS = runpy.run_path(str(CHECKOUT / "docs" / "clients.py"))
EXAMPLES = sorted((CHECKOUT / "examples").glob("*.md"))

# What the examples leave out of a theme's templates.
CONSTRUCTS = b"""---
title: Constructs
date: 2026-03-02
tags: [one, two]
---
```
A summary in a bare fence.
```

## Lists

- one
  - nested [link](https://a.example/1)
1. first
2. second

- [x] done
- [ ] open

Term
: what it means

A claim.[^1] ~~Gone~~ and `code` and <kbd>Ctrl</kbd>, <mark>marked</mark>, H<sub>2</sub>O.

> A quote
>
> - with a list

![film](https://a.example/film.mp4)

![picture](https://a.example/picture.png "Title")

| a | b |
|:-:|--:|
| 1 | 2 |

<details><summary>More</summary>

Text.

</details>

```python
def f(x: int) -> int:
    return x
```

---

## Stories

1. **Lead.** Text of a story. [source](https://a.example/2)

   ![picture](https://a.example/three.png)

2. Another one. [source](https://a.example/3)

[^1]: The note.
"""


@pytest.fixture(scope="session")
def support() -> Support:
    return load_support()


def emails() -> Iterator[tuple[str, str, bytes]]:
    for theme in DOCS["THEMES"]:
        yield theme, "constructs.md", CONSTRUCTS
        for post in EXAMPLES:
            yield theme, post.name, post.read_bytes()


@pytest.fixture(scope="session", params=emails(), ids=lambda each: f"{each[0]}-{each[1]}")
def email(request: pytest.FixtureRequest) -> str:
    html: str = DOCS["rendered"](request.param[0], request.param[2], request.param[1])
    return html


# --- the data -------------------------------------------------------------------------------------------------------


def test_what_ships_is_made_from_the_package(node: Path) -> None:
    package = node / "caniemail"
    if not package.is_dir():
        missing("tests/node/node_modules has no caniemail; run `npm ci --prefix tests/node`")
    made = runpy.run_path(str(CHECKOUT / "docs" / "caniemail.py"))["vendored"](package)
    assert {name: (TABLE.parent / name).read_bytes() for name in made} == made
    pinned = json.loads((node.parent / "package.json").read_text("utf-8"))["dependencies"]["caniemail"]
    assert json.loads(TABLE.read_bytes())["package"] == pinned


def test_the_table(support: Support) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", support.updated)
    assert len(support.features) > 300
    levels = dict(zip(support.clients, support.features["css-border-radius"].levels, strict=True))
    assert levels[Client("outlook", "windows", "Windows")] == "n"
    assert levels[Client("gmail", "desktop-webmail", "Desktop Webmail")] == "y"
    # Each client's newest version: Outlook 2003 for Windows, the first of the list, knew it.
    levels = dict(zip(support.clients, support.features["css-box-shadow"].levels, strict=True))
    assert levels[Client("outlook", "windows", "Windows")] == "n"
    assert support.features["css-box-shadow"].url == "https://www.caniemail.com/features/css-box-shadow/"


def test_the_families_are_those_of_the_table(support: Support) -> None:
    assert {client.family for client in support.clients} == set(FAMILIES)


def test_it_is_small(support: Support) -> None:
    assert TABLE.stat().st_size < 120_000


def test_the_table_and_its_licence_are_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True, timeout=600)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        assert {"newsletter/check/clients/caniemail.json", "newsletter/check/clients/caniemail.LICENSE"} <= set(
            files.namelist()
        )


@pytest.mark.parametrize(
    "content",
    [None, b"", b"{}", b"[]", b'{"package":"1","updated":"x","clients":[["a"]],"features":{}}', b"\xff\xfe\x00"],
)
def test_a_damaged_table_gets_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "caniemail.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"missing or damaged; install newsletter again$"):
        load_support(path)


def test_a_feature_without_a_level_for_each_client_is_refused() -> None:
    client = Client("gmail", "ios", "iOS")
    for levels in ("", "yy", "x"):
        with pytest.raises(ValueError, match="css-x has no level for each of 1 clients"):
            Support("1", "2026-01-01", (client,), {"css-x": Feature("css-x", "x", "css", levels)})


def test_platforms_are_folded_where_they_are_all(support: Support) -> None:
    gmail = tuple(client for client in support.clients if client.family == "gmail")
    outlook = tuple(client for client in support.clients if client.is_word)
    assert named_clients(gmail + outlook, support) == "Gmail, Outlook (Windows, Windows Mail)"
    assert named_clients(gmail[1:2], support) == "Gmail (Desktop Webmail)"


# --- our own themes -------------------------------------------------------------------------------------------------


def test_nothing_that_a_theme_rests_on_is_lost(email: str, support: Support) -> None:
    """What Gmail, Outlook or Apple Mail lack has a fallback, or only adds to what stands on inlined styles."""
    gaps = [gap for gap in find_gaps(email, support, DOCS["FAMILIES"]) if gap.lacking and not gap.live]
    assert len(gaps) > 10
    assert [gap.feature.slug for gap in gaps if gap.feature.slug not in FALLBACKS] == []


def test_the_fallbacks_are_there(email: str) -> None:
    """Each one that asks for something beside the feature, or holds for some of its values alone."""
    body = lxml.html.document_fromstring(email).body
    for element, style in _styles(body):
        value = style.get
        if element.tag == "img" and "max-height" in style:
            assert element.get("width")  # Outlook goes by it, and shows the picture whole
        elif "opacity" in style or "max-height" in style or value("display") == "none":
            assert (value("display"), value("max-height"), value("overflow")) == ("none", "0px", "hidden")
        elif "overflow" in style:
            assert "border-radius" in style  # it only rounds what is inside
        if "border-spacing" in style:
            assert (element.get("cellspacing"), value("border-spacing")) == ("0", "0px")
        assert value("outline", "none") == "none"
        assert value("word-spacing", "normal") == "normal"
        assert value("white-space", "nowrap") == "nowrap"
        assert value("word-break", "break-word") in {"break-word", "normal", "keep-all"}
        assert value("table-layout", "fixed") == "fixed"
        assert element.tag != "img" or value("height", "auto") == "auto"
        fonts = value("font-family", "").split(",")
        assert not fonts[-1].startswith(("ui-", "system-ui"))
    (page,) = body.xpath("./div[contains(@class, 'page')]")
    backs = [dict(_styles(each))[each]["background-color"] for each in (page, body)]
    assert len({re.sub("^#(.)(.)(.)$", r"#\1\1\2\2\3\3", back) for back in backs}) == 1
    spaced = [table for table in body.iter("table") if table.get("cellspacing") != "0"]
    assert all(table.xpath("./tr/td[contains(@class, 'btn')]") for table in spaced)  # one button has none beside it
    assert "table, td{border-collapse:collapse;" in email.partition("<body")[0]


def _styles(body: lxml.html.HtmlElement) -> Iterator[tuple[lxml.html.HtmlElement, dict[str, str]]]:
    for element in body.iter():
        pairs = (each.partition(":") for each in str(element.get("style", "")).split(";") if each)
        if isinstance(element.tag, str):
            yield element, {name.strip(): value.strip() for name, _, value in pairs}


def test_the_jumps_of_the_table_of_contents_are_beside_what_they_lead_to() -> None:
    """Where a click does nothing, the words stay, and so does the section."""
    html = DOCS["rendered"]("brief", EXAMPLES[0].read_bytes(), EXAMPLES[0].name)
    root = lxml.html.document_fromstring(html)
    jumps = [link for link in root.iter("a") if str(link.get("href", "")).startswith("#")]
    assert jumps
    for link in jumps:
        target = str(link.get("href"))[1:]
        assert root.xpath("//*[@id=$to or @name=$to]", to=target)
        assert link.text_content().strip()


def test_the_documents_tables_are_what_the_script_writes(support: Support) -> None:
    written = DOCUMENT.read_text("utf-8").partition(DOCS["BEGIN"])[2].partition(DOCS["END"])[0]
    assert written == DOCS["tables"](support)
    assert DOCS["NO_FALLBACK"] not in written


@pytest.mark.parametrize("theme", DOCS["THEMES"])
def test_the_real_posts_rest_on_nothing_that_is_lost(posts: Path, support: Support, theme: str) -> None:
    for post in sorted(posts.glob("*.md")):
        html = DOCS["rendered"](theme, post.read_bytes(), post.name)
        gaps = [gap for gap in find_gaps(html, support, DOCS["FAMILIES"]) if gap.lacking and not gap.live]
        assert [gap.feature.slug for gap in gaps if gap.feature.slug not in FALLBACKS] == []
