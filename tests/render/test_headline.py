"""The headline, the reading time, the inbox line, and the frame's other words."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import lxml.html
import pytest
from machine import CHECKOUT
from themes import THEMES

from newsletter.model.issue import Image, Issue
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.columns import columns
from newsletter.render.headline import headline, repeats_name_and_date
from newsletter.render.reading_time import reading_minutes
from newsletter.render.render_issue import PREHEADER_ROOM, render_issue
from newsletter.render.themes.load import load_theme
from newsletter.render.wording import choose_labels, dated, monogram, opening_words

LABELS = tomllib.loads((CHECKOUT / "templates" / "labels.toml").read_text("utf-8"))
FRIEND = Masthead("Daily", site_url="https://a.example/", subscribe_url="https://a.example/join", replies=True)


def issue(text: str) -> Issue:
    return parse_post(text, path="2026-03-02-a.md").issue


@pytest.mark.parametrize(
    ("title", "name", "lang", "repeats"),
    [
        ("AI日报 2025/12/1", "AI 日报", "zh", True),
        ("AI 日报：2025年12月1日 星期一", "AI日报", "zh", True),
        ("Daily — March 2, 2026", "Daily", "en", True),
        ("Daily No. 12", "Daily", "en", True),
        ("Daily", "Daily", "en", True),
        ("Tagblatt, 2. März 2026", "Tagblatt", "de", True),
        ("Daily bread", "Daily", "en", False),
        ("March 2, 2026", "Daily", "en", False),
        ("AI日报：三家公司合并", "AI 日报", "zh", False),
        ("Anything", "", "en", False),
    ],
)
def test_a_title_that_says_nothing_new(title: str, name: str, lang: str, repeats: bool) -> None:
    assert repeats_name_and_date(title, name, choose_labels(LABELS, lang, {})) is repeats


def test_what_stands_in_for_such_a_title() -> None:
    def of(text: str) -> str:
        return headline(issue(text), "Daily", LABELS["en"])

    stories = "1. **One thing**\n\n   More of it.\n\n2. **Another**\n\n   And more.\n"
    assert of(f"# Daily 2026-03-02\n\n{stories}") == "One thing · Another"
    own = "---\ntitle: Daily 2026-03-02\nnewsletter:\n  headline: My own\n---\n"
    assert of(own + stories) == "My own"
    assert of(f"# Bread\n\n{stories}") == "Bread"
    assert of("# Daily 2026-03-02\n\nA paragraph alone.") == "Daily 2026-03-02"


@pytest.mark.parametrize("theme", THEMES)
def test_no_line_of_a_headline_begins_with_a_dot(theme: str) -> None:
    post = issue("# Daily 2026-03-02\n\n1. **One thing**\n\n   More of it.\n\n2. **Another**\n\n   And more.\n")
    email = render_issue(post, load_theme(theme, CHECKOUT), FRIEND)
    root = lxml.html.document_fromstring("".join(map(str, email.html.parts)))
    assert [each.text_content() for each in root.xpath("//h1")] == ["One thing\u00a0· Another"]


UNBOUND = re.compile(r"(?:^|[ \t\n\"'])(?:<\w[^>]*>)?· ", re.MULTILINE)
NOT_IN_LINES = re.compile(r"<title>.*?</title>|{% block title %}.*?{% endblock %}|· · ·")


def test_no_line_of_a_page_begins_with_the_dot_between_its_parts() -> None:
    templates = [path for path in (CHECKOUT / "templates").rglob("*.j2") if not path.name.endswith(".css.j2")]
    unbound = [
        f"{path}: {found[0]}"
        for path in templates
        for found in UNBOUND.finditer(NOT_IN_LINES.sub("", path.read_text()))
    ]
    assert (len(templates) > 100, unbound) == (True, [])


def test_the_headline_stands_in_both_parts() -> None:
    post = issue("---\ntitle: Daily 2026-03-02\nnewsletter: {headline: What moved, number: 42}\n---\nWords.")
    email = render_issue(post, load_theme("classic", CHECKOUT), FRIEND)
    html, text = ("".join(map(str, part.parts)) for part in (email.html, email.text))
    root = lxml.html.document_fromstring(html)
    assert [each.text_content() for each in root.xpath("//h1")] == ["What moved"]
    assert "Monday, March 2, 2026" in root.text_content()
    assert "No.\u00a042" in root.text_content()
    assert text.startswith("Daily · Monday, March 2, 2026 · No. 42\n\nWhat moved\n")
    assert email.subject.parts == ("Daily 2026-03-02",)


def test_reading_time_counts_each_script_at_its_pace() -> None:
    assert reading_minutes(issue("# T\n\n" + "字" * 2000)) == 5
    assert reading_minutes(issue("# T\n\n" + "word " * 1190)) == 5
    assert reading_minutes(issue("# T\n\nshort")) == 1


@pytest.mark.parametrize("lang", [*LABELS, "zh-TW", "nl"])
def test_the_day_by_language(lang: str) -> None:
    written = dated(replace(issue("# T\n\nx"), date=date(2026, 3, 2)), choose_labels(LABELS, lang, {}))
    assert written == "2026-03-02" if lang == "nl" else LABELS[lang.replace("TW", "Hant")]["weekdays"][0] in written


@pytest.mark.parametrize(("name", "letter"), [("AI 日报", "日"), ("daily", "D"), ("", ""), ("…", "")])
def test_a_monogram(name: str, letter: str) -> None:
    assert monogram(name) == letter


def test_the_inbox_line_is_made_of_the_first_leads() -> None:
    post = issue("# T\n\n" + "\n".join(f"{n}. **Lead number {n}**\n   Words." for n in range(1, 12)))
    assert opening_words(post).startswith("Lead number 1 · Lead number 2 · ")
    html = "".join(map(str, render_issue(post, load_theme("classic", CHECKOUT), Masthead()).html.parts))
    shown = lxml.html.document_fromstring(html).xpath("//div[contains(@style, 'display:none')]")[0].text_content()
    assert columns(shown.rstrip("\u034f\u00a0")) <= 140
    assert columns(shown) == PREHEADER_ROOM


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("notice", ["generated", "assisted", "reviewed"])
def test_a_notice_of_ai(theme: str, notice: str) -> None:
    post = issue(f"---\ntitle: T\nai: {notice}\n---\nWords.")
    assert post.ai == notice
    email = render_issue(post, load_theme(theme, CHECKOUT), Masthead())
    for part in (email.html, email.text):
        assert LABELS["en"][f"ai_{notice}"] in "".join(map(str, part.parts))


def test_a_notice_that_is_none_of_ours_is_told() -> None:
    post = issue("---\ntitle: T\nai: maybe\n---\nWords.")
    assert post.ai == ""
    assert [finding.code for finding in post.findings] == ["front-matter-ai"]
    assert issue("---\ntitle: T\nai: false\n---\nWords.").ai == "none"


@pytest.mark.parametrize("theme", THEMES)
def test_a_friend_learns_where_to_subscribe(theme: str) -> None:
    def parts(masthead: Masthead) -> list[str]:
        email = render_issue(issue("# T\n\nWords."), load_theme(theme, CHECKOUT), masthead)
        return ["".join(map(str, part.parts)) for part in (email.html, email.text)]

    assert all("https://a.example/join" in part and LABELS["en"]["reply"] in part for part in parts(FRIEND))
    assert not any(LABELS["en"]["forwarded"] in part or LABELS["en"]["reply"] in part for part in parts(Masthead()))


@pytest.mark.parametrize(
    ("alt", "url", "shown"),
    [
        ("Fog on the quay", "https://a.example/fog", "Web version"),
        ("Fog on the quay", "", ""),
        ("A lamp in the fog", "https://a.example/fog", "A lamp in the fog"),
    ],
)
def test_a_picture_that_is_not_loaded_does_not_say_the_headline_again(
    tmp_path: Path, alt: str, url: str, shown: str
) -> None:
    post = Issue("fog", "Fog on the quay", (), "en", hero=Image("https://a.example/fog.jpg", alt), url=url)
    email = render_issue(post, load_theme("classic", tmp_path), Masthead("The Lamp", "", unsubscribe=False))
    html = "".join(part for part in email.html.parts if isinstance(part, str))
    assert lxml.html.document_fromstring(html).xpath("//img/@alt") == [shown]
