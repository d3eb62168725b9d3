"""Map front matter keys of other programs to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from newsletter.post.post_dates import read_date

ALIASES: Mapping[str, tuple[str, ...]] = {
    # Astro, Hugo, Zola, Eleventy, Ghost; Pelican capitalises Date.
    "date": (
        *("pubdate", "pubdatetime", "publishdate", "publish_date", "publisheddate", "published_at", "publishedat"),
        *("date_published", "datepublished", "published", "created", "created_at"),
    ),
    "description": ("summary", "excerpt", "abstract", "subtitle"),
    "image": ("heroimage", "hero_image", "hero", "cover_image", "coverimage", "featured_image", "ogimage", "og_image"),
    "lang": ("language", "locale"),
    "author": ("authors",),
    "categories": ("category",),
}


def canonical(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values with aliases of other programs added under our names; an existing key takes precedence."""
    lower = {key.lower(): key for key in reversed(list(values))}
    found = dict(values)
    for key, names in ALIASES.items():
        for name in (key, *names):
            written = lower.get(name)
            if found.get(key) is not None or written is None or values[written] is None:
                continue
            if key == "date" and name == "published" and not _is_date(values[written]):
                continue
            found[key] = _first_words(values[written]) if key == "author" else values[written]
    for name, written in lower.items():
        found.setdefault(name, values[written])
    return found


def written_under(values: Mapping[str, Any], key: str) -> str:
    """The key under which the author wrote a value."""
    lower = {name.lower(): name for name in reversed(list(values))}
    return next((lower[name] for name in (key, *ALIASES.get(key, ())) if name in lower), key)


def _is_date(value: Any) -> bool:
    return isinstance(value, date) or (isinstance(value, str) and read_date(value) is not None)


def _first_words(value: Any) -> Any:
    """The first of several authors, each a name or a table with one, as text."""
    if not isinstance(value, list):
        return value.get("name") if isinstance(value, dict) else value
    names = [each.get("name") if isinstance(each, dict) else each for each in value]
    return re.sub(r"\s+", " ", ", ".join(str(name) for name in names if name)) or None
