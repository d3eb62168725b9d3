"""Plain CSS is read as cssutils reads it, and what is not plain is left to it."""

from __future__ import annotations

import logging
import re

import cssutils
import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import CHECKOUT

from newsletter.render.plain_css import parse_declarations, parse_sheet
from newsletter.render.themes.folders import known_themes

cssutils.log.setLevel(logging.CRITICAL)


def by_cssutils(css: str) -> list[tuple[str, str, str]]:
    return [(each.name, each.propertyValue.cssText, each.priority) for each in cssutils.parseStyle(css, validate=False)]


def rules_by_cssutils(css: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    return [
        (rule.selectorText, [(each.name, each.value, each.priority) for each in rule.style.getProperties()])
        for rule in cssutils.parseString(css, validate=False)
    ]


def agrees(css: str) -> bool:
    """Whether declarations are plain; where they are, they must be those of cssutils."""
    read = parse_declarations(css)
    if read is not None:
        assert [(each.name, each.propertyValue.cssText, each.priority) for each in read] == by_cssutils(css), css
    return read is not None


def sheet_agrees(css: str) -> bool:
    read = parse_sheet(css)
    if read is not None:
        ours = [
            (rule.selectorText, [(each.name, each.value, each.priority) for each in rule.style.getProperties()])
            for rule in read
        ]
        assert ours == rules_by_cssutils(css), css
        assert all(rule.type == rule.STYLE_RULE for rule in read)
    return read is not None


PLAIN = (
    "color:#ffffff;background-color:#FFFFFF",
    "color:#AAbbCC;border-color:#aABbcc;outline-color:#fff",
    "margin:0px auto 0.5em -0.02em;padding:0 0 10px 16px;",
    "margin:0% -0px 0em 100%",
    "font-family:-apple-system,\"Segoe UI\" , 'PingFang SC',sans-serif",
    "font-size : 16px ;; line-height: 1.65;\n color:RED",
    "border:1px  solid #e8e3da",
    "color:red;margin:0;color:blue",
    "color:red !important;margin:0!important",
    "mso-line-height-rule:exactly;-webkit-text-size-adjust:none;word-break:break-word",
    "",
    " ; ",
)
NOT_PLAIN = (
    "margin:.5em",
    "margin:1.50em",
    "margin:01px",
    "margin:+1px",
    "margin:1rem",
    "margin:1e3px",
    "width:calc(1px + 2%)",
    "background:url(x.png)",
    "color:rgba(0,0,0,.5)",
    "color:#abcd",
    "font:12px/1.5 Arial",
    "COLOR:red",
    "color:red;color:blue !important",
    "color:red !IMPORTANT",
    "color",
    "color:",
    "color:red,",
    "color:,red",
    "margin:1px2px",
    'font-family:"A"B',
    'font-family:"A;b"',
    "font-family:宋体",
    'font-family:"宋体"',
    "color:red/**/",
    "*zoom:1",
    "_x:1",
    "color:r\\65 d",
    "color:\u00a0red",
    "color:red}",
)


@pytest.mark.parametrize("css", PLAIN)
def test_plain_declarations_are_those_of_cssutils(css: str) -> None:
    assert agrees(css)


@pytest.mark.parametrize("css", NOT_PLAIN)
def test_other_declarations_are_left_to_cssutils(css: str) -> None:
    assert not agrees(css)


@pytest.mark.parametrize(
    "css",
    [
        "",
        ".a{}",
        ".a{color:red}\n.a{color:blue}",
        "td.a > p , .Big.c-1 b\n.d{color:red;}",
        "h1,h2{margin:0}\ntable td p{margin:0}",
        "td>p{margin:0}",
    ],
)
def test_plain_rules_are_those_of_cssutils(css: str) -> None:
    assert sheet_agrees(css)


@pytest.mark.parametrize(
    "css",
    [
        "*{color:red}",
        "#a{color:red}",
        "a:hover{color:red}",
        "a[href]{color:red}",
        "a+b{color:red}",
        ".a,.a{color:red}",
        ".a,{color:red}",
        "> p{color:red}",
        "p >{color:red}",
        ".1{color:red}",
        "{color:red}",
        ".a{color:red",
        ".a{color:red} x",
        ".a{color:red}}",
        "@media print{.a{color:red}}",
        "@import 'x';.a{color:red}",
        "/* x */.a{color:red}",
        ".é{color:red}",
        ".a\u00a0b{color:red}",
        ".a{color:red}<!-- -->",
    ],
)
def test_other_rules_are_left_to_cssutils(css: str) -> None:
    assert not sheet_agrees(css)


pieces = st.sampled_from(
    [
        *("a", "b-c", "-d", "--e", "A", "u", "1", "0", "-0", "-", "1px", "0px", "-0.0em", "2.5em", "0%", "10%", "007"),
        *(
            "1.",
            ".5",
            "0.10",
            "99999px",
            "100000px",
            "0.12345",
            "#fff",
            "#FFffFF",
            "#aabbcc",
            "#aabbcd",
            "#12",
            "(",
            ")",
        ),
        *(
            '"x y"',
            "'x'",
            '""',
            '"',
            "'",
            '"a.b-c"',
            "!important",
            "!",
            "\\",
            "/",
            ":",
            ";",
            ",",
            ";",
            " ",
            " ",
            ": ",
            "\n",
        ),
        *(
            "color",
            "margin",
            "font-family",
            "Color",
            "{",
            "}",
            ".a",
            "p",
            ">",
            "td.b",
            "h1",
            "@",
            "*",
            "unset",
            "px",
            "%",
        ),
    ]
)


@given(st.lists(pieces, max_size=14).map("".join))
def test_no_text_is_read_otherwise_than_by_cssutils(css: str) -> None:
    agrees(css)
    agrees(f"color:{css}")
    sheet_agrees(css)
    sheet_agrees(f".a{{{css}}}")
    sheet_agrees(f"{css}{{color:red}}")


@pytest.mark.parametrize("theme", known_themes([CHECKOUT / "templates"]))
def test_the_rules_of_our_themes_are_plain(theme: str) -> None:
    """Or a rendering would load cssutils for them. A number stands for each expression of the template."""
    sheet = CHECKOUT / "templates" / theme / "style.css"
    css = re.sub(r"/\*.*?\*/|\{%.*?%\}|\{#.*?#\}", "", sheet.read_text("utf-8"), flags=re.DOTALL)
    css = re.sub(r"\{\{.*?\}\}", "12", css)
    odd = [rule for rule in re.findall(r"[^{}]+\{[^{}]*\}", css) if parse_sheet(rule) is None]
    assert odd == []
