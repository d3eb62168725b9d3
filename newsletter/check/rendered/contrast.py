"""Contrast of text and background, light and dark (WCAG 2.2, success criterion 1.4.3).

The light layout is read off the inlined styles alone, as mail programs without style blocks show it. For the dark one
the rules within `@media (prefers-color-scheme: dark)` are laid over it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import lxml.html
from cssselect import HTMLTranslator, SelectorError

from newsletter.model.findings import Finding

Colour = tuple[int, int, int]

ENOUGH = 4.5
ENOUGH_LARGE = 3.0
"""For text of 24 px, or of 18.66 px in bold (WCAG: 18 and 14 point)."""

_LARGE_PX = 24.0
_LARGE_BOLD_PX = 18.66
_NAMED: Mapping[str, Colour] = {
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "silver": (192, 192, 192),
    "red": (255, 0, 0),
    "green": (0, 128, 0),
    "blue": (0, 0, 255),
}
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})\b", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,/]+([\d.]+)(%?))?\s*\)", re.IGNORECASE)
_PX = re.compile(r"([\d.]+)px")
_DARK = re.compile(r"@media[^{]*prefers-color-scheme:\s*dark[^{]*\{")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BOLD = _HEADINGS | {"b", "strong", "th"}
_READ = ("color", "background", "background-color", "background-image", "font-size", "font-weight", "display")


_WHITE = (255, 255, 255)


class _Seen(NamedTuple):
    """How text would look at this place. `behind` is None where a picture is behind it."""

    colour: Colour = (0, 0, 0)
    behind: Colour | None = _WHITE
    size_px: float = 16.0
    bold: bool = False

    @property
    def enough(self) -> float:
        large = self.size_px >= _LARGE_PX or (self.bold and self.size_px >= _LARGE_BOLD_PX)
        return ENOUGH_LARGE if large else ENOUGH


def contrast_findings(html: str) -> tuple[Finding, ...]:
    """One for each pair of colours that is too close, with some of the words that are set in it."""
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
    """Each run of text below an element, in order, and how it is seen. Iterative: mail nests deep."""
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
    """How text in an element is seen, None where it is hidden."""
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
    if size := _PX.match(style.get("font-size", "")):
        size_px = float(size[1])
    painted = [style.get("background-color") or node.get("bgcolor") or "", style.get("background") or ""]
    if "url(" in style.get("background-image", "") + painted[1]:
        behind = None
    paints = (_colour(paint, behind or _WHITE) for paint in painted if paint)
    behind = next((paint for paint in paints if paint is not None), behind)
    ink = style.get("color")
    return _Seen((_colour(ink, behind or _WHITE) if ink else None) or colour, behind, size_px, bold)


@lru_cache(maxsize=2_000)
def _declarations(style: str) -> Mapping[str, str]:
    pairs = (part.partition(":") for part in style.split(";"))
    values = {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
    return {name: values[name].removesuffix("!important").strip() for name in _READ if name in values}


@lru_cache(maxsize=500)
def _colour(text: str, behind: Colour) -> Colour | None:
    """The colour that a value names, mixed with what is behind it; None where it names none that we know."""
    if found := _HEX.search(text):
        digits = found[1] if len(found[1]) == 6 else "".join(2 * digit for digit in found[1])
        return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)
    if found := _RGB.search(text):
        share = float(found[4] or 1) / (100 if found[5] else 1)
        red, green, blue = (
            round(int(part) * share + under * (1 - share))
            for part, under in zip(found.groups()[:3], behind, strict=True)
        )
        return red, green, blue
    return next((_NAMED[word] for word in re.findall(r"[a-z]+", text) if word in _NAMED), None)


@lru_cache(maxsize=500)
def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white): WCAG's contrast ratio."""
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
    """What the dark rules say of each element. They carry `!important`, or lose against the inlined styles."""
    found: dict[Any, dict[str, tuple[tuple[int, int, int], str]]] = {}
    for sheet in root.iter("style"):
        for rules in _dark_blocks(sheet.text or ""):
            for rule in _RULE.finditer(rules):
                declared = _declarations(rule[2])
                kept = {name for name in declared if re.search(rf"{name}\s*:[^;]*!important", rule[2])}
                for selector in rule[1].split(",") if kept else ():
                    weight = _weight(selector)
                    for element in _selected(root, selector.strip()):
                        styles = found.setdefault(element, {})
                        for name in kept:
                            if name not in styles or styles[name][0] <= weight:
                                styles[name] = (weight, declared[name])
    return {element: {name: value for name, (_, value) in styles.items()} for element, styles in found.items()}


def _dark_blocks(css: str) -> Iterator[str]:
    for opening in _DARK.finditer(css):
        depth, end = 1, opening.end()
        while end < len(css) and depth:
            depth += {"{": 1, "}": -1}.get(css[end], 0)
            end += 1
        yield css[opening.end() : end - 1]


def _selected(root: Any, selector: str) -> list[Any]:
    try:
        return list(root.xpath(_xpath(selector)))
    except SelectorError:
        return []  # for one mail program alone, in a form that only it understands


@lru_cache(maxsize=500)
def _xpath(selector: str) -> str:
    return str(HTMLTranslator().css_to_xpath(selector))


def _weight(selector: str) -> tuple[int, int, int]:
    """A selector's specificity (Selectors 4, 17), for the simple ones that a theme has."""
    return (
        selector.count("#"),
        len(re.findall(r"\.|\[|(?<!:):(?!:)", selector)),
        len(re.findall(r"(?:^|[\s>+~])[a-z]", selector)),
    )
