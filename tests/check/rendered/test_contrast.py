"""Text against what is behind it, in both layouts."""

from __future__ import annotations

import pytest
from machine import Evaluate

from newsletter.check.rendered.contrast import contrast, contrast_findings

DARK = "<style>@media (prefers-color-scheme:dark){.x{color:#eee!important}td.y{background:#111!important}}</style>"


def found(body: str, head: str = "") -> list[str]:
    return [
        f"{finding.code}: {finding.what}"
        for finding in contrast_findings(f"<html><head>{head}</head><body>{body}</body></html>")
    ]


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ((0, 0, 0), (255, 255, 255), 21.0),
        ((255, 255, 255), (255, 255, 255), 1.0),
        ((119, 119, 119), (255, 255, 255), 4.48),  # WCAG's own example: #777 just fails
        ((118, 118, 118), (255, 255, 255), 4.54),
    ],
)
def test_the_ratio(one: tuple[int, int, int], other: tuple[int, int, int], ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.01)
    assert contrast(other, one) == contrast(one, other)


@pytest.mark.parametrize(
    "body",
    [
        '<p style="color:#767676">just enough</p>',
        '<p style="color:#949494;font-size:24px">large</p>',
        '<p style="color:#949494;font-size:19px"><b>large and bold</b></p>',
        '<td bgcolor="#000000"><p style="color:#ffffff">light on dark</p></td>',
        '<div style="background:#000"><a style="color:white">named</a></div>',
        '<div style="display:none;color:#fff">hidden</div>',
        '<p style="color:#ccc"> · — </p>',
        '<div style="background-image:url(x.png)"><p style="color:#fff">on a picture</p></div>',
        '<div style="color:rgba(0,0,0,0.9)">nearly black</div>',
        "<p>nothing said</p>",
    ],
)
def test_enough(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ('<p style="color:#777777">words</p>', "“words”: #777777 on #ffffff has a contrast of 4.5 to 1"),
        (
            '<p style="color:#777"><i>a</i> <i>b</i></p>',
            "“b” and 1 more: #777777 on #ffffff has a contrast of 4.5 to 1",
        ),
        ('<div style="background:#000">words</div>', "“words”: #000000 on #000000 has a contrast of 1.0 to 1"),
        (
            '<table><tr><td bgcolor="#333"><p>words</p></td></tr></table>',
            "“words”: #000000 on #333333 has a contrast of 1.7 to 1",
        ),
        ('<p style="color:rgba(0,0,0,.3)">words</p>', "“words”: #b2b2b2 on #ffffff has a contrast of 2.1 to 1"),
        ('<div><b style="color:#fff">a</b>words</div>', "“a”: #ffffff on #ffffff has a contrast of 1.0 to 1"),
        (
            '<h2 style="color:#949494;font-size:18px">words</h2>',
            "“words”: #949494 on #ffffff has a contrast of 3.0 to 1",
        ),
    ],
)
def test_too_close(body: str, what: str) -> None:
    assert found(body) == [f"contrast: {what}"]


def test_the_dark_rules_count_where_they_win() -> None:
    cell = (
        '<table><tr><td class="y" style="background-color:#fff">'
        '<p class="x" style="color:#000">words</p></td></tr></table>'
    )
    assert found(cell, DARK) == []
    assert found(cell, DARK.replace("td.y{background:#111!important}", "")) == [
        "contrast-dark: “words”: #eeeeee on #ffffff in dark mode has a contrast of 1.2 to 1"
    ]
    # Without !important a rule loses against what is inlined.
    assert found(cell, DARK.replace("#111!important", "#111")) == [
        "contrast-dark: “words”: #eeeeee on #ffffff in dark mode has a contrast of 1.2 to 1"
    ]


def test_a_selector_that_only_one_program_knows_is_passed_over() -> None:
    assert found("<p class=x>words</p>", DARK.replace("td.y", "u + #body ::-ms-thing(x) td.y")) == [
        "contrast-dark: “words”: #eeeeee on #ffffff in dark mode has a contrast of 1.2 to 1"
    ]


def test_a_browser_sees_the_same(evaluate: Evaluate) -> None:
    """The colours that Chromium computes for a dark email are those that were compared."""
    html = (
        f"<!doctype html><html><head>{DARK}</head><body><table><tr><td class='y' style='background-color:#fff'>"
        "<p class='x' style='color:#000'>words</p></td></tr></table></body></html>"
    )
    script = (
        "[getComputedStyle(document.querySelector('p')).color,"
        "getComputedStyle(document.querySelector('td')).backgroundColor]"
    )
    assert evaluate(html, script, dark=True) == ["rgb(238, 238, 238)", "rgb(17, 17, 17)"]
    assert evaluate(html, script) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
