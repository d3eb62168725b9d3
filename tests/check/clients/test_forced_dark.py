"""Gmail's forced dark colours: turned over, hue kept, words and pictures whole, and readable in every theme."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import DIGEST
from hypothesis import given
from hypothesis import strategies as st
from machine import Evaluate
from rendering import MASTHEAD
from themes import THEMES

from newsletter.check.clients.forced_dark import GROUND, forced_dark, turned_colour
from newsletter.post.parse import parse_post
from newsletter.render.render_issue import render_issue
from newsletter.render.section_colours import contrast
from newsletter.render.themes.load import load_theme


def test_white_becomes_the_ground_and_black_white() -> None:
    assert turned_colour("#ffffff") == turned_colour("#fff") == GROUND
    assert turned_colour("#000000") == "#ffffff"


@given(st.integers(0, 0xFF))
def test_a_grey_that_could_be_read_on_white_can_be_read_on_the_ground(number: int) -> None:
    colour = "#" + f"{number:02x}" * 3
    if contrast(colour, "#ffffff") >= 4.5:
        assert contrast(turned_colour(colour), GROUND) >= 3


HTML = """<html><head><style>p{color:#000}@media (prefers-color-scheme:dark){p{color:#f00}}@media print{p{color:#000}}
</style></head><body bgcolor="#FFFFFF" style="color:black"><p style="background:#fff">#000 and <a href="/#fff">x</a>
<img src="a.png" alt="#000"></p></body></html>"""


def test_colours_alone_are_changed_and_dark_styles_dropped() -> None:
    html = forced_dark(HTML)
    assert "prefers-color-scheme" not in html
    assert html.count("@media print") == 1
    assert 'bgcolor="#1f1f1f"' in html
    assert 'style="color:#ffffff"' in html
    assert 'style="background:#1f1f1f"' in html
    assert '#000 and <a href="/#fff">x</a>' in html
    assert '<img src="a.png" alt="#000">' in html


@given(st.text("<>{}@media(prefers-color-scheme:dark)#fff\"' =style", max_size=200))
def test_any_text_is_taken(text: str) -> None:
    forced_dark(text)


POOR = """(() => {
  const lum = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const back = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [31, 31, 31]; };
  const poor = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility({opacityProperty: true})) continue;
    const [a, b] = [lum(rgb(getComputedStyle(e).color)), lum(back(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 3) poor.push(`${ratio.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 30)}`);
  }
  return poor;
})()"""


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_can_be_read_when_forced(theme: str, tmp_path: Path, evaluate: Evaluate) -> None:
    issue = parse_post(DIGEST.read_text("utf-8"), path=DIGEST.name).issue
    email = render_issue(issue, load_theme(theme, tmp_path), MASTHEAD)
    html = "".join(part for part in email.html.parts if isinstance(part, str))
    assert evaluate(forced_dark(html), POOR, dark=True) == []
