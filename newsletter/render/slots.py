"""Slots: placeholders in a rendered text for per-subscriber values."""

from __future__ import annotations

import re
from collections.abc import Iterable

from newsletter.model.issue import FieldRef
from newsletter.model.rendered_email import Slot, SlotContext, Template


class Marks:
    """Placeholders that pass unchanged through MJML and premailer: letters and digits that do not occur in the post."""

    def __init__(self, mark: str, fields: Iterable[FieldRef]) -> None:
        self.mark = mark
        self.fields = list(fields)

    def slot(self, name: str) -> str:
        """The placeholder of one of our own values, such as the unsubscribe link."""
        reference = FieldRef(name)
        if reference not in self.fields:
            self.fields.append(reference)
        return f"{self.mark}{self.fields.index(reference)}z"

    def split(self, text: str, context: SlotContext) -> Template:
        parts: list[str | Slot] = []
        before = ""
        for index, piece in enumerate(re.split(f"{self.mark}(\\d+)z", text)):
            if index % 2:
                field = self.fields[int(piece)]
                parts.append(Slot(field.name, _context(context, before), field.default))
                before += "x"
            elif piece:
                parts.append(piece)
                before = before[-_LONGEST_URL:] + piece
        return Template(tuple(parts))


_LONGEST_URL = 4_000
_IN_URL = re.compile(r"""\s(?:href|src)=(?:"([^"<>]*)|'([^'<>]*))$""")


def _context(context: SlotContext, before: str) -> SlotContext:
    """A slot's context by the text before it: inside a URL, at the start of one, or in text."""
    if context == "text":
        return "text_url" if re.search(r"\bhttps?://\S*$", before[-_LONGEST_URL:]) else "text"
    found = _IN_URL.search(before[-_LONGEST_URL:]) if context == "html" else None
    if not found:
        return context
    return "url" if found[1] or found[2] else "href"
