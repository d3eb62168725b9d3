"""Parse plain CSS to what cssutils would make of it; anything else is left to cssutils itself.

cssutils takes longer to load than a post to render, and a millisecond for each rule, while a theme's rules are plain:
class and element selectors; words, numbers, colours and names of fonts as values. Whatever is not of these forms to its
last letter is not read here. A test holds this parser to cssutils, property by property.
"""

from __future__ import annotations

import re

from newsletter.frozen import frozen

_SPACE = " \t\r\n\f"
_IMPORTANT = "!important"

_SPACES = re.compile(rf"[{_SPACE}]+")
_NAME = re.compile(r"-?[a-z]+(?:-[a-z]+)*")
_PIECE = re.compile(
    rf"""
    (?P<between> [{_SPACE}]*,[{_SPACE}]* | [{_SPACE}]+ )
    | (?P<number> -?(?:0|[1-9][0-9]{{0,4}})(?:\.[0-9]{{0,3}}[1-9])? ) (?P<unit> px|em|% )? (?![\w.%-])
    | \# (?P<colour> [0-9A-Fa-f]{{6}} | [0-9A-Fa-f]{{3}} ) (?![\w-])
    | (?P<word> -?[A-Za-z]+(?:-[A-Za-z]+)* ) (?![\w(-])
    | "(?P<double> [A-Za-z0-9 .-]+ )" | '(?P<single> [A-Za-z0-9 .-]+ )'
    """,
    re.VERBOSE,
)
_RULE = re.compile(rf"[{_SPACE}]*([^{{}}]+)\{{([^{{}}]*)\}}")
_PART = re.compile(r"(?:[a-z][a-z0-9]*)?(?:\.[A-Za-z][A-Za-z0-9-]*)*")


@frozen
class Property:
    """A declaration, by the names that cssutils has for its parts. `priority` is "important" or empty."""

    name: str
    value: str
    priority: str

    @property
    def propertyValue(self) -> Property:  # noqa: N802 - cssutils's name
        return self

    @property
    def cssText(self) -> str:  # noqa: N802 - cssutils's name
        return self.value


@frozen
class Style:
    """The declarations of a rule; of several for one property the last."""

    properties: tuple[Property, ...]

    def getProperties(self) -> tuple[Property, ...]:  # noqa: N802 - cssutils's name
        return self.properties


@frozen
class StyleRule:
    """Selectors and declarations, by cssutils's names."""

    selectorText: str  # noqa: N815 - cssutils's name
    style: Style
    type: int = 1
    STYLE_RULE: int = 1
    MEDIA_RULE: int = 4


def parse_sheet(css: str) -> tuple[StyleRule, ...] | None:
    """The rules of a style sheet; None for one that is not plain."""
    rules: list[StyleRule] = []
    end = 0
    while found := _RULE.match(css, end):
        selectors, properties = _selectors(found[1]), parse_declarations(found[2])
        if selectors is None or properties is None:
            return None
        rules.append(StyleRule(selectors, Style(properties)))
        end = found.end()
    return None if css[end:].strip(_SPACE) else tuple(rules)


def parse_declarations(css: str) -> tuple[Property, ...] | None:
    """The declarations of a rule or of a `style` attribute; None where one is not plain."""
    properties: dict[str, Property] = {}
    for declaration in css.split(";"):
        if not declaration.strip(_SPACE):
            continue
        name, colon, rest = declaration.partition(":")
        name, written = name.strip(_SPACE), rest.strip(_SPACE)
        important = written.endswith(_IMPORTANT)
        value = _value(written.removesuffix(_IMPORTANT).rstrip(_SPACE))
        earlier = properties.pop(name, None)
        if not colon or not value or not _NAME.fullmatch(name) or (earlier and (important or earlier.priority)):
            return None
        properties[name] = Property(name, value, "important" if important else "")
    return tuple(properties.values())


def _selectors(text: str) -> str | None:
    selectors = [_selector(selector) for selector in text.split(",")]
    if "" in selectors or len(set(selectors)) < len(selectors):
        return None
    return ", ".join(selectors)


def _selector(text: str) -> str:
    """A selector with single spaces; empty for one that is not plain."""
    parts = [_SPACES.split(child.strip(_SPACE)) for child in text.split(">")]
    if not all(word and _PART.fullmatch(word) for words in parts for word in words):
        return ""
    return " > ".join(map(" ".join, parts))


def _value(text: str) -> str:
    """A value as cssutils writes it; empty for one that is not plain."""
    written: list[str] = []
    end = 0
    is_between = True
    while piece := _PIECE.match(text, end):
        if (piece["between"] is not None) == is_between:
            return ""  # a comma before all, or two words without a space
        is_between = not is_between
        written.append(_written(piece))
        end = piece.end()
    return "".join(written) if end == len(text) and not is_between else ""


def _written(piece: re.Match[str]) -> str:
    match piece.lastgroup:
        case "between":
            return ", " if "," in piece[0] else " "
        case "number" | "unit":
            return "0" if piece["number"] in ("0", "-0") and piece["unit"] != "%" else piece[0]
        case "colour":
            return f"#{_short_colour(piece['colour'])}"
        case "double" | "single":
            return f'"{piece[0][1:-1]}"'
    return piece[0]


def _short_colour(digits: str) -> str:
    return digits[::2] if len(digits) == 6 and digits[::2] == digits[1::2] else digits
