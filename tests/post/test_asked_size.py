"""The size that an author writes for a picture, in every form, from the post to the email."""

from __future__ import annotations

import pytest

from newsletter.model.issue import Image
from newsletter.post.parse import parse_post
from newsletter.render.picture_html import MAX_PORTRAIT, hero_html, inline_picture, picture_html, shown_width


def asked(source: str) -> list[tuple[int | None, int | None, int | None]]:
    issue = parse_post(f"# T\n\n{source}", path="2026-03-02-a.md").issue
    return [(image.asked_width, image.asked_height, image.asked_share) for image in issue.images]


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("![a](a.png)", (None, None, None)),
        ('<img src="a.png" width="120" height="40">', (120, 40, None)),
        ('<img src="a.png" width=120px>', (120, None, None)),
        ('<img src="a.png" width="50%">', (None, None, 50)),
        ('<img src="a.png" width="900%">', (None, None, 100)),
        ('<img src="a.png" style="width:32px">', (32, None, None)),
        ('<img src="a.png" style="border:0; WIDTH: 32px ;height:auto" width="99">', (32, None, None)),
        ('<img src="a.png" style="max-width:30%">', (None, None, 30)),
        ('<img src="a.png" style="border-width:9px">', (None, None, None)),
        ('<img src="a.png" style="width:calc(1px)" width="0">', (None, None, None)),
        ('<img src="a.png" width="10em" height="x">', (None, None, None)),
        ('<div><img src="a.png" width="64"></div>', (64, None, None)),
        ('words <img src="a.png" width="64"> in a line', (64, None, None)),
        ('![a](a.png){: width="120"}', (120, None, None)),
        ("![a](a.png){: .right width='120' height='30'}", (120, 30, None)),
        ('![a](a.png){: style="width: 40%"}', (None, None, 40)),
        ('[![a](a.png)](https://a.example){: width="120"}', (120, None, None)),
        ('| a |\n|---|\n| ![a](a.png){: width="16"} |', (16, None, None)),
        ('1. Story. ![a](a.png){:width="120"}', (120, None, None)),
        ('![a](a.png) {: width="120"}', (None, None, None)),
    ],
)
def test_what_an_author_writes(source: str, size: tuple[int | None, int | None, int | None]) -> None:
    assert asked(source) == [size]


@pytest.mark.parametrize(
    ("image", "width"),
    [
        (Image("a"), None),
        (Image("a", width=88, height=20), 88),  # never enlarged
        (Image("a", width=480, height=300), 480),
        (Image("a", width=2000, height=900), 512),
        (Image("a", width=1080, height=2400), round(MAX_PORTRAIT * 1080 / 2400)),  # a telephone's screenshot
        (Image("a", width=600, height=2400), 512),  # a strip of text and charts
        (Image("a", width=1, height=9_000), 1),
        (Image("a", width=2000, height=900, asked_width=120), 120),
        (Image("a", width=88, height=20, asked_width=176), 176),
        (Image("a", asked_width=1200), 512),
        (Image("a", asked_share=50), 256),
        (Image("a", width=200, height=100, asked_height=50), 100),
        (Image("a", asked_height=50), None),
        (Image("a", width=1080, height=2400, asked_width=500), 500),  # the author knows
    ],
)
def test_the_width_in_a_column_of_512(image: Image, width: int | None) -> None:
    assert shown_width(image, 512) == width


def test_a_strip_above_the_text_is_no_screenful() -> None:
    assert shown_width(Image("a", width=600, height=2400), 600, strips=False) == 160
    assert 'width="160"' in hero_html(Image("a", width=600, height=2400), 600)


@pytest.mark.parametrize("width", [303, 480, 511])
def test_a_picture_narrower_than_its_column_shrinks_with_the_window(width: int) -> None:
    html = picture_html(Image("a", width=width, height=200), "x", 512)
    assert f'width="{width}"' in html
    assert f"width:100%;max-width:{width}px" in html


def test_a_picture_of_unknown_size_is_not_enlarged() -> None:
    html = picture_html(Image("a"), "x", 512)
    assert 'width="512"' in html  # Outlook shows a picture of 2,000 pixels as wide as that
    assert "width:auto;max-width:100%" in html


def test_in_a_line_a_small_one_keeps_its_size_and_a_large_one_shrinks() -> None:
    assert inline_picture(Image("a", asked_width=16)) == '<img src="a" alt="" width="16" style="height:auto" />'
    assert "max-width:100%" in inline_picture(Image("a", width=900, height=20))
    assert 'width="40"' in inline_picture(Image("a", width=80, height=20, asked_height=10))
    assert "height:10px" in inline_picture(Image("a", asked_height=10))
    assert "width:50%" in inline_picture(Image("a", asked_share=50))


def test_an_address_cannot_leave_its_attribute() -> None:
    for make in (lambda image: picture_html(image, image.alt, 512), inline_picture, lambda image: hero_html(image, 5)):
        assert make(Image('a" onerror="x', alt='b" c="')).count('"') % 2 == 0
        assert 'onerror="' not in make(Image('a" onerror="x', alt='b" c="'))
