"""Which pictures get a light ground in dark mode: those that may be ink on nothing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from machine import Evaluate
from PIL import Image as Pillow
from rendering import MASTHEAD, example_issue
from themes import THEMES

from newsletter.model.issue import Figure, Image, Issue
from newsletter.model.rendered_email import Attachment
from newsletter.render.picture_backing import is_opaque, mark_backed, may_show_through
from newsletter.render.render_issue import render_issue
from newsletter.render.themes.load import load_theme


def png(mode: str, **options: object) -> bytes:
    out = io.BytesIO()
    Pillow.new(mode, (4, 4)).save(out, "PNG", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("mode", "options", "opaque"),
    [
        ("RGB", {}, True),
        ("L", {}, True),
        ("P", {}, True),
        ("RGBA", {}, False),
        ("LA", {}, False),
        ("P", {"transparency": 0}, False),
        ("RGB", {"transparency": (0, 0, 0)}, False),
    ],
)
def test_a_png_says_whether_anything_shows_through(mode: str, options: dict[str, object], opaque: bool) -> None:
    assert is_opaque("image/png", png(mode, **options)) is opaque


def test_of_other_files_a_jpeg_alone_is_sure() -> None:
    assert is_opaque("image/jpeg", b"\xff\xd8")
    assert not is_opaque("image/gif", b"GIF89a")
    assert not is_opaque("image/png", b"\x89PNG")


@pytest.mark.parametrize(
    ("address", "in_text", "as_hero"),
    [
        ("https://a.example/photo.jpg", False, False),
        ("https://a.example/PHOTO.JPEG?w=600", False, False),
        ("https://a.example/media/G7?format=jpg&name=orig", False, False),
        ("https://a.example/x.png?auto=1&fm=jpg", False, False),
        ("https://a.example/mmbiz/0?wx_fmt=png", True, True),
        ("https://a.example/chart.png", True, True),
        ("https://a.example/logo.svg", True, True),
        ("https://a.example/seed/20/1200/900", True, False),
        ("https://jpg.example/x", True, False),
        ("nlfield0x1z", True, False),
        ("https://[broken", True, True),
        ("", True, False),
    ],
)
def test_an_address_says_by_its_name(address: str, in_text: bool, as_hero: bool) -> None:
    assert may_show_through(address, {}) is in_text
    assert may_show_through(address, {}, is_hero=True) is as_hero


def test_the_bytes_count_before_the_name() -> None:
    file = Attachment("1@newsletter", "image/png", "photo.png", png("RGB"))
    assert mark_backed('<img src="cid:1@newsletter" />', "", [file]) == '<img src="cid:1@newsletter" />'
    file = Attachment("1@newsletter", "image/png", "ink.png", png("RGBA"))
    assert mark_backed('<img src="cid:1@newsletter" />', "", [file]) == '<img class="t" src="cid:1@newsletter" />'


def test_a_class_that_is_there_stays() -> None:
    marked = mark_backed('<p>a</p><img class="lo" src="https://a.example/l.png?a=1&amp;b=2" /><img', "", [])
    assert marked == '<p>a</p><img class="t lo" src="https://a.example/l.png?a=1&amp;b=2" /><img'


def html_of(issue: Issue, theme: str, project: Path) -> str:
    email = render_issue(issue, load_theme(theme, project), MASTHEAD)
    return "".join(part for part in email.html.parts if isinstance(part, str))


GROUNDS = """[...document.querySelectorAll("img")].map(e => [e.alt, getComputedStyle(e).backgroundColor])"""


@pytest.mark.parametrize("theme", [theme for theme in THEMES if theme != "brief"])
def test_in_dark_mode_ink_has_a_ground_and_a_photograph_none(theme: str, tmp_path: Path, evaluate: Evaluate) -> None:
    figures = (Figure(Image("https://a.example/ink.png", "ink")), Figure(Image("https://a.example/p.jpg", "harbour")))
    issue = replace(example_issue(), blocks=figures, hero=Image("https://a.example/cover/1", "cover"))
    html = html_of(issue, theme, tmp_path)
    light = load_theme(theme, tmp_path).values["light"]["card"]
    ground = "rgb({}, {}, {})".format(*(int(light[index : index + 2], 16) for index in (1, 3, 5)))
    nothing = "rgba(0, 0, 0, 0)"
    assert evaluate(html, GROUNDS, dark=True) == [["cover", nothing], ["ink", ground], ["harbour", nothing]]
    assert evaluate(html, GROUNDS) == [[name, nothing] for name in ("cover", "ink", "harbour")]
