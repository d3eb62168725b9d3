"""Buttons, boxes, author cards, attributions and cards of videos: in every theme, in both parts, and at no cost."""

from __future__ import annotations

import re
from pathlib import Path

import lxml.html
import pytest
from machine import CHECKOUT, Evaluate
from themes import THEMES

from newsletter.model.rendered_email import Email, Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.section_colours import CALLOUT_HUES
from newsletter.render.themes.copy_theme import new_theme
from newsletter.render.themes.load import load_theme


def email(source: str, theme: str, lang: str = "en", project: Path = CHECKOUT) -> Email:
    issue = parse_post(f"---\ntitle: T\nlang: {lang}\n---\n{source}", path="2026-03-01-a.md").issue
    return render_issue(issue, load_theme(theme, project), Masthead())


def html(made: Email) -> str:
    return "".join(part for part in made.html.parts if isinstance(part, str))


def text(made: Email) -> str:
    return "".join(part for part in made.text.parts if isinstance(part, str))


@pytest.mark.parametrize("theme", THEMES)
def test_a_button_is_a_cell_that_is_a_link_as_a_whole(theme: str, evaluate: Evaluate) -> None:
    made = email("Words.\n\n[Buy a ticket](https://a.example/t)\n", theme)
    cell, link = evaluate(
        html(made),
        """(() => {
          const link = document.querySelector("a[href='https://a.example/t']");
          return [link.parentElement, link].map((each) => [each.tagName, each.getBoundingClientRect().height]);
        })()""",
    )
    assert (cell[0], link[0]) == ("TD", "A")
    assert link[1] >= 40
    assert cell[1] - link[1] <= 4, "but for the cell's own border"
    assert "Buy a ticket:\nhttps://a.example/t\n" in text(made)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("lang", "word"), [("en", "Sponsor"), ("zh", "赞助"), ("ar", "راعٍ")])
def test_a_sponsor_is_named_as_one(theme: str, lang: str, word: str) -> None:
    made = email("Words.\n\n> Paid for it.\n{: .sponsor }\n", theme, lang)
    assert word in lxml.html.document_fromstring(html(made)).text_content()
    assert f"> {word}\n>\n> Paid for it." in text(made)


CONTAINERS = (
    ":::tip[Lies *das*]\nWorte.\n:::\n",
    "::: tip Lies *das*\nWorte.\n:::\n",
    '!!! tip "Lies *das*"\n    Worte.\n',
    "> [!TIP] Lies *das*\n> Worte.\n",
)


@pytest.mark.parametrize("theme", THEMES)
def test_a_container_is_a_notice_with_its_own_title(theme: str) -> None:
    made = [email(f"Davor.\n\n{source}\nDanach.\n", theme, "de") for source in CONTAINERS]
    assert {html(each) for each in made} == {html(made[0])}
    page = lxml.html.document_fromstring(html(made[0]))
    (cell,) = page.xpath("//td[contains(@class, 'al-tip')]")
    assert cell.text_content().strip() == "Lies das"
    assert [each.text_content() for each in cell.xpath(".//em")] == ["das"]
    assert page.text_content().count("Lies das") == 1
    assert ":::" not in page.text_content()
    assert "> Tipp: Lies das\n>\n> Worte.\n" in text(made[0])


@pytest.mark.parametrize("theme", THEMES)
def test_a_container_without_a_title_is_named_by_its_kind(theme: str) -> None:
    made = email(":::caution\n気をつけて。\n:::\n", theme, "ja")
    assert html(made) == html(email("> [!CAUTION]\n> 気をつけて。\n", theme, "ja"))


@pytest.mark.parametrize("theme", THEMES)
def test_each_kind_of_notice_has_a_colour_of_its_own(theme: str, evaluate: Evaluate) -> None:
    source = "\n\n".join(f"> [!{kind.upper()}]\n> Words." for kind in CALLOUT_HUES)
    colours = evaluate(
        html(email(source, theme)),
        "[...document.querySelectorAll('td[bgcolor] > strong')].map((each) => getComputedStyle(each).color)",
    )
    assert len(set(colours)) == len(colours) == len(CALLOUT_HUES)


@pytest.mark.parametrize("theme", [theme for theme in THEMES if load_theme(theme, CHECKOUT).values["layout"]["images"]])
def test_an_author_has_a_small_picture_beside_the_words(theme: str) -> None:
    made = email("Words.\n\n> [!AUTHOR]\n> ![Ada](https://a.example/ada.jpg)\n> **Ada** wrote it.\n", theme)
    (face,) = lxml.html.document_fromstring(html(made)).xpath("//img")
    assert (face.get("alt"), face.get("width")) == ("Ada", "64")
    (cell,) = face.xpath("ancestor::tr[1]/td[2]")
    assert cell.text_content() == "Ada wrote it."
    assert "> About the author\n" in text(made)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("source", ["> Said.\n>\n> — Ada", "> Said.\\\n> -- Ada", "> Said.<br>— Ada"])
def test_who_said_it_stands_apart(theme: str, source: str) -> None:
    page = lxml.html.document_fromstring(html(email(source, theme)))
    (by,) = page.xpath("//p[contains(., 'Ada')]")
    assert "Said" not in by.text_content()


@pytest.mark.parametrize("source", ["> — Ada", "> Said.\n>\n> Ada — who else?"])
def test_a_dash_alone_is_no_name(source: str) -> None:
    page = lxml.html.document_fromstring(html(email(source, "classic")))
    (cell,) = page.xpath("//td[contains(@style, 'border-left')]")
    assert "font-size:14px" not in lxml.html.tostring(cell, encoding="unicode")


def test_a_post_without_them_pays_nothing() -> None:
    plain = html(email("Words, and [a link](https://a.example/x).\n", "classic"))
    assert "cta" not in plain
    assert ".al-" not in plain
    notes = html(email("Words.\n\n> [!NOTE]\n> More.\n", "classic"))
    assert ".al-note" in notes
    assert ".al-tip" not in notes


def test_a_theme_that_was_copied_before_shows_quotes_and_links(tmp_path: Path) -> None:
    new_theme("mine", "classic", tmp_path)
    for name in ("button", "sponsor", "author", "callout", "postscript"):
        (tmp_path / "templates" / "mine" / f"{name}.j2").unlink()
    source = "[Buy](https://a.example/t)\n\n> Paid.\n{: .sponsor }\n\nP.S. More."
    page = lxml.html.document_fromstring(html(email(source, "mine", project=tmp_path)))
    assert page.xpath("//a[@href='https://a.example/t']")
    assert "Paid." in page.text_content()
    assert "P.S. More." in page.text_content()


@pytest.mark.parametrize("theme", ["brief", "essay"])
@pytest.mark.parametrize(
    ("lang", "balanced"), [("en", True), ("de", True), ("zh-CN", False), ("ja", False), ("ko", False)]
)
def test_lines_of_chinese_japanese_and_korean_are_filled(theme: str, lang: str, balanced: bool) -> None:
    assert ("text-wrap:balance" in html(email("Words.\n", theme, lang))) == balanced


@pytest.mark.parametrize("theme", ["essay", "magazine"])
def test_a_long_quote_is_set_smaller_than_a_short_one(theme: str) -> None:
    short, long = (email(f"> {'Words ' * count}\n", theme) for count in (20, 60))
    sizes = [
        int(re.findall(r"font-size:(\d+)px", re.findall(r"<td[^>]*>(?=Words)", html(each))[0])[0])
        for each in (short, long)
    ]
    assert sizes[0] > sizes[1]


def test_a_linked_picture_that_is_a_link_leads_to_both() -> None:
    page = lxml.html.document_fromstring(
        html(email("[![A quay](https://a.example/q.png)](https://b.example/tour)\n\nWords.\n", "brief"))
    )
    assert {"https://a.example/q.png", "https://b.example/tour"} <= set(page.xpath("//a/@href"))
    assert "Image\u00a0· A quay" in page.text_content()
