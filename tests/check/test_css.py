"""CSS is read as a browser reads it: what is broken costs itself and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.check.css import Declaration, colour_in, dark_rules, read_style, style_of

WHITE = (255, 255, 255)


@pytest.mark.parametrize(
    ("css", "found"),
    [
        ("color:red;color:blue", {"color": "blue"}),
        ("color:red!important;color:blue", {"color": "red"}),
        ("COLOR : Red ! important", {"color": "Red"}),
        ('font-family:"a;color:red";width:1px', {"font-family": '"a;color:red"', "width": "1px"}),
        (
            "background:url(data:image/png;base64,AA==);top:0",
            {"background": "url(data:image/png;base64,AA==)", "top": "0"},
        ),
        ("a b c;width:1px", {"width": "1px"}),
        ("width:/* wide */2px", {"width": "2px"}),
        ("--Ink:red", {"--Ink": "red"}),
        ("width:calc(1px + (2px", {"width": "calc(1px + (2px))"}),
        ("", {}),
    ],
)
def test_a_style_attribute(css: str, found: dict[str, str]) -> None:
    assert {name: each.text for name, each in style_of(css).items()} == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("#fff", WHITE),
        ("#1F2328", (31, 35, 40)),
        ("rebeccapurple", (102, 51, 153)),
        ("hsl(120, 100%, 50%)", (0, 255, 0)),
        ("rgb(0 0 0 / 50%)", (128, 128, 128)),
        ("rgba(0,0,0,.5)", (128, 128, 128)),
        ("url(a.png) no-repeat navy", (0, 0, 128)),
        ("transparent", None),
        ("currentColor", None),
        ("none", None),
        ("url(red)", None),
        ("'red'", None),
        ("", None),
    ],
)
def test_the_colour_of_a_value(value: str, found: tuple[int, int, int] | None) -> None:
    assert colour_in(value, WHITE) == found


def test_dark_rules_are_those_of_the_dark_scheme() -> None:
    css = """
    .a { color: red } /* @media (prefers-color-scheme: dark) { .no { color: red } } */
    @media screen and ( prefers-color-scheme : dark ) { .b, .c { color: #fff !important } broken; .d { color } }
    @media (prefers-color-scheme: light) { .e { color: red !important } }
    """
    rules = [("".join(map(str, prelude)), dict(declared)) for prelude, declared in dark_rules(css)]
    assert [sorted(declared) for _, declared in rules] == [["color"], []]
    assert rules[0][1]["color"].is_important


@given(st.text(alphabet="abw:;{}()[]\"'/*\\#1%!@-, \n", max_size=60), st.integers(1, 2_000))
def test_any_style_is_read_however_long(css: str, times: int) -> None:
    for each in read_style(css * times if len(css) * times < 20_000 else css):
        if isinstance(each, Declaration):
            colour_in(each.text, WHITE)
