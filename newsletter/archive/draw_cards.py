"""The social cards of a build: each drawn when it is new or its words, colours, logo or font have changed."""

from __future__ import annotations

from newsletter.archive.card_fonts import CardFont, CardFonts
from newsletter.archive.cards import CardLook, CardMaker, CardWords
from newsletter.archive.entry import Entry
from newsletter.archive.manifest import IssueRecord
from newsletter.archive.pages import PageMaker
from newsletter.archive.site_folder import SiteFolder
from newsletter.config.config import Config
from newsletter.errors import ConfigError, located
from newsletter.model.archive_address import card_path
from newsletter.model.rendered_email import Theme
from newsletter.render.themes.load import load_theme
from newsletter.render.wording import monogram, written_day


class Cards:
    """Draws no card where the archive has no address: services take a picture by its whole address alone.

    Raises ConfigError where the font of newsletter.toml is none.
    """

    def __init__(self, config: Config, site: SiteFolder, maker: PageMaker) -> None:
        self._site = site
        self._labels = maker.labels
        self._maker: CardMaker | None = None
        if maker.site.url:
            theme = load_theme(config.settings.theme.name, config.root)
            look = _look(theme, maker.site.name, maker.site.logo)
            self._maker = CardMaker(look, CardFonts(_own_font(config)), site.data)

    def place(self, entry: Entry, known: IssueRecord | None) -> tuple[str, str]:
        """The path of an issue's card and its fingerprint; both empty where it has none."""
        words = self._words(entry)
        planned = self._maker.plan(words) if self._maker is not None else None
        if self._maker is None or planned is None:
            return "", ""
        font, fingerprint = planned
        path = card_path(entry.name)
        if known is None or known.card != fingerprint or not self._site.reuse(path):
            self._site.put(path, self._maker.draw(words, font))
        return path, fingerprint

    def _words(self, entry: Entry) -> CardWords:
        labels = self._labels(entry.lang)
        number = labels["number"].format(number=entry.number) if entry.number else ""
        facts = " · ".join(filter(None, (written_day(entry.day, labels), number)))
        return CardWords(entry.headline, facts, entry.lang, entry.direction == "rtl")


def _look(theme: Theme, name: str, logo: str) -> CardLook:
    light = theme.values["light"]
    return CardLook(
        name,
        light["card"],
        light["ink"],
        light["muted"],
        light["accent"],
        monogram(name),
        "" if "://" in logo else logo,
    )


def _own_font(config: Config) -> str:
    """The font of newsletter.toml; empty without."""
    name = config.settings.archive.card_font
    if not name:
        return ""
    path = config.root / name
    try:
        CardFont(str(path)).at(20)
    except OSError as error:
        place = str(config.path or "newsletter.toml")
        what = f"[archive] card_font is {name}, which is no font that can be read ({error})"
        raise ConfigError(located(place, None, what, "name a TTF, OTF or TTC file")) from error
    return str(path)
