"""Jekyll's permalink templates: the URL path of a published post.

Source: https://jekyllrb.com/docs/permalinks/ (styles, placeholders, and that categories are lower-cased).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from newsletter.model.issue import Site
from newsletter.post.front_keys import canonical
from newsletter.post.post_dates import day_on_site, named_day, without_date

STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}


def web_path(written: Mapping[str, Any], stem: str, site: Site) -> str:
    """The URL path of a post with these front matter values and file name; empty if it cannot be derived."""
    values = canonical(written)
    if values.get("permalink") is False:
        return ""
    template = str(values.get("permalink") or site.permalink)
    if not template:
        return ""
    categories = values.get("categories")
    words = categories if isinstance(categories, list) else str(categories or "").split()
    return post_path(
        template,
        title=without_date(stem),
        slug=str(values.get("slug") or ""),
        day=day_on_site(values.get("date"), str(site.values.get("timezone") or "")) or named_day(stem),
        categories=tuple(str(word) for word in words),
    )


def post_path(template: str, *, title: str, day: date | None, categories: Sequence[str], slug: str = "") -> str:
    """The path of a post below the site's base, beginning with `/`; empty if a placeholder has no value.

    `title` is the file's name without date and extension; the front matter's `slug` overrides it.
    """
    if "{" in template:  # a Liquid template of Eleventy, which only Eleventy can render
        return ""
    title = slug or title
    pattern = STYLES.get(template, template)
    values = {
        "title": quote(title),
        "slug": quote(title.lower()),
        "categories": "/".join(quote(category.lower()) for category in categories),
        "output_ext": ".html",
    }
    if day is not None:
        week = day.isocalendar()
        values |= {
            "year": f"{day.year:04}",
            "short_year": f"{day.year % 100:02}",
            "month": f"{day.month:02}",
            "i_month": f"{day.month}",
            "day": f"{day.day:02}",
            "i_day": f"{day.day}",
            "y_day": f"{day.timetuple().tm_yday:03}",
            "week": f"{week.week:02}",
            "w_year": f"{week.year:04}",
            "short_day": day.strftime("%a"),
        }
    names = re.findall(r":([a-z_]+)", pattern)
    if any(_longest(name, values) is None for name in names):
        return ""
    path = re.sub(r":([a-z_]+)", lambda found: _filled(found[1], values), pattern)
    return "/" + re.sub(r"/{2,}", "/", path).lstrip("/")


def _longest(name: str, values: dict[str, str]) -> str | None:
    """The longest placeholder that the text begins with: `:title_x` is `:title` and `_x`."""
    return next((key for key in sorted(values, key=len, reverse=True) if name.startswith(key)), None)


def _filled(name: str, values: dict[str, str]) -> str:
    key = _longest(name, values)
    return values[key] + name[len(key) :] if key else f":{name}"
