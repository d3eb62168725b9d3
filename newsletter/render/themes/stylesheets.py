"""A theme's style sheets, and the restrictions of each."""

from __future__ import annotations

import re
from collections.abc import Mapping

from newsletter.errors import ConfigError, located

# The allowed at-rules of each sheet: `style` passes through a CSS parser that would follow @import.
SHEETS: Mapping[str, tuple[str, ...]] = {"style": (), "live": ("media", "supports"), "outlook": ()}


_ENDLESS_WORD = re.compile(r"(?<![\w-])[\w-]{5001}")
"""The CSS parser takes quadratic time per word: minutes for one of 200,000 letters."""


def refuse_rules(place: str, css: str, *, allowed: tuple[str, ...]) -> None:
    """Raises ConfigError, with the line in `place`, for a forbidden at-rule, or a word that is too long."""
    if endless := _ENDLESS_WORD.search(css):
        line = css.count("\n", 0, endless.start()) + 1
        raise ConfigError(located(place, line, "a word of more than 5,000 characters, which is no CSS", "take it out"))
    # Security: the CSS parser follows @import even offline, file:// included, so all other at-rules are refused; a
    # backslash could spell one (`@\69mport`) and is refused too.
    for found in re.finditer(r"@\s*([\w\\-]*)", css):
        if found[1].lower() not in allowed:
            line = css[: found.start()].count("\n") + 1
            remedy = f"use only @{' and @'.join(allowed)} here" if allowed else "move it to live.css or drop it"
            raise ConfigError(located(place, line, f"the rule @{found[1]} is not allowed", remedy))
