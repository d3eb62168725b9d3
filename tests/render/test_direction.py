"""Text from right to left: by its language or its letters, with the theme mirrored and code left as it is."""

from __future__ import annotations

import re
from dataclasses import replace

import lxml.html
import pytest
from machine import CHECKOUT, Evaluate
from themes import THEMES

from newsletter.model.issue import Text
from newsletter.model.rendered_email import Masthead
from newsletter.post.parse import parse_post
from newsletter.render.direction import direction_of, is_rtl_language, turned
from newsletter.render.mirror import mirror_css, mirror_html
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme

ARABIC = """---
title: رسالة الشهر
date: 2026-03-01
{lang}---
هذه فقرة عن React و Vue، وفيها `code()` قصير.

> اقتباس قصير.

- عنصر أول
- عنصر ثان

1. **خبر أول**
   نص الخبر. [المصدر الأول](https://a.example/1)
2. خبر ثان. [المصدر الثاني](https://a.example/2)

```
def code(): pass
```

A paragraph in English. It ends with a full stop.

| اسم | سعر |
|---|---|
| أول | 12 |
"""


def html_of(source: str, theme: str = "classic") -> str:
    issue = parse_post(source, path="2026-03-01-a.md").issue
    parts = render_issue(issue, load_theme(theme, CHECKOUT), Masthead("N", "1 Street", unsubscribe=True)).html.parts
    return "".join(part if isinstance(part, str) else "https://a.example/u" for part in parts)


@pytest.mark.parametrize(
    ("tag", "is_rtl"),
    [
        *[(tag, True) for tag in ("ar", "AR", "ar-EG", "fa_IR", "he", "iw", "ur", "yi", "ps", "az-Arab", "ku-Arab-IQ")],
        *[(tag, False) for tag in ("en", "zh-Hant", "ar-Latn", "ku", "", "arn", "hebrew")],
    ],
)
def test_a_language(tag: str, is_rtl: bool) -> None:
    assert is_rtl_language(tag) is is_rtl


@pytest.mark.parametrize(
    ("text", "lang", "direction"),
    [
        ("שלום לכולם, React 19 is here", "en", "rtl"),  # `en` is what a post without a language gets
        ("An issue on the word שלום", "en", "ltr"),
        ("12, 13!", "he", "rtl"),
        ("12, 13!", "en", "ltr"),
        ("第一期", "zh", "ltr"),
    ],
)
def test_an_issue(text: str, lang: str, direction: str) -> None:
    issue = replace(parse_post(f"# T\n\n{text}\n", path="2026-03-01-a.md", language=lang).issue, title="")
    assert direction_of(issue) == direction


def test_a_paragraph_of_other_letters_alone_is_turned() -> None:
    assert turned((Text("All English."),), "rtl") == "ltr"
    assert turned((Text("עברית בלבד"),), "ltr") == "rtl"
    assert turned((Text("React הוא ספרייה"),), "rtl") is None
    assert turned((Text("12."),), "rtl") is None


@pytest.mark.parametrize(
    ("css", "mirrored"),
    [
        ("a{padding-left:4px;text-align:left}", "a{padding-right:4px;text-align:right}"),
        (".left{border-right:3px solid red!important}", ".left{border-left:3px solid red!important}"),
        ("padding:1px 2px 3px 4px", "padding:1px 4px 3px 2px"),
        ("padding:1px 2px 3px 4px!important", "padding:1px 4px 3px 2px!important"),
        ("padding:0 10px", "padding:0 10px"),
        ("border-radius:1px 2px 3px 4px", "border-radius:2px 1px 4px 3px"),
        ("direction:ltr", "direction:rtl"),
        ("float : left", "float : right"),
        ('font-family:"Left Sans"', 'font-family:"Left Sans"'),
        ("@media (max-width:480px){.x{margin-left:1px}}", "@media (max-width:480px){.x{margin-right:1px}}"),
    ],
)
def test_css_turns_round_and_back(css: str, mirrored: str) -> None:
    assert mirror_css(css) == mirrored
    assert mirror_css(mirrored) == css


def test_html_turns_round_but_for_what_says_its_direction() -> None:
    page = (
        '<html lang="ar" dir="auto"><body><div role="article" dir="auto"><td align="left" style="padding-left:1px">'
        'left</td><td dir="ltr" align="left">left</td><!-- align="left" --></div></body></html>'
    )
    assert mirror_html(page) == (
        '<html dir="rtl" lang="ar"><body><div role="article" dir="rtl"><td align="right" style="padding-right:1px">left'
        '</td><td dir="ltr" align="left">left</td><!-- align="left" --></div></body></html>'
    )


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("lang", ["lang: ar\n", ""])
def test_an_arabic_issue(theme: str, lang: str) -> None:
    html = html_of(ARABIC.format(lang=lang), theme)
    assert re.search('<html[^>]* dir="rtl"', html)
    assert "direction:ltr" not in re.sub(r'<[^>]* dir="ltr"[^>]*>|<code[^>]*>', "", html)
    assert "→" not in html
    assert html.count("←") == 2
    page = lxml.html.document_fromstring(html)
    (code,) = page.xpath("//td[contains(., 'def code')][@dir='ltr']")
    assert code.get("align") == "left"
    (english,) = page.xpath("//p[contains(., 'in English')]")
    assert (english.get("dir"), english.get("align")) == ("ltr", "left")


@pytest.mark.parametrize("theme", THEMES)
def test_a_browser_sets_it_from_the_right(theme: str, evaluate: Evaluate) -> None:
    """Text, marks and bars at the right; code at the left."""
    found = evaluate(
        html_of(ARABIC.format(lang="lang: ar\n"), theme),
        """(() => {
          const cells = [...document.querySelectorAll("td")];
          const of = (words) => cells.filter((cell) => cell.textContent.includes(words)).pop();
          const style = (words) => getComputedStyle(of(words));
          const marks = [...document.querySelectorAll("b")].find((each) => each.textContent === "•");
          const item = of("عنصر أول");
          return [style("فقرة").direction, style("فقرة").textAlign, style("def code").textAlign,
                  marks.getBoundingClientRect().left > item.getBoundingClientRect().left,
                  document.documentElement.scrollWidth <= innerWidth];
        })()""",
        width=320,
    )
    assert found == ["rtl", "right", "left", True, True]


@pytest.mark.parametrize("theme", THEMES)
def test_text_from_left_to_right_has_not_changed_by_it(theme: str) -> None:
    html = html_of("---\ntitle: T\nlang: en\n---\nWords. [a](https://a.example)\n\n- x\n", theme)
    assert " dir=" not in html.replace(' dir="auto"', "")
    assert "direction:rtl" not in html


@pytest.mark.parametrize("theme", THEMES)
def test_an_item_of_other_letters_stays_beside_its_bullet(theme: str) -> None:
    html = html_of("---\ntitle: رسالة\nlang: ar\n---\nفقرة.\n\n- `Cache size = 1`\n- ثان\n\nIn English.\n", theme)
    document = lxml.html.document_fromstring(html)
    item, alone = document.xpath("//p[@dir='ltr']")
    assert item.text_content() == "Cache size = 1"
    assert "align" not in item.attrib
    assert alone.get("align") == "left"


def test_words_set_as_code_run_their_own_way() -> None:
    html = html_of("---\ntitle: رسالة\nlang: ar\n---\nقل `معدل الطلبات (Rate limit): 100` أو `rm -rf ./`.\n")
    words, program = lxml.html.document_fromstring(html).xpath("//code")
    assert "direction:rtl" in words.get("style").replace(" ", "")
    assert "direction:ltr" in program.get("style").replace(" ", "")
