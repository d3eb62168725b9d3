"""The addresses that an issue's links get when they are tagged, or counted by `newsletter serve`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from newsletter.config.config import Config
from newsletter.config.signing_secrets import SAMPLE_SECRET
from newsletter.frozen import frozen
from newsletter.model.issue import Issue
from newsletter.render.link_addresses import CountedLink, placed_links, tagged
from newsletter.tokens import link_code


@frozen
class LinkAddresses:
    """By the author's address, the one that the HTML has; and those that the server must know."""

    addresses: Mapping[str, str]
    counted: tuple[CountedLink, ...] = ()


NONE = LinkAddresses({})


def link_addresses(issue: Issue, config: Config, *, counts: bool) -> LinkAddresses:
    """Of a rendering. With `counts`, those that a real send writes; else the tags alone, so that a preview and a test
    have links that lead somewhere."""
    keys = config.settings
    counts = counts and keys.serve.count_links
    if not (keys.newsletter.utm or counts):
        return NONE
    addresses: dict[str, str] = {}
    counted: list[CountedLink] = []
    for link in placed_links(issue):
        target = (
            tagged(link.address, _source(keys.newsletter.name), issue.slug) if keys.newsletter.utm else link.address
        )
        if counts:
            code = link_code(config.secret or SAMPLE_SECRET, issue.slug, target)
            counted.append(CountedLink(code, target, link.section))
            addresses[link.address] = f"{keys.serve.url.rstrip('/')}/l/{code}"
        else:
            addresses[link.address] = target
    return LinkAddresses(addresses, tuple(counted))


def _source(name: str) -> str:
    """The newsletter's name as statistics call a source: in lower case, without blanks."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "newsletter"
