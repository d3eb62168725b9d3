"""A pattern of many alternatives, of which only those are tried whose words the text has.

`re` tries each alternative at each letter of the text. Each needs some word in it, and most texts have none of them:
to look for a word is a hundred times faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_TOKEN = re.compile(
    r"\\(?P<escaped>.)|\[(?P<class>\^?\]?(?:\\.|[^\]\\])*)\]|(?P<open>\((?:\?(?::|P?<\w{1,40}>|(?P<look><?[=!])))?)"
    r"|(?P<close>\))|(?P<bar>\|)|(?P<times>(?:[*+?]|\{\d{0,4}(?:,\d{0,4})?\})[?+]?)|(?P<any>[.^$])|(?P<space>\s)"
    r"|(?P<letter>.)",
    re.DOTALL,
)
_LONG = 4
"""Letters that make a word telling enough; beyond them, fewer words are better."""

Words = tuple[str, ...]
"""Every match has at least one of them; empty if nothing is known."""

_Search = Callable[[str], re.Match[str] | None]
_ANY: Words = ("",)
"""Every text has it."""


class Alternatives:
    """`pattern` is verbose and for lower-case text; `at_word`: no match begins within a word."""

    __slots__ = ("_by_word",)

    def __init__(self, pattern: str, *, at_word: bool = False) -> None:
        before = "(?<![a-z])" if at_word else ""
        searches: dict[str, list[_Search]] = {}
        for each in split(pattern):
            search = re.compile(f"{before}(?:{each})", re.VERBOSE).search
            for word in words_of(each) or _ANY:
                searches.setdefault(word, []).append(search)
        self._by_word = tuple(searches.items())

    def are_in(self, text: str) -> bool:
        for word, searches in self._by_word:
            if word in text:
                for search in searches:
                    if search(text) is not None:
                        return True
        return False


def split(pattern: str) -> Iterator[str]:
    """The alternatives that are in no group."""
    depth = start = 0
    for token in _TOKEN.finditer(pattern):
        depth += bool(token["open"]) - bool(token["close"])
        if token["bar"] and not depth:
            yield pattern[start : token.start()]
            start = token.end()
    yield pattern[start:]


def words_of(pattern: str) -> Words:
    """What every match of a verbose pattern has in it, as far as that is plain."""
    tokens = (token for token in _TOKEN.finditer(pattern) if not token["space"])
    return _Reader(list(tokens)).group()


class _Reader:
    """Reads a pattern's tokens once, from the first to the last."""

    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self._tokens = tokens[::-1]

    def group(self) -> Words:
        """Up to the group's end: the words of each alternative, or none if one has none."""
        found = [self._sequence()]
        while self._tokens and self._tokens.pop()["bar"]:
            found.append(self._sequence())
        return tuple(dict.fromkeys(word for words in found for word in words)) if all(found) else ()

    def _sequence(self) -> Words:
        """Up to the next alternative: the most telling of its runs of letters and its groups."""
        best: Words = ()
        run = ""
        while self._tokens and not (self._tokens[-1]["bar"] or self._tokens[-1]["close"]):
            token = self._tokens.pop()
            words = self.group() if token["open"] else ()
            times = self._tokens.pop()["times"] if self._tokens and self._tokens[-1]["times"] else ""
            letter = "" if times else _letter(token)
            run += letter
            if not letter:
                needed = () if token["look"] or times.startswith(("*", "?", "{0", "{,")) else words
                best = _better(_better(best, (run,) if run else ()), needed)
                run = ""
        return _better(best, (run,) if run else ())


def _letter(token: re.Match[str]) -> str:
    escaped, one = token["escaped"] or "", token["class"] or ""
    if escaped.isalnum():  # a class: \w
        return ""
    return token["letter"] or escaped or (one if len(one) == 1 else "")


def _better(one: Words, other: Words) -> Words:
    return max(one, other, key=_telling)


def _telling(words: Words) -> tuple[int, int, int]:
    shortest = min(map(len, words), default=0)
    return min(shortest, _LONG), -len(words), shortest
