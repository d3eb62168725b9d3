"""Mails of the sign-up pages in the author's own words: posts in the folder `letters` beside newsletter.toml."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from newsletter.config.config import Config
from newsletter.files import is_there
from newsletter.model.issue import FieldRef, Issue, Link, Paragraph, Text
from newsletter.pipeline.own_folders import LETTERS_FOLDER
from newsletter.pipeline.render_post import Rendering, render_post

OWN_LETTERS = ("confirm", "welcome", "goodbye")
"""What such a post may be called, with `.md`, or with a language before that: `welcome.zh.md`."""


def own_letter(config: Config, kind: str, lang: str) -> Path | None:
    """The post for a mail of this kind to a reader of this language; None where the author wrote none."""
    folder = config.root / LETTERS_FOLDER
    language = lang.lower()
    names = (f"{kind}.{language}.md", f"{kind}.{language.partition('-')[0]}.md", f"{kind}.md")
    return next((folder / name for name in names if is_there(folder / name)), None)


def render_own_letter(path: Path, config: Config) -> Rendering | None:
    """The post, rendered; None for a draft. Raises ContentError or ConfigError."""
    rendering = render_post(str(path), config)
    return None if rendering.issue.draft or not rendering.issue.published else rendering


def with_button(issue: Issue, field: str, label: str, after: str = "") -> Issue:
    """The post with a button at its end whose address is a field of the recipient, and words behind it."""
    place = f"{issue.mark}{len(issue.fields)}z"
    button = Paragraph((Link(place, (Text(label),)),))
    words = (Paragraph((Text(after),)),) if after else ()
    return replace(issue, blocks=(*issue.blocks, button, *words), fields=(*issue.fields, FieldRef(field)))
