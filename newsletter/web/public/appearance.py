"""The appearance of the public pages: the theme's colours and fonts, and labels by language."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment

from newsletter.config.config import Config
from newsletter.frozen import frozen
from newsletter.pipeline.render_post import masthead_of
from newsletter.render.script_fonts import fonts_for
from newsletter.render.themes.brand import readable_shade
from newsletter.render.themes.load import load_theme
from newsletter.render.wording import bound_dots, choose_labels, monogram, written_date
from newsletter.web.page_templates import page_environment, page_folder, page_words
from newsletter.web.public.logo import Logo, read_logo

FAULT_COLOUR = "#c62828"
"""The colour of invalid fields, adjusted until it is readable on the theme's card."""


@frozen
class Appearance:
    """`version` changes with the style sheet, and is part of its URL, so that it can be cached."""

    jinja: Environment
    style: bytes
    icon: bytes
    version: str
    words: Mapping[str, Mapping[str, str]]
    logo: Logo
    monogram: str
    site_url: str
    archive_url: str
    frame_words: Mapping[str, Mapping[str, Any]]
    """The labels of the emails' frame, which know how a language writes a date."""

    def day(self, day: date, lang: str) -> str:
        return written_date(day, choose_labels(self.frame_words, lang, {}))


def read_appearance(config: Config) -> Appearance:
    """Raises ConfigError if the theme is at fault. The project's own `templates/web/` takes precedence over ours."""
    ours = page_folder("web")
    own: tuple[Path, ...] = (config.root / "templates" / "web",)
    jinja = page_environment(*own, ours)
    jinja.filters["bound_dots"] = bound_dots
    loaded = load_theme(config.settings.theme.name, config.root)
    values = loaded.values
    masthead = masthead_of(config)
    letter = monogram(masthead.name)
    # On this server a path is enough, whatever name it is called by.
    archive = masthead.footer.archive.removeprefix(config.settings.serve.url)
    theme = {**values, "fonts": fonts_for(values["fonts"], config.settings.newsletter.language)}
    fault = {scheme: readable_shade(FAULT_COLOUR, (theme[scheme]["card"],)) for scheme in ("light", "dark")}
    style = jinja.get_template("style.css.j2").render(theme, fault=fault).encode()
    icon = jinja.get_template("icon.svg.j2").render(theme, monogram=letter).encode()
    version = hashlib.sha256(style + icon).hexdigest()[:12]
    logo = read_logo(values)
    return Appearance(
        jinja, style, icon, version, page_words(ours), logo, letter, masthead.site_url, archive, loaded.labels
    )
