"""Assign roles to paragraphs by shape: a button, a postscript, a video card."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from newsletter.model.issue import (
    Block,
    Blocks,
    Emphasis,
    Heading,
    Image,
    Inlines,
    Link,
    Paragraph,
    Quote,
    Story,
    Strong,
    Text,
    Video,
    plain_text,
)
from newsletter.post.markdown.item_sources import is_bare
from newsletter.post.markdown.videos import video_poster

MAX_BUTTONS = 3
"""The most links alone in their paragraphs that become buttons; more are a list of links."""

MAX_BUTTON_CHARS = 36
"""The longest label of a button, wide letters counting two; a longer link is a headline."""

_POSTSCRIPT = re.compile(
    r"\s*(?:(?:P\.\s?){1,3}S\.[:：]?|P{1,3}S[:：.]|P\.\s?D\.[:：]?|П\.\s?С\.[:：]?|З\.\s?І\.[:：]?"
    r"|(?:又及|附言|另外?附|追伸|추신)\s*[:：.。]?|Nachtrag:|Post[- ]?scriptum[:：.])(?=[\s\W]|$)",
    re.IGNORECASE,
)


def set_roles(blocks: Sequence[Block]) -> Blocks:
    """Assign roles to an issue's top-level paragraphs; those in boxes have theirs already."""
    found = tuple(_with_videos(blocks))
    if sum(1 for each in _outside_lists(found) if button_link(each)) <= MAX_BUTTONS:
        found = tuple(map(_with_buttons, found))
    return _with_postscripts(found)


def button_link(block: Block) -> Link | None:
    """The link of a paragraph that consists of it and is short enough for a button."""
    link = _only_link(block)
    if link is None or is_bare(link) or any(not isinstance(node, Text) for node in _marks_off(link.children)):
        return None
    words = link.label
    size = sum(1 + (char > "\u2e7f") for char in words)
    is_web = _scheme(link.href) in ("http", "https", "mailto", "tel")
    return link if is_web and size <= MAX_BUTTON_CHARS and "://" not in words else None


def _scheme(href: str) -> str:
    try:
        return urlsplit(href).scheme.lower()
    except ValueError:
        return ""


def _only_link(block: Block) -> Link | None:
    if not isinstance(block, Paragraph) or block.role:
        return None
    inlines = _marks_off(block.inlines)
    return inlines[0] if len(inlines) == 1 and isinstance(inlines[0], Link) else None


def _marks_off(inlines: Inlines) -> Inlines:
    """The content of bold or italics that enclose a whole text."""
    while len(inlines) == 1 and isinstance(inlines[0], Strong | Emphasis):
        inlines = inlines[0].children
    return inlines


def _with_videos(blocks: Sequence[Block]) -> Iterator[Block]:
    """Turn a video's address alone in its paragraph, or words linked to it, into a card."""
    for block in blocks:
        if isinstance(block, Quote) and block.alert:
            yield replace(block, body=tuple(_with_videos(block.body)))
            continue
        link = _only_link(block)
        poster = video_poster(link.href) if link else None
        if link and poster is not None and isinstance(block, Paragraph):
            picture = Image(poster, line=block.line) if poster else None
            yield Video(link.href, "" if is_bare(link) else link.label, picture, block.line)
        else:
            yield block


def _outside_lists(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        yield block
        if isinstance(block, Quote) and block.alert:
            yield from block.body


def _with_buttons(block: Block) -> Block:
    if isinstance(block, Quote) and block.alert:
        return replace(block, body=tuple(map(_with_buttons, block.body)))
    link = button_link(block)
    return replace(block, inlines=(link,), role="button") if link and isinstance(block, Paragraph) else block


def _with_postscripts(blocks: Blocks) -> Blocks:
    """`P.S.` begins a postscript if only paragraphs follow it."""
    last = max((index for index, block in enumerate(blocks) if isinstance(block, Heading | Story)), default=-1)
    return tuple(
        replace(block, role="postscript")
        if index > last and isinstance(block, Paragraph) and _POSTSCRIPT.match(plain_text(block.inlines))
        else block
        for index, block in enumerate(blocks)
    )
