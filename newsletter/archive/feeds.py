"""Feeds with the whole text of the last issues: RSS 2.0, Atom (RFC 4287), JSON Feed 1.1; and the sitemap.

Written with lxml, which lets nothing through that is not well-formed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Any

from lxml import etree

from newsletter.archive.entry import Entry, Publication
from newsletter.frozen import frozen
from newsletter.model.archive_address import address_of
from newsletter.text import json_text

ISSUES = 20
"""Of a feed. More would be fetched again with every new one."""

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NO_DATE = "2026-01-01T00:00:00Z"
"""Of a feed without issues: a date that validators find plausible, the same in each build."""

_A, _S = f"{{{_ATOM}}}", f"{{{_SITEMAP}}}"
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"

_RELATIVE = re.compile(r' (src|href)="(\.\./|#)')
_MARKS = re.compile(r"<!--/?text-->")
_NUMBER = re.compile(r'<p class="no">(\d+)</p><div>(<(?:h\d|p)(?: [^<>]*)?>)')
_FOR_BROWSERS = re.compile(r' (?:loading="lazy"|decoding="async"|tabindex="0")')


@frozen
class FeedItem:
    """`text` is the HTML of the issue as its page has it; empty where the page is lost."""

    entry: Entry
    text: str


def feed_html(text: str, site: Publication, page: str) -> str:
    """The text of a page for a reader elsewhere: whole addresses, and nothing that is for the page alone."""

    def whole(found: re.Match[str]) -> str:
        return f' {found[1]}="{site.url}/' if found[2] == "../" else f' {found[1]}="{page}#'

    # Of a `Markup`, `re` would join the parts as one, and escape them: readers would see the tags.
    text = str(text)
    # A page has the number in its margin; here it stands before the first words.
    text = _NUMBER.sub(r"<div>\2<b>\1.</b> ", text)
    # An attribute begins with a blank and a quote, which no text has: its quotes are escaped.
    return _RELATIVE.sub(whole, _FOR_BROWSERS.sub("", _MARKS.sub("", text)))


def rss(items: Sequence[FeedItem], site: Publication) -> bytes:
    """The newest first, as they come."""
    root = etree.Element("rss", version="2.0", nsmap={"atom": _ATOM, "content": _CONTENT, "dc": _DC})
    channel = etree.SubElement(root, "channel")
    _add(channel, "title", site.name)
    _add(channel, "link", address_of(site.url, ""))
    _add(channel, "description", site.name)
    if site.lang:
        _add(channel, "language", site.lang)
    _add(channel, "generator", "newsletter-press")
    if items:
        _add(channel, "lastBuildDate", format_datetime(max(item.entry.updated for item in items)))
    etree.SubElement(
        channel, f"{{{_ATOM}}}link", href=address_of(site.url, "rss.xml"), rel="self", type="application/rss+xml"
    )
    for item in items:
        entry, url = item.entry, address_of(site.url, item.entry.path)
        node = etree.SubElement(channel, "item")
        _add(node, "title", entry.headline)
        _add(node, "link", url)
        _add(node, "guid", url).set("isPermaLink", "true")
        _add(node, "pubDate", format_datetime(entry.sent))
        _add(node, f"{{{_DC}}}creator", entry.author or site.name)
        for tag in entry.tags:
            _add(node, "category", tag)
        # Readers take it for HTML.
        _add(node, "description", escape(entry.description or entry.headline, quote=False))
        if item.text:
            _add(node, f"{{{_CONTENT}}}encoded", feed_html(item.text, site, url))
    return _bytes(root)


def atom(items: Sequence[FeedItem], site: Publication) -> bytes:
    root = _root(f"{_A}feed", _ATOM)
    if site.lang:
        root.set(_XML_LANG, site.lang)
    _add(root, f"{_A}id", address_of(site.url, ""))
    _add(root, f"{_A}title", site.name)
    # RFC 4287 asks for a date even where there is nothing yet.
    _add(root, f"{_A}updated", _rfc3339(max((item.entry.updated for item in items), default=None)))
    etree.SubElement(root, f"{_A}link", rel="alternate", type="text/html", href=address_of(site.url, ""))
    etree.SubElement(root, f"{_A}link", rel="self", type="application/atom+xml", href=address_of(site.url, "atom.xml"))
    _add(root, f"{_A}generator", "newsletter-press")
    for item in items:
        entry, url = item.entry, address_of(site.url, item.entry.path)
        node = etree.SubElement(root, f"{_A}entry")
        node.set(_XML_LANG, entry.lang)
        _add(node, f"{_A}id", url)
        _add(node, f"{_A}title", entry.headline)
        etree.SubElement(node, f"{_A}link", rel="alternate", type="text/html", href=url)
        _add(node, f"{_A}published", _rfc3339(entry.sent))
        _add(node, f"{_A}updated", _rfc3339(entry.updated))
        _add(etree.SubElement(node, f"{_A}author"), f"{_A}name", entry.author or site.name)
        for tag in entry.tags:
            etree.SubElement(node, f"{_A}category", term=tag)
        if entry.description:
            _add(node, f"{_A}summary", entry.description)
        if item.text:
            _add(node, f"{_A}content", feed_html(item.text, site, url)).set("type", "html")
    return _bytes(root)


def json_feed(items: Sequence[FeedItem], site: Publication) -> bytes:
    """JSON Feed 1.1, https://www.jsonfeed.org/version/1.1/."""
    data: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.name,
        "home_page_url": address_of(site.url, ""),
        "feed_url": address_of(site.url, "feed.json"),
        **({"language": site.lang} if site.lang else {}),
        "authors": [{"name": site.name}],
        "items": [_json_item(item, site) for item in items],
    }
    return (json_text(data, indent=1) + "\n").encode()


def _json_item(item: FeedItem, site: Publication) -> dict[str, object]:
    entry, url = item.entry, address_of(site.url, item.entry.path)
    picture = entry.picture if "://" in entry.picture else address_of(site.url, entry.picture) if entry.picture else ""
    content = feed_html(item.text, site, url)
    return {
        "id": url,
        "url": url,
        "title": entry.headline,
        "date_published": _rfc3339(entry.sent),
        "date_modified": _rfc3339(entry.updated),
        "language": entry.lang,
        # The format asks for one of the two.
        **({"content_html": content} if content else {"content_text": entry.description or entry.headline}),
        **({"summary": entry.description} if entry.description else {}),
        **({"authors": [{"name": entry.author}]} if entry.author else {}),
        **({"tags": list(entry.tags)} if entry.tags else {}),
        **({"image": picture} if picture else {}),
    }


def sitemap(entries: Sequence[Entry], months: Sequence[str], site: Publication) -> bytes:
    """Every page, those of issues with the day of their last change (sitemaps.org)."""
    root = _root(f"{_S}urlset", _SITEMAP)
    _add(etree.SubElement(root, f"{_S}url"), f"{_S}loc", address_of(site.url, ""))
    for path in months:
        _add(etree.SubElement(root, f"{_S}url"), f"{_S}loc", address_of(site.url, path))
    for entry in entries:
        node = etree.SubElement(root, f"{_S}url")
        _add(node, f"{_S}loc", address_of(site.url, entry.path))
        _add(node, f"{_S}lastmod", f"{entry.updated:%Y-%m-%d}")
    return _bytes(root)


def _root(name: str, namespace: str) -> etree._Element:
    """The root of a document in one namespace, which is its default."""
    spaces: dict[Any, str] = {None: namespace}
    return etree.Element(name, nsmap=spaces)


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    node = etree.SubElement(parent, name)
    node.text = text
    return node


def _bytes(root: etree._Element) -> bytes:
    etree.indent(root, " ")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8") + b"\n"


def _rfc3339(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else _NO_DATE
