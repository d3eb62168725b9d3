"""An email as Gmail's app on a phone forces it dark: every colour turned over, pictures left, dark styles not asked.

An approximation: Google says nowhere how it is done. Of each colour the lightness is turned over and the hue stays, as
on an iPhone; rules that ask which scheme a reader prefers are dropped, since Gmail reads none of them.
"""

from __future__ import annotations

import colorsys
import re
from functools import lru_cache

from newsletter.check.clients.views import TAG

GROUND = "#1f1f1f"
"""What white becomes."""

_WORDS = "#e3e3e3"
_DARKEST = 0x1F / 255

_HEX = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
_NAMED = re.compile(r"(?<=[:\s\"'])(white|black)(?=[\s;!\"']|\Z)", re.IGNORECASE)
_COLOURED = re.compile(r"""\b(?:style|bgcolor|color)\s*=\s*(?:"[^"]*"|'[^']*')""", re.IGNORECASE)
_BASE = f"<style>html,body{{background:{GROUND};color:{_WORDS}}}</style>"


def forced_dark(html_text: str) -> str:
    """The HTML with its colours turned over; words, addresses and pictures are as they were."""
    parts: list[str] = []
    end = 0
    in_style = False
    for tag in TAG.finditer(html_text):
        between = html_text[end : tag.start()]
        parts.append(_turned(_without_schemes(between)) if in_style else between)
        parts.append(_COLOURED.sub(lambda found: _turned(found[0]), tag[0]) if tag["name"] else tag[0])
        in_style = (tag["name"] or "").lower() == "style" and not tag["end"]
        end = tag.end()
    turned = "".join((*parts, html_text[end:]))
    head, found, rest = turned.partition("</head>")
    return f"{head}{_BASE}{found}{rest}" if found else _BASE + turned


def _without_schemes(css: str) -> str:
    """The sheet without `@media (prefers-color-scheme: …) { … }`."""
    parts: list[str] = []
    start = 0
    while (at := css.find("@media", start)) >= 0:
        brace = css.find("{", at)
        if brace < 0:
            break
        end = _end_of_block(css, brace)
        parts.append(css[start : at if "prefers-color-scheme" in css[at:brace] else end])
        start = end
    return "".join((*parts, css[start:]))


def _end_of_block(css: str, brace: int) -> int:
    depth = 0
    for found in re.compile("[{}]").finditer(css, brace):
        depth += 1 if found[0] == "{" else -1
        if not depth:
            return found.end()
    return len(css)


def _turned(text: str) -> str:
    named = _NAMED.sub(lambda found: "#ffffff" if found[1].lower() == "white" else "#000000", text)
    return _HEX.sub(lambda found: turned_colour(found[0].lower()), named)


@lru_cache(maxsize=500)
def turned_colour(colour: str) -> str:
    """`#ffffff` becomes the ground, `#000000` white, and what lies between keeps its hue."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    red, green, blue = (int(digits[index : index + 2], 16) / 255 for index in (0, 2, 4))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    channels = colorsys.hls_to_rgb(hue, 1 - lightness * (1 - _DARKEST), saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
