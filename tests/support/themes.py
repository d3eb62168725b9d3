"""The built-in themes: each theme test runs for all of them."""

from __future__ import annotations

from machine import CHECKOUT

from newsletter.render.themes.folders import known_themes

THEMES = known_themes((CHECKOUT / "templates",))
