"""The shape of a digest item: its lead, its source links, its pictures.

Nothing here changes a word; it only says which part of a paragraph is what.
"""

from __future__ import annotations

import re

from newsletter.model.issue import Break, Image, Inlines, Link, Strong, Text, plain_text
from newsletter.post.markdown.soft_breaks import Raw, Sequence, Soft, blank

# A link with such a label is a source even where the sentence before it lacks its full stop.
SOURCE_WORDS = frozenset(
    {
        *("原文链接", "原文", "链接", "来源", "阅读原文", "查看原文", "详情", "全文", "原文連結", "來源", "连接"),
        *("リンク", "出典", "ソース", "원문", "출처"),
        *("source", "link", "readmore", "more", "original", "via"),
    }
)

_SENTENCE_END = frozenset("。．.！!？?…」』”’\"'）)】》〉；;~～")
_BETWEEN_LINKS = re.compile(r"[\s|/、，,·•]*")
NUMBERED = re.compile(r"(\d{1,3})[.．、](?![\d\s])")


# Alternative texts that say nothing; the story's own words say more.
EMPTY_ALTS = frozenset(
    {"", "图片", "图片描述", "图", "圖片", "配图", "image", "img", "picture", "photo", "画像", "이미지"}
)


def says_nothing(alt: str) -> bool:
    return normalised(alt) in EMPTY_ALTS


def normalised(text: str) -> str:
    """Letters and digits only, lower case: for telling whether two headings say the same."""
    return re.sub(r"[\W_]+", "", text).casefold()


def take_images(sequence: Sequence) -> tuple[Sequence, list[Image]]:
    """The text without its pictures, and the pictures in order."""
    images = [node for node in sequence if isinstance(node, Image)]
    rest: Sequence = []
    for node in sequence:
        if isinstance(node, Image):
            continue
        if isinstance(node, Text) and rest and isinstance(last := rest[-1], Text):
            # A picture stood between the two: one space is enough.
            rest[-1] = Text(last.text.rstrip() + " " + node.text.lstrip() if images else last.text + node.text)
        else:
            rest.append(node)
    return rest, images


def split_at_pictures(sequence: Sequence) -> list[Sequence]:
    """A paragraph in parts, each with its words first: pictures that stand alone on their lines part it."""
    lines: list[Sequence] = [[]]
    for node in sequence:
        lines[-1].append(node)
        if isinstance(node, Soft | Break):
            lines.append([])
    parts: list[Sequence] = [[]]
    pictures_before = False
    for line in lines:
        only_pictures = any(isinstance(node, Image) for node in line) and all(
            isinstance(node, Image) or blank(node) for node in line
        )
        if pictures_before and not only_pictures and any(not blank(node) for node in line):
            parts.append([])
        pictures_before = only_pictures or (pictures_before and all(map(blank, line)))
        parts[-1] += line
    return parts


def take_lead(sequence: Sequence, *, more: bool) -> tuple[Inlines, Sequence]:
    """A bold run alone on the first line, with text to follow on the next lines or in `more` blocks, is the lead."""
    rest = list(sequence)
    while rest and blank(rest[0]):
        rest.pop(0)
    if not rest or not isinstance(strong := rest[0], Strong):
        return (), sequence
    after = rest[1:]
    while after and isinstance(space := after[0], Text) and not space.text.strip():
        after.pop(0)
    ends_line = bool(after) and isinstance(after[0], Soft | Break)
    if not (ends_line or (not after and more)):
        return (), sequence
    return strong.children, after


def take_sources(sequence: Sequence) -> tuple[Sequence, list[Link]]:
    """Links behind the last sentence, or on lines of their own, are sources; a link inside a sentence is not."""
    rest = list(sequence)
    while rest and blank(rest[-1]):
        rest.pop()
    group: list[Raw] = []
    while rest and (isinstance(rest[-1], Link) or (group and _separates(rest[-1]))):
        group.append(rest.pop())
    while group and not isinstance(group[-1], Link):
        rest.append(group.pop())
    links = [node for node in reversed(group) if isinstance(node, Link)]
    if not links:
        return sequence, []
    own_line = not rest or isinstance(rest[-1], Soft | Break)
    before = plain_text(node for node in rest if not isinstance(node, Soft)).rstrip()
    ends = not before or before[-1] in _SENTENCE_END
    named = all(normalised(link.label) in SOURCE_WORDS for link in links) and before[-1:] not in ("：", ":")
    if own_line or ends or named:
        return rest, links
    return sequence, []


def _separates(node: Raw) -> bool:
    return blank(node) or (isinstance(node, Text) and _BETWEEN_LINKS.fullmatch(node.text) is not None)


def split_numbered(sequence: Sequence, number: int) -> list[Sequence]:
    """One paragraph's `1.…` lines apart, the numbers taken off; a line that does not count on belongs to the last.

    Empty where the paragraph does not begin with this number.
    """
    parts: list[Sequence] = []
    line_start = True
    for node in sequence:
        found = NUMBERED.match(node.text) if line_start and isinstance(node, Text) else None
        if found and isinstance(node, Text) and int(found[1]) == number + len(parts):
            parts.append([Text(node.text[found.end() :])])
        elif parts:
            parts[-1].append(node)
        else:
            return []
        line_start = isinstance(node, Soft | Break)
    return parts
