"""Derive a theme from a brand: colours, fonts and corners from one key each, with computed contrast."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from newsletter.render.section_colours import MIN_CONTRAST, contrast, luminance

MOODS = {
    "plain": '-apple-system,"Segoe UI",{sans},Roboto,Arial,sans-serif',
    "bold": '"Helvetica Neue",Helvetica,{sans},Arial,sans-serif',
    "friendly": 'Verdana,"Trebuchet MS",{sans},sans-serif',
    "book": "Georgia,{serif},serif",
    "classical": '"Palatino Linotype",Palatino,"Book Antiqua",{serif},serif',
    "code": "ui-monospace,SFMono-Regular,Menlo,Consolas,{sans},monospace",
}
"""Fonts that are installed on readers' devices: an email loads none. `{sans}` and `{serif}` are those of the script."""

CORNERS = {"square": 0, "soft": 8, "round": 16}
"""Pixels."""

TINT_SHARES = (0.08, 0.06, 0.04, 0.02, 0.0)
"""The brand's share of a box's background, by preference; the first on which all text is readable is used."""


def merge_layers(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge tables, later ones overriding earlier ones; nested tables are merged too."""
    result: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            below = result.get(key)
            if isinstance(value, dict) and isinstance(below, dict):
                value = merge_layers([below, value])
            result[key] = value
    return result


def merge_values(tables: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the values of a theme and its bases, the base first.

    A table's own values override those derived from its brand.
    """
    values: dict[str, Any] = {}
    for table in tables:
        values = merge_layers([_without_line_latin(values, table), table])
        derived = _derived(table.get("brand", {}), values)
        values = merge_layers([values, derived, table])
    return values


def _without_line_latin(values: dict[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """A line height of one's own is that of every script, unless the second one is written, too."""
    own = table.get("fonts", {})
    if "line" not in own or "line_latin" in own:
        return values
    kept = {name: value for name, value in values.get("fonts", {}).items() if name != "line_latin"}
    return {**values, "fonts": kept}


def _derived(brand: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    if colour := brand.get("colour"):
        tables |= {scheme: _colours(colour, values[scheme]) for scheme in ("light", "dark") if scheme in values}
    if mood := brand.get("mood"):
        tables["fonts"] = {"body": MOODS[mood]}
    if corner := brand.get("corner"):
        tables["layout"] = {"radius": CORNERS[corner]}
    return tables


def _colours(colour: str, scheme: Mapping[str, str]) -> dict[str, str]:
    """The accent and the tint of a scheme: the brand's colour, adjusted until text is readable on it."""
    card, page = scheme["card"], scheme.get("page", scheme["card"])
    for share in TINT_SHARES:
        tint = _mixed(colour, card, share)
        texts = [scheme[name] for name in ("ink", "muted", "second") if name in scheme]
        if share == TINT_SHARES[-1] or all(contrast(text, tint) >= MIN_CONTRAST for text in texts):
            break
    return {"accent": readable_shade(colour, (card, tint, page)), "tint": tint}


def readable_shade(colour: str, backs: Sequence[str]) -> str:
    """The colour itself, or the nearest lightness of its hue that is readable on each background."""
    red, green, blue = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    on_dark = luminance(backs[0]) < 0.18
    room = 1 - lightness if on_dark else lightness
    for step in range(101):
        at = lightness + room * step / 100 * (1 if on_dark else -1)
        shade = colour if not step else _hex(colorsys.hls_to_rgb(hue, at, saturation))
        if all(contrast(shade, back) >= MIN_CONTRAST for back in backs):
            return shade
    return "#ffffff" if on_dark else "#000000"


def _mixed(colour: str, back: str, share: float) -> str:
    pairs = ((int(colour[i : i + 2], 16), int(back[i : i + 2], 16)) for i in (1, 3, 5))
    red, green, blue = ((a * share + b * (1 - share)) / 255 for a, b in pairs)
    return _hex((red, green, blue))


def _hex(channels: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)
