"""What mail clients leave of an email: each view on small HTML with a known answer, and on a real one in Chromium."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from command_line import DIGEST
from growth import assert_linear
from hypothesis import given
from hypothesis import strategies as st
from machine import Evaluate

from newsletter.check.clients.outlook_word import as_word, holds_in_word
from newsletter.check.clients.views import GMAIL_CLIP, clipped, is_clipped, without_styles
from newsletter.config.load import load_config
from newsletter.message.fill_slots import fill
from newsletter.pipeline.render_post import render_post


@pytest.fixture(scope="module")
def email() -> str:
    config = load_config(None, os.environ, DIGEST.parent)
    return fill(render_post(str(DIGEST), config).email.html, {})


def long_email(rows: int) -> str:
    row = '<tr><td title="a > b">一行字<br><b>more</b></td></tr>'
    return f"<!doctype html><html><head></head><body><table>{row * rows}</table><p>the end</p></body></html>"


# --- clipped --------------------------------------------------------------------------------------------------------


def test_what_gmail_shows_whole_is_left_alone(email: str) -> None:
    assert not is_clipped(email)
    assert clipped(email) == email


def test_a_long_email_ends_with_gmails_notice_outside_of_its_tables(evaluate: Evaluate) -> None:
    whole = long_email(3_000)
    cut = clipped(whole)
    assert is_clipped(whole)
    assert len(cut.encode()) < GMAIL_CLIP + 1_000
    shown = evaluate(cut, "[document.body.lastElementChild.innerText, document.body.innerText]")
    assert shown[0].replace("\xa0", " ").startswith("[Message clipped]")
    assert "the end" not in shown[1]
    assert "\N{REPLACEMENT CHARACTER}" not in cut


@pytest.mark.parametrize(
    "tail",
    [
        '<img alt="' + "x" * 40,
        '<img alt="a > b' + "x" * 30,
        "<!--[if mso]><td>" + "y" * 40,
        "字" * 20,
        "</td" + " " * 40,
        "a < b > c",
    ],
)
@pytest.mark.parametrize("back", range(0, 24, 5))
def test_the_cut_leaves_no_half_tag_or_comment(tail: str, back: int) -> None:
    head = "<html><body><table><tr><td>"
    filler = "x" * (GMAIL_CLIP - len(head) - back)
    cut = clipped(head + filler + tail + "z" * 2_000)
    kept = cut.partition("</td></tr></table>")[0]
    assert kept.startswith(head)
    assert kept.count("<!--") == kept.count("-->")
    assert re.search(r"<[a-zA-Z/!]", kept.removeprefix(head)) is None


# --- without styles -------------------------------------------------------------------------------------------------


def test_style_blocks_go_and_inlined_styles_stay() -> None:
    html = '<STYLE type="text/css">a{}</style ><link rel="stylesheet" href="x"><p style="color:red">x</p><style>b{'
    assert without_styles(html) == '<p style="color:red">x</p>'


def test_a_real_email_stands_on_inlined_styles(email: str, evaluate: Evaluate) -> None:
    size = "[document.styleSheets.length, getComputedStyle(document.querySelector('h1')).fontSize]"
    assert evaluate(without_styles(email), size) == [0, "29px"]


# --- Word -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("mso", True),
        ("!mso", False),
        ("mso | IE", True),
        ("(mso)|(IE)", True),
        ("IE", False),
        ("!IE", True),
        ("gte mso 9", True),
        ("lte mso 11", False),
        ("lt mso 16", False),
        ("mso 16", True),
        ("mso 15", False),
        ("(gte mso 9)&(lt mso 17)", True),
        ("!(mso & IE)", True),
        ("mso & !vml", False),
        ("gte IE 9", False),
        ("true", True),
        ("", False),
        ("mso |", False),
        ("mso mso", False),
        ("(mso", False),
        ("mso #", False),
        ("!" * 50 + "mso", False),
    ],
)
def test_word_answers_conditions(condition: str, holds: bool) -> None:
    assert holds_in_word(condition) is holds


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ("a<!--[if mso]>word<![endif]-->b", "awordb"),
        ("a<!--[if !mso]><!-->web<!--<![endif]-->b", "ab"),
        ("a<!--[if mso]><!-->both<!--<![endif]-->b", "abothb"),
        ("a<![if !mso]>web<![endif]>b", "ab"),
        ("a<!--[if IE]>ie<![endif]-->b<!-- kept -->", "ab<!-- kept -->"),
        ("<!--[if !mso]><!--><!--[if mso]>x<![endif]-->y<!--<![endif]-->z", "z"),
        ("<!--[if mso]><xml><o:AllowPNG/></xml><![endif]-->z", "z"),
        ("<!--[if mso]>never closed", "<!--[if mso]>never closed"),
    ],
)
def test_word_follows_its_own_comments(html: str, seen: str) -> None:
    assert as_word(html) == seen


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ('<td style="padding:8px;border-radius:4px;color:red">', '<td style="padding:8px;color:red">'),
        ('<div style="padding:8px;width:50%;color:red">', '<div style="color:red">'),
        ('<img width="40" style="width:100%;max-width:9px;border:0">', '<img width="40" style="border:0">'),
        ("<p style='font-family:\"A;B\",serif;opacity:.5'>", '<p style="font-family:&quot;A;B&quot;,serif">'),
        ('<p style="display:none">', '<p style="display:none">'),
        ('<p style="display:flex;margin:1px">', '<p style="margin:1px">'),
        ('<td style="background:url(a;b.png) red;color:rgba(0,0,0,.5)">', '<td style="">'),
        ('<b title="style=x" style="color:red">', '<b title="style=x" style="color:red">'),
        ("<style>@media print{a{b:c}d{e:f}}p{max-width:1px;color:red}@import 'x';q{r:s}</style>",
         "<style>p{color:red}\nq{r:s}</style>"),
        ('<style media="screen">a{b:c}</style>x', "x"),
    ],
)  # fmt: skip
def test_word_ignores_what_it_does_not_know(html: str, seen: str) -> None:
    assert as_word(html) == seen


def test_the_outlook_view_of_a_real_email(email: str, evaluate: Evaluate, tmp_path: Path) -> None:
    seen = as_word(email)
    assert "[if" not in seen
    assert "@media" not in seen
    expression = (
        "[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).borderRadius !== '0px' "
        "|| getComputedStyle(e).maxWidth !== 'none').length"
    )
    assert evaluate(seen, expression) == 0
    width = "document.querySelector('table[width=\"600\"]').getBoundingClientRect().width"
    assert evaluate(seen, width, width=900) == 600


@given(st.text("<>!-[]if mso/\"'=;:{}@ stylep", max_size=200))
def test_no_html_makes_a_view_fail(html: str) -> None:
    for view in (clipped, without_styles, as_word):
        view(html)


@pytest.mark.parametrize(
    "piece", ["<!--[if mso]>", "<!--", "<a ", '<a style="', "<style>", "{", "/*", "<div>", "@media{", "<xml>"]
)
def test_a_view_takes_calls_in_proportion_to_the_html(piece: str) -> None:
    html = piece * (120_000 // len(piece))
    for view in (clipped, without_styles, as_word):
        assert_linear(view, html)
