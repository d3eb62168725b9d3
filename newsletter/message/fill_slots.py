"""Fill the slots of a template with a subscriber's values, escaped for their places."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import quote

from newsletter.message.headers import one_line
from newsletter.message.unsubscribe import preferences_url, unsubscribe_urls
from newsletter.model.delivery import Sender
from newsletter.model.rendered_email import SlotContext, Template
from newsletter.model.subscriber import Subscriber

_SAFE_LINK = re.compile(r"(?:https?|mailto|tel):", re.IGNORECASE)


def fill(template: Template, values: Mapping[str, str]) -> str:
    """Fill a template's slots; an empty value takes the slot's default."""
    return "".join(
        part if isinstance(part, str) else escape_for(part.context, values.get(part.field, "") or part.default)
        for part in template.parts
    )


def escape_for(context: SlotContext, value: str) -> str:
    """Escape a subscriber's value for its context; see `SlotContext`."""
    # Security: a list column is untrusted text. No line end may start a header, no quote may end an attribute, and no
    # link may get another scheme.
    value = one_line(value)
    match context:
        case "html":
            return html.escape(value, quote=True)
        case "url":
            return html.escape(quote(value, safe=""), quote=True)
        case "text_url":
            return quote(value, safe="")
        case "href":
            return html.escape(value, quote=True) if _SAFE_LINK.match(value) else ""
    return value


def slot_values(sender: Sender, subscriber: Subscriber, issue: str = "") -> Mapping[str, str]:
    return slot_values_with(sender, subscriber, unsubscribe_urls(sender, subscriber, issue))


def slot_values_with(sender: Sender, subscriber: Subscriber, unsubscribe_links: tuple[str, ...]) -> dict[str, str]:
    values = {
        **subscriber.fields,
        "email": subscriber.email,
        "unsubscribe_url": unsubscribe_links[0] if unsubscribe_links else "",
    }
    if sender.preferences_url:
        values["preferences_url"] = preferences_url(sender, subscriber)
    return values
