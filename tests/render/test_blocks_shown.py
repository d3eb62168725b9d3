"""How single kinds of block look in the themes: levels of headings, lists whose items have several blocks, sound."""

from __future__ import annotations

import lxml.html
import pytest
from machine import CHECKOUT, Evaluate
from themes import THEMES

from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

PARTS = "\n\n".join(f"{'#' * level} Level {level}\n\nWords." for level in (2, 3, 4))
LOOSE = "- First\n\n  > What it says.\n\n- Second\n\n  What it says.\n"


def html_of(source: str, theme: str, lang: str = "en") -> str:
    issue = parse_post(f"---\ntitle: T\nlang: {lang}\n---\n{source}", path="2026-03-01-a.md").issue
    parts = render_issue(issue, load_theme(theme, CHECKOUT), Masthead()).html.parts
    return "".join(part if isinstance(part, str) else "" for part in parts)


@pytest.mark.parametrize("theme", THEMES)
def test_three_levels_of_headings_have_three_looks(theme: str, evaluate: Evaluate) -> None:
    looks = evaluate(
        html_of(PARTS, theme),
        """["h2", "h3", "h4"].map((name) => {
          const style = getComputedStyle(document.querySelector(name));
          return [style.fontSize, style.color, style.textTransform, style.fontStyle].join();
        })""",
    )
    assert len(set(looks)) == 3


@pytest.mark.parametrize("theme", THEMES)
def test_items_of_several_blocks_stand_further_apart_than_their_blocks(theme: str, evaluate: Evaluate) -> None:
    inside, between = evaluate(
        html_of(LOOSE, theme),
        """(() => {
          const boxOf = (words) => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            while (walker.nextNode()) if (walker.currentNode.data.trim() === words) {
              const range = document.createRange();
              range.selectNodeContents(walker.currentNode);
              return range.getBoundingClientRect();
            }
          };
          const quote = boxOf("What it says.");
          return [quote.top - boxOf("First").bottom, boxOf("Second").top - quote.bottom];
        })()""",
    )
    assert between > inside


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    "source",
    [
        "|a|\n|-|\n|[![Tide](https://a.example/t.png)](https://a.example/z) words|",
        "> - [![Tide](t.png)](https://a.example/z)",
    ],
)
def test_a_picture_that_is_a_link_leads_there_wherever_it_stands(theme: str, source: str) -> None:
    page = lxml.html.document_fromstring(html_of(source, theme))
    assert page.xpath("//a[@href='https://a.example/z']")


@pytest.mark.parametrize("theme", THEMES)
def test_a_tight_list_stays_tight(theme: str) -> None:
    def paddings(source: str) -> list[str]:
        cells = lxml.html.document_fromstring(html_of(source, theme)).xpath("//tr[td[1]/b]/td/@style")
        return [style for style in cells if "padding" in style]

    assert paddings("- x\n- x\n") == paddings("- x\n- x\n  - x\n- x\n") == []
    assert paddings(LOOSE)


@pytest.mark.parametrize(
    ("source", "lang", "words"),
    [
        ('<audio src="https://a.example/episode-12.mp3" controls></audio>', "en", "Listen"),
        ('<audio><source src="https://a.example/redirect/12"></audio>', "en", "Listen"),
        ("![Episode 12](https://a.example/12.m4a)", "en", "Listen"),
        ("![第 12 期](https://a.example/12.opus?x=1)", "zh", "收听"),
        ('<video src="https://a.example/12.mp4"></video>', "en", "Watch the video"),
        ('<iframe src="https://www.youtube.com/embed/dQw4w9WgXcQ"></iframe>', "en", "Watch the video"),
    ],
)
@pytest.mark.parametrize("theme", THEMES)
def test_what_is_heard_is_not_watched(source: str, lang: str, words: str, theme: str) -> None:
    page = lxml.html.document_fromstring(html_of(source, theme, lang))
    (card,) = page.xpath("//td[@bgcolor]//b")
    assert card.text_content().lstrip("▶\ufe0e\u00a0") == words


@pytest.mark.parametrize("theme", THEMES)
def test_an_empty_cell_leaves_the_headings_of_a_stacked_table_where_they_are(theme: str) -> None:
    headings = [f"Heading-of-column-{n}" for n in range(6)]
    rows = (["apple", "", "cherry", "", "elder", "fig"], ["ash", "", "cedar", "date", "elm", "fir"])
    lines = [headings, ["---"] * 6, *rows]
    source = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    shown = " ".join(lxml.html.document_fromstring(html_of(source, theme)).text_content().split())
    for heading, *cells in zip(headings, *rows, strict=True):
        assert heading in shown
        for cell in filter(None, cells):
            assert f"{heading} {cell}" in shown
