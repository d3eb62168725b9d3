"""Mirror a theme for right-to-left text: swap left and right in its CSS and HTML.

Themes are written for left to right only. What must not be mirrored, code and addresses, is in elements with
`dir="ltr"`.
"""

from __future__ import annotations

import re

_DECLARATION = re.compile(r"(?<![a-z-])([a-z-]++)(\s*:\s*)([^;{}\"]+)")
_SIDES = re.compile(r"\b(left|right)\b")
_FOUR_SIDES = frozenset({"padding", "margin", "border-width", "border-style", "border-color"})
_FOUR_CORNERS = frozenset({"border-radius"})
_BY_VALUE = frozenset({"text-align", "float", "clear"})
_IMPORTANT = "!important"

_TAG = re.compile(r"<!--.*?-->|<style\b.*?</style>|<([a-zA-Z][\w:]*)\b[^>]*>", re.DOTALL)
_STYLE = re.compile(r'( style=")([^"]*)"')
_BASE = re.compile(r'(<html\b|<div\b[^>]*\srole="article")((?:(?! dir=)[^>])*)(?: dir="\w+")?')
_ALIGN = re.compile(r'( align=")(left|right)"')

CODE_STAYS = "code,.code{direction:ltr;unicode-bidi:embed}.code{text-align:left}code.own{direction:rtl}"
"""Rules for the end of a mirrored sheet: code runs from left to right, but words set as code do not."""


def mirror_css(css: str) -> str:
    """Declarations with left and right swapped; the rest is unchanged."""
    return _DECLARATION.sub(_mirrored, css)


def mirror_html(html: str) -> str:
    """An email's HTML from MJML, for right-to-left text, with `dir` attributes."""
    return _BASE.sub(r'\1 dir="rtl"\2', _TAG.sub(_mirrored_tag, html))


def _mirrored(declaration: re.Match[str]) -> str:
    name, colon, value = declaration.groups()
    if name == "direction":
        return f"{name}{colon}{_other(value, 'ltr', 'rtl')}"
    if name in _BY_VALUE:
        return f"{name}{colon}{_swapped(value)}"
    if name in _FOUR_SIDES:
        return f"{name}{colon}{_four(value, (0, 3, 2, 1))}"
    if name in _FOUR_CORNERS:
        return f"{name}{colon}{_four(value, (1, 0, 3, 2))}"
    return f"{_swapped(name)}{colon}{value}"


def _swapped(words: str) -> str:
    return _SIDES.sub(lambda side: "right" if side[1] == "left" else "left", words)


def _other(value: str, one: str, two: str) -> str:
    return re.sub(rf"\b({one}|{two})\b", lambda found: two if found[1] == one else one, value)


def _four(value: str, order: tuple[int, int, int, int]) -> str:
    important = _IMPORTANT if value.rstrip().endswith(_IMPORTANT) else ""
    parts = value.rstrip().removesuffix(_IMPORTANT).split()
    return " ".join(parts[index] for index in order) + important if len(parts) == 4 else value


def _mirrored_tag(tag: re.Match[str]) -> str:
    if not tag[1] or ' dir="ltr"' in tag[0]:
        return tag[0]
    styled = _STYLE.sub(lambda style: f'{style[1]}{mirror_css(style[2])}"', tag[0])
    return _ALIGN.sub(lambda align: f'{align[1]}{_swapped(align[2])}"', styled)
