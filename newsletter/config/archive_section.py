"""The section about the archive: where it is on the web and on this machine."""

from __future__ import annotations

from newsletter.config import validators as entries
from newsletter.config.url_validators import archive_url
from newsletter.frozen import frozen
from newsletter.toml_file.section import Section, key, switch, text


@frozen(kw_only=True)
class ArchiveSection(Section):
    url: str = key(
        "Where the archive is published: “view in browser” and the headers `List-Archive` and `Archived-At` lead "
        "there; feeds and sitemap need it. Without it, and with `dir` and `[serve] url`, `/archive` of that server.",
        text(archive_url),
        example="https://news.example.com/archive",
    )
    folder: str = key(
        "The folder that `newsletter archive` writes, and `newsletter publish` after each send; `newsletter serve` "
        "shows it under `/archive`.",
        text(entries.one_line),
        example="site",
        name="dir",
    )
    card_font: str = key(
        "A font file (TTF, OTF, TTC), seen from this file, for the pictures that show an issue where its page is "
        "shared. Without it, a font of this machine that has the title's letters; where there is none, an issue is "
        "shown by the first of its own pictures.",
        text(entries.one_line),
        example="fonts/Inter-Bold.ttf",
    )
    segments: bool = key(
        "Whether issues that went to a segment of the list are shown, too. Without it they stay out, but for posts "
        "with `archive: true` beneath `newsletter:`.",
        switch,
        default=False,
        example=True,
    )
