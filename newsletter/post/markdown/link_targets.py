"""Links, pictures and players: resolve their addresses against the site, and check the scheme.

Addresses that cannot work for a reader are dropped and reported in a finding.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal
from urllib.parse import unquote, urljoin, urlsplit

from newsletter.model.findings import Finding
from newsletter.model.issue import Image, Inline, Inlines, Link, Text
from newsletter.post.markdown.videos import is_video, linked_videos, watch_page
from newsletter.post.source_links import SourceLinks

SCHEMES: Mapping[str, frozenset[str]] = {
    "link": frozenset({"http", "https", "mailto", "tel"}),
    "image": frozenset({"data", "http", "https"}),  # the bytes of a data: URL are embedded
}
FIELD_MARK = re.compile(r"nlfield\d+x\d+z")
"""The mark of `fields.mark_fields` for a subscriber's value."""


class LinkTargets:
    """Makes the tree's links and pictures; `findings` collects their faults."""

    def __init__(self, sources: SourceLinks, findings: list[Finding]) -> None:
        self.base_url = sources.base_url
        self.page_url = sources.page_url
        self.sources = sources
        self.findings = findings

    def link(self, href: str, children: Inlines, title: str, line: int) -> list[Inline]:
        href = self.resolve(href, "link", line)
        if not href:
            return list(children)
        if len(children) == 1 and isinstance(picture := children[0], Image):
            return [replace(picture, href=href)]
        words = tuple(Text(node.label) if isinstance(node, Link) else node for node in linked_videos(children))
        return [Link(href, words or (Text(href),), title)]

    def image(self, src: str, alt: str, title: str, line: int) -> Image | None:
        src = self.resolve(src, "link" if is_video(src) else "image", line)
        return Image(src, " ".join(alt.split()), title, line=line) if src else None

    def player(self, source: str, title: str, line: int) -> list[Inline]:
        """Media that plays only in a browser, inside a sentence: a card for a file, or a link to the player's page."""
        title = " ".join(title.split())
        href = self.resolve(watch_page(source)[0], "link", line)
        if not href:
            return []
        return [Image(href, title, line=line) if is_video(href) else Link(href, (Text(title or href),))]

    def resolve(self, url: str, kind: Literal["link", "image"], line: int) -> str:
        """The absolute URL, or nothing if it must not reach a reader. Relative image paths stay as they are."""
        url = url.strip()
        if not url:
            self.note(f"{kind}-empty", f"the {kind} has no URL and is left out", f"write the {kind}'s address", line)
            return ""
        # Security: browsers ignore control characters inside a scheme, so `java\tscript:` counts as `javascript:`.
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", re.sub(r"[\x00-\x20]|%0[0-9A-Fa-f]", "", url))
        if scheme and scheme[1].lower() not in SCHEMES[kind]:
            known = ", ".join(sorted(SCHEMES[kind]))
            what = f"the {kind} begins with “{scheme[1].lower()}:”, which no mail client follows, and is left out"
            self.note(f"{kind}-scheme", what, f"use one of {known}", line)
            return ""
        if not scheme and kind == "image":
            url = self.sources.file(url)
        # An address that begins with a subscriber's value is checked when that is filled in.
        if scheme or FIELD_MARK.match(url) or (kind == "image" and not url.startswith("//")):
            return url
        if url.startswith("//"):
            return "https:" + url
        page = self.sources.page(url)
        if page is not None and not page.is_known:
            return self._guessed(url, self._absolute(page.url), line)
        if address := self._absolute(self.sources.file(url) if page is None else page.url or "/"):
            return address
        self.note(
            "link-relative",
            f"the link “{shortened(url)}” is relative and leads nowhere in an email; only its text is kept",
            "write the whole https address, or set [site] url in newsletter.toml",
            line,
        )
        return ""

    def _absolute(self, url: str) -> str:
        """The address on the site; empty where the site's own is not known."""
        if not url or url.startswith(("http://", "https://")):
            return url
        if url.startswith("/") and self.base_url:
            # A path from the root is relative to the site's base, like `relative_url`, and not to the host.
            below = urlsplit(self.base_url).path
            first = re.split("[?#]", url)[0]
            return _joined(self.base_url, url if f"{first}/".startswith(below) else f"{below}{url[1:]}")
        base = self.page_url or self.base_url
        return _joined(base, url) if base and not (url.startswith("#") and not self.page_url) else ""

    def _guessed(self, url: str, address: str, line: int) -> str:
        leads = f"the email links to {address}, which is a guess" if address else "only its text is kept"
        what = f"the link “{shortened(unquote(url))}” is for the blog's generator, and its page is not known: {leads}"
        self.note("link-source", what, "write the page's https address", line)
        return address

    def note_blanks(self, address: str, line: int) -> None:
        remedy = f"write {shortened(address, 60).replace(' ', '%20')}"
        self.note("link-blanks", f"the address “{shortened(address)}” has blanks in it", remedy, line)

    def note_placeholder(self, name: str, line: int) -> None:
        what = f"“<{name[:40]}>” is no tag of HTML; it is shown as words, and a web page may swallow it"
        self.note("html-unknown", what, f"write `<{name[:40]}>` in backticks", line)

    def note_component(self, name: str, line: int) -> None:
        what = f"the tag <{name[:40]}> means nothing in an email; what stands inside it stays"
        self.note("html-component", what, "write what it shows", line)

    def note_hidden(self, line: int) -> None:
        self.note("html-hidden", "what a browser would hide is left out of the email", "take it out", line)

    def note(self, code: str, what: str, remedy: str, line: int | None) -> None:
        self.findings.append(Finding(code, what, remedy, line))


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:  # invalid brackets of an IPv6 address; the author may recognise it
        return f"{base}{url.lstrip('/')}"


def shortened(text: str, limit: int = 30) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
