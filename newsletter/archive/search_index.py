"""The index that search.js reads: which issues have a word, in script files by year and by how the word begins.

Words of scripts without spaces are indexed as pairs of letters, so that 新闻快讯 is found by 快讯. A page loads what
its query needs: one file for each year and word. Pure: what was indexed before comes in as text.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from newsletter.text import json_text

LONGEST_WORD = 24
"""Letters; what is longer is an address, and found by its beginning."""

_MANY = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
"""Scripts that put no space between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese."""

_RUNS = re.compile(f"([{_MANY}]+)|((?:(?![{_MANY}])[^\\W_])+)")
_KANA_MARKS = "\u3099\u309a"
_TAG = re.compile(r"<[^<>]*>")

_BUCKETS = ((12, 1), (60, 8), (200, 32))
_MOST_BUCKETS = 128
_CALL = "newsletterSearch("


def fold(text: str) -> str:
    """Without case and accents; が stays apart from か."""
    plain = unicodedata.normalize("NFKD", text).lower()
    kept = "".join(char for char in plain if char in _KANA_MARKS or unicodedata.category(char)[0] != "M")
    return unicodedata.normalize("NFC", kept)


def words_of_html(markup: str) -> str:
    return html.unescape(_TAG.sub(" ", markup))


def terms_of(text: str) -> set[str]:
    terms: set[str] = set()
    for run, word in _RUNS.findall(fold(text)):
        if word:
            if len(word) > 1:
                terms.add(word[:LONGEST_WORD])
            continue
        terms.update(run)
        terms.update(run[at : at + 2] for at in range(len(run) - 1))
    return terms


def bucket_of(term: str, buckets: int) -> int:
    total = 0
    for char in term[:2]:
        total = (total * 31 + ord(char)) % 9973
    return total % buckets


@dataclass(slots=True)
class YearIndex:
    """The words of a year's issues, by the issues' numbers in the order of their days."""

    year: str
    postings: dict[str, list[int]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    """Issues whose words are those of the index before, by path: their numbers here."""

    def add(self, path: str, text: str) -> None:
        number = len(self.paths)
        self.paths.append(path)
        for term in terms_of(text):
            self.postings.setdefault(term, []).append(number)

    def keep(self, path: str) -> None:
        self.kept[path] = len(self.paths)
        self.paths.append(path)

    def take_over(self, before: Sequence[str], buckets: Iterable[str]) -> None:
        """Put the words of the kept issues in: `before` has the paths by the numbers that `buckets` count with."""
        numbers = {old: self.kept[path] for old, path in enumerate(before) if path in self.kept}
        for text in buckets:
            for term, gaps in _read(text).items():
                at, mine = -1, []
                for gap in gaps:
                    at += gap
                    if at in numbers:
                        mine.append(numbers[at])
                if mine:
                    here = self.postings.get(term)
                    self.postings[term] = sorted([*here, *mine]) if here else sorted(mine)

    def files(self, shown: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
        """The files of the year, by their paths. `shown` has what a result says, for each issue."""
        count = bucket_count(len(self.paths))
        yield list_path(self.year), _written(self.year, {"buckets": count, "issues": [list(each) for each in shown]})
        filled: list[dict[str, list[int]]] = [{} for _ in range(count)]
        for term in sorted(self.postings):
            filled[bucket_of(term, count)][term] = _gaps(self.postings[term])
        for number, terms in enumerate(filled):
            yield bucket_path(self.year, number), _written(f"{self.year}-{number}", terms)


def bucket_count(issues: int) -> int:
    return next((count for most, count in _BUCKETS if issues <= most), _MOST_BUCKETS)


def list_path(year: str) -> str:
    return f"search/{year}.js"


def bucket_path(year: str, number: int) -> str:
    return f"search/{year}-{number}.js"


def listed_paths(text: str) -> list[str]:
    """The pages that a year's list has, in its order. Empty where it is no such list."""
    try:
        return [str(each[0]) for each in _read(text)["issues"]]
    except (KeyError, IndexError, TypeError):
        return []


def _gaps(numbers: Sequence[int]) -> list[int]:
    """From the number before, which is less than most numbers; the first from -1."""
    return [number - before for before, number in zip((-1, *numbers), numbers, strict=False)]


def _written(name: str, data: Mapping[str, object]) -> str:
    # Security: a script of ours with data of an issue; JSON is JavaScript (ES2019), and ends no element in a file.
    packed = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"{_CALL}{json_text(name)},{packed})\n"


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(f"[{text.removeprefix(_CALL).rstrip().removesuffix(')')}]")
        data = found[1]
    except (ValueError, IndexError):
        return {}
    return data if isinstance(data, dict) else {}
