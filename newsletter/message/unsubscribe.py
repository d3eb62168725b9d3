"""The links of one subscriber: unsubscribe by https (one click) and mailto, and preferences."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from newsletter.message.headers import safe_uri
from newsletter.model.delivery import Sender
from newsletter.model.subscriber import Subscriber
from newsletter.tokens import Link, make_link


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
            url = url.replace("{email}", quote(subscriber.email, safe=""))
        urls.append(url)
    if sender.unsubscribe_mailto:
        urls.append(f"{_mailto(sender.unsubscribe_mailto)}?subject=unsubscribe%20{quote(subscriber.email, safe='')}")
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


@lru_cache(maxsize=8)
def _url_template(text: str) -> str:
    url = safe_uri(text)
    return url.replace("%7Btoken%7D", "{token}").replace("%7Bemail%7D", "{email}")


@lru_cache(maxsize=8)
def _mailto(address: str) -> str:
    return "mailto:" + quote(address, safe="@!$'*+")  # RFC 6068, 2: a `?` or `&` would end the address
