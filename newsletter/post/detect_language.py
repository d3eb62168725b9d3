"""Detect the language of a text by its letters and most frequent words; none if they are not conclusive."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

UNKNOWN = "und"
"""RFC 5646 4.1: undetermined language.

No claim is better than `en` on Italian, which would be read aloud as English.
"""

ENOUGH_WORDS = 20
"""How many words a text needs so that the lack of English words shows that it is not English."""

_WORD = re.compile(r"[^\W\d_]+")
# Words that are frequent in this language and rare in others.
_COMMON: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "en": "the of and to is in that for with this are was it you on be have not as from by an or at we",
        "de": "der die und das ist nicht mit ein eine auf für den von zu sich auch wir sind wird im dem werden",
        "fr": "le la les et des est un une dans pour que qui sur avec pas nous vous ce du au sont cette",
        "es": "el la los las y de que en un una por con para es no se del al su más como este esta",
        "pt": "o os as e de que em um uma por com para é não se do da dos das mais como ao você são",
        "it": "il lo gli e di che in un una per con è non si del della dei delle più come sono questo anche",
        "nl": "de het een en van is dat niet met voor op te zijn aan er die bij ook wordt naar",
        "pl": "i w na z do się nie to jest że o jak dla po od przez oraz tym są był",
        "tr": "ve bir bu için ile de da olarak daha çok gibi olan kadar sonra ne var değil en",
        "id": "yang dan di untuk dengan ini itu dari pada tidak adalah dalam ke akan juga oleh kami bisa",
        "vi": "và của là có trong cho với được một các không này những để người từ khi đã về",
        "sv": "och att det som en är på för med av den till inte har ett om vi från kan",
        "da": "og at det er en på for med af den til ikke har et vi fra kan som der",
        "cs": "a se na je v že to s z do o pro jak ale by jsou nebo který jsem",
        "ro": "și de la în că nu pentru cu este un o din sunt mai care pe ca să",
        "hu": "a az és hogy nem is egy ez meg de van csak már mint vagy kell",
        "fi": "ja on ei se että ovat joka kun myös tai mutta ole niin oli voi sen",
    }.items()
}
_TRADITIONAL = frozenset("們這個為會來時說對過還發開關電實點網頁報導際學國經統應於與")
_SIMPLIFIED = frozenset("们这个为会来时说对过还发开关电实点网页报导际学国经统应于与")


def detect_language(text: str) -> str:
    """A language tag: by script if that is conclusive, by frequent words among Latin letters, else `und`.

    Kana is Japanese, Hangul Korean, other CJK letters Chinese, each from a tenth of the letters up; from a fortieth up
    where the Latin words beside them are names and titles rather than sentences.
    """
    scripts: Counter[str] = Counter()
    for char, count in Counter(text).items():  # each distinct character once: a post has thousands of each
        scripts[_script(char)] += count
    letters = sum(scripts.values()) - scripts[""]
    if not letters:
        return "en"
    cjk = scripts["kana"] + scripts["hangul"] + scripts["han"]
    if cjk >= letters / 10 or (cjk >= letters / 40 and not _has_sentences(text)):
        if scripts["hangul"] > scripts["kana"] + scripts["han"]:
            return "ko"
        return "ja" if scripts["kana"] > (scripts["kana"] + scripts["han"]) / 5 else _chinese(text)
    name, count = max(((name, count) for name, count in scripts.items() if name), key=lambda entry: entry[1])
    if name == "latin" or count < letters / 4:
        return _latin(text)
    match name:
        case "cyrillic":
            return _cyrillic(text)
        case "arabic":
            return _arabic(text)
    return {"hebrew": "he", "greek": "el", "thai": "th", "devanagari": "hi", "armenian": "hy", "georgian": "ka"}.get(
        name, UNKNOWN
    )


_RANGES = (
    *((0x0041, 0x024F, "latin"), (0x0370, 0x03FF, "greek"), (0x0400, 0x052F, "cyrillic"), (0x0530, 0x058F, "armenian")),
    *((0x0590, 0x05FF, "hebrew"), (0x0600, 0x077F, "arabic"), (0x0900, 0x097F, "devanagari"), (0x0E00, 0x0E7F, "thai")),
    *((0x10A0, 0x10FF, "georgian"), (0x1E00, 0x1EFF, "latin"), (0x3041, 0x30FA, "kana"), (0x3400, 0x4DBF, "han")),
    *((0x4E00, 0x9FFF, "han"), (0xAC00, 0xD7A3, "hangul")),
)
_KNOWN: dict[str, str] = {}


def _script(char: str) -> str:
    """The script of a letter, empty for any other character."""
    if char not in _KNOWN:
        code = ord(char)
        found = next((name for low, high, name in _RANGES if low <= code <= high), "other")
        _KNOWN[char] = found if char.isalpha() else ""
    return _KNOWN[char]


def _chinese(text: str) -> str:
    letters = Counter(text)
    traditional = sum(letters[char] for char in _TRADITIONAL)
    simplified = sum(letters[char] for char in _SIMPLIFIED)
    return "zh-Hant" if traditional > simplified else "zh"


def _cyrillic(text: str) -> str:
    letters = Counter(text.lower())
    if letters["і"] + letters["ї"] + letters["є"] + letters["ґ"] > 0:
        return "be" if letters["ў"] else "uk"
    if letters["ј"] + letters["ђ"] + letters["ћ"] > 0:
        return "sr"
    if letters["ы"] + letters["э"] + letters["ё"] > 0:
        return "ru"
    return "bg" if letters["ъ"] * 150 > sum(letters.values()) else "ru"


def _arabic(text: str) -> str:
    letters = Counter(text)
    if letters["ٹ"] + letters["ڈ"] + letters["ڑ"] + letters["ے"] + letters["ں"] > 0:
        return "ur"
    return "fa" if letters["پ"] + letters["چ"] + letters["ژ"] + letters["گ"] + letters["ک"] + letters["ی"] > 0 else "ar"


def _has_sentences(text: str) -> bool:
    """Whether the Latin words are prose, a fifth of them some language's commonest; titles have fewer of those."""
    words, found = _common_words(text)
    return len(words) < ENOUGH_WORDS or max(found.values()) * 5 >= len(words)


def _common_words(text: str) -> tuple[list[str], dict[str, int]]:
    """The words of a text, and how many of them each language has among its commonest."""
    words = [word.lower() for word in _WORD.findall(text[:20_000])]
    counts = Counter(words)
    return words, {name: sum(counts[word] for word in common) for name, common in _COMMON.items()}


def _latin(text: str) -> str:
    words, found = _common_words(text)
    best, second = sorted(found, key=lambda name: (found[name], name == "en"), reverse=True)[:2]
    if len(words) < ENOUGH_WORDS and not (found[best] >= 3 and found[best] > 2 * found["en"]):
        return "en"
    if found[best] * 20 < len(words):
        return UNKNOWN
    return best if found[best] >= 1.15 * found[second] or best == "en" else UNKNOWN
