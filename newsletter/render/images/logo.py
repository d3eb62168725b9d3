"""A theme's logo from a file, resolved like the issue's own pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from newsletter.errors import ConfigError, located
from newsletter.model.issue import Image, Issue
from newsletter.model.rendered_email import Attachment, Theme
from newsletter.render.images.resolve import Resolved

LOGOS = ("logo", "logo_dark")


def place_logos(theme: Theme, resolve: Callable[[Issue, Path], Resolved]) -> tuple[Theme, tuple[Attachment, ...]]:
    """The theme with the addresses of its logos, and the embedded logo files.

    `resolve` resolves the pictures of an issue in a folder. A logo with an https address is unchanged. ConfigError for
    a file that cannot be shown: every issue would lack its masthead.
    """
    brand: dict[str, Any] = dict(theme.values.get("brand", {}))
    attachments: list[Attachment] = []
    for key in LOGOS:
        if not brand.get(key) or "://" in brand[key]:
            continue
        path = Path(brand[key])
        placed = resolve(Issue(slug="logo", title="", blocks=(), lang="", hero=Image(path.name)), path.parent)
        if placed.issue.hero is None:
            fault = placed.findings[0]
            raise ConfigError(located(path, None, f"the theme's {key}: {fault.what}", fault.remedy))
        brand[key] = placed.issue.hero.src
        attachments += placed.attachments
    return replace(theme, values={**theme.values, "brand": brand}), tuple(attachments)
