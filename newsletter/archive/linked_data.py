"""What a page says of itself to search engines: schema.org's Article as JSON-LD."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from newsletter.archive.entry import Entry, Publication
from newsletter.model.archive_address import address_of
from newsletter.text import json_text


def linked_data(entry: Entry, site: Publication, url: str, picture: str) -> Markup:
    organization: dict[str, Any] = {"@type": "Organization", "name": site.name}
    if site.site_url:
        organization["url"] = site.site_url
    logo = site.logo if "://" in site.logo else address_of(site.url, site.logo) if site.logo else ""
    if logo:
        organization["logo"] = {"@type": "ImageObject", "url": logo}
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "headline": entry.headline,
        "name": entry.title,
        "datePublished": entry.sent.isoformat(),
        "dateModified": entry.updated.isoformat(),
        "inLanguage": entry.lang,
        "author": {"@type": "Person", "name": entry.author} if entry.author else organization,
        "publisher": organization,
        "isPartOf": {"@type": "Periodical", "name": site.name},
        "isAccessibleForFree": True,
    }
    if entry.description:
        data["description"] = entry.description
    if entry.number:
        data["position"] = entry.number
    if entry.tags:
        data["keywords"] = list(entry.tags)
    if picture:
        data["image"] = picture
    if url:
        data["url"] = data["mainEntityOfPage"] = url
    # Security: no word of the issue ends the script element that the data stand in.
    text = json_text(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return Markup(text)  # noqa: S704 (as said above)
