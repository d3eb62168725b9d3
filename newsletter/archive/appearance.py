"""The archive's look: the theme's colours, fonts and logo, templates, style sheet, icon."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from newsletter.archive.entry import Publication
from newsletter.archive.page_pictures import WIDEST
from newsletter.archive.pages import PageMaker
from newsletter.config.config import Config
from newsletter.errors import ConfigError, located
from newsletter.files import package_folder
from newsletter.model.rendered_email import Theme
from newsletter.pipeline.render_post import masthead_of
from newsletter.render.images.convert import prepare_picture
from newsletter.render.images.picture import PictureError
from newsletter.render.script_fonts import fonts_for
from newsletter.render.section_colours import CALLOUT_HUES, HUES, readable
from newsletter.render.themes.load import load_theme
from newsletter.render.themes.project_pages import ProjectPages
from newsletter.render.wording import monogram

Put = Callable[[str, bytes], None]

LANGUAGES = (
    ("zh",),
    ("zh-Hant", "zh-TW", "zh-HK", "zh-MO"),
    ("ja",),
    ("ko",),
    ("ar", "fa", "ur", "ps", "ckb", "ug", "sd"),
    ("he", "iw", "yi"),
    ("ru", "uk", "bg", "be", "sr", "mk", "kk"),
    ("hi", "bn", "ta", "te", "th", "km", "lo", "my"),
)
"""Languages of one script each; of two that are as good, the later counts. One site has issues in several."""


def read_appearance(config: Config, url: str, lang: str, put: Put) -> PageMaker:
    """What draws the pages; `put` writes style sheet, icon and logo. Raises ConfigError where the theme is at fault.

    The project's own `templates/archive/` comes before ours.
    """
    theme = load_theme(config.settings.theme.name, config.root)
    ours = package_folder("templates", "archive")
    folders = (config.root / "templates" / "archive", ours)
    templates = ProjectPages(folders, trim_blocks=True, lstrip_blocks=True)
    words = tomllib.loads((ours / "labels.toml").read_text("utf-8"))
    keys = config.settings.newsletter
    masthead = masthead_of(config)
    name = masthead.name or keys.name
    values = {**theme.values, "fonts": fonts_for(theme.values["fonts"], "en")}
    scripts = _scripts(theme.values["fonts"], values["fonts"])
    style = templates.render(
        "style.css.j2", {**values, "hues": _hues(theme), "callouts": CALLOUT_HUES, "scripts": scripts}
    )
    of_site = {**values, "fonts": fonts_for(theme.values["fonts"], lang)}
    icon = templates.render("icon.svg.j2", {**of_site, "monogram": monogram(name)})
    site = Publication(
        name=name,
        lang=lang,
        url=url,
        site_url=masthead.site_url,
        subscribe_url=masthead.subscribe_url,
        social=masthead.footer.social,
        style=_named("style", style.encode(), "css", put),
        script=_named("search", (ours / "search.js").read_bytes(), "js", put),
        page=theme.values["light"]["page"],
        dark_page=theme.values["dark"]["page"],
        accent=theme.values["light"]["accent"],
        labels=theme.labels,
        overrides=config.settings.labels,
    )
    return PageMaker(
        templates,
        _with_logo(site, theme, put),
        words,
        icon=_named("icon", icon.encode(), "svg", put),
        flat=theme.values["light"]["page"] == theme.values["light"]["card"],
        sources=_sources(folders),
    )


def _named(name: str, data: bytes, ending: str, put: Put) -> str:
    """Write a file under the hash of its content: a browser may keep it for ever."""
    path = f"assets/{name}-{hashlib.sha256(data).hexdigest()[:12]}.{ending}"
    put(path, data)
    return path


def _sources(folders: tuple[Path, ...]) -> str:
    """A hash of all templates: pages are drawn anew when one of them changes."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.j2")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _scripts(fonts: Mapping[str, Any], latin: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Fonts and line height by CSS selector, for the languages whose are others than those of Latin letters."""
    found = {", ".join(f":lang({tag})" for tag in tags): fonts_for(fonts, tags[0]) for tags in LANGUAGES}
    own = ("body", "mono", "line")
    return {tags: each for tags, each in found.items() if any(each.get(name) != latin.get(name) for name in own)}


def _hues(theme: Theme) -> dict[str, dict[str, str]]:
    """The colours of sections and of notices, readable on the theme's card."""
    found: dict[str, dict[str, str]] = {}
    for scheme in ("light", "dark"):
        card, tint = theme.values[scheme]["card"], theme.values[scheme]["tint"]
        found[scheme] = {f"k{number}": readable(hue, card) for number, hue in enumerate(HUES)}
        found[scheme] |= {kind: readable(hue, tint) for kind, hue in CALLOUT_HUES.items()}
    return found


def _with_logo(site: Publication, theme: Theme, put: Put) -> Publication:
    brand: dict[str, Any] = theme.values.get("brand", {})

    def placed(key: str) -> str:
        value = str(brand.get(key) or "")
        if not value or "://" in value:
            return value
        try:
            picture = prepare_picture(Path(value).read_bytes(), max_width=WIDEST)
        except OSError as error:
            raise ConfigError(
                located(value, None, f"cannot be read ({error.strerror})", "check its permissions")
            ) from error
        except PictureError as error:
            raise ConfigError(located(value, None, f"the theme's {key}: {error.what}", error.remedy)) from error
        path = f"assets/{hashlib.sha256(picture.data).hexdigest()[:16]}.{picture.extension}"
        put(path, picture.data)
        return path

    return replace(
        site, logo=placed("logo"), logo_dark=placed("logo_dark"), logo_width=int(brand.get("logo_width") or 120)
    )
