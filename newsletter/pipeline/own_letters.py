"""Mails of the sign-up pages in the author's own words: posts in the folder `letters` beside newsletter.toml."""

from __future__ import annotations

from pathlib import Path

from newsletter.config.config import Config
from newsletter.files import is_there
from newsletter.pipeline.own_folders import LETTERS_FOLDER
from newsletter.pipeline.render_post import Rendering, render_post


def own_letter(config: Config, kind: str, lang: str) -> Path | None:
    """The post for a mail of this kind to a reader of this language; None where the author wrote none."""
    folder = config.root / LETTERS_FOLDER
    language = lang.lower()
    names = (f"{kind}.{language}.md", f"{kind}.{language.partition('-')[0]}.md", f"{kind}.md")
    return next((folder / name for name in names if is_there(folder / name)), None)


def render_own_letter(path: Path, config: Config) -> Rendering | None:
    """The post, rendered in its frame; None for a draft. Raises ContentError or ConfigError."""
    rendering = render_post(str(path), config)
    return None if rendering.issue.draft or not rendering.issue.published else rendering
