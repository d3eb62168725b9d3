"""The parts of a digest item: its lead or title, its number, its pictures.

No word is changed; a paragraph is only split into parts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence as Many
from dataclasses import replace

from newsletter.frozen import frozen
from newsletter.model.issue import Break, Emphasis, Image, Inline, Inlines, Link, Strong, Text, plain_text
from newsletter.post.markdown.soft_breaks import Raw, Sequence, Soft, blank, settle

NUMBERED = re.compile(r"(\d{1,3})[.．、](?![\d\s])")
COUNTED_ON = re.compile(r"(\d{1,3})[.．、](?!\d)[ \t]*(?=\S)")
"""The number of a line below one of these, with a space or without: Markdown lets only `1. ` end a paragraph."""
_TITLE_NUMBER = re.compile(r"\s*(\d{1,3})\s*[.．、:：)）]\s*")
_ANY_NUMBER = re.compile(r"\d{1,3}\s*[.．、:：)）]")
_SEPARATOR = re.compile(r"\s*(?:[:：]|\s[-|·]|[–—―]+)\s+|\s*[：—]+\s*")


# Generic alternative texts; the story's own words are better.
EMPTY_ALTS = frozenset(
    {"", "图片", "图片描述", "图", "圖片", "配图", "image", "img", "picture", "photo", "画像", "이미지"}
)


# The name that a camera or a clipboard gave a file: `20210925143601530`, `IMG_20240301.jpg`.
_FILE_NUMBER = re.compile(r"(?:img|image|dsc|pic|photo|screenshot|clip|wx|微信图片|截图)?\d{6,}(?:png|jpe?g|gif|webp)?")


def says_nothing(alt: str) -> bool:
    words = normalised(alt)
    return words in EMPTY_ALTS or _FILE_NUMBER.fullmatch(words) is not None


def normalised(text: str) -> str:
    """Letters and digits only, in lower case: to compare headings."""
    return re.sub(r"[\W_]+", "", text).casefold()


def take_images(sequence: Sequence) -> tuple[Sequence, list[Image]]:
    """The text without its pictures, and the pictures in order."""
    images = [node for node in sequence if isinstance(node, Image)]
    rest: Sequence = []
    for node in sequence:
        if isinstance(node, Image):
            continue
        if isinstance(node, Text) and rest and isinstance(last := rest[-1], Text):
            # A picture was between the two: one space is enough.
            rest[-1] = Text(last.text.rstrip() + " " + node.text.lstrip() if images else last.text + node.text)
        else:
            rest.append(node)
    return rest, images


def split_at_pictures(sequence: Sequence) -> list[Sequence]:
    """Split a paragraph at pictures that are alone on their lines; each part begins with its words."""
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
    """A bold run alone on the first line, with text on the next lines or in `more` blocks, is the lead."""
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


@frozen
class Title:
    """The beginning of an item: its title, and what follows it. `leads`: it is a link to another page."""

    lead: Inlines
    rest: Sequence
    leads: bool


def take_title(sequence: Sequence) -> Title | None:
    """A bold run or a link at the start, alone on its line; a link also before a colon or a dash."""
    rest = list(sequence)
    before: list[Inline] = []
    while rest and isinstance(first := rest[0], Text) and not _letters_of(first.text):
        before.append(first)
        rest.pop(0)
    if not rest or not isinstance(opening := rest.pop(0), Strong | Emphasis | Link):
        return None
    leads = leads_away((opening,))
    marks = settle(before, trim=False)
    lead = (*marks, *(opening.children if isinstance(opening, Strong) else (opening,)))
    if not (leads or isinstance(opening, Strong)) or plain_text(marks).strip() in ("[", "("):
        return None
    after = rest
    while after and isinstance(space := after[0], Text) and not space.text.strip():
        after = after[1:]
    if not after or isinstance(after[0], Soft | Break):
        return Title(lead, after, leads)
    if leads and isinstance(text := after[0], Text) and (parted := _SEPARATOR.match(text.text)):
        words = text.text[parted.end() :]
        return Title(lead, [Text(words), *after[1:]] if words else after[1:], leads)
    return None


def leads_away(inlines: Many[Raw]) -> bool:
    """Whether these are one link to a web page, ignoring marks, blanks and pictures."""
    inner = [node for node in inlines if not (blank(node) or isinstance(node, Image))]
    if len(inner) != 1:
        return False
    match inner[0]:
        case Strong(children) | Emphasis(children):
            return leads_away(children)
        case Link(href, children):
            return href.startswith(("http://", "https://")) and any(not isinstance(node, Image) for node in children)
    return False


def without_number(lead: Inlines) -> tuple[int, Inlines]:
    """A title's own number, and the title without it; 0 if it has none."""
    if not lead:
        return 0, lead
    match lead[0]:
        case Text(text) if found := _TITLE_NUMBER.match(text):
            rest = text[found.end() :]
            return int(found[1]), ((Text(rest), *lead[1:]) if rest else lead[1:])
        case (Strong() | Emphasis() | Link()) as node:
            number, children = without_number(node.children)
            return (number, (replace(node, children=children), *lead[1:])) if children else (0, lead)
    return 0, lead


def _letters_of(text: str) -> str:
    """A text without a leading emoji or punctuation."""
    return re.sub(r"[\W_]+", "", _ANY_NUMBER.sub("", text))


def split_numbered(sequence: Sequence, number: int) -> list[Sequence]:
    """Split one paragraph at its `1.…` lines, without the numbers; other lines belong to the previous one.

    Empty if the paragraph does not begin with this number.
    """
    parts: list[Sequence] = []
    line_start = True
    for node in sequence:
        number_at_start = COUNTED_ON if parts else NUMBERED
        found = number_at_start.match(node.text) if line_start and isinstance(node, Text) else None
        if found and isinstance(node, Text) and int(found[1]) == number + len(parts):
            parts.append([Text(node.text[found.end() :])])
        elif parts:
            parts[-1].append(node)
        else:
            return []
        line_start = isinstance(node, Soft | Break)
    return parts
