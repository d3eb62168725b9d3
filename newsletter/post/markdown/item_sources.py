"""The source links at the end of a digest item, which become buttons.

The words are kept: only brackets around nothing but the link, and signs that point to it, are removed.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from newsletter.model.issue import Break, Emphasis, Link, Strong, Text, plain_text
from newsletter.post.markdown.cjk import is_cjk
from newsletter.post.markdown.soft_breaks import Raw, Sequence, Soft, blank
from newsletter.post.markdown.story import normalised

# A link with such a label is a source even if the sentence before it has no full stop.
SOURCE_WORDS = frozenset(
    {
        *("原文链接", "原文", "链接", "来源", "阅读原文", "查看原文", "详情", "全文", "原文連結", "來源", "连接"),
        *("リンク", "出典", "ソース", "원문", "출처"),
        *("source", "link", "readmore", "more", "original", "via"),
    }
)

LEADS_IN = frozenset(
    {
        *("a", "an", "and", "are", "as", "at", "by", "called", "for", "from", "goto", "here", "in", "into", "is", "of"),
        *(
            "on",
            "or",
            "read",
            "see",
            "than",
            "the",
            "to",
            "try",
            "under",
            "use",
            "using",
            "via",
            "visit",
            "was",
            "with",
        ),
        *("de", "des", "du", "en", "et", "sur", "vers", "voir", "chez", "ici", "à", "le", "la", "les", "un", "une"),
        *("auf", "bei", "der", "die", "das", "im", "siehe", "unter", "und", "von", "zu", "zum", "zur", "hier", "über"),
        *("ver", "el", "los", "las", "por", "para", "con", "del", "al", "aquí", "y", "em", "no", "na", "do", "da"),
        *("di", "su", "nel", "con", "il", "lo", "vedi", "qui", "per", "e", "w", "na", "z", "do", "pod", "zob", "tutaj"),
        *(
            "на",
            "в",
            "по",
            "с",
            "из",
            "см",
            "тут",
            "здесь",
            "и",
            "для",
            "от",
            "у",
            "ve",
            "ile",
            "için",
            "di",
            "ke",
            "dari",
        ),
        *("tại", "ở", "từ", "và", "في", "على", "من", "إلى", "هنا", "ב", "של", "על", "כאן", "در", "به", "از"),
    }
)
"""Words after which an address belongs to the sentence."""

LEADS_IN_CJK = (
    *("见", "見", "详见", "詳見", "参见", "参考", "访问", "查看", "在", "是", "为", "到", "于", "和", "与", "的", "从"),
    *("は", "が", "を", "に", "へ", "で", "と", "の", "から", "こちら", "에서", "에", "은", "는", "을", "를", "로"),
)

LABEL_WIDTH = 24
"""The longest label of a button that ends with a colon; a longer text is a sentence."""

_SENTENCE_END = frozenset("。．.！!？?…」』”’\"'）)】》〉；;~～")
_ENDS = re.compile("[。．！!？?…；;]|\\.(?=\\s)")
_BETWEEN_LINKS = re.compile(r"[\s|/、，,·•]*")
_POINTER = "🔗👉👇➡→⟶⇒▶▸►📎🌐🔎🔍⬇↓↗➜"
_POINTERS = re.compile(f"(?<![\\s\ufe0f{_POINTER}])(?:[\\s\ufe0f]*[{_POINTER}])+[\\s\ufe0f]*$")
_OPENING = {")": "(", "）": "（", "]": "[", "】": "【", "〕": "〔", "」": "「", "»": "«", "›": "‹"}
_CLOSED = re.compile(r"\s*([)）\]】〕」»›])\s*([.。]?)\s*$")


def take_sources(sequence: Sequence) -> tuple[Sequence, list[Link]]:
    """Links after the last sentence, or on lines of their own, are sources; a link inside a sentence is not.

    A bare URL is a source after any words that do not lead into it, and in brackets of its own.
    """
    rest = list(sequence)
    while rest and blank(rest[-1]):
        rest.pop()
    bracket, stop = "", ""
    if isinstance(last := rest[-1] if rest else None, Text) and (closed := _CLOSED.fullmatch(last.text)):
        bracket, stop = _OPENING[closed[1]], closed[2]
        rest.pop()
    group: list[Raw] = []
    while rest and (isinstance(rest[-1], Link) or (group and _separates(rest[-1]))):
        group.append(rest.pop())
    while group and not isinstance(group[-1], Link):
        rest.append(group.pop())
    links = [node for node in reversed(group) if isinstance(node, Link)]
    if not links:
        return sequence, []
    plain = all(is_bare(link) or normalised(link.label) in SOURCE_WORDS for link in links)
    if bracket:
        opened = _without_end(rest, bracket)
        return (_ended(opened, stop), links) if plain and opened is not None else (sequence, [])
    own_line = not rest or isinstance(rest[-1], Soft | Break)
    before = plain_text(node for node in rest if not isinstance(node, Soft)).rstrip()
    ends = not before or before[-1] in _SENTENCE_END
    if plain and all(map(is_bare, links)) and not own_line:
        return _bare_sources(sequence, rest, links, before)
    named = all(normalised(link.label) in SOURCE_WORDS for link in links) and before[-1:] not in ("：", ":")
    if own_line or ends or named:
        return rest, links
    return sequence, []


def _bare_sources(sequence: Sequence, rest: Sequence, links: list[Link], before: str) -> tuple[Sequence, list[Link]]:
    """Bare URLs after words of the same line."""
    if isinstance(text := rest[-1], Text) and (pointer := _POINTERS.search(text.text)):
        words = text.text[: pointer.start()]
        return [*rest[:-1], Text(words)] if words else rest[:-1], links
    if len(links) == 1 and (named := _named(rest)):
        return named[0], [Link(links[0].href, (Text(named[1]),), links[0].title)]
    return (sequence, []) if _leads_in(before) else (rest, links)


def _named(rest: Sequence) -> tuple[Sequence, str] | None:
    """A short name with a colon at the end, and the words before it."""
    if not isinstance(last := rest[-1], Text | Strong | Emphasis):
        return None
    text = plain_text((last,)).rstrip()
    if not text.endswith((":", "：")):
        return None
    starts = [found.end() for found in _ENDS.finditer(text)] if isinstance(last, Text) else []
    start = starts[-1] if starts else 0
    begins = start > 0 or len(rest) == 1 or isinstance(rest[-2], Soft | Break)
    name = text[start:-1].strip()
    if not begins or not name or sum(1 + is_cjk(char) for char in name) > LABEL_WIDTH:
        return None
    words = text[:start] if isinstance(last, Text) else ""
    return ([*rest[:-1], Text(words)] if words.strip() else rest[:-1]), name


def _leads_in(before: str) -> bool:
    """Whether the sentence would be incomplete without the address after it."""
    if before[-1:] in (":", "：", ",", "，", "、", "-", "–", "—", "=", "(", "（", "[", "「"):
        return True
    if unicodedata.category(before[-1:] or " ") in ("So", "Sk", "Mn") or before[-1:] in _SENTENCE_END:
        return False
    word = re.split(r"[^\w]+", before)[-1]
    return word.casefold() in LEADS_IN or before.endswith(LEADS_IN_CJK)


def _without_end(rest: Sequence, bracket: str) -> Sequence | None:
    """The words before an opening bracket at the end; None if there is none."""
    if not rest or not isinstance(last := rest[-1], Text) or not last.text.rstrip().endswith(bracket):
        return None
    words = last.text.rstrip()[: -len(bracket)]
    return [*rest[:-1], Text(words)] if words else rest[:-1]


def _ended(rest: Sequence, stop: str) -> Sequence:
    """The words with the full stop that followed the bracket, if they have none."""
    if not stop or not rest or not isinstance(last := rest[-1], Text) or last.text.rstrip()[-1:] in _SENTENCE_END:
        return rest
    return [*rest[:-1], Text(last.text.rstrip() + stop)]


def _separates(node: Raw) -> bool:
    return blank(node) or (isinstance(node, Text) and _BETWEEN_LINKS.fullmatch(node.text) is not None)


def is_bare(link: Link) -> bool:
    """Whether a link's label is its URL, possibly without the scheme and the like."""
    return _bare_form(link.label) == _bare_form(link.href)


def _bare_form(address: str) -> str:
    address = re.sub(r"^(?:https?://|mailto:|tel:)", "", unquote(address.strip()), flags=re.IGNORECASE)
    return address.removeprefix("www.").rstrip("/").casefold()
