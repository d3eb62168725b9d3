"""Validate theme.toml: which keys there are, and what each may hold."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from newsletter.errors import ConfigError, InvalidValueError, located
from newsletter.render.size_budget import STEPS
from newsletter.text import CONTROL, printable, shown
from newsletter.toml_lines import line_of


def _colour(value: Any) -> None:
    # Six digits: Outlook on Windows reads no short form, no name beyond the oldest, and no alpha.
    if not (isinstance(value, str) and re.fullmatch("#[0-9A-Fa-f]{6}", value)):
        raise InvalidValueError(f"is {shown(value)}, not a colour", 'write six digits, as in "#1f2328"')


def _pixels(value: Any) -> None:
    if type(value) is not int or value <= 0:
        raise InvalidValueError(f"is {shown(value)}, not a size in pixels", "write a whole number above 0")


def _corner(value: Any) -> None:
    if type(value) is not int or value < 0:
        raise InvalidValueError(
            f"is {shown(value)}, not a size in pixels", "write a whole number, 0 for square corners"
        )


def _ratio(value: Any) -> None:
    if type(value) not in {int, float} or not math.isfinite(value) or value <= 0:
        raise InvalidValueError(f"is {shown(value)}, not a size", "write a number above 0")


def _switch(value: Any) -> None:
    if type(value) is not bool:
        raise InvalidValueError(f"is {shown(value)}, neither true nor false", "write true or false, without quotes")


def _font_stack(value: Any) -> None:
    # It stands inside style rules and attributes, where other marks would end them.
    if not (isinstance(value, str) and re.fullmatch(r"""[\w\s"',.-]*\w[\w\s"',.-]*""", value)):
        remedy = """write names between commas, as in 'Georgia,"Songti SC",serif'"""
        raise InvalidValueError(f"is {shown(value)}, not a list of fonts", remedy)


def _picture_address(value: Any) -> None:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        good = value == "" or (parts is not None and parts.scheme == "https" and bool(parts.hostname))
    except ValueError:
        good = False
    if not good or CONTROL.search(value) or re.search(r"[\s\"'<>\\]", value):
        remedy = 'write a PNG or JPEG by its full address, "https://example.com/logo.png", or "" for none'
        raise InvalidValueError(f"is {shown(value)}, not an https address", remedy)


def _button_style(value: Any) -> None:
    if value not in ("pill", "link"):
        raise InvalidValueError(f"is {shown(value)}", 'write "pill" or "link"')


def _steps(value: Any) -> None:
    if not isinstance(value, list) or [step for step in value if step not in STEPS] or len(set(value)) < len(value):
        known = ", ".join(f'"{step}"' for step in STEPS)
        raise InvalidValueError("is no list of what to give up, in order", f"write some of [{known}], each once")


Check = Callable[[Any], None]


_COLOURS: Mapping[str, Check] = dict.fromkeys(
    ("page", "card", "ink", "muted", "line", "accent", "tint", "second"), _colour
)


TABLES: Mapping[str, Mapping[str, Check]] = {
    "layout": {
        **dict.fromkeys(("width", "margin", "text", "story"), _pixels),
        "radius": _corner,
        "toc": _switch,
        "images": _switch,
        "chips": _switch,
    },
    "brand": {"logo": _picture_address, "logo_dark": _picture_address, "logo_width": _pixels},
    "buttons": {"style": _button_style},
    "budget": {"order": _steps},
    "fonts": {"body": _font_stack, "mono": _font_stack, "size": _pixels, "line": _ratio},
    "light": _COLOURS,
    "dark": _COLOURS,
    "extra": {},
}
"""The tables of theme.toml and what each key may hold. `extra` is free: values for a theme's own templates."""


def check(path: Path, source: str, values: Mapping[str, Any]) -> None:
    for table, keys in values.items():
        if not isinstance(keys, dict):
            owners = [owner for owner, known in TABLES.items() if table in known]
            remedy = f"write it below [{owners[0] if owners else 'extra'}]"
            raise ConfigError(located(str(path), line_of(source, (table,)), outside(table), remedy))
        if table not in TABLES:
            what = f"no table is named [{printable(table)}]"
            remedy = f"{suggestion(table, [*TABLES])}; values of your own go below [extra]"
            raise ConfigError(located(str(path), line_of(source, (table,)), what, remedy))
        for key, value in keys.items():
            if table == "extra":
                continue
            if key not in TABLES[table]:
                what = f"[{table}] has no key {shown(key)}"
                remedy = f"{suggestion(key, [*TABLES[table]])}; values of your own go below [extra]"
                raise ConfigError(located(str(path), line_of(source, (table, key)), what, remedy))
            try:
                TABLES[table][key](value)
            except InvalidValueError as fault:
                raise ConfigError(value_fault(path, source, (table, key), fault.what, fault.remedy)) from None


def outside(key: str) -> str:
    return f"the key {shown(key)} stands outside any table"


def value_fault(path: Path, source: str, where: tuple[str, ...], what: str, remedy: str) -> str:
    name = f"[{where[0]}] {where[1]}" if len(where) > 1 else where[0]
    return located(str(path), line_of(source, where), f"{name} {what}", remedy)


def suggestion(word: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(word.lower(), known, n=1)
    return f"did you mean {nearest[0]}?" if nearest else f"write one of: {', '.join(known)}"
