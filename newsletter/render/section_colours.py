"""A stable colour per section, derived from its name, with computed contrast."""

from __future__ import annotations

import colorsys
import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache

from newsletter.post.markdown.story import normalised

HUES = (12, 36, 65, 120, 160, 190, 215, 250, 285, 325)
"""Hues in degrees, as different as possible to the eye."""

MIN_CONTRAST = 4.6
"""WCAG 2.2, 1.4.3 requires 4.5 : 1 for text; rounding to six digits reduces it slightly."""

EMOJI_FIRST = re.compile("^[\u2190-\u2bff\U0001f000-\U0001faff]")
"""A heading with an emoji needs no coloured dot."""


def section_classes(titles: Iterable[str]) -> dict[str, str]:
    """Each section's title -> the class of its colour, `k0` to `k9`.

    The letters of a section's name determine its order of preference, so that a count or an emoji changes nothing.
    Sections choose in alphabetical order, each the first colour that is still free: the same sections have the same
    colours in every issue, in whatever order they appear.
    """
    names = {title: re.sub(r"\d+", "", normalised(title)) for title in titles}
    taken: dict[str, int] = {}
    for name in sorted(set(names.values())):
        order = sorted(range(len(HUES)), key=lambda hue: hashlib.sha256(f"{hue} {name}".encode()).digest())
        taken[name] = next((hue for hue in order if hue not in taken.values()), order[0])
    return {title: f"k{taken[name]}" for title, name in names.items()}


CALLOUT_HUES = {"note": 215, "tip": 150, "important": 280, "warning": 36, "caution": 4}
"""GitHub's own hues for its five kinds of alert."""


def callout_colours(kinds: Iterable[str], light_back: str, dark_back: str) -> dict[str, dict[str, str]]:
    """The colours, light and dark, of an issue's kinds of alert."""
    return {
        kind: {"light": readable(hue, light_back), "dark": readable(hue, dark_back)}
        for kind, hue in CALLOUT_HUES.items()
        if kind in set(kinds)
    }


def light_rules(classes: Iterable[str], back: str) -> str:
    """CSS rules to inline. A border without a colour inherits that of its text."""
    return "".join(f".{name}{{color:{colour}}}\n" for name, colour in _colours(classes, back))


def dark_rules(classes: Iterable[str], back: str) -> str:
    """Rules for dark mode, in a media query and for Outlook.com."""
    rules = [f".{name}{{color:{colour}!important}}" for name, colour in _colours(classes, back)]
    media, outlook = ("".join(f"{scope} {rule}" for rule in rules) for scope in (".card", "[data-ogsc]"))
    return f"\n@media (prefers-color-scheme:dark){{{media}}}\n{outlook}" if rules else ""


def _colours(classes: Iterable[str], back: str) -> list[tuple[str, str]]:
    return [(name, readable(HUES[int(name[1:])], back)) for name in sorted(set(classes))]


@lru_cache(maxsize=1_000)
def readable(hue: int, back: str) -> str:
    """The most vivid colour of a hue that is readable on `back`: darkened on a light one, lightened on a dark one."""
    dark_back = luminance(back) < 0.18
    steps = range(45, 101) if dark_back else range(50, -1, -1)
    for lightness in steps:
        red, green, blue = colorsys.hls_to_rgb(hue / 360, lightness / 100, 0.72)
        colour = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
        if contrast(colour, back) >= MIN_CONTRAST:
            return colour
    return "#ffffff" if dark_back else "#000000"


def contrast(first: str, second: str) -> float:
    """WCAG 2.2, contrast ratio of two six-digit colours."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
