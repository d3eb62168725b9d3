"""Informative labels of source links: the host is added to a generic label."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable
from urllib.parse import urlsplit

from newsletter.frozen import frozen
from newsletter.model.issue import Link, Story
from newsletter.post.markdown.item_sources import SOURCE_WORDS, is_bare
from newsletter.post.markdown.story import normalised

GENERIC = SOURCE_WORDS | {
    *(
        "查看",
        "查看详情",
        "阅读全文",
        "阅读更多",
        "更多",
        "点击查看",
        "项目地址",
        "官网",
        "網址",
        "閱讀原文",
        "閱讀全文",
        "查看原文",
    ),
    *("続きを読む", "元記事", "記事", "링크", "더보기", "자세히보기"),
    *("sources", "links", "here", "readon", "readit", "readthearticle", "article", "fullstory", "details"),
    *("learnmore", "fullarticle", "continuereading"),
    *(
        "quelle",
        "weiterlesen",
        "mehr",
        "zumartikel",
        "lien",
        "liresuite",
        "lirelasuite",
        "lireplus",
        "fuente",
        "enlace",
    ),
    *("leermás", "leer", "fonte", "leggi", "leggitutto", "lermais", "saibamais", "źródło", "czytajdalej", "kaynak"),
    *("источник", "ссылка", "читатьдалее", "подробнее", "джерело", "детальніше", "источникът", "nguồn", "đọcthêm"),
    *(
        "sumber",
        "selengkapnya",
        "المصدر",
        "اقرأالمزيد",
        "מקור",
        "קראעוד",
        "منبع",
        "bron",
        "leesmeer",
        "källa",
        "läsmer",
    ),
}
"""Generic labels, by their letters alone, which do not distinguish links."""

_ARROW_AT_END = re.compile(r"(?:[→←↗↘➜➡➔➤»›▸▶⟶⇒⤴↪]\ufe0f?|[-=]>|>{1,3})$")


@frozen
class SourceLabel:
    """`words` as shown, `host` after them if they are generic, `arrow` if nothing else shows that it is a link.

    `spoken` distinguishes equal labels for a screen reader; empty if the label is unique.
    """

    words: str
    host: str = ""
    arrow: bool = True
    spoken: str = ""


def source_label(link: Link) -> SourceLabel:
    label = link.label
    if is_bare(link) and (host := host_of(link.href)):
        return SourceLabel(host)
    words = without_arrow(label)
    host = host_of(link.href) if normalised(words) in GENERIC else ""
    return SourceLabel(words if host else label, host, arrow=not host and words == label)


def without_arrow(label: str) -> str:
    """A label without the arrow that its author ended it with."""
    if label.endswith(">") and "<" in label:  # a tag's name: `<body>`
        return label
    return _ARROW_AT_END.sub("", label).rstrip() or label


class SourceLabels:
    """The source labels of one issue, made distinct."""

    def __init__(self, stories: Iterable[Story]) -> None:
        self._labels: dict[Link, tuple[SourceLabel, str]] = {}
        self._counts = Counter(self._label(link)[1] for story in stories for link in story.links)

    def __call__(self, link: Link, number: int | None) -> SourceLabel:
        label, key = self._label(link)
        if self._counts[key] < 2:
            return label
        spoken = " ".join(filter(None, (label.words, label.host, str(number or ""))))
        return SourceLabel(label.words, label.host, label.arrow, spoken)

    def _label(self, link: Link) -> tuple[SourceLabel, str]:
        """A link's label, and the letters by which it is compared."""
        if (known := self._labels.get(link)) is None:
            label = source_label(link)
            known = self._labels[link] = (label, normalised(f"{label.words} {label.host}"))
        return known


def host_of(href: str) -> str:
    """The host of a web address for display; empty for any other address."""
    try:
        host = urlsplit(href).hostname or ""
    except ValueError:
        return ""
    if not href.lower().startswith(("http://", "https://")):
        return ""
    if "xn--" in host:
        with contextlib.suppress(UnicodeError):
            host = host.encode("ascii").decode("idna")
    return host.removeprefix("www.")
