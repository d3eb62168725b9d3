"""Fonts and line height by language, in every theme."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from machine import Evaluate
from rendering import MASTHEAD, example_issue
from themes import THEMES

from newsletter.errors import ConfigError
from newsletter.model.issue import Issue, Paragraph, Text
from newsletter.render.render_issue import render_issue
from newsletter.render.script_fonts import FONTS, script_of
from newsletter.render.themes.load import load_theme

LANGUAGES = {
    "en": "latin",
    "en-GB": "latin",
    "und": "latin",
    "zh": "zh-Hans",
    "zh-CN": "zh-Hans",
    "zh-TW": "zh-Hant",
    "zh-Hant-HK": "zh-Hant",
    "zh-HK": "zh-Hant",
    "ja": "ja",
    "ko-KR": "ko",
    "ru": "cyrillic",
    "sr": "cyrillic",
    "sr-Latn": "latin",
    "ar": "arabic",
    "fa": "arabic",
    "he": "hebrew",
    "th": "other",
}
EVERYWHERE = {"Arial", '"Segoe UI"', '"Times New Roman"', "Roboto"}
WORDS = "Words in no language at all."


def issue_in(lang: str) -> Issue:
    return replace(example_issue(), blocks=(Paragraph((Text(WORDS),)),), lang=lang, title="Title", hero=None)


def html_in(theme: str, lang: str, project: Path) -> str:
    email = render_issue(issue_in(lang), load_theme(theme, project), MASTHEAD)
    return "".join(part for part in email.html.parts if isinstance(part, str))


def body_style(html: str) -> str:
    """The style of what holds the text, and of what it inherits from."""
    before = html[: html.index(WORDS)]
    return (
        re.findall(r'class="page"[^>]*?style=\'([^\']*)\'', before)[0]
        + re.findall(r"<td[^>]*?style=[\"']([^\"']*line-height:[^\"']*)", before)[-1]
    )


@pytest.mark.parametrize(("lang", "script"), LANGUAGES.items())
def test_a_language_has_a_script(lang: str, script: str) -> None:
    assert script_of(lang) == script


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", ["zh", "zh-TW", "ja", "ko", "ru", "ar", "he", "en"])
def test_an_issue_asks_for_the_fonts_of_its_language_and_no_other(theme: str, lang: str, tmp_path: Path) -> None:
    html = html_in(theme, lang, tmp_path)
    mine = FONTS[script_of(lang)]
    asked = mine.serif if theme == "essay" else mine.sans
    assert asked.split(",")[0] in html.replace("&quot;", '"')
    own = {name for each in (mine.sans, mine.serif, mine.windows, mine.windows_serif) for name in each.split(",")}
    for other in FONTS.values():
        for name in {*other.sans.split(","), *other.serif.split(",")} - own - EVERYWHERE:
            assert name.strip('"') not in html, (theme, lang, name)
    assert "{" not in re.findall(r"font-family:[^;}]*", html)[0]


@pytest.mark.parametrize("theme", THEMES)
def test_letters_that_are_low_need_less_room_between_lines(theme: str, tmp_path: Path) -> None:
    def height(lang: str) -> float:
        return float(re.findall(r"line-height:([\d.]+)", body_style(html_in(theme, lang, tmp_path)))[-1])

    assert height("en") == height("ru") == height("he") < height("zh") == height("ja") == height("ko") == height("ar")


def test_word_gets_the_font_that_windows_has(tmp_path: Path) -> None:
    fonts = {"zh": '"Microsoft YaHei"', "zh-TW": '"Microsoft JhengHei"', "ja": "Meiryo", "ko": '"Malgun Gothic"'}
    for lang, font in fonts.items():
        word = html_in("classic", lang, tmp_path).partition("<!--[if mso]><style>")[2].partition("</style>")[0]
        assert f"font-family:{font}," in word


def own_theme(project: Path, fonts: str) -> None:
    folder = project / "templates" / "mine"
    folder.mkdir(parents=True)
    (folder / "theme.toml").write_text(f'extends = "classic"\n[fonts]\n{fonts}\n', "utf-8")


def test_what_the_author_wrote_stays(tmp_path: Path) -> None:
    own_theme(tmp_path, "body = \"Verdana,'Songti SC'\"\nline = 1.4")
    for lang in ("en", "zh", "ja"):
        html = html_in("mine", lang, tmp_path)
        assert "Verdana,'Songti SC'" in html.replace('"', "'")
        assert "line-height:1.4" in html
        assert "PingFang" not in html


def test_an_author_may_say_both_heights(tmp_path: Path) -> None:
    own_theme(tmp_path, "line = 1.9\nline_latin = 1.3")
    assert "line-height:1.9" in html_in("mine", "zh", tmp_path)
    assert "line-height:1.3" in html_in("mine", "en", tmp_path)


def test_a_font_that_stands_twice_is_asked_for_once(tmp_path: Path) -> None:
    own_theme(tmp_path, "body = 'Arial,\"Segoe UI\",{sans},Arial,sans-serif'")
    assert 'font-family:Arial,"Segoe UI",Roboto,sans-serif' in html_in("mine", "en", tmp_path).replace("&quot;", '"')


def test_other_braces_are_no_font(tmp_path: Path) -> None:
    own_theme(tmp_path, 'body = "{mono},Arial"')
    with pytest.raises(ConfigError, match=r"theme\.toml:3: \[fonts\] body is .*not a list of fonts"):
        load_theme("mine", tmp_path)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", ["zh", "zh-TW", "ja", "ko"])
def test_lines_of_wide_characters_are_filled_not_balanced(theme: str, lang: str, tmp_path: Path) -> None:
    assert "balance" not in html_in(theme, lang, tmp_path)


LINES = """parts => parts.map(part => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(part);
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(walker.currentNode, at);
    range.setEnd(walker.currentNode, at + part.length);
    return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
  }
  return part + " is not there";
})"""


def themes_and_languages() -> Iterator[Any]:
    """Each theme and each language by turns, and each of one with each of the other in the whole."""
    for turn, lang in enumerate(("zh", "zh-Hant", "ja", "ko", "ru", "vi")):
        for number, theme in enumerate(THEMES):
            chosen = number in (turn % len(THEMES), (turn + 2) % len(THEMES))
            yield pytest.param(theme, lang, marks=() if chosen else pytest.mark.whole)


@pytest.mark.parametrize(("theme", "lang"), [*themes_and_languages()])
def test_a_number_and_its_unit_stay_on_one_line(theme: str, lang: str, tmp_path: Path, evaluate: Evaluate) -> None:
    issue = replace(example_issue(), number=128, lang=lang)
    email = render_issue(issue, load_theme(theme, tmp_path), MASTHEAD)
    html = "".join(part for part in email.html.parts if isinstance(part, str))
    labels = load_theme(theme, tmp_path).labels[lang]
    parts = [labels["number"].format(number=128)]
    if theme != "essay":
        parts.append(labels["stories"].format(count=len(issue.stories)))
    if lang in ("zh", "zh-Hant", "ja"):
        parts.append("2026年3月2日")
    parts = [part.replace(" ", "\u00a0") for part in parts]
    for width in (320, 375, 390, 430):
        found = evaluate(html, f"({LINES})({json.dumps(parts)})", width=width)
        assert found == [1] * len(parts), (width, parts)
