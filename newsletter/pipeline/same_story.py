"""Whether two stories are the same: they lead to the same page, or say nearly the same words. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from newsletter.frozen import frozen
from newsletter.model.issue import Story, plain_text
from newsletter.model.transform import links_of, words_of

ALIKE = 0.4
"""The part of their word pairs that two stories have in common from which on they say the same (Jaccard index)."""

RELATED = 0.12
"""The same for two that lead to the same page: a page may be the source of two different stories."""

_FEW = 6
"""Fewer pairs of words than this say nothing about sameness."""

# Parameters that say where a visitor comes from, and never what is shown.
_TRACKING = re.compile(
    r"(?i)(?:utm_\w+|mtm_\w+|pk_\w+|hsa_\w+|_hs\w+|mc_[ce]id|fbclid|gclid|dclid|msclkid|yclid|igshid|igsh|twclid|ttclid|"
    r"spm|scm|share_\w+|from|source|ref|ref_src|ref_url|referrer|cmpid|campaign_id|ck_subscriber_id|vero_id|wt_mc|"
    r"s|t|si|feature|sharer\w*|chksm|scene|sessionid|isappinstalled|nsukey)"
)
_SHORT_ONES = frozenset({"s", "t", "from", "source", "ref", "si", "feature"})
"""Of these, the names that some sites use for what is shown; they are tracking only on the hosts below."""

_SHORT_ON = re.compile(
    r"(?:.+\.)?(?:x\.com|twitter\.com|youtube\.com|youtu\.be|weixin\.qq\.com|weibo\.com|github\.com|medium\.com)"
)


def page_of(address: str) -> str:
    """The page that an address leads to, without its scheme, `www.`, part and tracking parameters; empty where it is a
    site's front page, or no web page at all."""
    parts = urlsplit(address.strip())
    if parts.scheme.lower() not in ("http", "https"):
        return ""
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if not _TRACKING.fullmatch(name) or (name.lower() in _SHORT_ONES and not _SHORT_ON.fullmatch(host))
    ]
    path = unquote(parts.path).rstrip("/")
    if not path and not kept:
        return ""
    return f"{host}{path}?{urlencode(sorted(kept))}".rstrip("?")


@frozen
class Fingerprint:
    """What a story is known by: the pages of its sources, its title, and the pairs of its words."""

    pages: frozenset[str]
    title: str
    pairs: frozenset[str]


def fingerprint(story: Story) -> Fingerprint:
    links = (*story.links, *links_of((story,)))
    title = _letters(plain_text(story.lead))
    return Fingerprint(
        frozenset(filter(None, (page_of(link.href) for link in links))),
        title if len(title) >= _FEW else "",
        frozenset(_pairs(" ".join(words_of((*story.body, story))))),
    )


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).casefold()


_WORD = re.compile(r"[぀-ヿ㐀-鿿가-힯豈-﫿]|[^\W_]+")


def _pairs(text: str) -> Iterator[str]:
    """Neighbouring words; of scripts without blanks, neighbouring letters."""
    words = _WORD.findall(text.casefold())
    for first, second in pairwise(words):
        yield f"{first} {second}"


def repeated(stories: Sequence[tuple[int, Story]]) -> Mapping[int, int]:
    """Of stories in order, each with the number of its issue: which tell what an earlier one tells, by their places.

    Two of one issue are two: its author put them there.
    """
    prints = [fingerprint(story) for _, story in stories]
    by_pair: dict[str, list[int]] = {}
    by_page: dict[str, list[int]] = {}
    by_title: dict[str, list[int]] = {}
    same: dict[int, int] = {}
    for place, mine in enumerate(prints):
        common = Counter(other for pair in mine.pairs for other in by_pair.get(pair, ()))
        linked = {other for page in mine.pages for other in by_page.get(page, ())}
        titled = set(by_title.get(mine.title, ())) if mine.title else set()
        candidates = {*common, *linked, *titled}
        for other in sorted(candidates, key=lambda each: (-common[each], each)):
            if stories[other][0] == stories[place][0]:
                continue
            if other in titled or _is_same(mine, prints[other], common[other], linked=other in linked):
                same[place] = same.get(other, other)
                break
        _index(by_pair, mine.pairs, place)
        _index(by_page, mine.pages, place)
        _index(by_title, [mine.title] if mine.title else [], place)
    return same


def _is_same(mine: Fingerprint, other: Fingerprint, common: int, *, linked: bool) -> bool:
    whole = len(mine.pairs | other.pairs)
    fewest = min(len(mine.pairs), len(other.pairs))
    if fewest < _FEW:
        return linked
    return common / whole >= (RELATED if linked else ALIKE)


def _index(index: dict[str, list[int]], keys: Iterable[str], place: int) -> None:
    for key in keys:
        index.setdefault(key, []).append(place)
