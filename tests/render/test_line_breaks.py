"""Lines on a phone, in every theme: Korean breaks between words, Chinese and Japanese anywhere; alternative texts."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import CHECKOUT, Evaluate
from themes import THEMES

from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.line_breaks import keeps_words
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

KOREAN = """---
title: 오늘의 소식과 우리가 지금까지 배운 것들을 정리하는 글
---
## 서비스를 나누면서 겪었던 여러가지 어려움과 해결 방법

둘째 문단에는 조금 더 긴 설명과 함께 앞으로의 계획을 적어 둡니다.

1. **처음으로 소개하는 이야기의 제목은 조금 길게 적습니다**
   본문입니다.

:::tip[상자에도 제목이 있고 그 제목은 단어 중간에서 끊어지지 않습니다]
글
:::
"""
WHOLE = """[...document.querySelectorAll(".card *")].flatMap((each) => [...each.childNodes])
  .filter((node) => node.nodeType === 3)
  .flatMap((node) => [...node.data.matchAll(/[가-힣]+/g)].map((word) => {
    const range = document.createRange();
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    return [word[0], new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size];
  }))"""


def page(source: str, theme: str, project: Path = CHECKOUT) -> str:
    issue = parse_post(source, path="2026-03-01-a.md").issue
    email = render_issue(issue, load_theme(theme, project), Masthead())
    return "".join(part for part in email.html.parts if isinstance(part, str))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_no_korean_word_is_broken_on_a_phone(theme: str, lang: str, evaluate: Evaluate) -> None:
    words = evaluate(page(KOREAN.replace("title:", f"lang: {lang}\ntitle:", 1), theme), WHOLE, width=320)
    assert len(words) > 40
    assert [word for word, lines in words if lines > 1] == []


@pytest.mark.parametrize("theme", THEMES)
def test_a_korean_word_without_an_end_is_broken(theme: str, evaluate: Evaluate) -> None:
    words = "가나다라마바사아자차카타파하" * 8
    html = page(f"---\ntitle: {words}\n---\n## {words}\n\n- {words}\n", theme)
    assert evaluate(html, "document.documentElement.scrollWidth", width=320) == 320


def test_no_break_spaces_give_way_where_they_would_break_a_word() -> None:
    joined = "Не\u00a0останавливайтесь\u00a0на\u00a0достигнутом!"
    html = page(f"# T\n\n## {joined}\n\n12\u00a0марта 2012\u00a0г.\n", "essay")
    assert joined.replace("\u00a0", " ") in html
    assert "12\u00a0марта 2012\u00a0г." in html


def test_japanese_and_chinese_break_anywhere() -> None:
    assert not keeps_words(parse_post("# 今日のニュース\n\n한국어が少しあります。", path="2026-03-01-a.md").issue)
    assert not keeps_words(parse_post("# 今天的新闻\n\n没有空格的句子。", path="2026-03-01-a.md").issue)
    assert not keeps_words(parse_post("# News\n\nWords.", path="2026-03-01-a.md").issue)
    assert keeps_words(parse_post("# 소식\n\n漢字도 있는 글입니다.", path="2026-03-01-a.md").issue)


@pytest.mark.parametrize("theme", THEMES)
def test_alternative_texts_have_room_between_their_lines(theme: str, evaluate: Evaluate) -> None:
    source = (
        "# T\n\n![An old harbour](https://a.example/a.png)\n\n1. One.\n   ![Boats](https://a.example/b.jpg)\n2. Two.\n"
    )
    sizes = evaluate(
        page(source, theme),
        "[...document.images].map(getComputedStyle).map((each) => [each.fontSize, each.lineHeight].map(parseFloat))",
    )
    assert all(height >= 1.4 * size and 12 <= size <= 16 for size, height in sizes)
    assert bool(sizes) == (theme != "brief"), "brief has links in place of pictures"
