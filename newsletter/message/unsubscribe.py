"""The links of one subscriber: unsubscribe by https (one click) and mailto, and preferences."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote

from newsletter.message.headers import safe_uri
from newsletter.model.delivery import Sender
from newsletter.model.subscriber import Subscriber
from newsletter.tokens import Link, make_link

# An address of RFC 3986's unreserved characters, as most are, but for its @.
_PLAIN_ADDRESS = re.compile("[A-Za-z0-9._~-]+@[A-Za-z0-9._~-]+")


def unsubscribe_urls(sender: Sender, subscriber: Subscriber, issue: str = "") -> tuple[str, ...]:
    """The https address first, then the mailto, as far as they are configured. Ready for a header.

    A mailto identifies the subscriber even if the reader's mail program sends from another address (RFC 6068). Without
    a secret no address with a token is returned, since it could be forged. The token names the issue, too.
    """
    urls = []
    if sender.unsubscribe_url and (sender.secret or "{token}" not in sender.unsubscribe_url):
        url = _url_template(sender.unsubscribe_url)
        if "{token}" in url:
            url = url.replace("{token}", make_link(sender.secret, Link("unsubscribe", subscriber.email, issue)))
        if "{email}" in url:
            url = url.replace("{email}", _quoted(subscriber.email))
        urls.append(url)
    if sender.unsubscribe_mailto:
        urls.append(f"{_mailto(sender.unsubscribe_mailto)}?subject=unsubscribe%20{_quoted(subscriber.email)}")
    return tuple(urls)


def unsubscribe_url(sender: Sender, subscriber: Subscriber, issue: str = "") -> str:
    """The unsubscribe link of the bodies: the https address if there is one, else the mailto."""
    return next(iter(unsubscribe_urls(sender, subscriber, issue)), "")


def preferences_url(sender: Sender, subscriber: Subscriber) -> str:
    """The subscriber's preferences page; empty if none is served."""
    if not sender.preferences_url or not sender.secret:
        return ""
    link = make_link(sender.secret, Link("preferences", subscriber.email))
    return _url_template(sender.preferences_url).replace("{token}", link)


def _quoted(address: str) -> str:
    """Percent-encoded; `quote` costs several times as much, and every message needs it."""
    return address.replace("@", "%40") if _PLAIN_ADDRESS.fullmatch(address) else quote(address, safe="")


@lru_cache(maxsize=8)
def _url_template(text: str) -> str:
    url = safe_uri(text)
    return url.replace("%7Btoken%7D", "{token}").replace("%7Bemail%7D", "{email}")


@lru_cache(maxsize=8)
def _mailto(address: str) -> str:
    return "mailto:" + quote(address, safe="@!$'*+")  # RFC 6068, 2: a `?` or `&` would end the address
