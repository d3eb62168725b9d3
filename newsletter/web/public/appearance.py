"""The look and language of the public pages: the theme's colours and fonts, the reader's language."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment

from newsletter.config.config import Config
from newsletter.render.themes.load import load_theme
from newsletter.web.page_templates import page_environment, page_folder, page_words

MAX_ACCEPTED = 20
"""Languages of one header that are looked at."""

MAX_TAG_CHARS = 35
"""A longer tag is none that anybody speaks (RFC 5646, 4.4.1), and looking up its parts would cost their square."""

_MAX_QUALITY_CHARS = 10


@dataclass(frozen=True, slots=True)
class Appearance:
    """`version` changes with the style sheet, for the address that a browser keeps it under."""

    jinja: Environment
    style: bytes
    icon: bytes
    version: str
    words: Mapping[str, Mapping[str, str]]


def read_look(config: Config) -> Appearance:
    """Raises ConfigError where the theme is at fault. The project's own `templates/web/` comes before ours."""
    ours = page_folder("web")
    own: tuple[Path, ...] = (config.root / "templates" / "web",)
    jinja = page_environment(*own, ours)
    theme: Mapping[str, Any] = load_theme(config.settings.theme.name, config.root).values
    style = jinja.get_template("style.css.j2").render(theme).encode()
    icon = jinja.get_template("icon.svg.j2").render(theme).encode()
    version = hashlib.sha256(style + icon).hexdigest()[:12]
    return Appearance(jinja, style, icon, version, page_words(ours))


def choose_language(wanted: Iterable[str], known: Iterable[str], otherwise: str) -> str:
    """The first of the wanted tags that we have words for, as we spell it (RFC 4647, lookup), else `otherwise`."""
    spelled = {tag.lower(): tag for tag in known}
    for tag in wanted:
        if len(tag) > MAX_TAG_CHARS:
            continue
        parts = tag.lower().split("-")
        if parts[0] == "zh" and {"tw", "hk", "mo", "hant"} & set(parts[1:]):
            parts = ["zh", "hant"]
        for count in range(len(parts), 0, -1):
            if (found := "-".join(parts[:count])) in spelled:
                return spelled[found]
    return otherwise


def accepted_languages(header: str) -> tuple[str, ...]:
    """The tags of Accept-Language, the dearest first (RFC 9110, 12.5.4)."""
    weighed: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",", MAX_ACCEPTED)[:MAX_ACCEPTED]):
        tag, _, rest = part.strip().partition(";")
        quality = rest.strip()[:_MAX_QUALITY_CHARS].removeprefix("q=") if rest else "1"
        try:
            weight = float(quality)
        except ValueError:
            continue
        if tag and tag != "*" and weight > 0:
            weighed.append((-weight, place, tag.strip()))
    return tuple(tag for _, _, tag in sorted(weighed))
