"""Map a block to its theme partial, and its parts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from newsletter.frozen import frozen
from newsletter.model.issue import Block, Blocks, Break, Figure, Image, Inlines, ListBlock, Paragraph, Quote, plain_text
from newsletter.model.transform import words_of
from newsletter.render.columns import columns

BOXES = frozenset({"sponsor", "author"})
"""Kinds of box with a partial of their own; the others are callouts."""

MAX_LARGE_COLUMNS = 240
"""The columns of a quote that a theme may set larger than the text."""

_ATTRIBUTION = re.compile(r"\s*(?:[—–―]|--|——)\s*\S")


def block_kind(block: Block) -> str:
    """`paragraph`, `story`, `callout` and so on: a partial's name without extension."""
    match block:
        case ListBlock():
            return "list"
        case Quote(alert=alert) if alert:
            return alert if alert in BOXES else "callout"
        case Paragraph(role=role) if role:
            return role
    return type(block).__name__.lower()


def kinds_used(blocks: Iterable[Block]) -> frozenset[str]:
    """The kinds of these blocks, and the kinds of boxes."""
    return frozenset(
        name
        for block in blocks
        for name in (block_kind(block), block.alert if isinstance(block, Quote) else "")
        if name
    )


def with_partials(partials: Iterable[str], block: Block) -> str:
    """The kind of a block that the theme supports; a theme copied before a kind existed uses an older one."""
    kind = block_kind(block)
    if f"{kind}.j2" in partials or not isinstance(block, Quote | Paragraph):
        return kind
    return "quote" if isinstance(block, Quote) else "paragraph"


@frozen
class CalloutParts:
    """A callout's own title, empty if it is named by its kind, and its text."""

    title: Inlines
    words: Blocks


def callout_parts(box: Quote) -> CalloutParts:
    first = box.body[0] if box.body else None
    if isinstance(first, Paragraph) and first.role == "title":
        return CalloutParts(first.inlines, box.body[1:])
    return CalloutParts((), box.body)


@frozen
class AuthorParts:
    """An author card's picture, and its text."""

    face: Image | None
    words: Blocks


def author_parts(box: Quote) -> AuthorParts:
    face = next((block for block in box.body if isinstance(block, Figure)), None)
    return AuthorParts(face.image if face else None, tuple(block for block in box.body if block is not face))


@frozen
class QuoteParts:
    """A quote's text, and its attribution: the last line, if it begins with a dash."""

    words: Blocks
    by: Inlines

    @property
    def is_long(self) -> bool:
        """Whether the text is too long to be set large."""
        return columns(" ".join(words_of(self.words))) > MAX_LARGE_COLUMNS


def quote_parts(quote: Quote) -> QuoteParts:
    last = quote.body[-1] if len(quote.body) > 1 or _breaks(quote.body) else None
    if not isinstance(last, Paragraph):
        return QuoteParts(quote.body, ())
    breaks = [index for index, node in enumerate(last.inlines) if isinstance(node, Break)]
    start = breaks[-1] + 1 if breaks else 0
    by = last.inlines[start:]
    if not _ATTRIBUTION.match(plain_text(by)) or (not start and len(quote.body) < 2):
        return QuoteParts(quote.body, ())
    before = (replace(last, inlines=last.inlines[: start - 1]),) if start else ()
    return QuoteParts((*quote.body[:-1], *before), by)


def _breaks(body: Sequence[Block]) -> bool:
    return bool(body) and isinstance(body[-1], Paragraph) and any(isinstance(node, Break) for node in body[-1].inlines)
