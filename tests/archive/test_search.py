"""The search: words as the index has them, and the page in Chromium, opened from a disk."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archived import Shelf
from axe import grave_findings

from newsletter.archive.search_index import YearIndex, bucket_of, listed_paths, terms_of, words_of_html

Look = Callable[[Callable[[Any], Any]], Any]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The Résumé", {"the", "resume"}),
        ("新闻快讯", {"新", "闻", "快", "讯", "新闻", "闻快", "快讯"}),
        ("GPT模型2", {"gpt", "模", "型", "模型"}),
        ("ガイド", {"ガ", "イ", "ド", "ガイ", "イド"}),
        ("서울에서", {"서울에서"}),
        ("Größe Straße", {"große", "straße"}),
        ("ＡＢＣ ｶﾅ", {"abc", "カ", "ナ", "カナ"}),
        ("a_b x 7", set()),
        ("x" * 40, {"x" * 24}),
    ],
)
def test_words(text: str, terms: set[str]) -> None:
    assert terms_of(text) == terms


def test_words_of_a_page_are_those_between_its_tags() -> None:
    assert words_of_html('<p class="no">Fish &amp; <b>chips</b></p>').split() == ["Fish", "&", "chips"]


def test_what_is_kept_and_what_is_new_make_what_is_made_at_once() -> None:
    chance = random.Random(7)
    texts = {f"issues/{number}.html": " ".join(chance.choices(WORDS, k=30)) for number in range(80)}

    def shown(paths: list[str]) -> list[list[str]]:
        return [[path, "title"] for path in paths]

    first = YearIndex("2026")
    old = sorted(texts)[::2]
    for path in old:
        first.add(path, texts[path])
    before = dict(first.files(shown(old)))
    assert listed_paths(before["search/2026.js"]) == old
    texts[old[3]] = "entirely new words"
    grown, whole = YearIndex("2026"), YearIndex("2026")
    for path in sorted(texts):
        whole.add(path, texts[path])
        if path in old and path != old[3]:
            grown.keep(path)
        else:
            grown.add(path, texts[path])
    grown.take_over(old, [text for path, text in before.items() if path != "search/2026.js"])
    assert dict(grown.files(shown(sorted(texts)))) == dict(whole.files(shown(sorted(texts))))


WORDS = [f"{first}{second}{number}" for first in "abcdefgh" for second in "xyz" for number in range(30)]


def test_a_list_that_is_none_is_empty() -> None:
    for text in ("", "{", "newsletterSearch(", 'newsletterSearch("2026",[1])', "newsletterSearch(1,{})"):
        assert listed_paths(text) == []


# --- in a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is only looked at; who changes something has a site of its own."""
    shelf = Shelf(tmp_path_factory.mktemp("site"))
    shelf.publish("2025-05-01-zh", "谷雨实验室放出翻译模型。", title="人工智能日报", date="2025-05-01", lang="zh")
    shelf.publish(
        "2026-01-02-ja", "東京で新しいロボットが発表されました。", title="ニュース", date="2026-01-02", lang="ja"
    )
    shelf.publish("2026-02-03-en", "A lighthouse teaches logging. Café.", title="Keepers' logs", date="2026-02-03")
    shelf.publish("2026-02-04-en", "About nothing.", title="The <b>lighthouse</b> “issue”", date="2026-02-04")
    for number in range(1, 29):
        shelf.publish(f"2026-03-{number:02}-n", f"Number {number} of many.", date=f"2026-03-{number:02}")
    shelf.build()
    return shelf.site


def found(chromium: Look, page: Any, site: Path, query: str) -> list[str]:
    def look(_browser: Any) -> list[str]:
        page.emulate_media(color_scheme="light", media="screen")
        page.goto((site / "index.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type(query)
        page.wait_for_function(
            "const said = document.querySelector('.state').textContent; said && !said.includes('…')", polling=50
        )
        return [link.get_attribute("href") for link in page.locator(".found a").all()]

    return chromium(look)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("query", "issues"),
    [
        ("翻译模型", ["2025-05-01-zh"]),
        ("译", ["2025-05-01-zh"]),
        ("ロボット", ["2026-01-02-ja"]),
        ("東京", ["2026-01-02-ja"]),
        ("lightHOUSE", ["2026-02-04-en", "2026-02-03-en"]),
        ("lighth logging", ["2026-02-03-en"]),
        ("cafe", ["2026-02-03-en"]),
        ("CAFÉ", ["2026-02-03-en"]),
        ("lighthouse robot", []),
        ("人工智能 谷雨", ["2025-05-01-zh"]),
        ("constructor __proto__", []),
    ],
)
def test_words_of_three_languages_are_found_from_a_disk(
    site: Path, query: str, issues: list[str], chromium: Look, page: Any
) -> None:
    assert found(chromium, page, site, query) == [f"issues/{issue}.html" for issue in issues]


def test_it_is_used_by_keys_and_keeps_its_address(site: Path, chromium: Look, page: Any) -> None:
    assert len(found(chromium, page, site, "lighthouse")) == 2

    def look(_browser: Any) -> dict[str, Any]:
        seen: dict[str, Any] = {"axe": grave_findings(page), "address": page.url}
        seen["elements"] = page.evaluate("document.querySelectorAll('.found b').length")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        seen["second"] = page.evaluate("document.activeElement.getAttribute('href')")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        seen["back"] = page.evaluate("document.activeElement.id")
        page.keyboard.press("Escape")
        page.wait_for_function("!document.querySelector('.found').children.length")
        page.goto(seen["address"])
        page.wait_for_function("document.querySelector('.found').children.length === 2")
        page.keyboard.press("Tab")
        return seen

    seen = chromium(look)
    assert seen["axe"] == []
    assert seen["address"].endswith("index.html?q=lighthouse")
    assert seen["elements"] == 0, "no word of a title is markup"
    assert seen["second"] == "issues/2026-02-03-en.html"
    assert seen["back"] == "q"


def test_the_page_and_the_index_make_the_same_words(tmp_path: Path, chromium: Look, page: Any) -> None:
    """Where they differ, something that is there would not be found."""
    words = [
        "Straße",
        "résumé",
        "İstanbul",
        "ΌΔΟΣ",
        "東京タワー",
        "ヴァイオリン",
        "ｶﾞｲﾄﾞ",
        "한국어",
        "สวัสดี",
        "שלום",
        "مرحبا",
        "naïve",
    ]
    shelf = Shelf(tmp_path)
    shelf.publish("2026-04-01-words", " ".join(words), title="Many scripts", date="2026-04-01")
    shelf.build()
    for word in words:
        assert found(chromium, page, shelf.site, word) == ["issues/2026-04-01-words.html"], word


def test_the_files_of_a_year_are_few_where_issues_are(site: Path) -> None:
    assert len(list((site / "search").glob("2025*.js"))) == 2
    assert len(list((site / "search").glob("2026*.js"))) == 9
    (listed,) = (site / "search").glob("2025.js")
    assert (
        json.loads(listed.read_text().removeprefix('newsletterSearch("2025",').rstrip().removesuffix(")"))["buckets"]
        == 1
    )


def test_the_beginning_of_a_word_says_its_file() -> None:
    assert {bucket_of("lighthouse", 8), bucket_of("li", 8), bucket_of("lining", 8)} == {bucket_of("li", 8)}
