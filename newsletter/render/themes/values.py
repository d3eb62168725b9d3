"""The sections of theme.toml, and the languages of a theme's labels.toml. Each key is described once, on its field."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from newsletter.errors import InvalidValueError
from newsletter.frozen import frozen
from newsletter.model.labels import check_label
from newsletter.render.size_budget import STEPS
from newsletter.render.themes.brand import CORNERS, MOODS
from newsletter.text import CONTROL, shown
from newsletter.toml_file.section import Key, Schema, Section, array, choice, key, number, one_of, switch, text, whole

MAX_PIXELS = 10_000

ButtonStyle = Literal["pill", "link"]


def is_name(name: str) -> bool:
    # Security: a name is a folder below a templates root, and must not lead out of it.
    return re.fullmatch(r"\w[\w-]*", name) is not None


def _colour(value: str) -> str:
    # Six digits: Outlook on Windows supports no short form, few names, and no alpha.
    if not re.fullmatch("#[0-9A-Fa-f]{6}", value):
        raise InvalidValueError(f"is {shown(value)}, not a colour of six digits")
    return value


def _font_stack(value: str) -> str:
    # It is inserted into style rules and attributes, which other punctuation would end.
    plain = value.replace("{sans}", "sans").replace("{serif}", "serif")
    if not re.fullmatch(r"""[\w\s"',.-]*\w[\w\s"',.-]*""", plain):
        raise InvalidValueError(f"is {shown(value)}, not a list of fonts with commas between")
    return value


def _brand_colour(value: str) -> str:
    return _colour(value) if value else value


def _picture(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_address = parts.scheme == "https" and bool(parts.hostname) and not _UNSAFE.search(value)
        is_file = not parts.scheme and _LOGO_FILE.fullmatch(value) is not None
    except ValueError:
        is_address = is_file = False
    if not (value == "" or is_file or is_address):
        remedy = 'write "logo.png", a file beside this one, or an address, "https://example.com/logo.png"; "" for none'
        raise InvalidValueError(f"is {shown(value)}, not a picture's file or https address", remedy)
    return value


_UNSAFE = re.compile(rf"{CONTROL.pattern}|[\s\"'<>\\]")
# Security: a file beside the theme or below the project, and no path out of either.
_LOGO_FILE = re.compile(r"(?!/)(?:(?!\.\.?/)[\w][\w .-]*/)*[\w][\w .-]*\.(?:png|jpe?g|gif|svg|webp)", re.IGNORECASE)


def _steps(value: object) -> tuple[str, ...]:
    steps: tuple[str, ...] = array(one_of(STEPS), "steps")(value)
    if len(set(steps)) < len(steps):
        raise InvalidValueError("has a step twice")
    return steps


def _label(name: str, words: object) -> tuple[str, object]:
    check_label(name, words)
    return name, words


_PIXELS = whole(1, MAX_PIXELS)


@frozen(kw_only=True)
class TopSection(Section):
    extends: str = key("The theme to build on.", text(str), example="classic")


@frozen(kw_only=True)
class LayoutSection(Section):
    width: int = key("The card, in pixels; Gmail, Outlook and QQ Mail all show 600 whole.", _PIXELS, example=600)
    margin: int = key("What the card's text keeps from either edge, in pixels.", _PIXELS, example=24)
    text: int = key("The widest picture in the text: the width less its margins.", _PIXELS, example=552)
    story: int = key("The widest picture in a story: less the numbers, too.", _PIXELS, example=512)
    radius: int = key(
        "Corners, in pixels; 0 for square ones, as Outlook on Windows shows them all.", whole(0, MAX_PIXELS), example=8
    )
    toc: bool = key("A table of contents where an issue has two headings or more.", switch, example=True)
    images: bool = key("`false` for a link in place of each picture.", switch, example=False)
    chips: bool = key(
        "The sections with their counts in one or two lines, from three sections on (classic).", switch, example=True
    )


@frozen(kw_only=True)
class BrandSection(Section):
    logo: str = key(
        "A PNG or JPEG in place of the name: a file beside theme.toml or newsletter.toml, which travels with the mail, "
        "or an https address. In dark mode the light card is behind it.",
        text(_picture),
        example="https://example.com/logo.png",
    )
    logo_dark: str = key(
        "Another one for dark mode; Gmail and Outlook on Windows show the first.",
        text(_picture),
        example="https://example.com/logo-dark.png",
    )
    logo_width: int = key("The logo's width, in pixels.", _PIXELS, example=120)
    colour: str = key(
        "Your colour. Accent and tint, light and dark, are computed from it, as near to it as can be read.",
        text(_brand_colour),
        example="#1d4ed8",
    )
    mood: str = key(f"The text's fonts by their mood: {', '.join(MOODS)}.", text(one_of(("", *MOODS))), example="book")
    corner: str = key("Corners in a word: square, soft or round.", text(one_of(("", *CORNERS))), example="soft")


@frozen(kw_only=True)
class ButtonsSection(Section):
    style: ButtonStyle = key(
        'How sources look: `"pill"` or `"link"`; brief and essay have links only.', choice(ButtonStyle), example="pill"
    )


@frozen(kw_only=True)
class FontsSection(Section):
    body: str = key(
        "The text's fonts: names between commas. `{sans}` and `{serif}` stand for those of the issue's language.",
        text(_font_stack),
        example="Georgia,{serif},serif",
    )
    mono: str = key("The fonts of code.", text(_font_stack), example="Menlo,Consolas,monospace")
    size: int = key("The text's size, in pixels.", _PIXELS, example=16)
    line: float = key("The text's line height, as a multiple of its size.", number(10), example=1.75)
    line_latin: float = key(
        "The same for Latin, Cyrillic and Hebrew letters, which need less; without it, as `line`.",
        number(10),
        example=1.6,
    )


@frozen(kw_only=True)
class ColoursSection(Section):
    page: str = key("What the email stands on.", text(_colour), example="#f3f0ea")
    card: str = key("What its text stands on.", text(_colour), example="#ffffff")
    ink: str = key("The text.", text(_colour), example="#1f2328")
    muted: str = key("What is less important.", text(_colour), example="#636970")
    line: str = key("Rules.", text(_colour), example="#e8e3da")
    accent: str = key("What stands out.", text(_colour), example="#b83c0a")
    tint: str = key("Boxes.", text(_colour), example="#fcf3ec")
    second: str = key("Strings and numbers in code.", text(_colour), example="#0f6650")


@frozen(kw_only=True)
class BudgetSection(Section):
    order: tuple[str, ...] = key(
        "What a very long issue gives up first.", _steps, default=(), example=["buttons", "images"]
    )


EXTRA = Key(
    'Values for templates of your own: `{{ extra.motto }}`. Example: `motto = "Slow software"`',
    lambda name, value: (name, value),
    example="text",
    default="",
    free=True,
)
LABEL = Key("One of the email's own words.", _label, example="text", default="", free=True)

SCHEMA = Schema(
    sections={
        "layout": LayoutSection,
        "brand": BrandSection,
        "buttons": ButtonsSection,
        "fonts": FontsSection,
        "light": ColoursSection,
        "dark": ColoursSection,
        "budget": BudgetSection,
        "extra": EXTRA,
    },
    top=TopSection,
    default_section="extra",
    hint="values of your own go below [extra]",
)
"""theme.toml."""

LABELS_SCHEMA = Schema(any_section=LABEL, default_section="en")
"""labels.toml: a section per language."""
