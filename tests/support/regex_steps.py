"""Count the steps of Python's backtracking `re`: interprets the parsed pattern.

`re` has no counter, and time on a busy machine is meaningless. This interprets the parser's own tree as `_sre` does,
without its optimizations, so that the count is an upper bound of the work and the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from re import _constants as c  # type: ignore[attr-defined]  # isort: skip
from re import _parser as parser  # type: ignore[attr-defined]  # isort: skip

Then = Callable[[int], bool]


class TooManyStepsError(Exception):
    pass


class _Nodes(list[Any]):
    """Parsed nodes in a plain list, which is faster than the parser's own, and the possible width of a match."""

    def __init__(self, parsed: Any) -> None:
        super().__init__((kind, _plain(value)) for kind, value in parsed)
        self.width: tuple[int, int] = parsed.getwidth()


def _plain(value: Any) -> Any:
    if isinstance(value, parser.SubPattern):
        return _Nodes(value)
    if isinstance(value, tuple | list):
        return type(value)(map(_plain, value))
    return value


@cache
def _parse(text: str, flags: int) -> tuple[_Nodes, dict[tuple[int, str], bool]]:
    """A pattern's nodes, and a cache of the characters that each accepts, by identity."""
    return _Nodes(parser.parse(text, flags)), {}


class Steps:
    """A search of a pattern in a text. `count` is the number of nodes tried."""

    def __init__(self, pattern: re.Pattern[Any], most: int) -> None:
        text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
        self.flags = int(pattern.flags & ~re.DEBUG)
        self.tree, self._taken = _parse(
            text, self.flags & ~(int(re.UNICODE) if isinstance(pattern.pattern, bytes) else 0)
        )
        self.most = most
        self.count = 0
        self.text = ""
        self.groups: dict[int, tuple[int, int]] = {}

    def find_all(self, text: str) -> int:
        """The steps of `finditer` over the whole text."""
        self.text, position = text, 0
        while position <= len(text):
            end = self._match_at(position)
            position = end if end is not None and end > position else position + 1
        return self.count

    def full_match(self, text: str) -> int:
        self.text = text
        self._walk(self.tree, 0, 0, lambda at: at == len(text))
        return self.count

    def _match_at(self, position: int) -> int | None:
        found: list[int] = []
        self._walk(self.tree, 0, position, lambda at: not found.append(at))  # type: ignore[func-returns-value]
        return found[0] if found else None

    # --- the walk ---------------------------------------------------------------------------------------------------

    def _walk(self, nodes: list[Any], index: int, at: int, then: Then) -> bool:
        """Whether the nodes from `index` on, then `then`, match at `at`."""
        while index < len(nodes):
            self.count += 1
            if self.count > self.most:
                raise TooManyStepsError
            node = nodes[index]
            kind, value = node
            if kind in _CHARACTERS:
                if at >= len(self.text) or not self._takes(node, self.text[at]):
                    return False
                at, index = at + 1, index + 1
                continue
            if kind is c.AT:
                if not self._stands(value, at):
                    return False
                index += 1
                continue
            rest, following = index + 1, then

            def go_on(place: int, rest: int = rest, following: Then = following) -> bool:
                return self._walk(nodes, rest, place, following)

            return self._branching(kind, value, at, go_on)
        return then(at)

    def _branching(self, kind: Any, value: Any, at: int, go_on: Then) -> bool:
        if kind is c.SUBPATTERN:
            group, _, _, inner = value

            def close(place: int) -> bool:
                before = self.groups.get(group)
                self.groups[group] = (at, place)
                if go_on(place):
                    return True
                if before is not None:
                    self.groups[group] = before
                return False

            return self._walk(inner, 0, at, close if group is not None else go_on)
        if kind is c.BRANCH:
            return any(self._walk(branch, 0, at, go_on) for branch in value[1])
        if kind in (c.ASSERT, c.ASSERT_NOT):
            direction, inner = value
            return self._looks(direction, inner, at) == (kind is c.ASSERT) and go_on(at)
        if kind is c.GROUPREF:
            start, end = self.groups.get(value, (0, 0))
            part = self.text[start:end]
            self.count += len(part)
            return self.text.startswith(part, at) and go_on(at + len(part))
        if kind is c.ATOMIC_GROUP:
            ends: list[int] = []
            self._walk(value, 0, at, lambda place: not ends.append(place))  # type: ignore[func-returns-value]
            return bool(ends) and go_on(ends[0])
        if kind in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            return self._repeat(kind, value, at, go_on)
        raise NotImplementedError(kind)

    def _looks(self, direction: int, inner: Any, at: int) -> bool:
        if direction > 0:
            return self._walk(inner, 0, at, lambda place: True)
        low, high = inner.width
        starts = range(max(0, at - high), at - low + 1)
        return any(self._walk(inner, 0, start, lambda place: place == at) for start in starts)

    def _repeat(self, kind: Any, value: Any, at: int, go_on: Then) -> bool:
        low, high, inner = value
        if len(inner) == 1 and inner[0][0] in _CHARACTERS:
            return self._repeat_one(kind, low, high, inner[0], at, go_on)
        if kind is c.POSSESSIVE_REPEAT:
            count = 0
            while high is c.MAXREPEAT or count < high:
                ends: list[int] = []
                self._walk(inner, 0, at, lambda place, ends=ends: not ends.append(place))  # type: ignore[misc]
                if not ends or ends[0] == at:
                    break
                at, count = ends[0], count + 1
            return count >= low and go_on(at)
        return self._repeat_many(kind, low, high, inner, at, 0, go_on)

    def _repeat_one(self, kind: Any, low: int, high: Any, node: Any, at: int, go_on: Then) -> bool:
        """Repetition of a single character: without recursion, as there may be many."""
        last = at
        most = len(self.text) if high is c.MAXREPEAT else min(len(self.text), at + high)
        if kind is c.MIN_REPEAT:
            while True:
                if last - at >= low and go_on(last):
                    return True
                self._tick()
                if last >= most or not self._takes(node, self.text[last]):
                    return False
                last += 1
        while last < most and self._takes(node, self.text[last]):
            self._tick()
            last += 1
        if kind is c.POSSESSIVE_REPEAT:
            return last - at >= low and go_on(last)
        return any(go_on(place) for place in range(last, at + low - 1, -1))

    def _repeat_many(self, kind: Any, low: int, high: Any, nodes: list[Any], at: int, count: int, go_on: Then) -> bool:
        def again(place: int) -> bool:
            return (place > at or count < low) and self._repeat_many(kind, low, high, nodes, place, count + 1, go_on)

        may = high is c.MAXREPEAT or count < high
        if count < low:
            return self._walk(nodes, 0, at, again)
        if kind is c.MIN_REPEAT:
            return go_on(at) or (may and self._walk(nodes, 0, at, again))
        return (may and self._walk(nodes, 0, at, again)) or go_on(at)

    def _tick(self) -> None:
        self.count += 1
        if self.count > self.most:
            raise TooManyStepsError

    # --- one character ----------------------------------------------------------------------------------------------

    def _takes(self, node: tuple[Any, Any], letter: str) -> bool:
        key = id(node), letter
        found = self._taken.get(key)
        if found is None:
            found = self._taken[key] = self._matches(*node, letter)
        return found

    def _matches(self, kind: Any, value: Any, letter: str) -> bool:
        if kind is c.ANY:
            return letter != "\n" or bool(self.flags & re.DOTALL)
        spellings = {letter, letter.lower(), letter.upper()} if self.flags & re.IGNORECASE else {letter}
        if kind is c.LITERAL:
            return any(ord(each) == value for each in spellings if len(each) == 1)
        if kind is c.NOT_LITERAL:
            return ord(letter) != value
        negate = value[0][0] is c.NEGATE
        inside = any(self._in(*item, ord(each)) for each in spellings if len(each) == 1 for item in value)
        return inside != negate

    def _in(self, kind: Any, value: Any, code: int) -> bool:
        letter = chr(code)
        if kind is c.LITERAL:
            return bool(code == value)
        if kind is c.RANGE:
            return bool(value[0] <= code <= value[1])
        if kind is c.CATEGORY:
            ascii_ = re.ASCII if self.flags & re.ASCII else re.NOFLAG
            return re.fullmatch(_CATEGORIES[value], letter, ascii_) is not None
        return False  # NEGATE

    def _stands(self, what: Any, at: int) -> bool:
        text = self.text
        if what in (c.AT_BEGINNING, c.AT_BEGINNING_STRING):
            return at == 0 or (what is c.AT_BEGINNING and bool(self.flags & re.MULTILINE) and text[at - 1] == "\n")
        if what is c.AT_END:
            is_line = bool(self.flags & re.MULTILINE) and text[at : at + 1] == "\n"
            return at == len(text) or (at == len(text) - 1 and text[at] == "\n") or is_line
        if what is c.AT_END_STRING:
            return at == len(text)
        before = at > 0 and re.match(r"\w", text[at - 1]) is not None
        after = at < len(text) and re.match(r"\w", text[at]) is not None
        return (before != after) == (what is c.AT_BOUNDARY)


_CHARACTERS = frozenset({c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN})
_CATEGORIES = {
    c.CATEGORY_DIGIT: r"\d",
    c.CATEGORY_NOT_DIGIT: r"\D",
    c.CATEGORY_SPACE: r"\s",
    c.CATEGORY_NOT_SPACE: r"\S",
    c.CATEGORY_WORD: r"\w",
    c.CATEGORY_NOT_WORD: r"\W",
}


# --- expensive texts ------------------------------------------------------------------------------------------------


def prefixes(tree: Any) -> Iterator[str]:
    """Prefixes of matches: after each of its nodes, a text that satisfies all before it."""
    text = ""
    for kind, value in tree:
        sample = _sample(kind, value)
        text += sample
        if text:
            yield text
        if kind in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            yield sample or _sample_of(value[2])
            yield from prefixes(value[2])
        elif kind is c.SUBPATTERN:
            yield from prefixes(value[3])
        elif kind is c.BRANCH:
            for branch in value[1]:
                yield from prefixes(branch)


def _sample_of(nodes: Any) -> str:
    return "".join(_sample(kind, value) for kind, value in nodes)


def _sample(kind: Any, value: Any) -> str:
    if kind is c.LITERAL:
        return chr(value)
    if kind is c.NOT_LITERAL:
        return "a" if value != ord("a") else "b"
    if kind is c.ANY:
        return "a"
    if kind is c.IN:
        if value[0][0] is c.NEGATE:
            return next((x for x in "a 1<\n" if not _one_of(value[1:], x)), "")
        return next((x for x in "a 1<" if _one_of(value, x)), None) or _first(value[0])
    if kind in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
        return _sample_of(value[2]) * value[0]
    if kind is c.SUBPATTERN:
        return _sample_of(value[3])
    if kind is c.BRANCH:
        return _sample_of(value[1][0])
    if kind is c.ATOMIC_GROUP:
        return _sample_of(value)
    return ""


def _one_of(items: Any, letter: str) -> bool:
    pattern = Steps(re.compile("a"), 0)
    return any(pattern._in(*item, ord(letter)) for item in items)


def _first(item: Any) -> str:
    kind, value = item
    if kind is c.LITERAL:
        return chr(value)
    if kind is c.RANGE:
        return chr(value[0])
    return {c.CATEGORY_NOT_WORD: "-", c.CATEGORY_NOT_SPACE: "a"}.get(value, "a")


def hostile_texts(pattern: re.Pattern[Any]) -> set[str]:
    """Pieces that, repeated, make a search start again and again without a match."""
    steps = Steps(pattern, 0)
    pieces = set(prefixes(steps.tree)) | {"a", " ", "\n", "1", "-", ".", "a ", "a.", "a-", "\\", "<", '"', "'"}
    return {piece for piece in pieces if piece and len(piece) <= 60}
