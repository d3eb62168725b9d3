"""The theme of a transactional mail, with its logo embedded."""

from __future__ import annotations

from newsletter.config.config import Config
from newsletter.model.rendered_email import Attachment, Theme
from newsletter.render.images.cache import Cache
from newsletter.render.images.logo import place_logos
from newsletter.render.images.resolve import resolve_images
from newsletter.render.themes.load import load_theme


def theme_with_logo(name: str, config: Config) -> tuple[Theme, tuple[Attachment, ...]]:
    """The theme, and the embedded files of its logo. Raises ConfigError."""
    theme = load_theme(name, config.root)
    return place_logos(
        theme,
        lambda logo, folder: resolve_images(
            logo,
            mode="remote",
            post_folder=folder,
            project=config.root,
            base_url="",
            layout_width=int(theme.values["layout"]["width"]),
            cache=Cache(config.image_cache),
            max_total_kb=config.settings.images.max_total_kb,
        ),
    )
