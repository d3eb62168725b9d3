"""What a digest of 45 stories weighs, and what the rules of the head do that keep it small."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import lxml.html
import pytest
from machine import CHECKOUT

from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.size_budget import encoded_size
from newsletter.render.themes.load import load_theme

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECTIONS = ((11, "港口与航运"), (6, "市政与监管"), (12, "新船与新工具"), (10, "研究与争议"), (6, "读者来信"))
WORDS = (
    "**港务局**今天公布了新一季的**渡轮时刻表**，早班船提前二十分钟，晚班船多开一趟，周末另加两班去**对岸灯塔**，"
    "学生和老人仍是半价，详情见码头的告示。"
)
PICTURES = 16
LINKS = 26
HOST = "news.harbour.example"


def digest() -> str:
    """45 stories of some 220 bytes with three bold words each, 26 sources, 16 pictures and one above the text."""
    lines = [
        "---",
        "title: 港口日报 2026/3/2",
        "author: HarbourDaily",
        "image: https://pictures.harbour.example/cover/1200/900",
        f"description: {WORDS.replace('**', '') * 3}",
        "---",
        "### **今日摘要**",
        "```",
        *[WORDS.replace("**", "")[:45] + "。"] * 3,
        "```",
        "### **今日港口资讯**",
    ]
    written = 0
    for count, title in SECTIONS:
        lines += ["", f"#### **新闻快讯：{title}**", ""]
        for number in range(1, count + 1):
            written += 1
            source = f"[原文链接](https://{HOST}/archive/2026/03/02/stories/{written:06})" if written <= LINKS else ""
            picture = f"https://{HOST}/uploads/2026/0302/6390020094838245{written:010}.png"
            shown = f"![图片描述]({picture})" if written <= PICTURES else ""
            lines.append(f"{number}.  {WORDS}{source} {shown}")
    return "\n".join(lines)


def email_of(theme: str, post: str, own: Path = CHECKOUT) -> str:
    email = render_issue(parse_post(post, path="p.md").issue, load_theme(theme, own), Masthead())
    return "".join(map(str, email.html.parts))


@pytest.mark.parametrize(
    ("theme", "most"),
    [("classic", 40_000), ("brief", 37_000), ("essay", 33_000), ("magazine", 40_400), ("mono", 37_000)],
)
def test_a_digest_of_45_stories_stays_small(theme: str, most: int) -> None:
    html = email_of(theme, digest())
    page = lxml.html.document_fromstring(html)
    assert len(set(page.xpath(f"//a[contains(@href, '{HOST}/archive')]/@href"))) == LINKS
    if theme != "brief":
        assert len(page.xpath(f"//img[contains(@src, '{HOST}')]")) == PICTURES
    assert most - 1_000 < len(html.encode()) <= most
    assert encoded_size(len(html.encode())) <= 56_000


def test_the_reference_stays_small(posts: Path) -> None:
    html = email_of("classic", (posts / "2025-12-01-ai-daily.md").read_text("utf-8")).encode()
    assert len(html) <= 40_000
    assert encoded_size(len(html)) <= 56_000


SHAPES = """---
title: T
image: https://a.example/cover.png
---
## One

1. **Lead.** Words. [source](https://a.example/1)

   ![of unknown size](https://a.example/1.png)

2. **Lead.** Words. [source](https://a.example/2)

   ![asked](https://a.example/2.png){: width="200"}

## Two

3. **Lead.** Words. [source](https://a.example/3)

## Three

4. **Lead.** Words. [source](https://a.example/4)

| a | b |
|---|---|
| ![within](https://a.example/3.png){: width="16"} | words |
"""


def rules_of(html: str, selector: str) -> list[str]:
    """The declarations of a rule that all programs but Word read."""
    head = re.sub(r"<!--.*?-->", "", html.partition("<body")[0], flags=re.DOTALL)
    return re.findall(rf"(?:^|(?<=[}}>])){re.escape(selector)}{{([^{{}}]*)}}", head)


def test_what_each_story_has_is_said_once() -> None:
    html = email_of("classic", SHAPES)
    assert rules_of(html, ".btn") == ["border-radius:18px;line-height:22px"]
    assert rules_of(html, ".chip") == ["border-radius:17px"]
    assert rules_of(html, ".pic") == ["border-radius:8px"]
    assert rules_of(html, ".u") == ["max-height:800px"]
    page = lxml.html.document_fromstring(html)
    for element in page.xpath("//*[contains(@class, 'btn') or contains(@class, 'chip')]/descendant-or-self::*"):
        assert "radius" not in element.get("style", "")
        assert "line-height" not in element.get("style", "")


def test_only_pictures_that_are_blocks_are_rounded_and_only_unknown_heights_are_limited() -> None:
    page = lxml.html.document_fromstring(email_of("classic", SHAPES))
    classes = {picture.get("alt"): set((picture.get("class") or "").split()) for picture in page.iter("img")}
    assert {name for name, its in classes.items() if "pic" in its} == {"of unknown size", "asked"}
    assert {name for name, its in classes.items() if "u" in its} == {"", "of unknown size"}
    assert all("max-height" not in (picture.get("style") or "") for picture in page.iter("img"))


def test_square_corners_need_no_rule(tmp_path: Path) -> None:
    (tmp_path / "templates" / "mine").mkdir(parents=True)
    own = tmp_path / "templates" / "mine" / "theme.toml"
    own.write_text('extends = "classic"\n[brand]\ncorner = "square"\n')
    html = email_of("mine", SHAPES, tmp_path)
    assert not rules_of(html, ".pic")
    assert 'class="pic' not in html


def test_dark_chips_keep_their_ink_among_links() -> None:
    html = email_of("classic", SHAPES)
    for before in (".card ", "[data-ogsc] "):
        (chosen,) = re.findall(rf"[^{{}}]*{re.escape(before)}\.chip[^{{}}]*{{[^{{}}]*}}", html)
        assert "color:#e6e4e1!important;border-color:#34373c!important" in chosen


@pytest.mark.parametrize("theme", ["classic", "magazine"])
def test_buttons_are_of_one_height_with_the_head_and_without(browser: Browser, theme: str) -> None:
    """In Chinese, whose lines are higher than those of English, and where a program drops every `<style>`."""
    measure = "[...document.querySelectorAll('.btn')].map(button => button.getBoundingClientRect().height)"
    page = browser.new_page()
    heights: dict[str, list[float]] = {}
    for name, post in (("en", SHAPES), ("zh", digest())):
        html = email_of(theme, post)
        for head, shown in (("whole", html), ("bare", re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL))):
            page.set_content(shown.replace("<img ", "<i "))  # no picture is asked for
            heights[f"{name} {head}"] = page.evaluate(measure)
    page.close()
    (height,) = {*heights["en whole"], *heights["zh whole"]}
    assert height == 36
    for bare in (heights["en bare"], heights["zh bare"]):
        assert bare
        assert all(abs(each - height) < 4 for each in bare)
