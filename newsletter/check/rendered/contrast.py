"""Contrast of text and background, light and dark (WCAG 2.2, success criterion 1.4.3).

The light layout is computed from the inlined styles alone, as in mail clients without style blocks. The dark one adds
the rules within `@media (prefers-color-scheme: dark)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import lxml.html
from cssselect import HTMLTranslator, SelectorError
from cssselect import parse as parse_selectors
from tinycss2 import parse_one_component_value, serialize

from newsletter.check.css import Colour, colour_in, dark_rules, split_at_commas, style_of
from newsletter.model.findings import Finding

ENOUGH = 4.5
ENOUGH_LARGE = 3.0
"""The minimum for text of 24 px, or of 18.66 px in bold (WCAG: 18 and 14 point)."""

_LARGE_PX = 24.0
_LARGE_BOLD_PX = 18.66
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BOLD = _HEADINGS | {"b", "strong", "th"}
_READ = ("color", "background", "background-color", "background-image", "font-size", "font-weight", "display")


_WHITE = (255, 255, 255)


class _Seen(NamedTuple):
    """The computed appearance of text at this place. `behind` is None over a picture."""

    colour: Colour = (0, 0, 0)
    behind: Colour | None = _WHITE
    size_px: float = 16.0
    bold: bool = False

    @property
    def enough(self) -> float:
        large = self.size_px >= _LARGE_PX or (self.bold and self.size_px >= _LARGE_BOLD_PX)
        return ENOUGH_LARGE if large else ENOUGH


def contrast_findings(html: str) -> tuple[Finding, ...]:
    """One finding for each pair of colours with too little contrast, with a sample of the text."""
    root = lxml.html.document_fromstring(html)
    found = [*_too_close(root, {}, "contrast", "")]
    dark = _dark_styles(root)
    if dark:
        found += _too_close(root, dark, "contrast-dark", " in dark mode")
    return tuple(found)


def _too_close(root: Any, over: Mapping[Any, Mapping[str, str]], code: str, where: str) -> Iterator[Finding]:
    pairs: dict[tuple[Colour, Colour], list[tuple[float, str]]] = {}
    for seen, words in _texts(root, _Seen(), over):
        if seen.behind is not None and contrast(seen.colour, seen.behind) < seen.enough:
            pairs.setdefault((seen.colour, seen.behind), []).append((seen.enough, words))
    for (colour, behind), texts in pairs.items():
        enough, words = max(texts)
        more = f" and {len(texts) - 1:,} more" if len(texts) > 1 else ""
        what = (
            f"“{words[:30]}”{more}: {_hex(colour)} on {_hex(behind)}{where} has a contrast of "
            f"{contrast(colour, behind):.1f} to 1"
        )
        yield Finding(code, what, f"choose colours with at least {enough:g} to 1 in the theme")


def _texts(element: Any, seen: _Seen, over: Mapping[Any, Mapping[str, str]]) -> Iterator[tuple[_Seen, str]]:
    """Each run of text below an element, in order, and its appearance. Iterative, since mail nests deep."""
    stack: list[tuple[Any, _Seen]] = [(element, seen)]
    while stack:
        node, around = stack.pop()
        if not isinstance(node.tag, str) or node.tag in ("head", "script", "style", "img"):
            continue
        here = _seen_in(node, around, over.get(node, {}))
        if here is None:
            continue
        if words := _words(node.text):
            yield here, words
        for child in node:
            if words := _words(child.tail):
                yield here, words
        stack.extend((child, here) for child in reversed(node))


def _words(text: str | None) -> str:
    words = " ".join(text.split()) if text else ""
    return words if any(char.isalnum() for char in words) else ""


def _seen_in(node: Any, around: _Seen, over: Mapping[str, str]) -> _Seen | None:
    """The appearance of text in an element, None if it is hidden."""
    style = {**_declarations(node.get("style") or ""), **over}
    if "background" in over and "background-color" not in over:
        style.pop("background-color", None)  # the shorthand sets it too
    if style.get("display") == "none":
        return None
    if not style and node.tag not in _BOLD and not node.get("bgcolor"):
        return around
    colour, behind, size_px, bold = around
    if node.tag in _BOLD:
        bold = True
    if weight := style.get("font-weight"):
        bold = weight in ("bold", "bolder") or (weight.isdecimal() and int(weight) >= 700)
    size_px = _pixels(style.get("font-size", "")) or size_px
    painted = [style.get("background-color") or node.get("bgcolor") or "", style.get("background") or ""]
    if "url(" in style.get("background-image", "") + painted[1]:
        behind = None
    paints = (colour_in(paint, behind or _WHITE) for paint in painted if paint)
    behind = next((paint for paint in paints if paint is not None), behind)
    ink = style.get("color")
    return _Seen((colour_in(ink, behind or _WHITE) if ink else None) or colour, behind, size_px, bold)


def _declarations(style: str) -> Mapping[str, str]:
    declared = style_of(style)
    return {name: declared[name].text.lower() for name in _READ if name in declared}


@lru_cache(maxsize=500)
def _pixels(value: str) -> float:
    """A length in pixels; 0 for other units."""
    token = parse_one_component_value(value)
    return float(token.value) if token.type == "dimension" and token.lower_unit == "px" else 0.0


@lru_cache(maxsize=500)
def contrast(one: Colour, other: Colour) -> float:
    """WCAG's contrast ratio, from 1 (the same) to 21 (black on white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    """WCAG's relative luminance of an sRGB colour."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def _dark_styles(root: Any) -> Mapping[Any, Mapping[str, str]]:
    """The dark rules' declarations by element. They carry `!important`, or lose against the inlined styles."""
    found: dict[Any, dict[str, tuple[tuple[int, int, int], str]]] = {}
    for sheet in root.iter("style"):
        for prelude, declared in dark_rules(sheet.text or ""):
            kept = {name: each.text.lower() for name, each in declared.items() if each.is_important and name in _READ}
            for selector in split_at_commas(prelude) if kept else ():
                weight, elements = _selected(root, serialize(selector).strip())
                for element in elements:
                    styles = found.setdefault(element, {})
                    for name, value in kept.items():
                        if name not in styles or styles[name][0] <= weight:
                            styles[name] = (weight, value)
    return {element: {name: value for name, (_, value) in styles.items()} for element, styles in found.items()}


def _selected(root: Any, selector: str) -> tuple[tuple[int, int, int], list[Any]]:
    """A selector's specificity (Selectors 4, 17), and the elements that it selects."""
    try:
        weight, xpath = _xpath(selector)
        return weight, list(root.xpath(xpath))
    except SelectorError:
        return (0, 0, 0), []  # vendor-specific selector of one mail client


@lru_cache(maxsize=500)
def _xpath(selector: str) -> tuple[tuple[int, int, int], str]:
    (parsed,) = parse_selectors(selector)
    return parsed.specificity(), str(HTMLTranslator().selector_to_xpath(parsed, translate_pseudo_elements=True))
