"""Where Jekyll publishes a post. The paths expected are those of Jekyll's documentation."""

from __future__ import annotations

from datetime import date

import pytest

from newsletter.post.permalink import STYLES, post_path

DAY = date(2026, 3, 1)


def path(template: str, title: str = "Chips", day: date | None = DAY, categories: tuple[str, ...] = ()) -> str:
    return post_path(template, title=title, day=day, categories=categories)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("date", "/ai/daily/2026/03/01/Chips.html"),
        ("pretty", "/ai/daily/2026/03/01/Chips/"),
        ("ordinal", "/ai/daily/2026/060/Chips.html"),
        ("weekdate", "/ai/daily/2026/W09/Sun/Chips.html"),
        ("none", "/ai/daily/Chips.html"),
    ],
)
def test_styles(style: str, expected: str) -> None:
    assert path(style, categories=("AI", "Daily")) == expected
    assert path(style) == expected.replace("/ai/daily", "")
    assert style in STYLES


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("/:year/:month/:day/:title/", "/2026/03/01/Chips/"),
        (":short_year-:i_month-:i_day/:slug", "/26-3-1/chips"),
        ("/posts/:title:output_ext", "/posts/Chips.html"),
        ("/:year:month:day_:title", "/20260301_Chips"),
        ("/:w_year/:week/:y_day", "/2026/09/060"),
        ("/:categories/:title/", "/Chips/"),
        ("/fixed/", "/fixed/"),
        ("fixed.html", "/fixed.html"),
        ("//a///b", "/a/b"),
    ],
)
def test_templates(template: str, expected: str) -> None:
    assert path(template) == expected


def test_a_placeholder_that_nobody_knows_gives_no_address() -> None:
    assert path("/:yeer/:title/") == ""


def test_without_a_date_only_templates_without_one_have_an_address() -> None:
    assert path("date", day=None) == ""
    assert path("none", day=None) == "/Chips.html"


def test_letters_beyond_ascii_are_encoded_as_browsers_send_them() -> None:
    assert path("none", title="AI 日报", categories=("科技 新闻",)) == (
        "/%E7%A7%91%E6%8A%80%20%E6%96%B0%E9%97%BB/AI%20%E6%97%A5%E6%8A%A5.html"
    )


def test_the_iso_week_belongs_to_its_own_year() -> None:
    assert path("/:w_year/W:week/", day=date(2027, 1, 1)) == "/2026/W53/"


def test_a_title_is_never_a_placeholder_or_an_address_of_its_own() -> None:
    assert path("/:title/", title=":year") == "/%3Ayear/"
    assert path("/:title/", title="../x?y#z") == "/../x%3Fy%23z/"
