"""Other addresses for an issue's links: tagged for the site's own statistics, or those of a counting server.

The HTML alone has them. The text part, where an address is read, keeps the author's.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from newsletter.frozen import frozen
from newsletter.model.issue import Heading, Issue, plain_text
from newsletter.model.transform import links_of
from newsletter.post.templating.placeholders import unmark

_HREF = re.compile(r'(\shref=")([^"]*)(")')


@frozen
class PlacedLink:
    """An address of an issue, and the heading that it first stands under; empty before any."""

    address: str
    section: str


@frozen
class CountedLink:
    """A link that a server counts: the code in its address, where it leads, and the section that it stands in."""

    code: str
    address: str
    section: str


def placed_links(issue: Issue) -> Iterator[PlacedLink]:
    """Every web address of an issue once, in reading order.

    One with a subscriber's column in it is left out: it differs per subscriber, and is nobody's to count.
    """
    section = ""
    seen: set[str] = set()
    for block in issue.blocks:
        if isinstance(block, Heading):
            section = unmark(plain_text(block.inlines).strip(), issue)
        for link in links_of((block,)):
            is_web = urlsplit(link.href).scheme.lower() in ("http", "https")
            if is_web and issue.mark not in link.href and link.href not in seen:
                seen.add(link.href)
                yield PlacedLink(link.href, section)


def tagged(address: str, source: str, campaign: str) -> str:
    """The address with UTM parameters; one that has any of its own is left as it is."""
    parts = urlsplit(address)
    if any(name.lower().startswith("utm_") for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        return address
    tags = urlencode({"utm_source": source, "utm_medium": "email", "utm_campaign": campaign})
    return urlunsplit(parts._replace(query=f"{parts.query}&{tags}" if parts.query else tags))


def with_addresses(page: str, addresses: Mapping[str, str]) -> str:
    """The HTML with these addresses in place of those that its links have."""
    if not addresses:
        return page

    def changed(found: re.Match[str]) -> str:
        new = addresses.get(html.unescape(found[2]))
        return found[0] if new is None else f"{found[1]}{html.escape(new)}{found[3]}"

    return _HREF.sub(changed, page)
